"""A client's JWK Set cache that believes the headers and nothing else.

What lives here: `StrictJwks`, which keeps a set for exactly `max-age` and never asks sooner,
whatever it meets; and the check of a token against it by `cryptography`, not by code of ours.
Source: RFC 9111 §4.2 (age counts from the request on).  Not here: what a portal should do
(`clients/sdk`, which asks again for an unknown key).
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256

from tests.support.quick_browser import Answer

_MAX_AGE: Final = re.compile(r"max-age=(\d+)")


class StrictJwks:
    """One client's copy; raises when a token cannot be verified with it."""

    def __init__(self, fetch: Callable[[], Answer]) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._keys: dict[str, dict[str, str]] = {}
        self._fresh_until = -1.0
        self.fetched = 0
        self.used: set[str] = set()
        """Keys that verified something."""

    def verify(self, token: str) -> dict[str, Any]:
        """The claims of a token.  Raises AssertionError, InvalidSignature."""
        head, payload, signature = token.split(".")
        header = json.loads(_decode(head))
        key = self._current().get(header["kid"])
        assert key is not None, f"the published keys lack the one that signed ({header['alg']})"
        _verify(key, f"{head}.{payload}".encode(), _decode(signature))
        self.used.add(header["kid"])
        claims: dict[str, Any] = json.loads(_decode(payload))
        return claims

    def _current(self) -> dict[str, dict[str, str]]:
        with self._lock:
            if time.monotonic() >= self._fresh_until:
                asked_at = time.monotonic()
                answer = self._fetch()
                assert answer.status == 200
                max_age = _MAX_AGE.search(answer.headers["Cache-Control"])
                assert max_age is not None
                self._keys = {key["kid"]: key for key in json.loads(answer.text)["keys"]}
                self._fresh_until = asked_at + int(max_age[1])
                self.fetched += 1
            return self._keys


def _verify(key: dict[str, str], signed: bytes, signature: bytes) -> None:
    if key["kty"] == "EC":
        point = ec.EllipticCurvePublicNumbers(_number(key["x"]), _number(key["y"]), ec.SECP256R1())
        half = len(signature) // 2
        der = utils.encode_dss_signature(
            int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
        )
        point.public_key().verify(der, signed, ec.ECDSA(SHA256()))
        return
    numbers = rsa.RSAPublicNumbers(_number(key["e"]), _number(key["n"]))
    numbers.public_key().verify(signature, signed, padding.PKCS1v15(), SHA256())


def _number(text: str) -> int:
    return int.from_bytes(_decode(text), "big")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
