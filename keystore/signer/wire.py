"""What crosses the window between the signer and whoever asks it.

What lives here: the messages.  A refusal crosses as its code and its reason.
Not here: their frame (`keystore/strongroom/frames.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from keystore.signer.activation import KeyEnrolment, SignatureActivation
from keystore.signer.evidence import EnrolmentEvidence, StatementEvidence, WebauthnEvidence
from keystore.signer.model import MadeKey
from keystore.strongroom.frames import Message, Refused, make_decode


class Activate(Message, frozen=True, tag="activate"):
    """Sign what was confirmed; exactly one kind of evidence.

    `request_info`: the CertificationRequestInfo, for the purpose of a certification request alone.
    """

    activation: SignatureActivation
    assertion: WebauthnEvidence | None = None
    statement: StatementEvidence | None = None
    request_info: bytes = b""


class MakeKey(Message, frozen=True, tag="make_key"):
    """Make a key that was confirmed."""

    enrolment: KeyEnrolment
    evidence: EnrolmentEvidence


class SuspendKey(Message, frozen=True, tag="suspend_key"):
    """Let a key sign nothing for a while."""

    key_id: str
    reason: str
    operator: str = ""


class SuspendKeysOf(Message, frozen=True, tag="suspend_keys_of"):
    """Let every key of an account sign nothing for a while."""

    account_id: str
    reason: str


class ResumeKey(Message, frozen=True, tag="resume_key"):
    """Let it sign again."""

    key_id: str
    reason: str
    operator: str = ""


class ResumeOwnKey(Message, frozen=True, tag="resume_own_key"):
    """Let it sign again because its holder, who had suspended it, says so; one kind of evidence."""

    activation: SignatureActivation
    assertion: WebauthnEvidence | None = None
    statement: StatementEvidence | None = None


class DestroyKey(Message, frozen=True, tag="destroy_key"):
    """Forget a private half for ever."""

    key_id: str
    reason: str
    operator: str = ""


class DestroyKeysOf(Message, frozen=True, tag="destroy_keys_of"):
    """Forget every private half of an account."""

    account_id: str
    reason: str


class AreYouThere(Message, frozen=True, tag="are_you_there"):
    """Whether the signer can sign."""


class Signed(Message, frozen=True, tag="signed"):
    """The signatures, in the order of the digests."""

    signatures: tuple[bytes, ...]


class Made(Message, frozen=True, tag="made"):
    """The new key."""

    key: MadeKey


class Done(Message, frozen=True, tag="done"):
    """How many keys changed their state."""

    changed: int


class Here(Message, frozen=True, tag="here"):
    """The signer can sign; ids of the root keys that it holds, the one in use first."""

    kek_ids: tuple[str, ...]


Request = (
    Activate
    | MakeKey
    | SuspendKey
    | SuspendKeysOf
    | ResumeKey
    | ResumeOwnKey
    | DestroyKey
    | DestroyKeysOf
    | AreYouThere
)
Answer = Signed | Made | Done | Here | Refused

decode_request: Final[Callable[[bytes], Request]] = make_decode(Request)
"""The request in a frame.  Raises RequestMalformed."""
decode_answer: Final[Callable[[bytes], Answer]] = make_decode(Answer)
"""The answer in a frame.  Raises RequestMalformed."""
