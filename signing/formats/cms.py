"""A signature in CMS, in two halves: what has to be signed, and the SignedData around the answer.

What lives here: what PAdES, CAdES and ASiC with CAdES stand on.  Everything about a signatory is
encoded once (`_fixed`); for a signature only its attributes and its value are new.  What comes out
is DER: sets in order, shortest lengths, no doublets.
Source: RFC 5652 §5; RFC 5035 §4; RFC 5940 (status answers in `crls`); ETSI EN 319 122-1 §5.3
(signature-time-stamp), §5.4 and §5.5 (what proves validity later), §6.3.
Not here: where timestamps and status come from; documents; adding to a signature that exists
(`cms_augmenting.py`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keystore.backends.errors import DigestRefused, SignatureRefused
from keystore.key_types import HASHES
from keystore.pki.der import SEQUENCE, wrap
from keystore.verifying import verify_digest
from signing.errors import DocumentRefused, SignatureForeign
from signing.formats import signed_attributes as signed
from signing.formats.algorithms import DIGEST_ALGORITHMS, signature_algorithm
from signing.formats.chains import is_self_issued, parse_certificate
from signing.formats.der import OCTET_STRING, attribute, header, oid, set_of
from signing.formats.material import Signatory, ToBeSigned, ValidationMaterial
from signing.formats.signed_data import (
    DATA,
    SIGNATURE_TIMESTAMP,
    SIGNED_DATA,
    SignedData,
    SignerInfo,
    issuer_and_serial,
)

_OCSP_RESPONSE: Final = "1.3.6.1.5.5.7.16.2"
_ONE: Final = b"\x02\x01\x01"
_THREE: Final = b"\x02\x01\x03"
_FIVE: Final = b"\x02\x01\x05"


@dataclass(frozen=True, slots=True)
class PreparedCms:
    """A signature that waits for its value; can be stored.

    `signed_attributes` is DER of the SET OF; `content_digest` is what it is about.
    """

    signatory: Signatory
    content_digest: bytes = field(repr=False)
    content_type_oid: str
    signed_attributes: bytes = field(repr=False)

    @property
    def to_be_signed(self) -> ToBeSigned:
        """What the signatory's key has to sign."""
        name = self.signatory.hash_name
        digest = hashlib.new(name, self.signed_attributes).digest()
        return ToBeSigned(self.signed_attributes, digest, name)


@dataclass(frozen=True, slots=True)
class _Fixed:
    """What is the same in every signature of a signatory, DER."""

    sid: bytes
    spki: bytes
    digest_algorithm: bytes
    signature_algorithm: bytes
    signing_certificate: bytes
    certificates: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """The octets before and behind a content that is too large to hold."""

    head: bytes = field(repr=False)
    tail: bytes = field(repr=False)


def prepare_cms(
    signatory: Signatory,
    *,
    content_digest: bytes,
    signing_time: datetime | None,
    content_type_oid: str = DATA,
    content_mime_type: str | None = None,
    commitment_kind: str | None = None,
    location: signed.SignerLocation | None = None,
    organisation: str = "",
) -> PreparedCms:
    """The signed attributes over a content of which only the digest is known.

    Takes   content_digest: by `signatory.hash_name`; signing_time: aware, None to leave it out as
            PAdES does; commitment_kind: `proof_of_approval` and its like; organisation: in whose
            name the signatory says to sign.
    Raises  DocumentRefused for a digest of another length.
    Source  RFC 5652 §5.4; ETSI EN 319 122-1 §6.3, EN 319 142-1 §6.3.
    """
    check_digest(content_digest, signatory=signatory)
    attributes = [
        signed.content_type(content_type_oid),
        signed.message_digest(content_digest),
        _fixed(signatory).signing_certificate,
    ]
    if signing_time is not None:
        attributes.append(signed.signing_time(signing_time))
    if content_mime_type is not None:
        attributes.append(signed.mime_type(content_mime_type))
    if commitment_kind is not None:
        attributes.append(signed.commitment(commitment_kind))
    if location is not None:
        attributes.append(signed.signer_location(location))
    if organisation:
        attributes.append(signed.claimed_organisation(organisation))
    return PreparedCms(signatory, content_digest, content_type_oid, set_of(attributes))


def check_digest(digest: bytes, *, signatory: Signatory) -> None:
    """A digest has the length that the signatory's hash gives it.

    Raises  DocumentRefused (wrong_digest_length).
    """
    if len(digest) != HASHES[signatory.hash_name].digest_size:
        raise DocumentRefused("wrong_digest_length")


def verify_signature(prepared: PreparedCms, *, signature: bytes) -> None:
    """The signature value is the signatory's over what was prepared.

    Raises  SignatureForeign.
    """
    signatory, wanted = prepared.signatory, prepared.to_be_signed
    try:
        verify_digest(
            _fixed(signatory).spki,
            algorithm=signatory.algorithm,
            digest=wanted.digest,
            hash_name=wanted.hash_name,
            signature=signature,
        )
    except (SignatureRefused, DigestRefused) as foreign:
        raise SignatureForeign from foreign


def timestamp_imprint(signature: bytes, *, hash_name: str) -> bytes:
    """What a signature timestamp is over: the digest of the signature value.

    Source  ETSI EN 319 122-1 §5.3.
    """
    return hashlib.new(hash_name, signature).digest()


def finish_cms(
    prepared: PreparedCms,
    *,
    signature: bytes,
    content: bytes | None = None,
    timestamp: bytes | None = None,
    material: ValidationMaterial | None = None,
    is_verified: bool = False,
) -> bytes:
    """The SignedData, DER of its ContentInfo; detached where no content is given.

    Takes   signature: as the signer gives it; timestamp: a token over `timestamp_imprint`, DER;
            is_verified: as `build_signed_data` takes it.
    Raises  SignatureForeign; DocumentRefused when the content is not the one that was prepared.
    """
    if content is not None:
        digest = hashlib.new(prepared.signatory.hash_name, content).digest()
        if digest != prepared.content_digest:
            raise DocumentRefused("document_changed")
    data = build_signed_data(
        prepared, signature=signature, timestamp=timestamp, is_verified=is_verified
    )
    size = None if content is None else len(content)
    frame = frame_signed_data(data, content_size=size, material=material)
    return b"".join((frame.head, content or b"", frame.tail))


def build_signed_data(
    prepared: PreparedCms,
    *,
    signature: bytes,
    timestamp: bytes | None = None,
    is_verified: bool = False,
) -> SignedData:
    """The parts of a SignedData without its content.

    Takes   is_verified: the caller has just had `verify_signature` look at these very two.
    Raises  SignatureForeign.
    """
    if not is_verified:
        verify_signature(prepared, signature=signature)
    fixed = _fixed(prepared.signatory)
    signer = SignerInfo(
        version=_ONE,
        sid=fixed.sid,
        digest_algorithm=fixed.digest_algorithm,
        signed_attributes=prepared.signed_attributes,
        signature_algorithm=fixed.signature_algorithm,
        signature=signature,
        unsigned_attributes=() if timestamp is None else (signature_timestamp(timestamp),),
    )
    return SignedData(
        digest_algorithms=(fixed.digest_algorithm,),
        content_type=prepared.content_type_oid,
        content=None,
        certificates=fixed.certificates,
        crls=(),
        signers=(signer,),
    )


def frame_signed_data(
    data: SignedData, *, content_size: int | None, material: ValidationMaterial | None = None
) -> Frame:
    """A SignedData around a content of that size, with what proves its validity later.

    Source  RFC 5652 §5.1 (version); ETSI EN 319 122-1 §5.5.
    """
    certificates, crls = data.certificates, data.crls
    if material is not None:
        certificates += material.certificates
        crls += (*material.crls, *map(_ocsp_choice, material.ocsp_responses))
    behind = b"".join(
        (
            set_of(certificates, tag=0xA0) if certificates else b"",
            set_of(crls, tag=0xA1) if crls else b"",
            set_of(encode_signer(one) for one in data.signers),
        )
    )
    ahead = _version(data, certificates=certificates, crls=crls) + set_of(data.digest_algorithms)
    kind = oid(data.content_type)
    # from the inside out: each header says how long everything behind it is
    headers: list[bytes] = []
    size = 0
    if content_size is not None:
        size = _enclose(headers, tag=OCTET_STRING, size=content_size)
        size = _enclose(headers, tag=0xA0, size=size)
    headers.append(kind)
    size = _enclose(headers, tag=SEQUENCE, size=size + len(kind))
    headers.append(ahead)
    size = _enclose(headers, tag=SEQUENCE, size=size + len(ahead) + len(behind))
    size = _enclose(headers, tag=0xA0, size=size)
    outer = oid(SIGNED_DATA)
    headers.append(outer)
    _enclose(headers, tag=SEQUENCE, size=size + len(outer))
    return Frame(b"".join(reversed(headers)), behind)


def encode_signer(signer: SignerInfo) -> bytes:
    """SignerInfo (RFC 5652 §5.3), DER; what was signed stays as it is."""
    attributes = signer.signed_attributes
    return wrap(
        SEQUENCE,
        signer.version,
        signer.sid,
        signer.digest_algorithm,
        # signed as a SET OF, written as [0] IMPLICIT: the same bytes behind another tag
        b"\xa0" + attributes[1:] if attributes else b"",
        signer.signature_algorithm,
        wrap(OCTET_STRING, signer.signature),
        set_of(signer.unsigned_attributes, tag=0xA1) if signer.unsigned_attributes else b"",
    )


def signature_timestamp(token: bytes) -> bytes:
    """The attribute of a timestamp over the signature value (ETSI EN 319 122-1 §5.3)."""
    return attribute(SIGNATURE_TIMESTAMP, token)


def _enclose(headers: list[bytes], *, tag: int, size: int) -> int:
    headers.append(header(tag, size))
    return len(headers[-1]) + size


def _version(
    data: SignedData, *, certificates: tuple[bytes, ...], crls: tuple[bytes, ...]
) -> bytes:
    """RFC 5652 §5.1: 5 with something other than a list, 4 and 3 with what is named there."""
    if any(one[0] == 0xA3 for one in certificates) or any(one[0] == 0xA1 for one in crls):
        return _FIVE
    if any(one[0] == 0xA2 for one in certificates):
        return b"\x02\x01\x04"
    has_old = any(one[0] == 0xA1 for one in certificates)
    if has_old or data.content_type != DATA or any(one.version == _THREE for one in data.signers):
        return _THREE
    return _ONE


def _ocsp_choice(response: bytes) -> bytes:
    """A status answer as RevocationInfoChoice (RFC 5940 §2)."""
    return wrap(0xA1, oid(_OCSP_RESPONSE), response)


@lru_cache(maxsize=256)
def _fixed(signatory: Signatory) -> _Fixed:
    certificate = parse_certificate(signatory.certificate)
    key = certificate.public_key()
    hash_name = signatory.hash_name
    return _Fixed(
        sid=issuer_and_serial(certificate),
        spki=key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        digest_algorithm=DIGEST_ALGORITHMS[hash_name],
        signature_algorithm=signature_algorithm(signatory.algorithm),
        signing_certificate=signed.signing_certificate(signatory.certificate, hash_name=hash_name),
        certificates=(
            signatory.certificate,
            *(one for one in signatory.chain if not is_self_issued(one)),
        ),
    )
