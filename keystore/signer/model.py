"""What the signer knows about a personal key.

What lives here: `KeyPolicy`, everything about a key that never changes, and its canonical bytes.
The wrapped private half is bound to the hash of those bytes: whoever may write to the database can
put another account, another passkey or another level into a row, and with it loses the key.
Source: CEN EN 419 241-1 (sole control).  Not here: SQL (`storage`), the wrapping (the backend).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

import msgspec

HOLDER: Final = "holder"
"""The reason of a suspension that the holder wanted: the one that she may end herself."""

SubjectKind = Literal["person", "organisation"]
Scal = Literal[1, 2]

_MAX_POLICY_BYTES: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class PinnedCredential:
    """A passkey that may confirm: its id and its public key (COSE, as WebAuthn registered it)."""

    credential_id: bytes
    public_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyPolicy:
    """What a personal key is, for ever; to change any of it, make another key.

    Takes   account_id: whose key it is; for a seal the organisation's account;
            scal: 2, only a passkey of `credentials` activates it; 1, only a statement of the
            second-factor verifier does; rp_id: of those passkeys, empty for SCAL1;
            recipient: public key to which log rows about this key are sealed, see
            `keystore/recipient.py`.
    """

    key_id: str
    account_id: str
    subject_kind: SubjectKind
    algorithm: str
    scal: Scal
    rp_id: str
    credentials: tuple[PinnedCredential, ...]
    recipient: bytes = field(repr=False)
    created_ms: int

    def find_credential(self, credential_id: bytes) -> PinnedCredential | None:
        """The pinned passkey of that id."""
        for credential in self.credentials:
            if credential.credential_id == credential_id:
                return credential
        return None


@dataclass(frozen=True, slots=True)
class PersonalKey:
    """One row: the policy as it was written, and what may change.

    `raw_policy` is believed only once the private half has opened with it.
    """

    key_id: str
    account_id: str
    algorithm: str
    public_spki: bytes = field(repr=False)
    raw_policy: bytes = field(repr=False)
    wrapped: bytes | None = field(repr=False)
    kek_id: str | None
    scal: int
    created_at: datetime
    suspended_at: datetime | None
    destroyed_at: datetime | None
    suspended_reason: str | None = None

    @property
    def context(self) -> str:
        """The identity that the wrapped private half is bound to."""
        return wrapping_context(self.key_id, raw_policy=self.raw_policy)


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A key that was just made; `public_spki` is a DER SubjectPublicKeyInfo."""

    key_id: str
    algorithm: str
    public_spki: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """What a change of the root key needs: the bytes and what they are bound to."""

    key_id: str
    context: str
    wrapped: bytes = field(repr=False)
    kek_id: str


_encode: Final = msgspec.json.Encoder(order="sorted").encode
_decode: Final = msgspec.json.Decoder(KeyPolicy).decode


def encode_policy(policy: KeyPolicy) -> bytes:
    """The canonical bytes of a policy: JSON, members sorted, no white space."""
    return _encode(policy)


def decode_policy(raw: bytes) -> KeyPolicy:
    """The policy behind `raw`, in its one spelling.

    Raises  ValueError.
    """
    if len(raw) > _MAX_POLICY_BYTES:
        raise ValueError("too_large")
    policy = _decode(raw)  # its error is a ValueError
    if _encode(policy) != raw:
        raise ValueError("not_canonical")
    return policy


def wrapping_context(key_id: str, *, raw_policy: bytes) -> str:
    """What a private half is wrapped for: this key with this policy and no other."""
    return f"personal_key:{key_id}:{hashlib.sha256(raw_policy).hexdigest()}"
