"""A XAdES signature between its two halves.

What lives here: what is stored while a person makes up their mind, what of it is signed, and
whether a value that came back is the signature of it.
Source: W3C XML Signature 1.1 §4.3 and §4.4; RFC 6931 §2.3.6 (r and s); ETSI EN 319 132-1 §5.3.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keystore.backends.errors import DigestRefused, SignatureRefused
from keystore.key_types import get_key_type
from keystore.signature_forms import in_full
from keystore.verifying import verify_digest
from signing.errors import SignatureForeign
from signing.formats.material import Signatory, ToBeSigned
from signing.formats.xades_place import EnvelopedPlace
from signing.formats.xades_properties import base64_of
from signing.formats.xml_text import Element, canonical, element


class Packaging(StrEnum):
    """Where the document is, as the signature sees it."""

    ENVELOPED = "enveloped"
    ENVELOPING = "enveloping"
    DETACHED = "detached"


@dataclass(frozen=True, slots=True)
class PreparedXades:
    """A signature that waits for its value; can be stored.

    `document_digest` is of the document's own bytes, by the signatory's hash; empty for a detached
    signature over several files.
    """

    signatory: Signatory
    packaging: Packaging
    signature_id: str
    signed_info: Element = field(repr=False)
    signed_properties: Element = field(repr=False)
    document_digest: bytes = field(default=b"", repr=False)
    mime_type: str = ""
    place: EnvelopedPlace | None = None

    @property
    def to_be_signed(self) -> ToBeSigned:
        """What the signatory's key has to sign: the canonical ds:SignedInfo."""
        octets = canonical(self.signed_info).encode()
        name = self.signatory.hash_name
        return ToBeSigned(octets, hashlib.new(name, octets).digest(), name)


def verify_signature(prepared: PreparedXades, *, signature: bytes) -> None:
    """The signature value is the signatory's over what was prepared.

    Takes   signature: as the signer gives it.
    Raises  SignatureForeign.
    """
    wanted = prepared.to_be_signed
    try:
        verify_digest(
            spki_of(prepared.signatory.certificate),
            algorithm=prepared.signatory.algorithm,
            digest=wanted.digest,
            hash_name=wanted.hash_name,
            signature=signature,
        )
    except (SignatureRefused, DigestRefused) as foreign:
        raise SignatureForeign from foreign


def signature_value(prepared: PreparedXades, *, signature: bytes) -> Element:
    """ds:SignatureValue; its canonical text is what a signature timestamp is over."""
    kind = get_key_type(prepared.signatory.algorithm)
    # ECDSA-Sig-Value is for ASN.1; here r and s stand in full
    octets = in_full(signature, size_bytes=kind.size_bytes) if kind.family == "ec" else signature
    attributes = {"Id": f"{prepared.signature_id}-value"}
    return element("ds:SignatureValue", base64_of(octets), attributes=attributes)


@lru_cache(maxsize=256)
def spki_of(certificate: bytes) -> bytes:
    """The public key of a certificate, DER."""
    key = x509.load_der_x509_certificate(certificate).public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@lru_cache(maxsize=256)
def key_family(certificate: bytes) -> str:
    """`ec`, `rsa`, or another word for the kind of key in a certificate."""
    key = x509.load_der_x509_certificate(certificate).public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "ec"
    return "rsa" if isinstance(key, rsa.RSAPublicKey) else type(key).__name__


def new_id(kind: str) -> str:
    """An Id that is in no document yet."""
    return f"{kind}-{secrets.token_hex(16)}"
