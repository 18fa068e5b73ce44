"""Authorities and certificates as the rest of the house sees them.

What lives here: frozen records and the two vocabularies (state, reason).  Source: RFC 5280 §5.3.1
(reasons), RFC 6960 §4.1.1 (how a status request names an authority).  Not here: SQL
(`keystore/pki/storage`), building (`keystore/pki/issuing.py`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class CaKind(StrEnum):
    """Where the key of an authority is."""

    ROOT = "root"
    """Offline: its key was exported and is not on this host."""
    ISSUING = "issuing"
    """Its key is in the keyring, named by `kid`."""
    EXTERNAL = "external"
    """Somebody else's, licensed; we keep its certificate to show the chain."""


class CertificateState(StrEnum):
    """Whether a certificate may be relied on; expiry is not a state but an instant."""

    GOOD = "good"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


class RevocationReason(StrEnum):
    """Why a certificate may not be relied on; the values are the names of RFC 5280 §5.3.1."""

    UNSPECIFIED = "unspecified"
    KEY_COMPROMISE = "keyCompromise"
    CA_COMPROMISE = "cACompromise"
    AFFILIATION_CHANGED = "affiliationChanged"
    SUPERSEDED = "superseded"
    CESSATION_OF_OPERATION = "cessationOfOperation"
    CERTIFICATE_HOLD = "certificateHold"
    PRIVILEGE_WITHDRAWN = "privilegeWithdrawn"

    @property
    def flag(self) -> x509.ReasonFlags | None:
        """As `cryptography` names it; None for unspecified, which is said by saying nothing."""
        return None if self is RevocationReason.UNSPECIFIED else x509.ReasonFlags(self.value)


HOLDER: Final = "holder"
"""Whose hold on a certificate the holder may lift: her own."""

OPERATOR_REASONS: Final = frozenset(RevocationReason) - {
    RevocationReason.CERTIFICATE_HOLD,
    RevocationReason.CA_COMPROMISE,
}
"""What a certificate of a subject may be revoked for; on hold is what `suspend` means."""


@dataclass(frozen=True, slots=True)
class CaRecord:
    """One authority with its certificate.

    `certificate` is DER.  `kid` names the key in the keyring, None when it is not on this host.
    `shards`: 0 when there is one CRL for all, otherwise the number of partitions.
    `offline_crl`: DER, made together with the certificate where the key is offline; served as is.
    """

    ca_id: str
    kind: CaKind
    parent_id: str | None
    kid: str | None
    algorithm: str | None
    certificate: bytes = field(repr=False)
    shards: int
    created_at: datetime
    not_before: datetime
    not_after: datetime
    retired_at: datetime | None
    offline_crl: bytes | None = field(repr=False)

    @property
    def parsed(self) -> x509.Certificate:
        """The certificate, parsed anew at each call."""
        return x509.load_der_x509_certificate(self.certificate)


@dataclass(frozen=True, slots=True)
class IssuerNames:
    """How a status request may name an authority: hashes of its name and key, RFC 6960 §4.1.1."""

    name_der: bytes = field(repr=False)
    name_sha1: bytes
    key_sha1: bytes
    name_sha256: bytes
    key_sha256: bytes


def issuer_names(ca: CaRecord) -> IssuerNames:
    """The names of an authority; compute them once per authority."""
    certificate = ca.parsed
    name = certificate.subject.public_bytes()
    key = _key_bits(certificate)
    return IssuerNames(
        name_der=name,
        name_sha1=hashlib.sha1(name, usedforsecurity=False).digest(),  # noqa: TID251 - RFC 6960 names it
        key_sha1=hashlib.sha1(key, usedforsecurity=False).digest(),  # noqa: TID251 - RFC 6960 names it
        name_sha256=hashlib.sha256(name).digest(),
        key_sha256=hashlib.sha256(key).digest(),
    )


def _key_bits(certificate: x509.Certificate) -> bytes:
    """The content of the BIT STRING in SubjectPublicKeyInfo, without its count of unused bits."""
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    if isinstance(key, rsa.RSAPublicKey):
        return key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


@dataclass(frozen=True, slots=True)
class CertificateStatus:
    """What status answers need of one certificate.

    `changed_at`: since when it is suspended or revoked, or when it was lifted; None: never changed.
    """

    ca_id: str
    serial: int
    state: CertificateState
    reason: RevocationReason | None
    changed_at: datetime | None
    not_after: datetime
    shard: int


@dataclass(frozen=True, slots=True)
class CertificateRecord:
    """One certificate as stored.

    `der` is there where the subject is no person (services, authorities); a person's certificate
    is in `der_sealed`, under that person's data key, with `certificate_context` as context.
    `kid`: the key of the keyring, or the id of the personal signing key.
    `held_by`: `HOLDER` where it is on hold because its holder wanted that; whoever else put it on
    hold is not named here.
    """

    ca_id: str
    serial: int
    profile: str
    account_id: str | None
    kid: str | None
    spki_sha256: bytes = field(repr=False)
    issued_at: datetime
    not_before: datetime
    not_after: datetime
    state: CertificateState
    reason: RevocationReason | None
    changed_at: datetime | None
    shard: int
    replaces: int | None
    der: bytes | None = field(repr=False)
    der_sealed: bytes | None = field(repr=False)
    held_by: str | None = None

    @property
    def status(self) -> CertificateStatus:
        """The part that status answers need."""
        return CertificateStatus(
            self.ca_id,
            self.serial,
            self.state,
            self.reason,
            self.changed_at,
            self.not_after,
            self.shard,
        )


def certificate_context(ca_id: str, serial: int) -> str:
    """The identity of the record, for sealing."""
    return f"certificate:{ca_id}:{serial:x}"


def shard_of(serial: int, *, shards: int) -> int:
    """In which partition of its CRL a certificate would be listed; 0 when there is one list."""
    return serial % shards if shards else 0
