"""What a person confirms: a signature activation, and the enrolment of a signing key.

What lives here: the two statements with their canonical bytes.  The hash of those bytes is the
challenge of a WebAuthn assertion, or what a statement of the second-factor verifier names; so a
confirmation is for exactly these digests, this key, this portal and this signer, or for nothing.
Each begins with words of its own: none can ever be taken for the other.
Source: architecture, decision 11; CEN EN 419 241-1 (signature activation data); WebAuthn §13.4.3.
Not here: whether the confirmation is right (`webauthn_evidence`, `statement_evidence`).
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from keystore.clock import to_ms
from keystore.recipient import is_recipient
from keystore.signer.errors import (
    ActivationExpired,
    ActivationForeign,
    ActivationMalformed,
    EnrolmentRefused,
)
from keystore.signer.model import PinnedCredential, Scal, SubjectKind

LONGEST: Final = timedelta(seconds=300)
"""How long a confirmation may last: reading the page is over, this is the finger on the sensor."""
MOST_DIGESTS: Final = 1_000
MOST_CREDENTIALS: Final = 8
NONCE_BYTES: Final = 32

DIGEST_BYTES: Final = {
    "sha256": 32,
    "sha384": 48,
    "sha512": 64,
    "sha3_256": 32,
    "sha3_384": 48,
    "sha3_512": 64,
}
"""Hashes of documents, by the name that `hashlib` gives them, and how long they are."""

PERSONAL_ALGORITHMS: Final = frozenset(
    {"ES256", "ES384", "PS256-3072", "PS256-4096"},
)
"""Kinds of personal keys: those that sign a digest which somebody else computed.

RSA of 2048 bits is none of them: a certificate outlives what such a key is good for.
"""

_NAME: Final = re.compile(r"[A-Za-z0-9._~:/-]{1,128}", re.ASCII)
_CODE: Final = re.compile(r"[a-z][a-z_]{0,39}", re.ASCII)
_CREDENTIAL_BYTES: Final = range(1, 1024)  # WebAuthn §4: at most 1023
_PUBLIC_KEY_BYTES: Final = range(1, 1024)

_encode: Final = msgspec.json.Encoder(order="sorted").encode


@dataclass(frozen=True, slots=True)
class SignatureActivation:
    """What one confirmation activates.

    Takes   signer: name of the signer that it is for, its `audience`; purpose: a code, what the
            signatures are for (`document`, `seal`, `certificate_request`, which signs nothing but
            one, see `certificate_requests`); request_id: of the signing request;
            account_id: whose key; credential_id: the passkey that shall confirm, empty for a
            statement; client_id: the portal; digests: in the order in which they are signed;
            expires_ms: at most 300 seconds away; nonce: 32 bytes from `new_nonce`.
    """

    signer: str
    purpose: str
    request_id: str
    account_id: str
    key_id: str
    credential_id: bytes
    client_id: str
    hash_name: str
    digests: tuple[bytes, ...] = field(repr=False)
    expires_ms: int
    nonce: bytes = field(repr=False)

    def canonical(self) -> bytes:
        """The bytes that are hashed: a name, NUL, JSON with members sorted and bytes in base64."""
        return b"antin signature activation 1\x00" + _encode(self)

    def challenge(self) -> bytes:
        """SHA-256 of the canonical bytes, 32 bytes: what is confirmed, and how it is known."""
        return hashlib.sha256(self.canonical()).digest()


@dataclass(frozen=True, slots=True)
class KeyEnrolment:
    """What one confirmation enrols: a signing key for an account, with the passkeys that open it.

    Takes   credentials: at least one for SCAL2, none for SCAL1; each confirms for itself;
            recipient: `Sealer.recipient` of the account's data key.
    """

    signer: str
    account_id: str
    subject_kind: SubjectKind
    algorithm: str
    scal: Scal
    rp_id: str
    credentials: tuple[PinnedCredential, ...]
    recipient: bytes = field(repr=False)
    expires_ms: int
    nonce: bytes = field(repr=False)

    def canonical(self) -> bytes:
        """The bytes that are hashed."""
        return b"antin key enrolment 1\x00" + _encode(self)

    def challenge(self) -> bytes:
        """SHA-256 of the canonical bytes, 32 bytes."""
        return hashlib.sha256(self.canonical()).digest()


def new_nonce() -> bytes:
    """32 bytes that nobody had before."""
    return secrets.token_bytes(NONCE_BYTES)


def verify_activation(activation: SignatureActivation, *, signer: str, now: datetime) -> None:
    """Refuse an activation that no confirmation could make right.

    1. Every field has its shape; each digest has the length of its hash.
    2. It is for this signer.
    3. now < expiry ≤ now + 300 s.

    Raises  ActivationMalformed (names the field), ActivationForeign, ActivationExpired.
    """
    # 1
    for name in ("request_id", "account_id", "key_id", "client_id"):
        if not _NAME.fullmatch(getattr(activation, name)):
            raise ActivationMalformed(name)
    if not _CODE.fullmatch(activation.purpose):
        raise ActivationMalformed("purpose")
    if activation.credential_id and len(activation.credential_id) not in _CREDENTIAL_BYTES:
        raise ActivationMalformed("credential_id")
    if len(activation.nonce) != NONCE_BYTES:
        raise ActivationMalformed("nonce")
    size = DIGEST_BYTES.get(activation.hash_name)
    if size is None:
        raise ActivationMalformed("hash_name")
    if not 1 <= len(activation.digests) <= MOST_DIGESTS:
        raise ActivationMalformed("digests")
    if any(len(digest) != size for digest in activation.digests):
        raise ActivationMalformed("digests")
    # 2
    if activation.signer != signer:
        raise ActivationForeign("signer")
    # 3
    _check_expiry(activation.expires_ms, now=now)


def verify_enrolment(enrolment: KeyEnrolment, *, signer: str, now: datetime) -> None:
    """Refuse an enrolment that no confirmation could make right.

    Raises  EnrolmentRefused (names the field), ActivationForeign, ActivationExpired.
    """
    if not _NAME.fullmatch(enrolment.account_id):
        raise EnrolmentRefused("account_id")
    if enrolment.algorithm not in PERSONAL_ALGORITHMS:
        raise EnrolmentRefused("algorithm")
    if not is_recipient(enrolment.recipient):
        raise EnrolmentRefused("recipient")
    if len(enrolment.nonce) != NONCE_BYTES:
        raise EnrolmentRefused("nonce")
    _check_credentials(enrolment)
    if enrolment.signer != signer:
        raise ActivationForeign("signer")
    _check_expiry(enrolment.expires_ms, now=now)


def _check_credentials(enrolment: KeyEnrolment) -> None:
    # a key is opened by passkeys or by statements; one that took both would be as weak as either
    credentials = enrolment.credentials
    if (enrolment.scal == 2) != bool(credentials) or (enrolment.scal == 2) != bool(enrolment.rp_id):
        raise EnrolmentRefused("credentials")
    if len(credentials) > MOST_CREDENTIALS:
        raise EnrolmentRefused("credentials")
    if len({one.credential_id for one in credentials}) != len(credentials):
        raise EnrolmentRefused("credentials")
    for one in credentials:
        if len(one.credential_id) not in _CREDENTIAL_BYTES:
            raise EnrolmentRefused("credentials")
        if len(one.public_key) not in _PUBLIC_KEY_BYTES:
            raise EnrolmentRefused("credentials")


def _check_expiry(expires_ms: int, *, now: datetime) -> None:
    left_ms = expires_ms - to_ms(now)
    if left_ms <= 0:
        raise ActivationExpired
    if left_ms > LONGEST // timedelta(milliseconds=1):
        raise ActivationExpired("too_far")


Confirmed = Literal["webauthn", "statement"]
"""How something was confirmed, as the log says it."""
