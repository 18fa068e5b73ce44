"""Client secrets: made here, shown once, kept as SHA-256, compared in constant time.

A secret is 256 random bits, so a plain hash is as strong as a slow one and `/token` stays fast.
Up to two are live while a portal changes over.  Not here: storing them, and passwords of people.
Source: RFC 6749 §2.3.1, §10.10; RFC 9700 §2.5.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from clients.registry.model import ClientSecret

MAX_LIVE_SECRETS: Final = 2
MIN_GIVEN_LENGTH: Final = 32
"""A secret brought from elsewhere must be long enough to have been drawn by a machine."""

_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSecret:
    """A secret in clear, for the one moment in which it is handed over; its repr shows nothing."""

    raw: str = field(repr=False)


def make_secret() -> NewSecret:
    """A new secret: 256 random bits, base64url without padding, 43 characters."""
    return NewSecret(raw=secrets.token_urlsafe(_SECRET_BYTES))


def hash_secret(raw_secret: str) -> bytes:
    """SHA-256 of the UTF-8 bytes of a secret, 32 bytes."""
    return hashlib.sha256(raw_secret.encode("utf-8", "surrogatepass")).digest()


def is_live_secret(raw_secret: str, *, known: Iterable[ClientSecret], now: datetime) -> bool:
    """Whether a presented secret is one of those that are live now.

    Every known digest is compared, live or not, so that time tells nothing about which one it was.
    """
    presented = hash_secret(raw_secret)
    found = False
    for secret in known:
        same = hmac.compare_digest(presented, secret.digest)
        found |= same and secret.is_live(now=now)
    return found
