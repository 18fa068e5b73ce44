"""A timestamp token, built from the few bytes that change.

What lives here: TSTInfo, the CMS around it and TimeStampResp.  Everything about one key and its
certificate is encoded once (`PreparedSigner`); for a token only TSTInfo, one digest and one
signature are new.  The encoders are compiled (`cryptography.hazmat.asn1`), so the lengths and the
order of sets are theirs, not ours.
Source: RFC 3161 §2.4.2; RFC 5652 §5; RFC 5816 and RFC 5035 §4 (ESSCertIDv2); RFC 5754 §3.2.
Not here: whether a request is granted, and when (`keystore/pki/timestamping.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Annotated, Final

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ObjectIdentifier

from keystore.key_handle import SigningKey
from keystore.pki.timestamp_requests import Failure, MessageImprint

TOKEN_CONTENT: Final = "tsa:token"
"""What the key is asked to sign, in the words of its purpose."""

_SIGNED_DATA: Final = ObjectIdentifier("1.2.840.113549.1.7.2")
_TST_INFO: Final = ObjectIdentifier("1.2.840.113549.1.9.16.1.4")
_CONTENT_TYPE: Final = ObjectIdentifier("1.2.840.113549.1.9.3")
_MESSAGE_DIGEST: Final = ObjectIdentifier("1.2.840.113549.1.9.4")
_SIGNING_CERTIFICATE_V2: Final = ObjectIdentifier("1.2.840.113549.1.9.16.2.47")
_SHA256: Final = ObjectIdentifier("2.16.840.1.101.3.4.2.1")
_ECDSA_WITH_SHA256: Final = ObjectIdentifier("1.2.840.10045.4.3.2")
_SET: Final = b"\x31"
_IMPLICIT_0: Final = b"\xa0"
_DIGEST_BYTES: Final = 32

_GRANTED: Final = 0
_REJECTION: Final = 2


# The classes below are compiled once into encoders; their fields are ASN.1's.


@asn1.sequence
class Accuracy:
    """How far genTime may be from the truth, to either side; each part where it is not zero."""

    seconds: int | None
    millis: Annotated[int | None, asn1.Implicit(0)]
    micros: Annotated[int | None, asn1.Implicit(1)]


@asn1.sequence
class _TstInfo:
    version: int
    policy: ObjectIdentifier
    message_imprint: MessageImprint
    serial_number: int
    gen_time: asn1.GeneralizedTime
    accuracy: Accuracy | None
    ordering: Annotated[bool, asn1.Default(value=False)]
    nonce: int | None


@asn1.sequence
class _AlgorithmIdentifier:
    algorithm: ObjectIdentifier


@asn1.sequence
class _Attribute:
    attr_type: ObjectIdentifier
    attr_values: asn1.SetOf[asn1.TLV]


@asn1.sequence
class _Attributes:
    """Only for the SET OF inside: the compiled encoder wants a class around it."""

    attributes: asn1.SetOf[_Attribute]


@asn1.sequence
class _EssCertIdV2:
    """hashAlgorithm is SHA-256 by default, and issuerSerial is in `sid` (RFC 5035 §4)."""

    cert_hash: bytes


@asn1.sequence
class _SigningCertificateV2:
    certs: list[_EssCertIdV2]


@asn1.sequence
class _IssuerAndSerialNumber:
    issuer: asn1.TLV
    serial_number: int


@asn1.sequence
class _EncapsulatedContentInfo:
    e_content_type: ObjectIdentifier
    e_content: Annotated[bytes, asn1.Explicit(0)]


@asn1.sequence
class _SignerInfo:
    version: int
    sid: asn1.TLV
    digest_algorithm: asn1.TLV
    signed_attrs: asn1.TLV
    signature_algorithm: asn1.TLV
    signature: bytes


@asn1.sequence
class _SignedData:
    version: int
    digest_algorithms: asn1.SetOf[asn1.TLV]
    encap_content_info: _EncapsulatedContentInfo
    certificates: Annotated[asn1.SetOf[asn1.TLV] | None, asn1.Implicit(0)]
    signer_infos: asn1.SetOf[_SignerInfo]


@asn1.sequence
class _ContentInfo:
    content_type: ObjectIdentifier
    content: Annotated[_SignedData, asn1.Explicit(0)]


@asn1.sequence
class _PkiStatusInfo:
    status: int
    status_string: list[str] | None
    fail_info: asn1.BitString | None


@asn1.sequence
class _TimeStampResp:
    status: _PkiStatusInfo
    time_stamp_token: _ContentInfo | None


def _tlv(encoded: bytes) -> asn1.TLV:
    return asn1.decode_der(asn1.TLV, encoded)


_STATUS_GRANTED: Final = _PkiStatusInfo(status=_GRANTED, status_string=None, fail_info=None)
_DIGEST_ALGORITHM: Final = _tlv(asn1.encode_der(_AlgorithmIdentifier(algorithm=_SHA256)))
_DIGEST_ALGORITHMS: Final = asn1.SetOf([_DIGEST_ALGORITHM])
_SIGNATURE_ALGORITHM: Final = _tlv(
    asn1.encode_der(_AlgorithmIdentifier(algorithm=_ECDSA_WITH_SHA256))
)


@dataclass(frozen=True, slots=True)
class TimestampFacts:
    """What a token says."""

    imprint: MessageImprint
    policy: ObjectIdentifier
    serial_number: int
    gen_time: datetime
    accuracy: Accuracy
    is_ordered: bool
    nonce: int | None


@dataclass(frozen=True, slots=True)
class PreparedSigner:
    """A key with its certificate, and everything about them that is the same in every token."""

    key: SigningKey
    not_before: datetime
    not_after: datetime
    _sid: asn1.TLV = field(repr=False)
    _certificates: asn1.SetOf[asn1.TLV] = field(repr=False)
    _attributes_head: bytes = field(repr=False)
    _attributes_tail: bytes = field(repr=False)

    def granted(self, facts: TimestampFacts, *, with_certificates: bool) -> bytes:
        """A whole TimeStampResp with a token, DER.

        Raises  KeyPurposeRefused when the key is not one for timestamps.
        Source  RFC 3161 §2.4.2; certReq decides about certificates.
        """
        tst_info = asn1.encode_der(
            _TstInfo(
                version=1,
                policy=facts.policy,
                message_imprint=facts.imprint,
                serial_number=facts.serial_number,
                gen_time=asn1.GeneralizedTime(facts.gen_time),
                accuracy=facts.accuracy,
                ordering=facts.is_ordered,
                nonce=facts.nonce,
            )
        )
        digest = hashlib.sha256(tst_info).digest()
        attributes = self._attributes_head + digest + self._attributes_tail
        # signed as a SET OF, written as [0] IMPLICIT: the same bytes behind another tag
        signature = self.key.sign_x509(_SET + attributes, content=TOKEN_CONTENT)
        signer_info = _SignerInfo(
            version=1,
            sid=self._sid,
            digest_algorithm=_DIGEST_ALGORITHM,
            signed_attrs=_tlv(_IMPLICIT_0 + attributes),
            signature_algorithm=_SIGNATURE_ALGORITHM,
            signature=signature,
        )
        signed_data = _SignedData(
            version=3,  # the content is not id-data: RFC 5652 §5.1
            digest_algorithms=_DIGEST_ALGORITHMS,
            encap_content_info=_EncapsulatedContentInfo(
                e_content_type=_TST_INFO, e_content=tst_info
            ),
            certificates=self._certificates if with_certificates else None,
            signer_infos=asn1.SetOf([signer_info]),
        )
        return asn1.encode_der(
            _TimeStampResp(
                status=_STATUS_GRANTED,
                time_stamp_token=_ContentInfo(content_type=_SIGNED_DATA, content=signed_data),
            )
        )


def prepare_signer(key: SigningKey, *, chain: Sequence[bytes]) -> PreparedSigner:
    """Encode once what every token of this key has in common.

    Takes   chain: DER certificates, the key's own first, without the root; all of them go along
            where certificates are asked for.
    Raises  ValueError when the first certificate is not this key's.
    """
    certificate = x509.load_der_x509_certificate(chain[0])
    if _spki(certificate) != key.public_spki:
        raise ValueError("certificate_of_another_key")
    head, tail = _split_attributes(hashlib.sha256(chain[0]).digest())
    return PreparedSigner(
        key,
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        _sid=_tlv(
            asn1.encode_der(
                _IssuerAndSerialNumber(
                    issuer=_tlv(certificate.issuer.public_bytes()),
                    serial_number=certificate.serial_number,
                )
            )
        ),
        _certificates=asn1.SetOf([_tlv(one) for one in chain]),
        _attributes_head=head,
        _attributes_tail=tail,
    )


def _spki(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@cache
def rejected(failure: Failure) -> bytes:
    """A whole TimeStampResp without a token, DER; the same bytes for the same failure.

    Source  RFC 3161 §2.4.2; RFC 4210 §5.2.3 for the bits.
    """
    byte, bit = divmod(failure, 8)
    bits = asn1.BitString(bytes(byte) + bytes((0x80 >> bit,)), 7 - bit)
    words = failure.name.lower().replace("_", " ")
    return asn1.encode_der(
        _TimeStampResp(
            status=_PkiStatusInfo(status=_REJECTION, status_string=[words], fail_info=bits),
            time_stamp_token=None,
        )
    )


def _split_attributes(certificate_hash: bytes) -> tuple[bytes, bytes]:
    """The signed attributes before and behind the digest, without the tag of the set.

    The digest is in the middle of an attribute whose type and length are fixed, so neither the
    order of the set nor any length depends on it.
    """
    placeholder = b"\xff" * _DIGEST_BYTES
    signing_certificate = _SigningCertificateV2(certs=[_EssCertIdV2(cert_hash=certificate_hash)])
    encoded = asn1.encode_der(
        _Attributes(
            attributes=asn1.SetOf(
                [
                    _attribute(_CONTENT_TYPE, asn1.encode_der(_TST_INFO)),
                    _attribute(_MESSAGE_DIGEST, asn1.encode_der(placeholder)),
                    _attribute(_SIGNING_CERTIFICATE_V2, asn1.encode_der(signing_certificate)),
                ]
            )
        )
    )
    without_tag = bytes(_tlv(encoded).data)[1:]
    head, _, tail = without_tag.partition(placeholder)
    return head, tail


def _attribute(attr_type: ObjectIdentifier, value: bytes) -> _Attribute:
    return _Attribute(attr_type=attr_type, attr_values=asn1.SetOf([_tlv(value)]))
