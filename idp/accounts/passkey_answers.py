"""What is put to a passkey for signing in, and what it answers, as far as anybody can read it.

What lives here: challenges, and the reading of answers; **nothing** is verified.  A challenge is
random behind a word that says what it is for.  One for a second factor is none for signing in; and
what confirms a signature is a hash without any such word, so that neither passes for the other.
Source: WebAuthn Level 3 §5.1.6 (the answer as JSON), §5.8.1 (client data), §13.4.3 (challenges).
Not here: giving challenges out and taking them (`passkey_sign_in`).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from keystore.base64url import from_base64url
from keystore.signer.evidence import WebauthnEvidence
from keystore.strict_json import read_json_object

_RANDOM_BYTES: Final = 32
_MOST_CLIENT_DATA: Final = 4 * 1024
_MOST_ID: Final = 1023


class Purpose(StrEnum):
    """What a challenge is given out for."""

    SIGN_IN = "sign-in"
    SECOND_FACTOR = "second-factor"


@dataclass(frozen=True, slots=True)
class PasskeyAnswer:
    """The answer of `navigator.credentials.get()`; **not** verified."""

    evidence: WebauthnEvidence
    user_handle: bytes | None = field(repr=False)


def make_challenge(purpose: Purpose) -> bytes:
    """A new challenge: the word of its purpose and 32 random bytes."""
    return _prefix(purpose) + secrets.token_bytes(_RANDOM_BYTES)


def read_answer(raw: str) -> PasskeyAnswer | None:
    """The answer as JSON (`toJSON()`, WebAuthn §5.1.6), or None when it is none."""
    try:
        members: Any = read_json_object(raw.encode())
        response: Any = members["response"]
        said = response.get("userHandle")
        answer = PasskeyAnswer(
            WebauthnEvidence(
                credential_id=from_base64url(members["rawId"].encode()),
                client_data_json=from_base64url(response["clientDataJSON"].encode()),
                authenticator_data=from_base64url(response["authenticatorData"].encode()),
                signature=from_base64url(response["signature"].encode()),
            ),
            user_handle=from_base64url(said.encode()) if said else None,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return answer if 0 < len(answer.evidence.credential_id) <= _MOST_ID else None


def challenge_in(evidence: WebauthnEvidence, purpose: Purpose) -> bytes | None:
    """The challenge that an answer says to be for, if it is one of this purpose."""
    if len(evidence.client_data_json) > _MOST_CLIENT_DATA:
        return None
    try:
        members: Any = read_json_object(evidence.client_data_json)
        challenge = from_base64url(members["challenge"].encode())
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    prefix = _prefix(purpose)
    is_ours = challenge.startswith(prefix) and len(challenge) == len(prefix) + _RANDOM_BYTES
    return challenge if is_ours else None


def _prefix(purpose: Purpose) -> bytes:
    return f"antin {purpose} 1\x00".encode()
