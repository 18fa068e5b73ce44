"""A JWK Set from outside is public, unambiguous and strong, or refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from keystore.errors import KeySetInvalid
from keystore.jose import KeySet, parse_jwks
from tests.keystore.conftest import Issuer, _rsa_jwk, b64


def _refusal(raw: Any) -> str:
    with pytest.raises(KeySetInvalid) as refused:
        parse_jwks(raw)
    return refused.value.reason


def test_keys_of_every_supported_type_are_taken(issuer: Issuer) -> None:
    keys = issuer.key_set()
    assert {key.kid: key.algorithms for key in keys.keys}["ec"] == {"ES256"}
    assert {key.kid: key.algorithms for key in keys.keys}["ed"] == {"EdDSA", "Ed25519"}


def test_bytes_and_object_give_the_same_set_and_it_is_computed_once(issuer: Issuer) -> None:
    members = {"keys": [issuer.jwk()]}
    assert parse_jwks(members) is parse_jwks(dict(members))
    assert parse_jwks(json.dumps(members).encode()).keys[0].kid == "ec"


@pytest.mark.parametrize("private", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
def test_a_set_that_shows_private_members_is_refused(issuer: Issuer, private: str) -> None:
    """RFC 7517 §9.2: a published private key is a lost key."""
    assert _refusal({"keys": [issuer.jwk("rsa"), issuer.jwk(**{private: "AA"})]}) == "private_key"


def test_a_symmetric_key_is_refused_with_everything_beside_it(issuer: Issuer) -> None:
    """RFC 8725 §2.1."""
    assert _refusal({"keys": [issuer.jwk(), {"kty": "oct", "kid": "s"}]}) == "private_key"


def test_two_keys_with_one_name_are_refused(issuer: Issuer) -> None:
    """RFC 7517 §4.5: values of kid SHOULD be distinct."""
    assert _refusal({"keys": [issuer.jwk(), issuer.jwk("rsa", kid="ec")]}) == "duplicate_kid"


@pytest.mark.parametrize(
    "changes",
    [
        {"use": "enc"},
        {"key_ops": ["encrypt"]},
        {"alg": "ES512"},
        {"alg": "HS256"},
        {"alg": "none"},
        {"crv": "secp256k1"},
        {"crv": None},
        {"kty": "AKP"},
    ],
)
def test_keys_that_are_not_for_us_are_left_out(issuer: Issuer, changes: dict[str, Any]) -> None:
    """RFC 7517 §5, §4.2 to §4.4."""
    other = issuer.jwk(**changes) | {"kid": "other"}
    assert [key.kid for key in parse_jwks({"keys": [other, issuer.jwk("rsa")]}).keys] == ["rsa"]
    assert _refusal({"keys": [other]}) == "no_usable_key"


@pytest.mark.parametrize(
    "changes",
    [
        {"x": None},
        {"x": 5},
        {"x": "ấ" * 43},
        {"x": "A" * 43},
        {"x": "AA"},
        {"x": "=" * 43},
        {"crv": "P-384"},
        {"kty": None},
        {"kty": ["EC"]},
        {"crv": ["P-256"]},
        {"alg": ["ES256"]},
        {"key_ops": "verify"},
        {"kid": 7},
        {"kid": ""},
        {"kid": "k" * 257},
    ],
)
def test_a_broken_key_is_refused(issuer: Issuer, changes: dict[str, Any]) -> None:
    """RFC 7518 §6.2.1: coordinates on the curve and of its full size."""
    assert _refusal({"keys": [issuer.jwk(**changes)]}) == "malformed_key"


@pytest.mark.parametrize(
    ("n_bits", "e", "reason"), [(1024, None, "rsa_too_small"), (2048, "Aw", "rsa_exponent")]
)
def test_a_weak_rsa_key_is_refused_by_name(n_bits: int, e: str | None, reason: str) -> None:
    """RFC 7518 §3.3: 2048 bits or larger MUST be used."""
    numbers = rsa.RSAPublicNumbers(65537, (1 << (n_bits - 1)) + 9)
    jwk = _rsa_jwk(numbers) | ({"e": e} if e else {})
    assert _refusal({"keys": [jwk]}) == reason


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "malformed_json"),
        (b"[]", "not_an_object"),
        (b'{"keys":[],"keys":[]}', "duplicate_member"),
        (b"{}", "keys_member"),
        (b'{"keys":{}}', "keys_member"),
        (b'{"keys":["a"]}', "keys_member"),
        (b'{"keys":[]}', "no_usable_key"),
        (b'{"keys":[' + b",".join([b"{}"] * 33) + b"]}", "keys_member"),
        (b" " * (64 * 1024 + 1), "too_large"),
    ],
)
def test_what_is_not_a_key_set_is_refused(raw: bytes, reason: str) -> None:
    assert _refusal(raw) == reason


def test_a_key_without_a_name_serves_any_kid_when_it_is_the_only_one(issuer: Issuer) -> None:
    keys = parse_jwks({"keys": [issuer.jwk(kid="named")]})
    nameless = parse_jwks({"keys": [{k: v for k, v in issuer.jwk().items() if k != "kid"}]})
    assert nameless.find(kid="anything", algorithm="ES256") is not None
    assert keys.find(kid="anything", algorithm="ES256") is None
    assert keys.find(kid=None, algorithm="ES256") is not None
    assert keys.find(kid="named", algorithm="RS256") is None


def test_several_fitting_keys_and_no_name_is_no_key(issuer: Issuer) -> None:
    """OpenID Connect Core 1.0 §10.1: with several keys the kid MUST be given."""
    second = {"kty": "EC", "crv": "P-256"} | {
        name: b64(value.to_bytes(32, "big")) for name, value in mirrored_point(issuer)
    }
    keys = parse_jwks({"keys": [issuer.jwk(), second | {"kid": "two"}]})
    assert isinstance(keys, KeySet)
    assert keys.find(kid=None, algorithm="ES256") is None


def mirrored_point(issuer: Issuer) -> list[tuple[str, int]]:
    """Another point of the curve: the first one's mirror image."""
    numbers = issuer.ec.public_key().public_numbers()
    prime = 2**256 - 2**224 + 2**192 + 2**96 - 1
    return [("x", numbers.x), ("y", prime - numbers.y)]
