"""The two hashes that OAuth and OpenID Connect write beside a token.

What lives here: S256 (PKCE, thumbprints of values) and the half hash of `at_hash` and `c_hash`.
Source: RFC 7636 §4.2; OpenID Connect Core 1.0 §3.1.3.6 and §3.3.2.11.
"""

from __future__ import annotations

import hashlib
from typing import Final

from keystore.base64url import to_base64url

_ON_SHA512: Final = frozenset({"EdDSA", "Ed25519"})


def s256(value: str | bytes) -> str:
    """SHA-256 of `value` (a string as UTF-8), base64url without padding: 43 characters."""
    encoded = value.encode() if isinstance(value, str) else value
    return to_base64url(hashlib.sha256(encoded).digest()).decode("ascii")


def half_hash(token: str, *, algorithm: str) -> str:
    """`at_hash` and `c_hash`: the left half of the hash that belongs to `algorithm`.

    Source  OpenID Connect Core 1.0 §3.1.3.6; Ed25519 stands on SHA-512.
    """
    name = "sha512" if algorithm in _ON_SHA512 else f"sha{algorithm[-3:]}"
    digest = hashlib.new(name, token.encode("ascii")).digest()
    return to_base64url(digest[: len(digest) // 2]).decode("ascii")
