"""A one-time code that confirms a signature: from signing to the second-factor verifier.

What lives here: `VerifierFactors`, the `SecondFactors` of signing over a client of the verifier.
Only authenticators that the verifier holds confirm; one that this service holds signs in, no more.
Source: architecture, decisions 10 and 11.
Not here: what the verifier decides (`keystore/second_factor`).
"""

from __future__ import annotations

from datetime import datetime

from idp.accounts.credentials import TotpHolder
from idp.ids import AccountId
from idp.storage.credentials import list_totps
from idp.storage.database import Database
from keystore.clock import to_ms
from keystore.sealing import Sealer
from keystore.second_factor.client import VerifierClient
from keystore.second_factor.errors import (
    AuthenticatorTooYoung,
    CodeRefused,
    MandateRefused,
    TooManyCodes,
    VerifierError,
    VerifierOutcomeUnknown,
    VerifierUnavailable,
)
from keystore.second_factor.model import HeldTotp, TotpFacts
from keystore.signer.activation import KeyEnrolment, SignatureActivation
from keystore.signer.errors import SignerError
from keystore.signer.evidence import StatementEvidence
from signing.errors import ConfirmationRefused, SecondFactorUnavailable
from signing.ports import Signer

_REASONS = {
    CodeRefused: "wrong_code",
    TooManyCodes: "too_many",
    AuthenticatorTooYoung: "authenticator_too_young",
    MandateRefused: "mandate_ended",
}


class VerifierFactors:
    """Safe to share between threads.  Takes   client: None where there is no verifier."""

    def __init__(
        self, database: Database, *, sealer: Sealer, client: VerifierClient | None
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._client = client

    def close(self) -> None:
        """End the connections to the verifier."""
        if self._client is not None:
            self._client.close()

    def has_authenticator(self, account_id: str) -> bool:
        """Whether the person has one whose codes can confirm."""
        return self._client is not None and bool(self._held(account_id))

    def confirms(self, account_id: str, *, now: datetime) -> bool:
        """Whether codes of the person confirm now: bound at proofing, or old enough.

        The verifier decides that again with every code; this is for saying so beforehand.
        Raises  SecondFactorUnavailable.
        """
        return any(
            facts.confirms_from_ms is not None and facts.confirms_from_ms <= to_ms(now)
            for one in self._held(account_id)
            if (facts := self._describe(one, account_id=account_id)) is not None
        )

    def confirm(
        self, activation: SignatureActivation, *, code: str, signer: Signer, now: datetime
    ) -> StatementEvidence:
        """See `SecondFactors`."""
        return self.state(activation, code=code, signer=signer, now=now)

    def state(
        self,
        wanted: SignatureActivation | KeyEnrolment,
        *,
        code: str,
        signer: Signer,
        now: datetime,  # noqa: ARG002 - the verifier has a clock of its own
    ) -> StatementEvidence:
        """A statement for exactly this, also for making a key; the code is spent.

        Raises  ConfirmationRefused; SecondFactorUnavailable.
        """
        if self._client is None:
            raise SecondFactorUnavailable
        held = self._held(signer.account_id)
        if not held:
            raise ConfirmationRefused("no_authenticator")
        try:
            return self._client.confirm(
                signer.account_id, held, code, wanted=wanted, mandate_id=signer.mandate_id
            )
        except VerifierOutcomeUnknown as unknown:  # the code may be spent: not "nothing was"
            raise ConfirmationRefused("interrupted") from unknown
        except VerifierUnavailable as away:
            raise SecondFactorUnavailable from away
        except VerifierError as refusal:
            reason = _REASONS.get(type(refusal), refusal.code)
            raise ConfirmationRefused(reason) from refusal
        except SignerError as refusal:  # what is wanted has not its shape, or is too late
            raise ConfirmationRefused(refusal.code) from refusal

    def _describe(self, held: HeldTotp, *, account_id: str) -> TotpFacts | None:
        if self._client is None:
            raise SecondFactorUnavailable
        try:
            return self._client.describe_totp(held, account_id=account_id)
        except VerifierUnavailable as away:
            raise SecondFactorUnavailable from away
        except VerifierError:
            return None  # one that it never saw is young

    def _held(self, account_id: str) -> list[HeldTotp]:
        with self._database.read() as connection:
            totps = list_totps(connection, AccountId(account_id), sealer=self._sealer)
        return [
            HeldTotp(one.totp_id, one.secret) for one in totps if one.holder is TotpHolder.VERIFIER
        ]
