"""RSA keys that are not worth trusting are named, honest ones pass."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from keystore.weak_keys import find_rsa_weakness

_ODD_2048 = (1 << 2047) + 9


def _product_of_small_primes() -> int:
    product = 1
    for candidate in range(3, 168):
        if all(candidate % divisor for divisor in range(2, candidate)):
            product *= candidate
    return product


def test_honest_keys_pass() -> None:
    for _ in range(5):
        numbers = rsa.generate_private_key(65537, 2048).public_key().public_numbers()
        assert find_rsa_weakness(modulus=numbers.n, exponent=numbers.e) is None


@pytest.mark.parametrize(
    ("modulus", "exponent", "weakness"),
    [
        (_ODD_2048 >> 1, 65537, "rsa_too_small"),
        (0, 65537, "rsa_too_small"),
        (1 << 8192 | 1, 65537, "rsa_too_large"),
        (_ODD_2048 + 1, 65537, "rsa_modulus_even"),
        (_ODD_2048, 1, "rsa_exponent"),
        (_ODD_2048, 3, "rsa_exponent"),
        (_ODD_2048, 65538, "rsa_exponent"),
        (_ODD_2048, (1 << 32) + 1, "rsa_exponent"),
    ],
)
def test_a_weak_key_is_named(modulus: int, exponent: int, weakness: str) -> None:
    """NIST SP 800-131A r2 §3, FIPS 186-5 A.1.1."""
    assert find_rsa_weakness(modulus=modulus, exponent=exponent) == weakness


def test_moduli_of_the_broken_generator_are_found() -> None:
    """Its moduli are powers of 65537 modulo every small prime: here is one of that form."""
    product = _product_of_small_primes()
    power = pow(65537, 12345, product)
    multiple = (1 << 2048) // product
    modulus = multiple * product + power
    if modulus % 2 == 0:
        modulus += product  # odd: 2 is not among the primes of the generator
    assert find_rsa_weakness(modulus=modulus, exponent=65537) == "rsa_roca"
