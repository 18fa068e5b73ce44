"""Timestamps from an authority: asking, and whether what came back is what was asked for.

What lives here: the request, the answer, and the checks of one token.  Whatever comes in, the
outcome is a `VerifiedTimestamp` or `TimestampUnavailable`.
Source: RFC 3161 §2.2, §2.3, §2.4.1 and §2.4.2; RFC 5816 (ESSCertIDv2); ETSI EN 319 422 §5 and §6;
RFC 5652 §5.4 and §5.6.
Not here: HTTP, and whether the authority is one that is trusted; whoever asks knows its address,
and `chain` says who it is.  A token that names its certificate by SHA-1 alone is refused.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Final

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier
from cryptography.x509.oid import ExtendedKeyUsageOID

from keystore.key_types import HASHES
from keystore.pki.der import Extension
from keystore.pki.timestamp_requests import HashAlgorithm, MessageImprint
from keystore.pki.timestamp_tokens import Accuracy
from signing.errors import TimestampUnavailable
from signing.formats.algorithms import HASH_OIDS, hash_name_of, is_signed_by
from signing.formats.chains import find_extension, order_chain, parse_certificate
from signing.formats.der import DerMalformed, oid
from signing.formats.signed_attributes import has_certificate
from signing.formats.signed_data import (
    CONTENT_TYPE,
    MESSAGE_DIGEST,
    TST_INFO,
    SignedData,
    SignerInfo,
    read_signed_data,
)

MAX_BYTES: Final = 64 * 1024
"""Of an answer: what is parsed in process."""
_NONCE_BITS: Final = 62
"""Random ones, below one that is set: requests and tokens are then all of one length."""
_GRANTED: Final = frozenset({0, 1})
"""granted, grantedWithMods (RFC 3161 §2.4.2); with every other there is no token."""


# The classes below are compiled once into encoders and decoders; their fields are ASN.1's.


@asn1.sequence
class _TimeStampReq:
    version: int
    message_imprint: MessageImprint
    req_policy: ObjectIdentifier | None
    nonce: int | None
    cert_req: Annotated[bool, asn1.Default(value=False)]


@asn1.sequence
class _PkiStatusInfo:
    status: int
    status_string: list[str] | None
    fail_info: asn1.BitString | None


@asn1.sequence
class _Granted:
    status: _PkiStatusInfo
    token: asn1.TLV


@asn1.sequence
class _Unread:
    """EXPLICIT tagging of something that we do not look into."""

    inner: asn1.TLV


@asn1.sequence
class _TstInfo:
    version: int
    policy: ObjectIdentifier
    message_imprint: MessageImprint
    serial_number: int
    gen_time: asn1.GeneralizedTime
    accuracy: Accuracy | None
    # NOTE: DEFAULT FALSE, which DER leaves out; some authorities write it all the same
    ordering: bool | None
    nonce: int | None
    tsa: Annotated[_Unread | None, asn1.Implicit(0)]
    extensions: Annotated[list[Extension] | None, asn1.Implicit(1)]


@dataclass(frozen=True, slots=True)
class AskedTimestamp:
    """A request, and what its answer is compared with; `der` is what is sent."""

    digest: bytes
    hash_name: str
    nonce: int
    policy: str | None
    der: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class VerifiedTimestamp:
    """A token whose signature, imprint and purpose are right; **its authority is not yet trusted**.

    `token` is DER of the ContentInfo; `certificates`: DER, all that are inside; `chain`: the
    signer's own and its issuers as far as they are inside or were handed in, the nearest first.
    """

    token: bytes = field(repr=False)
    gen_time: datetime
    accuracy: timedelta
    policy: str
    serial_number: int
    certificates: tuple[bytes, ...] = field(repr=False)
    chain: tuple[bytes, ...] = field(repr=False)


def ask_timestamp(digest: bytes, *, hash_name: str, policy: str | None = None) -> AskedTimestamp:
    """A TimeStampReq with a new nonce that wants the certificates along.

    Takes   policy: object identifier, dotted, or None for the authority's own.
    Raises  ValueError for a digest that is not of that hash.
    Source  RFC 3161 §2.4.1.
    """
    known = HASHES.get(hash_name)
    if known is None or known.digest_size != len(digest):
        raise ValueError("digest")
    nonce = 1 << _NONCE_BITS | secrets.randbits(_NONCE_BITS)
    der = asn1.encode_der(
        _TimeStampReq(
            version=1,
            message_imprint=_imprint(digest, hash_name=hash_name),
            req_policy=None if policy is None else ObjectIdentifier(policy),
            nonce=nonce,
            cert_req=True,
        )
    )
    return AskedTimestamp(digest, hash_name, nonce, policy, der)


def read_timestamp(
    raw_response: bytes, *, asked: AskedTimestamp, roots: Sequence[bytes] = ()
) -> VerifiedTimestamp:
    """The token in an answer, verified against the request.

    Takes   raw_response: DER of a TimeStampResp, whatever came in.
    Raises  TimestampUnavailable: refused, unreadable, or about something else.
    Source  RFC 3161 §2.4.2.
    """
    if len(raw_response) > MAX_BYTES:
        raise TimestampUnavailable("too_large")
    try:
        answer = asn1.decode_der(_Granted, raw_response)
    except ValueError as malformed:
        raise TimestampUnavailable("not_granted") from malformed
    if answer.status.status not in _GRANTED:
        raise TimestampUnavailable("not_granted")
    return verify_timestamp(
        asn1.encode_der(answer.token),
        digest=asked.digest,
        hash_name=asked.hash_name,
        nonce=asked.nonce,
        policy=asked.policy,
        roots=roots,
    )


def verify_timestamp(
    raw_token: bytes,
    *,
    digest: bytes,
    hash_name: str,
    nonce: int | None = None,
    policy: str | None = None,
    among: Sequence[bytes] = (),
    roots: Sequence[bytes] = (),
) -> VerifiedTimestamp:
    """A token that is over `digest`, signed by a certificate for timestamps.

    1. A SignedData with a TSTInfo inside, of version 1, and one signature.
    2. The imprint is `digest` under that very hash; nonce and policy are those asked for, if any.
    3. The certificate of the signature is there, and the signed attributes name it.
    4. It is for timestamps and nothing else, critically, and was valid at that time.
    5. Content type and digest among the signed attributes are right, each there once.
    6. The signature verifies.

    Takes   raw_token: DER of a ContentInfo; among: certificates that stand elsewhere, for tokens
            that were asked for without; roots: DER, to complete `chain`.
    Raises  TimestampUnavailable.
    Source  RFC 3161 §2.2 (what a requester verifies), §2.3, §2.4.2; RFC 5652 §5.4, §5.6.
    """
    if len(raw_token) > MAX_BYTES:
        raise TimestampUnavailable("too_large")
    try:
        # 1
        data = read_signed_data(raw_token)
        info, content = _read_info(data)
        # 2
        _check_answer(info, digest=digest, hash_name=hash_name, nonce=nonce, policy=policy)
        # 3
        signer = data.signers[0]
        heap = (*data.certificates, *among)
        own = signer.find_certificate(heap)
        if own is None or not has_certificate(signer, certificate=own):
            raise TimestampUnavailable("certificate")
        # 4
        parsed = parse_certificate(own)
        gen_time = info.gen_time.as_datetime()
        _check_purpose(parsed, at=gen_time)
        # 5, 6
        _check_signature(signer, certificate=parsed, content=content)
    except (DerMalformed, ValueError) as malformed:
        raise TimestampUnavailable("malformed") from malformed
    return VerifiedTimestamp(
        raw_token,
        gen_time=gen_time,
        accuracy=_accuracy(info.accuracy),
        policy=info.policy.dotted_string,
        serial_number=info.serial_number,
        certificates=data.certificates,
        chain=order_chain(own, among=heap, roots=roots),
    )


def imprint_hash(raw_token: bytes) -> str:
    """The hash under which a token is about something; **not verified**.

    Raises  TimestampUnavailable for one that is not taken.
    """
    try:
        info, _ = _read_info(read_signed_data(raw_token))
    except (DerMalformed, ValueError) as malformed:
        raise TimestampUnavailable("malformed") from malformed
    named = info.message_imprint.hash_algorithm.algorithm.dotted_string
    for hash_name, dotted in HASH_OIDS.items():
        if dotted == named:
            return hash_name
    raise TimestampUnavailable("imprint")


def _read_info(data: SignedData) -> tuple[_TstInfo, bytes]:
    if data.content_type != TST_INFO or data.content is None or len(data.signers) != 1:
        raise TimestampUnavailable("malformed")
    content = bytes(data.content)
    info = asn1.decode_der(_TstInfo, content)
    if info.version != 1:
        raise TimestampUnavailable("version")
    return info, content


def _check_answer(
    info: _TstInfo, *, digest: bytes, hash_name: str, nonce: int | None, policy: str | None
) -> None:
    imprint = info.message_imprint
    if imprint.hash_algorithm.algorithm.dotted_string != HASH_OIDS.get(hash_name):
        raise TimestampUnavailable("imprint")
    if not hmac.compare_digest(imprint.hashed_message, digest):
        raise TimestampUnavailable("imprint")
    if nonce is not None and info.nonce != nonce:
        raise TimestampUnavailable("nonce")
    if policy is not None and info.policy.dotted_string != policy:
        raise TimestampUnavailable("policy")
    if any(one.critical for one in info.extensions or ()):
        raise TimestampUnavailable("extension")


def _check_purpose(certificate: x509.Certificate, *, at: datetime) -> None:
    """RFC 3161 §2.3: one extended key usage, critical."""
    found = find_extension(certificate, x509.ExtendedKeyUsage)
    if (
        found is None
        or not found.critical
        or list(found.value) != [ExtendedKeyUsageOID.TIME_STAMPING]
    ):
        raise TimestampUnavailable("purpose")
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        raise TimestampUnavailable("expired")


def _check_signature(signer: SignerInfo, *, certificate: x509.Certificate, content: bytes) -> None:
    hash_name = hash_name_of(signer.digest_algorithm)
    if hash_name is None:
        raise TimestampUnavailable("algorithm")
    # 5
    if signer.signed_values(CONTENT_TYPE) != (oid(TST_INFO),):
        raise TimestampUnavailable("content_type")
    expected = asn1.encode_der(hashlib.new(hash_name, content).digest())
    if signer.signed_values(MESSAGE_DIGEST) != (expected,):
        raise TimestampUnavailable("digest")
    # 6
    if not is_signed_by(
        certificate,
        octets=signer.signed_attributes,
        signature=signer.signature,
        identifier=signer.signature_algorithm,
        hash_name=hash_name,
    ):
        raise TimestampUnavailable("signature")


def _imprint(digest: bytes, *, hash_name: str) -> MessageImprint:
    # NOTE: without the NULL that RFC 5754 §2 allows; `openssl ts` wants what it got
    algorithm = HashAlgorithm(algorithm=ObjectIdentifier(HASH_OIDS[hash_name]), parameters=None)
    return MessageImprint(hash_algorithm=algorithm, hashed_message=digest)


def _accuracy(said: Accuracy | None) -> timedelta:
    if said is None:
        return timedelta(0)
    return timedelta(
        seconds=said.seconds or 0, milliseconds=said.millis or 0, microseconds=said.micros or 0
    )
