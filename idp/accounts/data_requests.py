"""What people ask about their data, from asking to the answer.

What lives here: the acts of the person (ask, stop, restrict and lift) and of the operator
(acknowledge, extend once with a reason, answer, refuse, erase), each with its log row and a notice
to the person in one transaction.  Clocks are data (`data_request_rules.toml`).

    asked ──► acknowledged ──► done | refused          whoever operates the service
      └────────────┴─────────► stopped                 the person, as long as nothing was done

* **Restricting** takes effect when it is asked for: portals are given nothing more that rests on
  consent, and what they had been granted on that ground ends.  What a law hands over goes on.
  Lifting it is the person's too.
* **Deleting** is carried out by an operator, never before the waiting time, so that the person can
  stop it; what stays, by which law, they were told before they asked.
Source: Law 91/2025/QH15 Art. 4; NĐ 356/2025/NĐ-CP Art. 5.
Not here: SQL, pages, erasing itself (`lifecycle.py`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from idp.accounts.data_request_rules import DataRequest, RequestKind, rule_of
from idp.accounts.errors import AccountUnknown
from idp.accounts.notices import Notice, Notices
from idp.errors import AntinError
from idp.ids import AccountId
from idp.model import Grant
from idp.oauth.consent import CONSENT
from idp.oauth.revocation import RevocationReason
from idp.storage import data_requests as table
from idp.storage.accounts import AccountRow, find_row
from idp.storage.consents import consents_of
from idp.storage.database import Database, Transaction
from idp.storage.grants import live_grants
from keystore.clock import to_ms
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.sealing import Sealer

MOST_CHARS: Final = 2_000
_MOST_IN_A_MONTH: Final = 10
_MONTH: Final = timedelta(days=30)
_LETTERS: Final = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
_LETTERS_OF_A_NUMBER: Final = 10


class RequestRefused(AntinError):
    """The request cannot be made, or does not stand where the act needs it; `reason` says why."""

    code = "data_request_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RequestUnknown(AntinError):
    """There is no such request, or it is somebody else's."""

    code = "data_request_unknown"


class Revoke(Protocol):
    """Grants, as far as this module looks."""

    def __call__(
        self, tx: Transaction, grants: Iterable[Grant], *, reason: RevocationReason, now: datetime
    ) -> int:
        """End them."""


class Erase(Protocol):
    """The life of an account, as far as this module looks."""

    def __call__(
        self,
        account_id: AccountId,
        *,
        reason: str,
        now: datetime,
        first: Callable[[Transaction, AccountRow], object],
    ) -> None:
        """Erase it, unless `first` raises once the account is locked."""


@dataclass(frozen=True, slots=True)
class DataRequests:
    """Safe for any number of threads."""

    database: Database
    sealer: Sealer
    log: LogWriter
    notices: Notices
    revoke: Revoke

    def in_name_of(self, operator: str) -> DataRequests:
        """The same, recorded with the operator who acts."""
        return replace(self, log=self.log.in_name_of(operator))

    # -- the person --------------------------------------------------------------------------------

    def list_of(self, row: AccountRow) -> tuple[DataRequest, ...]:
        """Every request of a person, newest first, with what was written."""
        with self.database.read() as connection:
            return table.data_requests_of(
                connection, row.account_id, data_key=row.data_key, sealer=self.sealer
            )

    def restricted_since(self, account_id: AccountId) -> datetime | None:
        """Since when the sharing of their data is restricted; None: it is not."""
        with self.database.read() as connection:
            return table.find_restriction(connection, account_id)

    def ask(
        self, account_id: AccountId, kind: RequestKind, *, wish: str, now: datetime
    ) -> DataRequest:
        """Ask for something; a restriction takes effect at once.

        Raises  RequestRefused: `already_open`, `too_many`, `wish_missing` (what is to be corrected
                or objected to has to be said), `wish_too_long`; AccountUnknown.
        """
        # it is read in a terminal: nothing in it may steer one
        said = " ".join("".join(one if one.isprintable() else " " for one in wish).split())
        if len(said) > MOST_CHARS:
            raise RequestRefused("wish_too_long")
        if not said and kind in {RequestKind.CORRECT, RequestKind.OBJECT}:
            raise RequestRefused("wish_missing")
        rule = rule_of(kind)
        new = DataRequest(
            number=_make_number(),
            account_id=account_id,
            kind=kind,
            state="asked",
            legal=rule.legal,
            asked_at=now,
            acknowledge_due=rule.acknowledge_due(now),
            answer_due=rule.answer_due(now),
            not_before=rule.not_before(now),
            wish=said,
        )
        with self.database.transaction() as tx:
            if kind is RequestKind.RESTRICT:
                table.hold_sharing(tx, account_id)
            row = _locked(tx, account_id)
            before = table.data_requests_of(
                tx.connection, account_id, data_key=row.data_key, sealer=self.sealer
            )
            if any(one.is_open and one.kind is kind for one in before):
                raise RequestRefused("already_open")
            if sum(one.asked_at > now - _MONTH for one in before) >= _MOST_IN_A_MONTH:
                raise RequestRefused("too_many")
            table.insert_data_request(tx, new, data_key=row.data_key, sealer=self.sealer)
            self._tell(tx, row, new, state="asked", now=now)
            if kind is RequestKind.RESTRICT:
                self._restrict(tx, row, new, now=now)
                return replace(new, state="done", acknowledged_at=now, ended_at=now)
        return new

    def stop(self, account_id: AccountId, number: str, *, now: datetime) -> None:
        """Take an open request back.

        Raises  RequestUnknown; RequestRefused(not_open).
        """
        with self.database.transaction() as tx:
            row = _locked(tx, account_id)
            found = self._get(tx, number, data_key=None)
            if found.account_id != account_id:
                raise RequestUnknown
            self._move(tx, row, found, to="stopped", now=now, ended_ms=to_ms(now))

    def lift_restriction(self, account_id: AccountId, *, now: datetime) -> bool:
        """Let portals be given data again, as far as the person agrees; False: it was not so."""
        with self.database.transaction() as tx:
            row = _locked(tx, account_id)
            if not table.drop_restriction(tx, account_id):
                return False
            event = Event(
                EventType.DATA_REQUEST_CHANGED,
                account_id=account_id,
                facts={"kind": RequestKind.RESTRICT.value, "state": "lifted"},
            )
            self.log.record(tx, event, data_key=row.data_key, now=now)
            self.notices.tell(tx, row, Notice.DATA_REQUEST_CHANGED, now=now)
        return True

    # -- the operator ------------------------------------------------------------------------------

    def waiting(self, *, now: datetime, limit: int = 500) -> tuple[DataRequest, ...]:
        """What waits for the operator, overdue first; nothing of what people wrote."""
        with self.database.read() as connection:
            return table.open_data_requests(connection, now=now, sealer=self.sealer, limit=limit)

    def read(self, number: str, *, now: datetime) -> DataRequest:
        """One request with what the person wrote; that it was read is on record.

        Raises  RequestUnknown.
        """
        with self.database.transaction() as tx:
            found = self._get(tx, number, data_key=None)
            row = find_row(tx.connection, found.account_id)
            if row is None:
                return found
            event = Event(
                EventType.DATA_REQUEST_CHANGED,
                account_id=found.account_id,
                facts={"request": number, "kind": found.kind.value, "state": "read"},
            )
            self.log.record(tx, event, data_key=row.data_key, now=now)
            return self._get(tx, number, data_key=row.data_key)

    def acknowledge(self, number: str, *, by_processor: bool = False, now: datetime) -> None:
        """Say that it arrived; with `by_processor` the longer term for processors holds.

        Raises  RequestUnknown; RequestRefused(not_open, acknowledged_before).
        """
        with self.database.transaction() as tx:
            found = self._get(tx, number, data_key=None)
            if found.acknowledged_at is not None:
                raise RequestRefused("acknowledged_before")
            due = rule_of(found.kind).answer_due(found.asked_at, by_processor=by_processor)
            self._move(
                tx,
                _locked(tx, found.account_id),
                found,
                to="acknowledged",
                now=now,
                acknowledged_ms=to_ms(now),
                by_processor=by_processor,
                answer_due_ms=to_ms(due),
            )

    def extend(self, number: str, *, reason: str, now: datetime) -> datetime:
        """Take the one extension that the rule allows, with a reason; until when it is due then.

        Raises  RequestUnknown; RequestRefused: not_open, not_acknowledged, extended_before,
                overdue (a term that is over is not extended), reason_missing.
        """
        if not reason.strip():
            raise RequestRefused("reason_missing")
        with self.database.transaction() as tx:
            found = self._get(tx, number, data_key=None)
            if found.acknowledged_at is None:
                raise RequestRefused("not_acknowledged")
            if found.extended_at is not None:
                raise RequestRefused("extended_before")
            if now > found.answer_due:
                raise RequestRefused("overdue")
            row = _locked(tx, found.account_id)
            due = rule_of(found.kind).extended(found.answer_due)
            self._move(
                tx,
                row,
                found,
                to="acknowledged",
                told="extended",
                now=now,
                extended_ms=to_ms(now),
                answer_due_ms=to_ms(due),
                reason_sealed=self._sealed(row, number, "reason", reason),
            )
        return due

    def answer(self, number: str, *, text: str, is_refused: bool, now: datetime) -> None:
        """Say what was done, or why not.

        Raises  RequestUnknown; RequestRefused: not_open, reason_missing, erase_instead (a deletion
                that is granted is carried out by `erase`).
        """
        if not text.strip():
            raise RequestRefused("reason_missing")
        with self.database.transaction() as tx:
            found = self._get(tx, number, data_key=None)
            if found.kind is RequestKind.DELETE and not is_refused:
                raise RequestRefused("erase_instead")
            row = _locked(tx, found.account_id)
            self._move(
                tx,
                row,
                found,
                to="refused" if is_refused else "done",
                now=now,
                ended_ms=to_ms(now),
                acknowledged_ms=to_ms(found.acknowledged_at or now),
                answer_sealed=self._sealed(row, number, "answer", text),
            )

    def erase(self, number: str, *, erase: Erase, now: datetime) -> None:
        """Delete the person who asked for it, and end the request.

        Whoever stops it until the very transaction that deletes has stopped it.
        Killed between the two it is done again: whoever is erased stays so.
        Raises  RequestUnknown; RequestRefused: not_open, not_deletion, waiting_time; what erasing
                raises.
        """
        with self.database.read() as connection:
            found = table.find_data_request(connection, number, data_key=None, sealer=self.sealer)
        if found is None:
            raise RequestUnknown
        if found.kind is not RequestKind.DELETE:
            raise RequestRefused("not_deletion")
        if not found.is_open:
            raise RequestRefused("not_open")
        if now < found.not_before:
            raise RequestRefused("waiting_time")

        def still_asked(tx: Transaction, _row: AccountRow) -> None:
            if not self._get(tx, number, data_key=None).is_open:
                raise RequestRefused("not_open")

        with suppress(AccountUnknown):
            erase(found.account_id, reason="asked", now=now, first=still_asked)
        with self.database.transaction() as tx:
            ended = {"state": "done", "ended_ms": to_ms(now)}
            acknowledged = {"acknowledged_ms": to_ms(found.acknowledged_at or now)}
            if table.update_data_request(tx, number, **ended, **acknowledged):
                event = Event(
                    EventType.DATA_REQUEST_CHANGED,
                    account_id=found.account_id,
                    facts={"request": number, "kind": found.kind.value, "state": "done"},
                )
                self.log.record(tx, event, data_key=None, now=now)

    # -- what both share ---------------------------------------------------------------------------

    def _get(self, tx: Transaction, number: str, *, data_key: bytes | None) -> DataRequest:
        found = table.find_data_request(
            tx.connection, number, data_key=data_key, sealer=self.sealer
        )
        if found is None:
            raise RequestUnknown
        return found

    def _move(
        self,
        tx: Transaction,
        row: AccountRow,
        found: DataRequest,
        *,
        to: str,
        now: datetime,
        told: str = "",
        **changed: Any,
    ) -> None:
        if not table.update_data_request(tx, found.number, state=to, **changed):
            raise RequestRefused("not_open")
        self._tell(tx, row, found, state=told or to, now=now)

    def _tell(
        self, tx: Transaction, row: AccountRow, one: DataRequest, *, state: str, now: datetime
    ) -> None:
        facts: Mapping[str, str] = {
            "request": one.number,
            "kind": one.kind.value,
            "state": state,
        }
        event = Event(EventType.DATA_REQUEST_CHANGED, account_id=row.account_id, facts=facts)
        self.log.record(tx, event, data_key=row.data_key, now=now)
        self.notices.tell(
            tx, row, Notice.DATA_REQUEST_CHANGED, now=now, facts={"request": one.number}
        )

    def _restrict(
        self, tx: Transaction, row: AccountRow, one: DataRequest, *, now: datetime
    ) -> None:
        """Nothing that rests on consent goes out from now on."""
        table.add_restriction(tx, row.account_id, number=one.number, now=now)
        agreed = {
            given.client_id
            for given in consents_of(tx.connection, row.account_id)
            if given.kind == CONSENT and given.withdrawn_at is None
        }
        grants = [
            grant
            for grant in live_grants(tx.connection, row.account_id, now=now)
            if grant.client_id in agreed
        ]
        self.revoke(tx, grants, reason=RevocationReason.DATA_RESTRICTED, now=now)
        at_ms = to_ms(now)
        self._move(tx, row, one, to="done", now=now, acknowledged_ms=at_ms, ended_ms=at_ms)

    def _sealed(self, row: AccountRow, number: str, part: str, text: str) -> bytes:
        return self.sealer.seal_personal(
            row.data_key, text.strip().encode(), context=f"{number}:{part}"
        )


def _locked(tx: Transaction, account_id: AccountId) -> AccountRow:
    row = find_row(tx.connection, account_id, is_locked=True)
    if row is None:
        raise AccountUnknown
    return row


def _make_number() -> str:
    letters = "".join(secrets.choice(_LETTERS) for _ in range(_LETTERS_OF_A_NUMBER))
    return f"YC-{letters[:5]}-{letters[5:]}"
