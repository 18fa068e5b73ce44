"""Keys that a client registers are public, of a known kind, and strong enough."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.registry.jwks import find_jwks_problem


def _encode(number_bytes: bytes) -> str:
    return base64.urlsafe_b64encode(number_bytes).rstrip(b"=").decode()


def _rsa(bits: int, exponent: int = 65537) -> dict[str, Any]:
    modulus = (1 << (bits - 1)) | 1
    return {
        "kty": "RSA",
        "n": _encode(modulus.to_bytes((bits + 7) // 8)),
        "e": _encode(exponent.to_bytes(max(1, (exponent.bit_length() + 7) // 8))),
    }


def _problem(*keys: object) -> str | None:
    return find_jwks_problem({"keys": list(keys)})


def test_public_keys_of_each_kind_are_taken(ec_key: dict[str, str]) -> None:
    ed25519 = {"kty": "OKP", "crv": "Ed25519", "x": _encode(bytes(32))}
    assert _problem(ec_key, ed25519, _rsa(2048), {**_rsa(4096), "use": "sig"}) is None


@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
def test_a_private_key_is_refused_without_being_repeated(
    ec_key: dict[str, str], member: str
) -> None:
    """RFC 7517 §9.3, RFC 7591 §2: jwks holds the client's public keys."""
    problem = _problem({**ec_key, member: "c2VjcmV0LXNlY3JldA"}) or ""
    assert "private" in problem
    assert "c2VjcmV0" not in problem


@pytest.mark.parametrize(
    "changes",
    [
        {"crv": "P-224"},
        {"crv": "secp256k1"},
        {"crv": None},
        {"kty": "oct"},
        {"kty": None},
        {"x": ""},
        {"x": 5},
        {"x": "not base64url!"},
        {"x": "AA"},
        {"y": "AA=="},
        {"use": "enc"},
        {"use": 5},
        {"kid": 5},
        {"alg": []},
    ],
)
def test_a_broken_elliptic_key_is_refused(ec_key: dict[str, str], changes: dict[str, Any]) -> None:
    """RFC 7518 §6.2.1: the octet string of a coordinate has the full size of the curve."""
    assert _problem({**ec_key, **changes}) is not None


@pytest.mark.parametrize(
    "key",
    [
        _rsa(1024),
        _rsa(16384),
        _rsa(2048, exponent=1),
        _rsa(2048, exponent=65536),
        {"kty": "RSA", "n": "AQAB"},
        {"kty": "OKP", "crv": "X25519", "x": _encode(bytes(32))},
        {"kty": "OKP", "crv": "Ed25519", "x": _encode(bytes(31))},
        "key",
        None,
    ],
)
def test_weak_and_unknown_keys_are_refused(key: object) -> None:
    """RFC 7518 §3.3: a key of size 2048 bits or larger MUST be used."""
    assert _problem(key) is not None


def test_two_keys_of_one_name_are_refused(ec_key: dict[str, str]) -> None:
    """RFC 7517 §4.5: different keys SHOULD use distinct kid values."""
    assert "twice" in (_problem(ec_key, ec_key) or "")


@pytest.mark.parametrize(
    "jwks", [{}, {"keys": []}, {"keys": {}}, {"keys": "x"}, {"keys": [{"kty": object()}]}]
)
def test_what_is_no_key_set_is_refused(jwks: dict[str, Any]) -> None:
    """RFC 7517 §5."""
    assert find_jwks_problem(jwks) is not None


def test_too_many_and_too_large_are_refused(ec_key: dict[str, str]) -> None:
    many = [{**ec_key, "kid": str(number)} for number in range(21)]
    assert "more than" in (_problem(*many) or "")
    assert "larger" in (_problem({**ec_key, "note": "x" * 20_000}) or "")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=10,
)
_MEMBERS = st.sampled_from(["kty", "crv", "x", "y", "n", "e", "kid", "use", "alg"])
_WORDS = st.sampled_from(["EC", "RSA", "OKP", "P-256", "Ed25519", "sig", "AQAB", "é"])


@given(keys=_JSON | st.lists(st.dictionaries(_MEMBERS, _WORDS | _JSON, max_size=6), max_size=3))
def test_any_json_is_judged_without_failing(keys: object) -> None:
    find_jwks_problem({"keys": keys})
