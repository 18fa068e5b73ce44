"""What is signed beside the document: the signed attributes of CMS and CAdES.

What lives here: one function per attribute, each answering its DER, and whether the certificate
that a signature names is the one that it was made with.
Source: RFC 5652 §11.1 to §11.3; RFC 5035 §4 (ESSCertIDv2); ETSI EN 319 122-1 §5.2.
Not here: which level wants which (`cms.py`, `cades.py`).  The first ESSCertID, which is SHA-1, is
neither written nor believed.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final

from cryptography.hazmat import asn1

from keystore.pki.der import SEQUENCE, wrap
from signing.errors import DocumentRefused
from signing.formats.algorithms import DIGEST_ALGORITHMS, hash_name_of
from signing.formats.der import OCTET_STRING, DerMalformed, attribute, oid, read_one
from signing.formats.signed_data import (
    CONTENT_TYPE,
    MESSAGE_DIGEST,
    SIGNING_CERTIFICATE_V2,
    SIGNING_TIME,
    SignerInfo,
)

_GENERALIZED_FROM: Final = 2050
"""RFC 5652 §11.3: UTCTime through 2049."""
_MIME_TYPE: Final = "0.4.0.1733.2.1"
_COMMITMENT: Final = "1.2.840.113549.1.9.16.2.16"
_SIGNER_ATTRIBUTES: Final = "0.4.0.19122.1.1"
_ORGANISATION_NAME: Final = "2.5.4.10"
_CLAIMED: Final = 0xA0
_SIGNER_LOCATION: Final = "1.2.840.113549.1.9.16.2.17"
_COMMITMENTS: Final = {
    "proof_of_origin": "1.2.840.113549.1.9.16.6.1",
    "proof_of_receipt": "1.2.840.113549.1.9.16.6.2",
    "proof_of_delivery": "1.2.840.113549.1.9.16.6.3",
    "proof_of_sender": "1.2.840.113549.1.9.16.6.4",
    "proof_of_approval": "1.2.840.113549.1.9.16.6.5",
    "proof_of_creation": "1.2.840.113549.1.9.16.6.6",
}
"""What a signature may be meant as (ETSI EN 319 122-1 §5.2.3)."""


@asn1.sequence
class _SignerLocation:
    """Both names EXPLICIT: a DirectoryString is a CHOICE."""

    country: Annotated[str | None, asn1.Explicit(0)]
    locality: Annotated[str | None, asn1.Explicit(1)]


@dataclass(frozen=True, slots=True)
class SignerLocation:
    """Where somebody says to have signed; `country` as ISO 3166 writes it."""

    country: str | None = None
    locality: str | None = None


def content_type(dotted: str) -> bytes:
    """What kind of content is signed (RFC 5652 §11.1)."""
    return attribute(CONTENT_TYPE, oid(dotted))


def message_digest(digest: bytes) -> bytes:
    """The digest of the content (RFC 5652 §11.2)."""
    return attribute(MESSAGE_DIGEST, wrap(OCTET_STRING, digest))


def signing_time(instant: datetime) -> bytes:
    """When the signer says to have signed (RFC 5652 §11.3); whole seconds."""
    whole = instant.astimezone(UTC).replace(microsecond=0)
    if whole.year < _GENERALIZED_FROM:
        return attribute(SIGNING_TIME, asn1.encode_der(asn1.UTCTime(whole)))
    return attribute(SIGNING_TIME, asn1.encode_der(asn1.GeneralizedTime(whole)))


def signing_certificate(certificate: bytes, *, hash_name: str) -> bytes:
    """Which certificate it is, so that no other of the same key can be put in its place.

    Issuer and number are left out, as they stand in SignerInfo (RFC 5035 §4).
    """
    digest = wrap(OCTET_STRING, hashlib.new(hash_name, certificate).digest())
    # SHA-256 is the default, which DER leaves out
    named = b"" if hash_name == "sha256" else DIGEST_ALGORITHMS[hash_name]
    certs = wrap(SEQUENCE, wrap(SEQUENCE, named, digest))
    return attribute(SIGNING_CERTIFICATE_V2, wrap(SEQUENCE, certs))


def mime_type(name: str) -> bytes:
    """What the signed content is (ETSI EN 319 122-1 §5.2.5.2)."""
    return attribute(_MIME_TYPE, asn1.encode_der(name))


def commitment(kind: str) -> bytes:
    """What the signature is meant as (ETSI EN 319 122-1 §5.2.3).

    Takes   kind: `proof_of_approval` and its like.
    Raises  DocumentRefused for a kind that there is not.
    """
    found = _COMMITMENTS.get(kind)
    if found is None:
        raise DocumentRefused("unknown_commitment")
    return attribute(_COMMITMENT, wrap(SEQUENCE, oid(found)))


def claimed_organisation(name: str) -> bytes:
    """For whom the signer says to sign, which nobody has certified in the signature.

    Takes   name: of the organisation.
    Source  ETSI EN 319 122-1 §5.2.6.1 (signer-attributes-v2, claimedAttributes, EXPLICIT tags);
            X.520 §6.4.1 (organizationName).
    """
    claimed = wrap(SEQUENCE, attribute(_ORGANISATION_NAME, asn1.encode_der(name)))
    return attribute(_SIGNER_ATTRIBUTES, wrap(SEQUENCE, wrap(_CLAIMED, claimed)))


def signer_location(place: SignerLocation) -> bytes:
    """Where it was signed (ETSI EN 319 122-1 §5.2.5.1)."""
    if not place.country and not place.locality:
        raise DocumentRefused("empty_location")
    value = _SignerLocation(country=place.country or None, locality=place.locality or None)
    return attribute(_SIGNER_LOCATION, asn1.encode_der(value))


def has_certificate(signer: SignerInfo, *, certificate: bytes) -> bool:
    """Whether the signed attributes name this certificate, first among all that they name.

    Source  RFC 5035 §5.4: the first one is the signer's, and is there once.
    """
    values = signer.signed_values(SIGNING_CERTIFICATE_V2)
    if len(values) != 1:
        return False
    certs = read_one(values[0]).children(most=2)
    named = read_one(certs[0].whole).children() if certs else ()
    if not named:
        return False
    parts = list(named[0].children(most=3))
    hash_name: str | None = "sha256"
    if parts and parts[0].tag == SEQUENCE:
        hash_name = hash_name_of(bytes(parts.pop(0).whole))
    if hash_name is None or not parts or parts[0].tag != OCTET_STRING:
        raise DerMalformed
    expected = hashlib.new(hash_name, certificate).digest()
    return hmac.compare_digest(bytes(parts[0].content), expected)
