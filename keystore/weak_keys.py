"""RSA public keys that are not worth trusting.

What lives here: one check over modulus and exponent: too small, too large to verify cheaply, an
unusable exponent, or made by the broken generator known as ROCA.  Source: NIST SP 800-131A r2 §3;
FIPS 186-5 §5.1 and A.1.1; Nemec et al., "The Return of Coppersmith's Attack", CCS 2017 (its
moduli are, modulo every small prime, powers of 65537).  Not here: private keys.
"""

from __future__ import annotations

from typing import Final

MIN_MODULUS_BITS: Final = 2048
MAX_MODULUS_BITS: Final = 8192
_MIN_EXPONENT: Final = 65537
_MAX_EXPONENT: Final = 1 << 32
_GENERATOR: Final = 65537
_PRIMES: Final = tuple(
    candidate
    for candidate in range(3, 168)
    if all(candidate % divisor for divisor in range(2, candidate))
)


def _powers(prime: int) -> frozenset[int]:
    found, power = {1}, _GENERATOR % prime
    while power not in found:
        found.add(power)
        power = power * _GENERATOR % prime
    return frozenset(found)


_FINGERPRINT: Final = tuple((prime, _powers(prime)) for prime in _PRIMES)


def find_rsa_weakness(*, modulus: int, exponent: int) -> str | None:
    """Why this key is refused, or None.

    Returns rsa_too_small, rsa_too_large, rsa_modulus_even, rsa_exponent or rsa_roca; an honest key
            passes for ROCA once in 240 million.
    """
    if modulus.bit_length() < MIN_MODULUS_BITS:
        return "rsa_too_small"
    if modulus.bit_length() > MAX_MODULUS_BITS:
        return "rsa_too_large"
    if modulus % 2 == 0:
        return "rsa_modulus_even"
    if exponent % 2 == 0 or not _MIN_EXPONENT <= exponent < _MAX_EXPONENT:
        return "rsa_exponent"
    if all(modulus % prime in powers for prime, powers in _FINGERPRINT):
        return "rsa_roca"
    return None
