"""Building and signing a certificate revocation list.

What lives here: the syntax of RFC 5280 §5 as compiled types.  A list is about all certificates of
an authority, or about one partition of them, which it then says in a critical extension.  Number,
date and reason are all that is told about a certificate.
Source: RFC 5280 §5.1, §5.2 (CRLNumber, IssuingDistributionPoint), §5.3 (reason).
Not here: when a list is made, and its number (`crl_publishing.py`).
NOTE: `cryptography` builds lists too, in time that grows with the square of their length.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Final

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from keystore.pki.der import (
    ENUMERATED,
    SEQUENCE,
    SIGNATURE_ALGORITHMS,
    Extension,
    element,
    wrap,
)
from keystore.pki.model import CertificateState, CertificateStatus, RevocationReason
from keystore.pki.reasons import REASON_CODES
from keystore.pki.status_key import StatusKey

CONTENT: Final = "x509:crl"
"""What the key is asked to sign, for its purpose."""
_REASON: Final = ObjectIdentifier("2.5.29.21")
_NUMBER: Final = ObjectIdentifier("2.5.29.20")
_DISTRIBUTION_POINT: Final = ObjectIdentifier("2.5.29.28")
_AUTHORITY_KEY: Final = ObjectIdentifier("2.5.29.35")
_GENERALIZED_FROM: Final = 2050
"""RFC 5280 §5.1.2.4: UTCTime through 2049."""

_Time = asn1.UTCTime | asn1.GeneralizedTime


@asn1.sequence
class _Entry:
    serial: int
    revoked_at: asn1.UTCTime | asn1.GeneralizedTime
    extensions: list[Extension] | None


@asn1.sequence
class _Tbs:
    version: int
    signature: asn1.TLV
    issuer: asn1.TLV
    this_update: asn1.UTCTime | asn1.GeneralizedTime
    next_update: asn1.UTCTime | asn1.GeneralizedTime
    revoked: list[_Entry] | None
    extensions: Annotated[list[Extension], asn1.Explicit(0)]


@asn1.sequence
class _Crl:
    tbs: asn1.TLV
    signature_algorithm: asn1.TLV
    signature: asn1.BitString


_EXTENSIONS: Final = {
    reason: [Extension(oid=_REASON, critical=False, value=wrap(ENUMERATED, bytes((code,))))]
    for reason, code in REASON_CODES.items()
}


def issue_crl(
    revoked: Iterable[CertificateStatus],
    *,
    issuer: x509.Certificate,
    key: StatusKey,
    number: int,
    this_update: datetime,
    next_update: datetime,
    distribution_point: str | None = None,
) -> bytes:
    """Sign a list.

    Takes   revoked: suspended and revoked certificates in any order;
            issuer: the authority's certificate, `key` its key; number: greater than the one before;
            distribution_point: the address of this partition, exactly as in the certificates that
            it is about; None: the list is about all certificates of the authority.
    Returns CertificateList, DER.
    Source  RFC 5280 §5.1.
    """
    entries = [_entry(one) for one in revoked]
    algorithm = element(SIGNATURE_ALGORITHMS[key.algorithm])
    tbs = asn1.encode_der(
        _Tbs(
            version=1,
            signature=algorithm,
            issuer=element(issuer.subject.public_bytes()),
            this_update=_time(this_update),
            next_update=_time(next_update),
            # RFC 5280 §5.1.2.6: absent, not empty, where nothing is revoked
            revoked=entries or None,
            extensions=_extensions(issuer, number=number, distribution_point=distribution_point),
        )
    )
    signature = asn1.BitString(key.sign_x509(tbs, content=CONTENT), 0)
    return asn1.encode_der(
        _Crl(tbs=element(tbs), signature_algorithm=algorithm, signature=signature)
    )


def _entry(status: CertificateStatus) -> _Entry:
    reason = (
        RevocationReason.CERTIFICATE_HOLD
        if status.state is CertificateState.SUSPENDED
        else status.reason
    )
    return _Entry(
        serial=status.serial,
        revoked_at=_time(status.changed_at or status.not_after),
        extensions=None if reason is None else _EXTENSIONS.get(reason),
    )


def _extensions(
    issuer: x509.Certificate, *, number: int, distribution_point: str | None
) -> list[Extension]:
    """CRL extensions of RFC 5280 §5.2.1, §5.2.3 and, for a partition, §5.2.5."""
    extensions = [
        Extension(oid=_AUTHORITY_KEY, critical=False, value=_authority_key(issuer)),
        Extension(oid=_NUMBER, critical=False, value=asn1.encode_der(number)),
    ]
    if distribution_point is not None:
        uri = wrap(0x86, distribution_point.encode("ascii"))
        point = wrap(SEQUENCE, wrap(0xA0, wrap(0xA0, uri)))
        extensions.append(Extension(oid=_DISTRIBUTION_POINT, critical=True, value=point))
    return extensions


def _authority_key(issuer: x509.Certificate) -> bytes:
    own = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own).public_bytes()


def _time(instant: datetime) -> _Time:
    whole = instant.astimezone(UTC).replace(microsecond=0)
    if whole.year < _GENERALIZED_FROM:
        return asn1.UTCTime(whole)
    return asn1.GeneralizedTime(whole)
