"""What every format needs, whoever brings it: the signatory, levels, evidence for later.

What lives here: plain data and the two calls that formats make to the world outside.
Source: ETSI EN 319 122-1, 319 132-1, 319 142-1 (levels B-B to B-LTA).
Not here: where certificates, timestamps and revocation data come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol


class Level(StrEnum):
    """Baseline levels, each with everything of the one before."""

    B = "B-B"
    T = "B-T"
    LT = "B-LT"
    LTA = "B-LTA"

    @property
    def has_timestamp(self) -> bool:
        """Whether a signature timestamp belongs to it."""
        return self is not Level.B

    @property
    def has_material(self) -> bool:
        """Whether certificates and revocation data belong to it."""
        return self in {Level.LT, Level.LTA}


HASH_OF: Final = {
    "ES256": "sha256",
    "ES384": "sha384",
    "PS256-3072": "sha256",
    "PS256-4096": "sha256",
}
"""The hash that each kind of key signs, by the names of `keystore.key_types` and `hashlib`."""


@dataclass(frozen=True, slots=True)
class Signatory:
    """Who signs.

    Takes   certificate: DER; chain: DER of its issuers, the nearest first, the root last;
            algorithm: a kind of key of `keystore.key_types`.
    """

    certificate: bytes = field(repr=False)
    chain: tuple[bytes, ...] = field(repr=False)
    algorithm: str = "ES256"

    @property
    def hash_name(self) -> str:
        """The hash over everything in this signature, by the name of `hashlib`."""
        return HASH_OF[self.algorithm]


@dataclass(frozen=True, slots=True)
class ToBeSigned:
    """What the signatory's key has to sign: a digest of `hash_name`, and what it is a digest of."""

    octets: bytes = field(repr=False)
    digest: bytes = field(repr=False)
    hash_name: str


@dataclass(frozen=True, slots=True)
class ValidationMaterial:
    """Evidence that outlives the services that gave it, each entry DER."""

    certificates: tuple[bytes, ...] = field(default=(), repr=False)
    ocsp_responses: tuple[bytes, ...] = field(default=(), repr=False)
    crls: tuple[bytes, ...] = field(default=(), repr=False)

    def with_others(self, other: ValidationMaterial) -> ValidationMaterial:
        """Both, without doublets, in order."""
        return ValidationMaterial(
            tuple(dict.fromkeys(self.certificates + other.certificates)),
            tuple(dict.fromkeys(self.ocsp_responses + other.ocsp_responses)),
            tuple(dict.fromkeys(self.crls + other.crls)),
        )


class Timestamps(Protocol):
    """A timestamp authority, ours or another's."""

    def stamp(self, digest: bytes, *, hash_name: str) -> bytes:
        """A timestamp token over `digest`: DER of its ContentInfo, its certificates inside.

        The caller may rely on it: imprint, nonce, signature and purpose were checked.
        Raises  TimestampUnavailable.
        """


class StatusSource(Protocol):
    """Whoever knows whether certificates are good."""

    def material(self, chain: Sequence[bytes], *, now: datetime) -> ValidationMaterial:
        """Evidence for every certificate of a chain but its root, and for whoever signed it.

        Takes   chain: DER, the nearest first, the root last.
        Raises  StatusUnavailable; CertificateRefused when one is revoked or on hold.
        """
