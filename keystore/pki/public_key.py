"""Which public keys are certified.

What lives here: one check over a key from outside: its kind, its strength, known weaknesses, and an
encoding that is the only one.  Source: TT 15/2025/TT-BKHCN, Annex I (ECDSA of at least 256 bits,
RSA); SP 800-57 part 1 §5.6 (RSA of at least 3072 bits beyond 2030); RFC 5480 §2.1.1 (named curves).
Not here: possession of the private half (`keystore/pki/csr.py`).
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import (
    CertificatePublicKeyTypes,
    PublicKeyTypes,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from keystore.pki.errors import CsrRefused
from keystore.weak_keys import find_rsa_weakness

LEAST_RSA_BITS: Final = 3072
_CURVES: Final = frozenset({"secp256r1", "secp384r1", "secp521r1"})
_LONGEST: Final = 2048


def check_public_key(raw_spki: bytes) -> CertificatePublicKeyTypes:
    """The key in a DER SubjectPublicKeyInfo, if we certify such keys.

    Raises  CsrRefused: too_large, malformed, key_type, weak_key.
    """
    if len(raw_spki) > _LONGEST:
        raise CsrRefused("too_large")
    try:
        key = load_der_public_key(raw_spki)
    except (ValueError, UnsupportedAlgorithm) as malformed:
        raise CsrRefused("malformed") from malformed
    strong = check_strength(key)
    if key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) != raw_spki:
        # two encodings of one key would be two keys to whoever compares hashes
        raise CsrRefused("malformed")
    return strong


def check_strength(key: PublicKeyTypes) -> CertificatePublicKeyTypes:
    """The same key, if it is strong and of a kind that we certify.

    Raises  CsrRefused: key_type, weak_key.
    """
    if isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.name not in _CURVES:
            raise CsrRefused("weak_key" if key.curve.key_size < 256 else "key_type")
        return key
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        if key.key_size < LEAST_RSA_BITS:
            raise CsrRefused("weak_key")
        if find_rsa_weakness(modulus=numbers.n, exponent=numbers.e) is not None:
            raise CsrRefused("weak_key")
        return key
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    raise CsrRefused("key_type")
