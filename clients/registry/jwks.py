"""Whether a client's JWK Set can be registered: public keys only, of a kind that we verify.

What lives here: the look at the JSON at registration, so that an operator hears of a pasted private
key at once.  Not here: verifying with the keys; the JOSE door parses them again when they are used.
Source: RFC 7517 §4 and §5, RFC 7518 §6, RFC 8037 §2.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, Final

_MOST_KEYS: Final = 20
_MOST_BYTES: Final = 16 * 1024
_SHORTEST_RSA_BITS: Final = 2048
_LONGEST_RSA_BITS: Final = 8192
_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_COORDINATE_BYTES: Final = {"P-256": 32, "P-384": 48, "P-521": 66}
_EDWARDS_BYTES: Final = {"Ed25519": 32}


def find_jwks_problem(jwks: Mapping[str, Any]) -> str | None:
    """Why a JWK Set cannot be registered, or None when it can.  Never repeats a member's value."""
    try:
        size_bytes = len(json.dumps(jwks))
    except (TypeError, ValueError):
        return "it is not JSON"
    if size_bytes > _MOST_BYTES:
        return f"it is larger than {_MOST_BYTES} bytes"
    keys = jwks.get("keys")
    if not isinstance(keys, list) or not keys:
        return "its member `keys` is not a list with at least one key (RFC 7517 §5)"
    if len(keys) > _MOST_KEYS:
        return f"it has more than {_MOST_KEYS} keys"
    seen: set[str] = set()
    for number, key in enumerate(keys, start=1):
        problem = _find_key_problem(key)
        if problem is None and "kid" in key:
            problem = "its `kid` occurs twice" if key["kid"] in seen else None
            seen.add(key["kid"])
        if problem is not None:
            return f"key no. {number}: {problem}"
    return None


def _find_key_problem(key: object) -> str | None:
    if not isinstance(key, dict):
        return "it is not an object"
    if not _PRIVATE_MEMBERS.isdisjoint(key):
        return "it is a private or shared key: only public keys are registered, replace this one"
    for name in ("kid", "use", "alg"):
        if name in key and not isinstance(key[name], str):
            return f"its `{name}` is not a string"
    if key.get("use", "sig") != "sig":
        return "its `use` is not sig"
    kind = key.get("kty")
    if kind == "EC":
        size = _COORDINATE_BYTES.get(str(key.get("crv")))
        if size is None:
            return "its curve is none of P-256, P-384, P-521"
        if _count_bytes(key.get("x")) != size or _count_bytes(key.get("y")) != size:
            return "its coordinates do not fit its curve (RFC 7518 §6.2.1)"
        return None
    if kind == "OKP":
        size = _EDWARDS_BYTES.get(str(key.get("crv")))
        if size is None:
            return "its curve is not Ed25519"
        return None if _count_bytes(key.get("x")) == size else "its `x` does not fit its curve"
    if kind == "RSA":
        return _find_rsa_problem(key)
    return "its `kty` is none of EC, OKP, RSA"


def _find_rsa_problem(key: Mapping[str, Any]) -> str | None:
    modulus = _decode(key.get("n"))
    exponent = _decode(key.get("e"))
    if modulus is None or exponent is None:
        return "its `n` or `e` is not base64url (RFC 7518 §6.3.1)"
    bits = int.from_bytes(modulus).bit_length()
    if not _SHORTEST_RSA_BITS <= bits <= _LONGEST_RSA_BITS:
        return f"its modulus has {bits} bits, not {_SHORTEST_RSA_BITS} to {_LONGEST_RSA_BITS}"
    if int.from_bytes(exponent) < 3 or exponent[-1] % 2 == 0:
        return "its exponent is not an odd number from 3 on"
    return None


def _count_bytes(value: object) -> int:
    decoded = _decode(value)
    return -1 if decoded is None else len(decoded)


def _decode(value: object) -> bytes | None:
    if not isinstance(value, str) or not value or "=" in value:
        return None
    try:
        return base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
