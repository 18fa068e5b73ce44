"""Confirming a signature with a one-time code: what a page does with the code that was typed.

What lives here: the use case.  The code goes to the second-factor verifier together with what shall
be confirmed, in full; what comes back is what the signer takes.  A code that signed in never
confirms, and the other way round, because the verifier spends it once for both.
Source: architecture, decision 11; EN 419 241-1 (SCAL1).
Not here: passkeys, pages, the limits of the verifier itself (`keystore/second_factor`).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from idp.accounts.attempts import Attempts, NotAdmitted, Source
from idp.accounts.code_holders import held
from idp.accounts.credentials import TotpHolder
from idp.accounts.refusals import RefusedSignIns
from idp.errors import SecondFactorUnavailable
from idp.ids import AccountId
from idp.model import Factor
from idp.storage.credentials import list_totps
from idp.storage.database import Database
from keystore.clock import from_ms
from keystore.sealing import Sealer
from keystore.second_factor.client import VerifierClient
from keystore.second_factor.errors import (
    AuthenticatorTooYoung,
    CodeRefused,
    MandateRefused,
    TooManyCodes,
)
from keystore.signer.activation import KeyEnrolment, SignatureActivation
from keystore.signer.errors import (
    ActivationExpired,
    ActivationForeign,
    ActivationMalformed,
    EnrolmentRefused,
)
from keystore.signer.evidence import StatementEvidence
from keystore.strongroom.errors import RoomError

_log = logging.getLogger("antin.second_factor")


class ConfirmationProblem(StrEnum):
    """Why nothing was confirmed; stable words.

    WRONG           the code is wrong, was used before, or of nobody.
    TOO_MANY        nobody looked; `retry_at` says when to try again.
    NO_AUTHENTICATOR  the account has none, or this deployment has no verifier.
    SERVICE_HELD    its authenticator is from before the verifier: enrol anew to sign with it.
    TOO_YOUNG       it was bound without proofing less than 72 hours ago.
    MANDATE         the person may not act for the organisation now, or not at this portal.
    EXPIRED         the confirmation window is over.
    FOREIGN         what shall be confirmed is not this person's, or a code cannot confirm it.
    """

    WRONG = "wrong"
    TOO_MANY = "too_many"
    NO_AUTHENTICATOR = "no_authenticator"
    SERVICE_HELD = "service_held"
    TOO_YOUNG = "too_young"
    MANDATE = "mandate"
    EXPIRED = "expired"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class ConfirmationRefused:
    """No; `retry_at` is set for TOO_MANY, `attempts_left` for WRONG."""

    problem: ConfirmationProblem
    retry_at: datetime | None = None
    attempts_left: int | None = None


_PROBLEMS: Final[tuple[tuple[type[RoomError], ConfirmationProblem], ...]] = (
    (AuthenticatorTooYoung, ConfirmationProblem.TOO_YOUNG),
    (MandateRefused, ConfirmationProblem.MANDATE),
    (ActivationExpired, ConfirmationProblem.EXPIRED),
    (ActivationForeign, ConfirmationProblem.FOREIGN),
    (ActivationMalformed, ConfirmationProblem.FOREIGN),
    (EnrolmentRefused, ConfirmationProblem.FOREIGN),
)


class CodeConfirmation:
    """Confirms with one-time codes; safe for any number of threads.

    Takes   verifier: None where none is configured; attempts: those of `Login`.
    """

    def __init__(
        self,
        database: Database,
        *,
        verifier: VerifierClient | None,
        sealer: Sealer,
        attempts: Attempts,
        refusals: RefusedSignIns,
    ) -> None:
        self._database = database
        self._verifier = verifier
        self._sealer = sealer
        self._attempts = attempts
        self._refusals = refusals

    def find_obstacle(self, account_id: AccountId) -> ConfirmationProblem | None:
        """Why no code of this person can confirm anything, known before one is asked for."""
        with self._database.read() as connection:
            totps = list_totps(connection, account_id, sealer=self._sealer)
        if not totps or self._verifier is None:
            return ConfirmationProblem.NO_AUTHENTICATOR
        if all(totp.holder is TotpHolder.SERVICE for totp in totps):
            return ConfirmationProblem.SERVICE_HELD
        return None

    def confirm(
        self,
        account_id: AccountId,
        *,
        raw_code: str,
        wanted: SignatureActivation | KeyEnrolment,
        mandate_id: str = "",
        source: Source,
        now: datetime,
    ) -> StatementEvidence | ConfirmationRefused:
        """Have exactly `wanted` confirmed by a code; it is spent.

        Takes   account_id: of the person at the browser, whoever's key it is; mandate_id: under
                which he or she acts for an organisation, empty otherwise.
        Raises  StorageUnavailable: the verifier (SecondFactorUnavailable) or a store is away.
        """
        obstacle = self.find_obstacle(account_id)
        if obstacle is not None or self._verifier is None:
            return ConfirmationRefused(obstacle or ConfirmationProblem.NO_AUTHENTICATOR)
        admitted = self._attempts.admit_otp(account_id, source=source, now=now)
        if isinstance(admitted, NotAdmitted):
            return ConfirmationRefused(ConfirmationProblem.TOO_MANY, retry_at=admitted.retry_at)
        with self._database.read() as connection:
            totps = list_totps(connection, account_id, sealer=self._sealer)
        own = [held(totp) for totp in totps if totp.holder is TotpHolder.VERIFIER]
        try:
            statement = self._verifier.confirm(
                account_id, own, raw_code, wanted=wanted, mandate_id=mandate_id
            )
        except CodeRefused:
            self._refusals.note(account_id, subject=account_id, factor=Factor.OTP, now=now)
            return ConfirmationRefused(
                ConfirmationProblem.WRONG, attempts_left=admitted.attempts_left
            )
        except TooManyCodes as refusal:
            return ConfirmationRefused(
                ConfirmationProblem.TOO_MANY, retry_at=from_ms(refusal.retry_ms)
            )
        except RoomError as refusal:
            for kind, problem in _PROBLEMS:
                if isinstance(refusal, kind):
                    return ConfirmationRefused(problem)
            _log.error("verifier_refused code=%s reason=%s", refusal.code, refusal.reason)
            raise SecondFactorUnavailable from refusal
        self._attempts.settle(admitted, now=now)
        return statement
