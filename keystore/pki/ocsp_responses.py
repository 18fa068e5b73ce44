"""Building and signing an OCSP response.

What lives here: the syntax of RFC 6960 §4.2 as compiled types.  A response is signed as its parts
without certificates (`SignedStatus`), so that what is signed ahead can be kept small; the
responder's certificate is put beside it when it is sent.
Source: RFC 6960 §4.2; RFC 9654 §2.1 (nonce); RFC 9919 §3.2 (one answer, by key hash).
Not here: which answer is true (`ocsp.py`), and where it is kept (`ocsp_cache.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Annotated, Final

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from keystore.pki.der import (
    ENUMERATED,
    OCTET_STRING,
    SEQUENCE,
    SIGNATURE_ALGORITHMS,
    Extension,
    element,
    wrap,
)
from keystore.pki.model import CertificateState, CertificateStatus, RevocationReason
from keystore.pki.reasons import REASON_CODES
from keystore.pki.status_key import StatusKey

CONTENT: Final = "ocsp:response"
"""What the key is asked to sign, for its purpose."""
_NONCE: Final = ObjectIdentifier("1.3.6.1.5.5.7.48.1.2")
_BASIC: Final = asn1.encode_der(ObjectIdentifier("1.3.6.1.5.5.7.48.1.1"))
_BY_KEY: Final = 0xA2
_CERTIFICATES: Final = 0xA0
_GOOD: Final = element(b"\x80\x00")
_UNKNOWN: Final = element(b"\x82\x00")


class Refusal(IntEnum):
    """OCSPResponseStatus of an answer without a status; such answers are not signed."""

    MALFORMED_REQUEST = 1
    INTERNAL_ERROR = 2
    TRY_LATER = 3
    UNAUTHORIZED = 6


REFUSALS: Final = {one: wrap(SEQUENCE, wrap(ENUMERATED, bytes((one,)))) for one in Refusal}
"""The whole answer for each."""


@asn1.sequence
class _SingleResponse:
    cert_id: asn1.TLV
    status: asn1.TLV
    this_update: asn1.GeneralizedTime
    next_update: Annotated[asn1.GeneralizedTime | None, asn1.Explicit(0)]


@asn1.sequence
class _ResponseData:
    responder: asn1.TLV
    produced_at: asn1.GeneralizedTime
    responses: list[_SingleResponse]
    extensions: Annotated[list[Extension] | None, asn1.Explicit(1)]


@dataclass(frozen=True, slots=True)
class Responder:
    """A key that may answer for one authority, with the certificate that says so.

    Takes   certificate: DER, issued by that authority, with the OCSP nocheck extension.
    """

    key: StatusKey
    certificate: bytes = field(repr=False)
    not_after: datetime
    responder_id: asn1.TLV = field(repr=False)
    certificates: bytes = field(repr=False)

    @classmethod
    def of(cls, key: StatusKey, *, certificate: bytes) -> Responder:
        """A responder with the parts of its answers that never change."""
        parsed = x509.load_der_x509_certificate(certificate)
        # KeyHash of RFC 6960 §4.2.1 is what this identifier is made of
        key_hash = x509.SubjectKeyIdentifier.from_public_key(parsed.public_key()).digest
        return cls(
            key=key,
            certificate=certificate,
            not_after=parsed.not_valid_after_utc,
            responder_id=element(wrap(_BY_KEY, wrap(OCTET_STRING, key_hash))),
            certificates=wrap(_CERTIFICATES, wrap(SEQUENCE, certificate)),
        )


@dataclass(frozen=True, slots=True)
class SingleStatus:
    """The answer about one certificate: `status` None when it was never issued."""

    cert_id: bytes = field(repr=False)
    status: CertificateStatus | None


@dataclass(frozen=True, slots=True)
class SignedStatus:
    """What was signed, by the key `kid`: the parts of BasicOCSPResponse before the certificates."""

    kid: str
    this_update: datetime
    next_update: datetime
    signed: bytes = field(repr=False)

    def complete(self, responder: Responder) -> bytes:
        """The whole OCSPResponse, DER."""
        basic = wrap(SEQUENCE, self.signed, responder.certificates)
        return wrap(
            SEQUENCE,
            b"\x0a\x01\x00",
            wrap(0xA0, wrap(SEQUENCE, _BASIC, wrap(OCTET_STRING, basic))),
        )


def sign_status(
    answers: Sequence[SingleStatus],
    *,
    responder: Responder,
    this_update: datetime,
    next_update: datetime,
    nonce: bytes | None = None,
) -> SignedStatus:
    """Sign the status of one or more certificates.

    Takes   this_update: when the status was known to be right, aware UTC, whole seconds count;
            nonce: 16 to 128 octets that came with the request.
    Returns the signed parts; `complete` makes the answer of them.
    Source  RFC 6960 §4.2.1, §4.2.2; RFC 9654 §2.1.
    """
    this = asn1.GeneralizedTime(this_update.replace(microsecond=0))
    next_ = asn1.GeneralizedTime(next_update.replace(microsecond=0))
    extensions = None
    if nonce is not None:
        value = wrap(OCTET_STRING, nonce)
        extensions = [Extension(oid=_NONCE, critical=False, value=value)]
    tbs = asn1.encode_der(
        _ResponseData(
            responder=responder.responder_id,
            produced_at=this,
            responses=[
                _SingleResponse(
                    cert_id=element(answer.cert_id),
                    status=_encode(answer.status),
                    this_update=this,
                    next_update=next_,
                )
                for answer in answers
            ],
            extensions=extensions,
        )
    )
    key = responder.key
    signature = asn1.BitString(key.sign_x509(tbs, content=CONTENT), 0)
    return SignedStatus(
        kid=key.kid,
        this_update=this_update,
        next_update=next_update,
        signed=tbs + SIGNATURE_ALGORITHMS[key.algorithm] + asn1.encode_der(signature),
    )


def _encode(status: CertificateStatus | None) -> asn1.TLV:
    if status is None:
        return _UNKNOWN
    if status.state is CertificateState.GOOD:
        return _GOOD
    # a certificate whose date is lost is not good all the same; it never was, for all we know
    since = (status.changed_at or status.not_after).replace(microsecond=0)
    reason = (
        RevocationReason.CERTIFICATE_HOLD
        if status.state is CertificateState.SUSPENDED
        else status.reason
    )
    parts = [asn1.encode_der(asn1.GeneralizedTime(since))]
    code = REASON_CODES.get(reason) if reason is not None else None
    if code is not None:
        parts.append(wrap(0xA0, wrap(ENUMERATED, bytes((code,)))))
    return element(wrap(0xA1, *parts))
