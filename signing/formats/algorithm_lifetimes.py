"""Until when algorithms are good enough, as data with its reference.

What lives here: the table of ETSI TS 119 312 as far as it concerns what we take, and the end of
what a certificate or a signature stands on.  A date of None means recommended, without an end that
is known; a new edition of the document is a new table.
Source: ETSI TS 119 312 V1.5.1, in the machine-readable form (TS 119 322) of October 2024.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

_LONG_AGO: Final = datetime(2012, 8, 1, tzinfo=UTC)
_LEGACY: Final = datetime(2029, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Ends of hashes and of kinds of signatures.

    Takes   hashes: by the name of `hashlib`; signatures: by `rsa-pkcs1`, `rsa-pss`, `ecdsa`, each
            with the least size in bits that a row is for, the largest first;
            reference: the document that says so.
    What is in no row has ended.
    """

    reference: str
    hashes: Mapping[str, datetime | None]
    signatures: Mapping[str, tuple[tuple[int, datetime | None], ...]]

    def hash_end(self, name: str) -> datetime | None:
        """When a hash is no longer good enough."""
        return self.hashes.get(name, _LONG_AGO)

    def signature_end(self, kind: str, *, bits: int) -> datetime | None:
        """When a kind of signature by a key of this size is no longer good enough."""
        for least, end in self.signatures.get(kind, ()):
            if bits >= least:
                return end
        return _LONG_AGO


TS_119_312: Final = Lifetimes(
    "ETSI TS 119 312 V1.5.1",
    MappingProxyType(
        {
            "sha1": _LONG_AGO,
            "sha224": _LEGACY,
            "sha256": None,
            "sha384": None,
            "sha512": None,
            "sha3_256": None,
            "sha3_384": None,
            "sha3_512": None,
        }
    ),
    MappingProxyType(
        {
            "rsa-pkcs1": ((1900, _LEGACY),),
            "rsa-pss": ((3000, None), (1900, _LEGACY)),
            "ecdsa": ((256, None),),
        }
    ),
)


def certificate_end(certificate: x509.Certificate, *, lifetimes: Lifetimes) -> datetime | None:
    """When the signature on a certificate is no longer good enough, as far as it says itself.

    The size of the key that made it is its issuer's (`key_end`).
    """
    hashed = certificate.signature_hash_algorithm
    return lifetimes.hash_end("" if hashed is None else hashed.name.replace("-", "_"))


def key_end(certificate: x509.Certificate, *, lifetimes: Lifetimes) -> datetime | None:
    """When signatures by the key in a certificate are no longer good enough.

    An RSA key in an ordinary certificate signs by PSS here, and its size is what counts.
    """
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return lifetimes.signature_end("rsa-pss", bits=key.key_size)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return lifetimes.signature_end("ecdsa", bits=key.key_size)
    return _LONG_AGO


def earliest(ends: Iterable[datetime | None]) -> datetime | None:
    """The first of these ends; None when there is none."""
    return min((one for one in ends if one is not None), default=None)
