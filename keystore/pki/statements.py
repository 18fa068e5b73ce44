"""Statements about a certificate: what kind of signature it is for, and whose law stands behind it.

What lives here: the extension `qcStatements`, built once per kind.  A certificate is called
qualified only where the deployment says so; otherwise the one statement there may be says how the
identifiers in the name are to be read.
Source: RFC 3739 §3.2.6; ETSI EN 319 412-1 §5.1.2 and 412-5 §4.2 and §4.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Final

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from keystore.pki.deployment import PkiDeployment, SubjectNumbers
from keystore.pki.der import SEQUENCE, element, wrap
from keystore.pki.profiles import Profile, ProfileRules

_EXTENSION: Final = ObjectIdentifier("1.3.6.1.5.5.7.1.3")
_SYNTAX: Final = ObjectIdentifier("1.3.6.1.5.5.7.11.2")
_NATURAL: Final = ObjectIdentifier("0.4.0.194121.1.1")
_LEGAL: Final = ObjectIdentifier("0.4.0.194121.1.2")
_COMPLIANCE: Final = ObjectIdentifier("0.4.0.1862.1.1")
_DISCLOSURE: Final = ObjectIdentifier("0.4.0.1862.1.5")
_TYPE: Final = ObjectIdentifier("0.4.0.1862.1.6")
_LEGISLATION: Final = ObjectIdentifier("0.4.0.1862.1.7")


@asn1.sequence
class _Bare:
    id: ObjectIdentifier


@asn1.sequence
class _Statement:
    id: ObjectIdentifier
    info: asn1.TLV


@asn1.sequence
class _Semantics:
    identifier: ObjectIdentifier


@asn1.sequence
class _Location:
    url: asn1.IA5String
    language: Annotated[asn1.PrintableString, asn1.Size(min=2, max=2)]


@lru_cache(maxsize=64)
def statements_extension(
    rules: ProfileRules, *, deployment: PkiDeployment, has_register_number: bool
) -> x509.UnrecognizedExtension | None:
    """The extension for a kind of certificate, or None where there is nothing to state.

    Takes   has_register_number: whether the organisation's identifier is one of those whose meaning
            ETSI defines (`NTR`, `VAT`); a national scheme (`GOV`) is not.
    """
    statements = [
        *_semantics(rules, deployment=deployment, has_register_number=has_register_number),
        *_qualification(rules, deployment=deployment),
    ]
    if not statements:
        return None
    return x509.UnrecognizedExtension(_EXTENSION, wrap(SEQUENCE, *statements))


def _semantics(
    rules: ProfileRules, *, deployment: PkiDeployment, has_register_number: bool
) -> Sequence[bytes]:
    identifier = None
    if rules.is_natural and deployment.numbers is SubjectNumbers.ETSI:
        identifier = _NATURAL
    elif rules.profile is Profile.SEAL and has_register_number:
        identifier = _LEGAL
    if identifier is None:
        return ()
    return (_statement(_SYNTAX, asn1.encode_der(_Semantics(identifier=identifier))),)


def _qualification(rules: ProfileRules, *, deployment: PkiDeployment) -> Sequence[bytes]:
    country, disclosure = deployment.qualified_in, deployment.pds_url
    if rules.qc_type is None or country is None or disclosure is None:
        return ()
    location = _Location(url=asn1.IA5String(disclosure), language=asn1.PrintableString("en"))
    return (
        asn1.encode_der(_Bare(id=_COMPLIANCE)),
        _statement(_TYPE, wrap(SEQUENCE, asn1.encode_der(rules.qc_type))),
        _statement(_DISCLOSURE, wrap(SEQUENCE, asn1.encode_der(location))),
        _statement(_LEGISLATION, wrap(SEQUENCE, asn1.encode_der(asn1.PrintableString(country)))),
    )


def _statement(identifier: ObjectIdentifier, info: bytes) -> bytes:
    return asn1.encode_der(_Statement(id=identifier, info=element(info)))
