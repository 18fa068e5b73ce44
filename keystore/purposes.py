"""What each key is for: one table, so that no key is ever used for two things.

What lives here: the purposes of sealing and MAC keys, and of signing keys with their algorithms,
lifetimes and what they may sign.  A new purpose is a new line here; its keys come into being at
the next start.  Source: NIST SP 800-57 part 1 §5.2 (a key is used for one purpose).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
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
    DOCUMENT = "seal:document"
    """Documents that wait for a signature, what is said about them, and evidence of signatures."""
    REGISTER = "seal:register"
    """What a register of the state said, for as long as it may be used again."""


class MacPurpose(StrEnum):
    """Keys that authenticate: HMAC-SHA256."""

    LOOKUP = "mac:lookup"
    """Finds an identifier without storing it in the clear; versioned, see `Sealer.lookup_mac`."""
    CSRF = "mac:csrf"
    COOKIE = "mac:cookie"
    RECEIPT = "mac:receipt"
    DESTRUCTION = "mac:destruction"
    """Chains the lines of the list of destroyed data keys."""
    BACKUP = "mac:backup"
    """Says that a backup was made here."""
    SOURCE = "mac:source"
    """Names addresses and devices in counters without keeping them."""
    LOG = "mac:log"
    """Marks rows of the log as recorded by the service."""
    TOKEN = "mac:token"
    """Finds a code or refresh token in storage without keeping it."""


@dataclass(frozen=True, slots=True)
class KeyPurpose:
    """What one family of signing keys is for.

    Takes   name: stored with each key; algorithms: kinds of `keystore/key_types.py`, made by
            `Keyring.ensure`, the default first; may_sign: what a caller of `SigningKey.sign` can
            name as content; for a JWT that is `jwt:` and its `typ`;
            rotate_after: age at which the next key is made, None for keys that follow one another
            only on command; is_succession: one key follows another, otherwise each stands for
            itself (a certificate names it) and none is retired by a new one;
            lead: how long a next key waits, seen by everybody, before it signs;
            kept_published: how long after retirement others may still meet what it signed.
    """

    name: str
    algorithms: tuple[str, ...]
    may_sign: frozenset[str]
    rotate_after: timedelta | None
    lead: timedelta = timedelta(minutes=10)
    kept_published: timedelta = timedelta(days=1)
    is_succession: bool = True


TOKENS: Final = KeyPurpose(
    name="token",
    algorithms=("ES256", "RS256"),
    may_sign=frozenset(
        {
            "jwt:JWT",  # ID token, signed userinfo
            "jwt:at+jwt",  # RFC 9068
            "jwt:logout+jwt",  # OpenID Connect Back-Channel Logout 1.0 §2.4
            "jwt:secevent+jwt",  # RFC 8417: what became of a signing request
            "jwt:token-introspection+jwt",  # RFC 9701
        }
    ),
    rotate_after=timedelta(days=90),
)
"""Keys of tokens.  They never sign a document, a certificate or a checkpoint of the log."""

CA_ISSUING: Final = KeyPurpose(
    name="ca_issuing",
    algorithms=("ES256", "ES384"),
    may_sign=frozenset({"x509:certificate", "x509:crl"}),
    rotate_after=None,
    is_succession=False,
)
"""Keys of issuing authorities; each is known by its certificate.  A root's is never kept here."""

OCSP: Final = KeyPurpose(
    name="ocsp",
    algorithms=("ES256",),
    may_sign=frozenset({"ocsp:response"}),
    rotate_after=timedelta(days=60),
)
"""Keys of status answers, under short-lived certificates that cannot be revoked."""

TIMESTAMP: Final = KeyPurpose(
    name="timestamp",
    algorithms=("ES256",),
    may_sign=frozenset({"tsa:token"}),
    rotate_after=timedelta(days=365),
)
"""Keys of timestamps: used for a year, believed for as long as their certificate lasts."""

DOCUMENTS: Final = KeyPurpose(
    name="document",
    algorithms=("ES256",),
    may_sign=frozenset({"document:signature"}),
    rotate_after=timedelta(days=365),
)
"""Keys with which the service signs documents in its own name, when an operator tells it to.

Never in the name of somebody: keys of people and organisations are the signer's.
"""

LOG: Final = KeyPurpose(
    name="log",
    algorithms=("Ed25519", "ML-DSA-44"),
    may_sign=frozenset({"log:checkpoint"}),
    rotate_after=None,
)
"""Keys of checkpoints.  Whoever watches the log holds their public halves: only by command."""

SECOND_FACTOR: Final = KeyPurpose(
    name="second_factor",
    algorithms=("ES256",),
    may_sign=frozenset({"jwt:second-factor+jwt"}),
    rotate_after=timedelta(days=90),
)
"""Statements of the second-factor verifier, for the process that opens personal keys alone.

No process of the service makes or opens such a key: whoever had taken over a web worker could state
a second factor that nobody gave.  The verifier is a process of its own, with a key of its own under
a root key of its own (`keystore/second_factor/statement_key.py`).
"""

KEY_PURPOSES: Final[Mapping[str, KeyPurpose]] = MappingProxyType(
    {purpose.name: purpose for purpose in (TOKENS, CA_ISSUING, OCSP, TIMESTAMP, DOCUMENTS, LOG)}
)
"""Every purpose whose keys the service itself holds, by its name."""
