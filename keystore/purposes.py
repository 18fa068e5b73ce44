"""What each key is for: one table, so that no key is ever used for two things.

What lives here: the purposes of sealing and MAC keys, and of signing keys with their algorithms,
lifetimes and what they may sign.  A new purpose is a new line here; its keys come into being at
the next start.  Source: NIST SP 800-57 part 1 §5.2 (a key is used for one purpose).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final


class SealPurpose(StrEnum):
    """Keys that encrypt: AES-256, one per kind of record."""

    DATA_KEY = "seal:data_key"
    """Wraps the data key of each person."""
    SIGNING_KEY = "seal:signing_key"
    """Private halves of the service's own signing keys."""
    LOG = "seal:log"
    """Nonces of log events that concern no person with a data key."""
    IDENTIFIER = "seal:identifier"
    """Identifiers at rest, where the record is not under a person's data key."""
    CREDENTIAL = "seal:credential"
    """Second-factor secrets, where the record is not under a person's data key."""
    OUTBOX = "seal:outbox"
    """Payloads of deferred work."""
    INTERACTION = "seal:interaction"
    """Half-done sign-ins and codes in the ephemeral store."""
    SESSION = "seal:session"
    """Browser sessions and what is remembered for a browser."""
    REFRESH = "seal:refresh"
    """The successor of a refresh token, for the seconds in which it may be asked for again."""
    CLIENT = "seal:client"
    """What the registry keeps secret about a client."""


class MacPurpose(StrEnum):
    """Keys that authenticate: HMAC-SHA256."""

    LOOKUP = "mac:lookup"
    """Finds an identifier without storing it in the clear; versioned, see `Sealer.lookup_mac`."""
    CSRF = "mac:csrf"
    COOKIE = "mac:cookie"
    RECEIPT = "mac:receipt"
    SOURCE = "mac:source"
    """Names addresses and devices in counters without keeping them."""
    TOKEN = "mac:token"
    """Finds a code or refresh token in storage without keeping it."""


@dataclass(frozen=True, slots=True)
class KeyPurpose:
    """What one family of signing keys is for.

    Takes   name: stored with each key; algorithms: made by `Keyring.ensure`, the default first;
            may_sign: what a caller of `SigningKey.sign` can name as content; for a JWT that is
            `jwt:` and its `typ`; rotate_after: age at which the next key is made.
    """

    name: str
    algorithms: tuple[str, ...]
    may_sign: frozenset[str]
    rotate_after: timedelta


TOKENS: Final = KeyPurpose(
    name="token",
    algorithms=("ES256", "RS256"),
    may_sign=frozenset(
        {
            "jwt:JWT",  # ID token, signed userinfo
            "jwt:at+jwt",  # RFC 9068
            "jwt:logout+jwt",  # OpenID Connect Back-Channel Logout 1.0 §2.4
            "jwt:token-introspection+jwt",  # RFC 9701
        }
    ),
    rotate_after=timedelta(days=90),
)
"""Keys of tokens.  They never sign a document, a certificate or a checkpoint of the log."""
