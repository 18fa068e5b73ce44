"""The key of a root authority: made in memory, given to its operator, and forgotten.

What lives here: the one private key that no host keeps.  Outside of memory it exists as PKCS #12
under a passphrase, together with its certificate, on a medium that belongs into a safe; neither the
database nor the keyring ever holds it.  The passphrase is stretched 600,000 times, because a person
has to remember it; PKCS #8 as the library writes it is stretched 2,048 times.
Source: RFC 7292; RFC 8018 (PBES2, AES-256-CBC, PBKDF2).  Not here: what the root signs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import PrivateFormat, pkcs12

from keystore.errors import SealBroken

LEAST_PASSPHRASE: Final = 16
"""Characters; whoever finds the file may try for as long as they like."""
_ROUNDS: Final = 600_000


@dataclass(frozen=True, slots=True)
class OfflineKey:
    """A P-384 key in memory, for as long as its operator's command runs."""

    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def algorithm(self) -> str:
        """Its kind, as `keystore/key_types.py` names it."""
        return "ES384"

    @property
    def public_key(self) -> ec.EllipticCurvePublicKey:
        """Its public half."""
        return self.key.public_key()

    @property
    def digest(self) -> SHA384:
        """The hash that goes with it."""
        return SHA384()


def make_offline_key() -> OfflineKey:
    """A new key."""
    return OfflineKey(ec.generate_private_key(ec.SECP384R1()))


def export_offline_key(
    offline: OfflineKey, *, certificate: x509.Certificate, passphrase: str
) -> bytes:
    """The key with its certificate under a passphrase: PKCS #12, DER.

    Raises  ValueError when the passphrase is shorter than `LEAST_PASSPHRASE`.
    """
    if len(passphrase) < LEAST_PASSPHRASE:
        raise ValueError("passphrase_too_short")
    encryption = (
        PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(_ROUNDS)
        .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
        .hmac_hash(SHA256())
        .build(passphrase.encode())
    )
    return pkcs12.serialize_key_and_certificates(
        b"root", offline.key, certificate, None, encryption
    )


def import_offline_key(raw: bytes, *, passphrase: str, certificate: x509.Certificate) -> OfflineKey:
    """The key of `certificate` out of what `export_offline_key` returned.

    Raises  SealBroken: another passphrase, a damaged file, or the key of another certificate.
    """
    try:
        opened = pkcs12.load_pkcs12(raw, passphrase.encode())
    except ValueError as broken:
        raise SealBroken from broken
    key = opened.key
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise SealBroken
    if key.public_key() != certificate.public_key():
        raise SealBroken
    return OfflineKey(key)
