"""Asking the second-factor verifier: what web workers and commands have in place of its secrets.

What lives here: `VerifierClient`.  The verifier may be killed and started again at any time.  When
it went away over a code that is spent by now, the caller learns that the outcome is unknown and
asks the person for the next one.
Not here: connections (`keystore/strongroom/client.py`), what may be asked (`wire`), any secret.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from keystore.clock import to_ms
from keystore.second_factor.errors import (
    REFUSALS,
    CodeRefused,
    RequestMalformed,
    TooManyCodes,
    VerifierError,
    VerifierOutcomeUnknown,
    VerifierUnavailable,
)
from keystore.second_factor.model import CodeOutcome, HeldTotp, MadeTotp, TotpFacts
from keystore.second_factor.wire import (
    AreYouThere,
    CheckCode,
    Checked,
    ConfirmActivation,
    ConfirmEnrolment,
    Described,
    DescribeTotp,
    Done,
    ExpectActivation,
    Here,
    Made,
    MakeTotp,
    RestoreTotp,
    RetireTotp,
    Shown,
    ShowTotp,
    Stated,
    Taken,
    TakeTotp,
    decode_answer,
)
from keystore.signer.activation import KeyEnrolment, SignatureActivation
from keystore.signer.evidence import StatementEvidence
from keystore.strongroom.client import RoomClient
from keystore.strongroom.errors import RoomError
from keystore.strongroom.frames import Message


class VerifierClient(RoomClient):
    """Asks one verifier; safe for any number of threads, and after a fork.

    Takes   what `RoomClient` takes.
    Raises  from every method VerifierUnavailable, or a refusal as it was raised on the other side.
    """

    usual_answer_s: ClassVar[float] = 3.0
    refusals: ClassVar[Mapping[str, type[RoomError]]] = REFUSALS
    refused: ClassVar[type[RoomError]] = VerifierError
    malformed: ClassVar[type[RoomError]] = RequestMalformed
    unavailable: ClassVar[type[RoomError]] = VerifierUnavailable
    outcome_unknown: ClassVar[type[RoomError]] = VerifierOutcomeUnknown

    def decode(self, raw: bytes) -> Message:
        """As `wire` says."""
        return decode_answer(raw)

    def is_in_doubt(self, answer: Message) -> bool:
        """Whether the first sending of the request may be what spent its code."""
        return isinstance(answer, Checked | Stated) and answer.outcome.outcome == "wrong"

    def expect_activation(self, account_id: str, code: str, *, expires_at: datetime) -> None:
        """Announce an activation code that was given out at proofing.

        Raises  CallerRefused("not_a_keeper").
        """
        self.ask(ExpectActivation(account_id, code, to_ms(expires_at)), Done)

    def make_totp(self, totp_id: str, *, account_id: str, activation_code: str = "") -> MadeTotp:
        """A new authenticator; its secret is shown once."""
        return self.ask(MakeTotp(totp_id, account_id, activation_code), Made).totp

    def take_totp(
        self, totp_id: str, *, account_id: str, secret: bytes, is_bound_at_proofing: bool
    ) -> bytes:
        """Give an authenticator whose secret is known into the verifier's keeping.

        Returns what the service keeps of it.
        Raises  CallerRefused("not_a_keeper").
        """
        asked = TakeTotp(totp_id, account_id, secret, is_bound_at_proofing)
        return self.ask(asked, Taken).kept

    def show_totp(self, held: HeldTotp, *, account_id: str) -> bytes:
        """The secret of an authenticator that waits for its first code.

        Raises  TotpRefused.
        """
        return self.ask(ShowTotp(account_id, held), Shown).secret

    def describe_totp(self, held: HeldTotp, *, account_id: str) -> TotpFacts:
        """What the verifier remembers of an authenticator.

        Raises  TotpRefused.
        """
        return self.ask(DescribeTotp(account_id, held), Described).facts

    def retire_totp(self, totp_id: str, *, account_id: str) -> None:
        """Have an authenticator never taken again.

        Raises  CallerRefused("not_a_keeper"); TotpRefused: none of that name, or retired before.
        """
        self.ask(RetireTotp(account_id, totp_id), Done)

    def restore_totp(self, totp_id: str, *, account_id: str) -> None:
        """Have an authenticator taken again that was retired, or that another one replaced.

        Raises  CallerRefused("not_a_keeper"); TotpRefused: none of that name, or not retired.
        """
        self.ask(RestoreTotp(account_id, totp_id), Done)

    def check_code(self, account_id: str, held: Sequence[HeldTotp], code: str) -> CodeOutcome:
        """Whether a code signs in; it is spent."""
        return self.ask(CheckCode(account_id, tuple(held), code), Checked).outcome

    def confirm(
        self,
        account_id: str,
        held: Sequence[HeldTotp],
        code: str,
        *,
        wanted: SignatureActivation | KeyEnrolment,
        mandate_id: str = "",
    ) -> StatementEvidence:
        """What the signer takes as confirmation of exactly `wanted`; the code is spent.

        Takes   mandate_id: for an organisation's key; not looked at for the person's own.
        Raises  CodeRefused; TooManyCodes (carries retry_ms); AuthenticatorTooYoung; MandateRefused;
                ActivationMalformed, ActivationForeign, ActivationExpired, EnrolmentRefused.
        """
        request = (
            ConfirmEnrolment(account_id, tuple(held), code, wanted, mandate_id)
            if isinstance(wanted, KeyEnrolment)
            else ConfirmActivation(account_id, tuple(held), code, wanted, mandate_id)
        )
        answer = self.ask(request, Stated)
        if answer.outcome.outcome == "too_many":
            raise TooManyCodes(retry_ms=answer.outcome.retry_ms)
        if answer.outcome.outcome == "wrong":
            raise CodeRefused
        return StatementEvidence(answer.token)

    def kek_ids(self) -> tuple[str, ...]:
        """Whether the verifier is there: the ids of its root keys, the one in use first."""
        return self.ask(AreYouThere(), Here).kek_ids
