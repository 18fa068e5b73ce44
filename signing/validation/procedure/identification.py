"""Identification of the signing certificate.

Source: ETSI EN 319 102-1 §5.2.3; RFC 5035 §5.4; ETSI EN 319 132-1 §5.2.2.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from signing.validation.content import digest_octets
from signing.validation.found import CertificateReference, Form, FoundSignature
from signing.validation.procedure.chain_algorithms import key_of
from signing.validation.verdict import (
    PASSED,
    Conclusion,
    Indication,
    Reason,
    SubIndication,
    because,
    indeterminate,
)
from signing.validation.verify_value import is_value_of

_FIRST_ALONE: Final = frozenset({Form.PADES, Form.CADES, Form.CMS, Form.PKCS7, Form.TIMESTAMP})
"""Where the first reference is the signer's (RFC 5035 §5.4); elsewhere any of them may be."""


@dataclass(frozen=True, slots=True)
class Identified:
    """The signing certificate, DER, also where a reference speaks against it; None without one."""

    certificate: bytes | None = field(repr=False)
    conclusion: Conclusion


def identify_certificate(found: FoundSignature) -> Identified:
    """Which certificate it is.

    1. Without a candidate, one of those that came along and that the signature refers to.
    2. Without any, INDETERMINATE, NO_SIGNING_CERTIFICATE_FOUND.
    3. Without a reference among what is signed it is no AdES signature: another certificate of the
       same key could be put in its place, which is said.
    4. One of the references that count is of this certificate, else of another that came along and
       whose key made the value, else INDETERMINATE, NO_SIGNING_CERTIFICATE_FOUND.
    """
    references = _counting(found)
    fitting = next((one for one in found.certificates if _is_meant(one, by=references)), None)
    # 1
    candidate = found.candidate if found.candidate is not None else fitting
    # 2
    if candidate is None:
        code = "bare_key" if found.key is not None else "no_signing_certificate"
        return Identified(None, _not_found(because(code)))
    # 3
    if found.references is None:
        warning = because("no_certificate_reference")
        return Identified(candidate, Conclusion(Indication.PASSED, warnings=(warning,)))
    # 4
    if _is_meant(candidate, by=references):
        return Identified(candidate, PASSED)
    if fitting is not None and _has_made_value(fitting, found):
        return Identified(fitting, PASSED)
    return Identified(candidate, _not_found(because("certificate_reference_differs")))


def _counting(found: FoundSignature) -> Sequence[CertificateReference]:
    references = found.references or ()
    return references[:1] if found.form in _FIRST_ALONE else references


def _has_made_value(certificate: bytes, found: FoundSignature) -> bool:
    key = key_of(certificate)
    return key is not None and found.value is not None and is_value_of(key, signed=found.value)


def _is_meant(certificate: bytes, *, by: Sequence[CertificateReference]) -> bool:
    for one in by:
        digest = digest_octets(certificate, one.hash_name) if one.is_readable else None
        if digest is not None and hmac.compare_digest(digest, one.digest):
            return True
    return False


def _not_found(reason: Reason) -> Conclusion:
    return indeterminate(SubIndication.NO_SIGNING_CERTIFICATE_FOUND, reason)
