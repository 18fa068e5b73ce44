"""Who makes and checks one-time codes: this service, or the second-factor verifier.

What lives here: the Protocol and its two implementations, and the choice between them.  Where a
verifier is configured it makes every new authenticator; those from before, whose secrets the
service holds, go on signing in and never confirm a signature.  An account without an authenticator
is checked like one whose authenticator the verifier holds: the refusal costs the same.
Source: architecture, decisions 10 and 11.
Not here: counting attempts (`attempts`), confirming signatures (`idp/second_factors.py`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from idp.accounts.credentials import Totp, TotpHolder
from idp.accounts.totp import make_secret, spend_code
from idp.errors import SecondFactorUnavailable
from idp.ids import AccountId
from idp.storage.ephemeral import EphemeralStore
from keystore.clock import from_ms
from keystore.second_factor.client import VerifierClient
from keystore.second_factor.errors import TotpRefused, VerifierUnavailable
from keystore.second_factor.model import HeldTotp
from keystore.strongroom.errors import RoomError

_log = logging.getLogger("antin.second_factor")


@dataclass(frozen=True, slots=True)
class MadeSecret:
    """A new secret: 20 bytes for the person's app, and what is kept here of it."""

    secret: bytes = field(repr=False)
    kept: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class CodeAnswer:
    """Whether a code is right, and is spent now; `retry_at` when nobody looked.

    `totp_id` is the authenticator that showed a right one.
    """

    is_right: bool
    retry_at: datetime | None = None
    totp_id: str = ""


class CodeHolder(Protocol):
    """Holds secrets of authenticators."""

    @property
    def holder(self) -> TotpHolder:
        """What the row of such an authenticator says."""

    def make(self, totp_id: str, *, account_id: AccountId, activation_code: str) -> MadeSecret:
        """A new authenticator.

        Takes   activation_code: the one that was typed, in its one spelling.
        Raises  SecondFactorUnavailable.
        """

    def show(self, totp: Totp, *, account_id: AccountId) -> bytes | None:
        """The secret of an authenticator that waits for its first code; None when it does not.

        Raises  SecondFactorUnavailable.
        """

    def check(
        self, totps: Sequence[Totp], raw_code: str, *, account_id: AccountId, now: datetime
    ) -> CodeAnswer:
        """Whether a code signs in; it is spent.

        Raises  StorageUnavailable: nobody signs in without the mark.
        """


@dataclass(frozen=True, slots=True)
class ServiceHolder:
    """The service itself: what it can check it could compute."""

    store: EphemeralStore
    holder: TotpHolder = TotpHolder.SERVICE

    def make(self, totp_id: str, *, account_id: AccountId, activation_code: str) -> MadeSecret:  # noqa: ARG002 - a CodeHolder is told
        """A secret that is kept as it is."""
        secret = make_secret()
        return MadeSecret(secret, secret)

    def show(self, totp: Totp, *, account_id: AccountId) -> bytes | None:  # noqa: ARG002 - a CodeHolder is told
        """It is no secret to us."""
        return totp.secret

    def check(
        self, totps: Sequence[Totp], raw_code: str, *, account_id: AccountId, now: datetime
    ) -> CodeAnswer:
        """Compare and spend in the ephemeral store."""
        totp_id = spend_code(totps, raw_code, account_id=account_id, store=self.store, now=now)
        return CodeAnswer(bool(totp_id), totp_id=totp_id)


@dataclass(frozen=True, slots=True)
class VerifierHolder:
    """The second-factor verifier, a process of its own."""

    client: VerifierClient
    holder: TotpHolder = TotpHolder.VERIFIER

    def make(self, totp_id: str, *, account_id: AccountId, activation_code: str) -> MadeSecret:
        """A secret that passes through here once."""
        with _refusing():
            made = self.client.make_totp(
                totp_id, account_id=account_id, activation_code=activation_code
            )
        return MadeSecret(made.secret, made.kept)

    def show(self, totp: Totp, *, account_id: AccountId) -> bytes | None:
        """Once more, until its first code was given."""
        with _refusing():
            try:
                return self.client.show_totp(held(totp), account_id=account_id)
            except TotpRefused:
                return None

    def check(
        self,
        totps: Sequence[Totp],
        raw_code: str,
        *,
        account_id: AccountId,
        now: datetime,  # noqa: ARG002 - the verifier has a clock of its own
    ) -> CodeAnswer:
        """Ask, also about nobody's authenticator."""
        with _refusing():
            said = self.client.check_code(account_id, [held(totp) for totp in totps], raw_code)
        is_limit = said.outcome == "too_many"
        retry_at = from_ms(said.retry_ms) if is_limit else None
        return CodeAnswer(said.outcome == "right", retry_at, said.totp_id)


class CodeHolders:
    """Both of them.

    Takes   verifier: None where none is configured.
    """

    def __init__(self, store: EphemeralStore, *, verifier: CodeHolder | None = None) -> None:
        self._service = ServiceHolder(store)
        self._verifier = verifier

    @property
    def maker(self) -> CodeHolder:
        """Who makes new authenticators."""
        return self._verifier or self._service

    def of(self, totp: Totp) -> CodeHolder:
        """Who holds an authenticator.

        Raises  SecondFactorUnavailable when it is a verifier's and none is configured.
        """
        if totp.holder is TotpHolder.SERVICE:
            return self._service
        if self._verifier is None:
            raise SecondFactorUnavailable
        return self._verifier

    def check(
        self, totps: Sequence[Totp], raw_code: str, *, account_id: AccountId, now: datetime
    ) -> CodeAnswer:
        """Whether a code of any of an account's authenticators signs in; it is spent.

        Raises  StorageUnavailable.
        """
        by_holder: dict[TotpHolder, list[Totp]] = {}
        for totp in totps:
            by_holder.setdefault(totp.holder, []).append(totp)
        answer = CodeAnswer(is_right=False)
        for own in by_holder.values() or ([],):
            asked = self.of(own[0]) if own else self.maker
            answer = asked.check(own, raw_code, account_id=account_id, now=now)
            if answer.is_right:
                break
        return answer


def held(totp: Totp) -> HeldTotp:
    """An authenticator as the verifier knows it."""
    return HeldTotp(totp.totp_id, totp.secret)


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except RoomError as failure:
        if not isinstance(failure, VerifierUnavailable):
            _log.error("verifier_refused code=%s reason=%s", failure.code, failure.reason)
        raise SecondFactorUnavailable from failure
