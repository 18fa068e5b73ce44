"""What crosses the window between the second-factor verifier and whoever asks it.

What lives here: the messages.  A refusal crosses as its code and its reason.
Not here: their frame (`keystore/strongroom/frames.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from keystore.second_factor.model import CodeOutcome, HeldTotp, MadeTotp, TotpFacts
from keystore.signer.activation import KeyEnrolment, SignatureActivation
from keystore.strongroom.frames import Message, Refused, make_decode


class ExpectActivation(Message, frozen=True, tag="expect_activation"):
    """An activation code was given out at proofing; for keepers."""

    account_id: str
    code: str
    expires_ms: int


class MakeTotp(Message, frozen=True, tag="make_totp"):
    """Make an authenticator."""

    totp_id: str
    account_id: str
    activation_code: str = ""


class TakeTotp(Message, frozen=True, tag="take_totp"):
    """Take over an authenticator that somebody else made; for keepers."""

    totp_id: str
    account_id: str
    secret: bytes
    is_bound_at_proofing: bool


class ShowTotp(Message, frozen=True, tag="show_totp"):
    """Show a secret that waits for its first code once more."""

    account_id: str
    held: HeldTotp


class DescribeTotp(Message, frozen=True, tag="describe_totp"):
    """Say what is remembered of an authenticator."""

    account_id: str
    held: HeldTotp


class RetireTotp(Message, frozen=True, tag="retire_totp"):
    """Take this one never again; for keepers."""

    account_id: str
    totp_id: str


class RestoreTotp(Message, frozen=True, tag="restore_totp"):
    """Take it again after all; for keepers."""

    account_id: str
    totp_id: str


class CheckCode(Message, frozen=True, tag="check_code"):
    """Whether a code signs in."""

    account_id: str
    held: tuple[HeldTotp, ...]
    code: str


class ConfirmActivation(Message, frozen=True, tag="confirm_activation"):
    """State that a code confirms this activation."""

    account_id: str
    held: tuple[HeldTotp, ...]
    code: str
    activation: SignatureActivation
    mandate_id: str = ""


class ConfirmEnrolment(Message, frozen=True, tag="confirm_enrolment"):
    """State that a code confirms this enrolment."""

    account_id: str
    held: tuple[HeldTotp, ...]
    code: str
    enrolment: KeyEnrolment
    mandate_id: str = ""


class AreYouThere(Message, frozen=True, tag="are_you_there"):
    """Whether the verifier can verify."""


class Done(Message, frozen=True, tag="done"):
    """It is done."""


class Made(Message, frozen=True, tag="made"):
    """The new authenticator."""

    totp: MadeTotp


class Taken(Message, frozen=True, tag="taken"):
    """What the service keeps of it."""

    kept: bytes


class Shown(Message, frozen=True, tag="shown"):
    """The secret."""

    secret: bytes


class Described(Message, frozen=True, tag="described"):
    """What is remembered."""

    facts: TotpFacts


class Checked(Message, frozen=True, tag="checked"):
    """What is said of a code."""

    outcome: CodeOutcome


class Stated(Message, frozen=True, tag="stated"):
    """What is said of a code that confirms: the statement, when it does."""

    outcome: CodeOutcome
    token: str = ""


class Here(Message, frozen=True, tag="here"):
    """The verifier can verify; ids of the root keys that it holds, the one in use first."""

    kek_ids: tuple[str, ...]


Request = (
    ExpectActivation
    | MakeTotp
    | TakeTotp
    | ShowTotp
    | DescribeTotp
    | RetireTotp
    | RestoreTotp
    | CheckCode
    | ConfirmActivation
    | ConfirmEnrolment
    | AreYouThere
)
Answer = Done | Made | Taken | Shown | Described | Checked | Stated | Here | Refused

decode_request: Final[Callable[[bytes], Request]] = make_decode(Request)
"""The request in a frame.  Raises RequestMalformed."""
decode_answer: Final[Callable[[bytes], Answer]] = make_decode(Answer)
"""The answer in a frame.  Raises RequestMalformed."""
