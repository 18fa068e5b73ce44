"""A CMS signature that exists, with more evidence beside it.

What lives here: adding a signature timestamp, certificates and revocation data to a SignedData of
ours or of somebody else.  What was signed stays as it is, octet for octet; sets come out in the
order of DER.  Source: ETSI EN 319 122-1 §5.3 to §5.5; RFC 5652 §5.1.
Not here: whether the signature is any good (`verify_signer` says whether it is the certificate's
over its attributes, no more), timestamps and status themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from signing.errors import DocumentRefused, SignatureForeign
from signing.formats.algorithms import hash_name_of, is_signed_by
from signing.formats.chains import parse_certificate
from signing.formats.cms import frame_signed_data, signature_timestamp, timestamp_imprint
from signing.formats.material import ValidationMaterial
from signing.formats.signed_attributes import has_certificate
from signing.formats.signed_data import SignedData, read_signed_data


@dataclass(frozen=True, slots=True)
class VerifiedSigner:
    """Who made the only signature of a SignedData.

    `certificate`: DER; `hash_name`: of its digests; `signature`: the value, which is stamped.
    """

    certificate: bytes = field(repr=False)
    hash_name: str
    signature: bytes = field(repr=False)

    @property
    def imprint(self) -> bytes:
        """What a signature timestamp is over."""
        return timestamp_imprint(self.signature, hash_name=self.hash_name)


def verify_signer(data: SignedData) -> VerifiedSigner:
    """The signer of a SignedData with one signature, which is the certificate's.

    1. One signature, with signed attributes, whose certificate is inside.
    2. The signed attributes name that certificate (ESSCertIDv2).
    3. The signature verifies over the signed attributes, by an algorithm that is taken.

    **Does not look at the content, nor at who issued the certificate.**
    Raises  DocumentRefused (`several_signatures`, `not_cades`); SignatureForeign.
    Source  RFC 5652 §5.4; ETSI EN 319 122-1 §6.3.
    """
    # 1
    if len(data.signers) != 1:
        raise DocumentRefused("several_signatures")
    signer = data.signers[0]
    certificate = signer.find_certificate(data.certificates)
    hash_name = hash_name_of(signer.digest_algorithm)
    if certificate is None or hash_name is None or not signer.signed_attributes:
        raise DocumentRefused("not_cades")
    # 2
    if not has_certificate(signer, certificate=certificate):
        raise DocumentRefused("not_cades")
    # 3
    if not is_signed_by(
        parse_certificate(certificate),
        octets=signer.signed_attributes,
        signature=signer.signature,
        identifier=signer.signature_algorithm,
        hash_name=hash_name,
    ):
        raise SignatureForeign
    return VerifiedSigner(certificate, hash_name, signer.signature)


def add_timestamp(cms: bytes, *, token: bytes) -> bytes:
    """A signature with one more signature timestamp.

    Takes   cms: DER with one signer; token: verified, over the digest of the signature value.
    Raises  DerMalformed; DocumentRefused for several signers.
    """
    return _encode(with_timestamp(read_signed_data(cms), token=token))


def add_material(cms: bytes, *, material: ValidationMaterial) -> bytes:
    """A signature with certificates and revocation data beside those that it has.

    Raises  DerMalformed.
    """
    return _encode(read_signed_data(cms), material=material)


def with_timestamp(data: SignedData, *, token: bytes) -> SignedData:
    """The same with one more signature timestamp.

    Raises  DocumentRefused for several signers.
    """
    if len(data.signers) != 1:
        raise DocumentRefused("several_signatures")
    signer = data.signers[0]
    unsigned = (*signer.unsigned_attributes, signature_timestamp(token))
    return replace(data, signers=(replace(signer, unsigned_attributes=unsigned),))


def _encode(data: SignedData, *, material: ValidationMaterial | None = None) -> bytes:
    content = data.content
    size = None if content is None else len(content)
    frame = frame_signed_data(data, content_size=size, material=material)
    return b"".join((frame.head, content or b"", frame.tail))
