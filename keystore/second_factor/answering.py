"""From a message to an answer of the second-factor verifier.

What lives here: `Answering`.  Whatever comes in, an answer goes out; what goes wrong inside is told
as `verifier_failed` and never in detail.
Not here: connections (`keystore/strongroom/server.py`), judgement (`verifier`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from keystore.clock import from_ms
from keystore.second_factor.errors import CallerRefused, RequestMalformed, VerifierFailed
from keystore.second_factor.model import CodeOutcome, HeldTotp
from keystore.second_factor.verifier import SecondFactorVerifier
from keystore.second_factor.wire import (
    Answer,
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
    Request,
    RestoreTotp,
    RetireTotp,
    Shown,
    ShowTotp,
    Stated,
    Taken,
    TakeTotp,
)
from keystore.signer.activation import KeyEnrolment, SignatureActivation
from keystore.strongroom.errors import RoomError
from keystore.strongroom.frames import Refused

_FOR_KEEPERS: Final = (ExpectActivation, TakeTotp, RetireTotp, RestoreTotp)

_log = logging.getLogger("antin.verifier")


class Answering:
    """Answers requests; safe for any number of threads.

    Takes   time: the time now, of the verifier's own clock.
    """

    def __init__(self, verifier: SecondFactorVerifier, *, time: Callable[[], datetime]) -> None:
        self._verifier = verifier
        self._time = time

    def answer(self, request: Request, *, is_keeper: bool) -> Answer:
        """The answer to one request; never raises.

        Takes   is_keeper: whether who asks may vouch for a proofing.
        """
        try:
            if isinstance(request, _FOR_KEEPERS) and not is_keeper:
                raise CallerRefused("not_a_keeper")
            return self._answer(request, now=self._time())
        except RoomError as refusal:
            return Refused(refusal.code, refusal.reason)
        except Exception as failure:  # noqa: BLE001  one request must not end the verifier
            _log.error("request_failed reason=%s", type(failure).__name__)
            return Refused(VerifierFailed.code, "internal")

    def purge(self) -> None:
        """Nothing: the memory forgets while it is written."""

    def _answer(self, request: Request, *, now: datetime) -> Answer:
        match request:
            case CheckCode(account_id, held, code):
                return Checked(self._verifier.check(account_id, held, code, now=now))
            case ConfirmActivation(account_id, held, code, activation, mandate_id):
                return self._confirm(
                    account_id, held, code, wanted=activation, mandate_id=mandate_id, now=now
                )
            case ConfirmEnrolment(account_id, held, code, enrolment, mandate_id):
                return self._confirm(
                    account_id, held, code, wanted=enrolment, mandate_id=mandate_id, now=now
                )
            case MakeTotp(totp_id, account_id, activation_code):
                made = self._verifier.make(
                    totp_id, account_id=account_id, activation_code=activation_code, now=now
                )
                return Made(made)
            case TakeTotp(totp_id, account_id, secret, is_bound_at_proofing):
                kept = self._verifier.take(
                    totp_id,
                    account_id=account_id,
                    secret=secret,
                    is_bound_at_proofing=is_bound_at_proofing,
                    now=now,
                )
                return Taken(kept)
            case ShowTotp(account_id, held_one):
                return Shown(self._verifier.show(held_one, account_id=account_id))
            case DescribeTotp(account_id, held_one):
                return Described(self._verifier.describe(held_one, account_id=account_id))
            case RetireTotp(account_id, totp_id):
                self._verifier.retire(totp_id, account_id=account_id, now=now)
                return Done()
            case RestoreTotp(account_id, totp_id):
                self._verifier.restore(totp_id, account_id=account_id, now=now)
                return Done()
            case ExpectActivation(account_id, code, expires_ms):
                expires_at = _instant(expires_ms)
                self._verifier.expect_activation(account_id, code, expires_at=expires_at, now=now)
                return Done()
            case AreYouThere():
                return Here(self._verifier.kek_ids)

    def _confirm(
        self,
        account_id: str,
        held: Sequence[HeldTotp],
        code: str,
        *,
        wanted: SignatureActivation | KeyEnrolment,
        mandate_id: str,
        now: datetime,
    ) -> Stated:
        said = self._verifier.confirm(
            account_id, held, code, wanted=wanted, mandate_id=mandate_id, now=now
        )
        if isinstance(said, CodeOutcome):
            return Stated(said)
        return Stated(CodeOutcome("right"), said)


def _instant(epoch_ms: int) -> datetime:
    try:
        return from_ms(epoch_ms)
    except OverflowError as absurd:
        raise RequestMalformed("expires_ms") from absurd
