"""The file of a breach of personal data, with the clock of the law.

What lives here: opening a file, writing into its sections, listing who is affected and telling
them, that the authority was told, closing; each act with its log row.  The clocks are data
(`breach_rules.toml`).  The official form is not at hand: the report has the sections that the law
names, to be carried over into it.
Source: Law 91/2025/QH15 Art. 23; NĐ 356/2025/NĐ-CP Art. 28 (form 08), 29.
Not here: SQL, how a person is told (`idp/accounts/notices.py`).
"""

from __future__ import annotations

import secrets
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, Final

from clients.registry.model import CIVIL_TIME
from idp.accounts.notices import Notice, Notices
from idp.errors import AntinError
from idp.ids import AccountId
from idp.storage import breaches as table
from idp.storage.accounts import find_row
from idp.storage.breaches import Breach, BreachEntry
from idp.storage.database import Database, Transaction
from keystore.clock import to_ms
from keystore.log.events import Event, EventType, Fact
from keystore.log.record import LogWriter
from keystore.sealing import Sealer

_LETTERS: Final = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
_TOLD_AT_ONCE: Final = 200
_MINUTE: Final = timedelta(minutes=1)


class DataKind(StrEnum):
    """What kinds of data may be affected."""

    IDENTITY = "identity"
    NUMBERS = "numbers"
    CONTACTS = "contacts"
    CREDENTIALS = "credentials"
    HISTORY = "history"
    DOCUMENTS = "documents"
    KEYS = "keys"
    BIOMETRICS = "biometrics"
    LOCATION = "location"


class Section(StrEnum):
    """What the report tells, in its order."""

    CONTACT = "contact"
    NATURE = "nature"
    CAUSE = "cause"
    EFFECT = "effect"
    MEASURE = "measure"
    TOLD = "told"
    UNKNOWN = "unknown"


TITLES: Final = {
    Section.CONTACT: "Bên báo cáo và người liên hệ",
    Section.NATURE: "Diễn biến, nơi xảy ra",
    Section.CAUSE: "Nguyên nhân",
    Section.EFFECT: "Hậu quả, thiệt hại có thể xảy ra",
    Section.MEASURE: "Biện pháp đã và sẽ thực hiện",
    Section.TOLD: "Đã thông báo cho ai, khi nào",
    Section.UNKNOWN: "Điều chưa rõ, sẽ bổ sung",
}


class BreachRefused(AntinError):
    """The file does not stand where the act needs it; `reason` says why."""

    code = "breach_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Breaches:
    """Safe for any number of threads.  Takes operator: who acts, on record in file and log."""

    database: Database
    sealer: Sealer
    log: LogWriter
    notices: Notices
    operator: str

    def open(
        self,
        *,
        kinds: Sequence[DataKind],
        persons: int,
        text: str,
        detected_at: datetime,
        now: datetime,
    ) -> Breach:
        """Open a file; its clock runs from when the breach was detected.

        Takes   persons: how many are affected, as far as is known; text: what happened.
        Raises  BreachRefused: detected_later (than now), kinds_missing, text_missing.
        """
        if detected_at > now + _MINUTE:
            raise BreachRefused("detected_later")
        if not kinds:
            raise BreachRefused("kinds_missing")
        new = Breach(
            number=_make_number(),
            kinds=tuple(sorted(set(kinds))),
            persons=persons,
            detected_at=detected_at,
            opened_at=now,
            report_due=detected_at + _hours("report"),
            people_due=(detected_at + _hours("people") if set(kinds) & _told_kinds() else None),
        )
        with self.database.transaction() as tx:
            table.insert_breach(tx, new)
            self._write(tx, new.number, Section.NATURE, text, now=now)
            facts: dict[str, Fact] = {"kinds": " ".join(new.kinds), "persons": persons}
            self._record(tx, EventType.BREACH_OPENED, new.number, now=now, **facts)
        return new

    def find(self, number: str) -> Breach:
        """One file.  Raises BreachRefused(unknown)."""
        with self.database.read() as connection:
            found = table.find_breach(connection, number)
        if found is None:
            raise BreachRefused("unknown")
        return found

    def list(self, *, with_closed: bool = False) -> tuple[Breach, ...]:
        """Every file, what is due first in front."""
        with self.database.read() as connection:
            return table.list_breaches(connection, with_closed=with_closed)

    def add(
        self, number: str, section: Section, *, text: str, persons: int | None, now: datetime
    ) -> None:
        """Write into a section; with `persons`, that so many are affected.

        Raises  BreachRefused: unknown, closed, text_missing.
        """
        with self._open_file(number) as (tx, _):
            self._write(tx, number, section, text, now=now)
            if persons is not None:
                table.update_breach(tx, number, persons=persons)
            self._record(tx, EventType.BREACH_NOTED, number, now=now, section=section.value)

    def affect(self, number: str, accounts: Sequence[AccountId], *, now: datetime) -> int:
        """List accounts as affected; how many were not listed before.

        Raises  BreachRefused: unknown, closed, account_unknown (none of them is listed then).
        """
        with self._open_file(number) as (tx, found):
            for one in accounts:
                if find_row(tx.connection, one) is None:
                    raise BreachRefused("account_unknown")
            new = table.add_accounts(tx, number, accounts, now=now)
            if found.listed + new > found.persons:
                table.update_breach(tx, number, persons=found.listed + new)
            self._record(tx, EventType.BREACH_NOTED, number, now=now, section="people", count=new)
        return new

    def tell(self, number: str, *, now: datetime) -> tuple[int, int]:
        """Tell everybody who is listed and was not told; how many were, and how many are gone.

        In portions, each with its log rows: cut off in the middle it goes on where it stopped.
        Raises  BreachRefused: unknown, closed.
        """
        told = gone = 0
        after = ""
        while True:
            with self._open_file(number) as (tx, _):
                portion = table.untold_accounts(
                    tx.connection, number, after=after, limit=_TOLD_AT_ONCE
                )
                for one in portion:
                    row = find_row(tx.connection, one)
                    if row is None:
                        gone += 1
                        continue
                    table.mark_told(tx, number, one, now=now)
                    self.notices.tell(
                        tx, row, Notice.DATA_BREACH, now=now, facts={"breach": number}
                    )
                    event = Event(EventType.BREACH_TOLD, account_id=one, facts={"breach": number})
                    self.log.record(tx, event, data_key=row.data_key, now=now)
                    told += 1
            if len(portion) < _TOLD_AT_ONCE:
                return told, gone
            after = portion[-1]

    def reported(self, number: str, *, text: str, at: datetime, now: datetime) -> None:
        """The authority was told; `text` says how and under which number.

        Raises  BreachRefused: unknown, closed, reported_before, text_missing, detected_later.
        """
        with self._open_file(number) as (tx, found):
            if found.reported_at is not None:
                raise BreachRefused("reported_before")
            if not found.detected_at <= at <= now + _MINUTE:
                raise BreachRefused("detected_later")
            self._write(tx, number, Section.TOLD, text, now=now)
            table.update_breach(tx, number, reported_ms=to_ms(at))
            self._record(tx, EventType.BREACH_NOTED, number, now=now, section="reported")

    def close(self, number: str, *, not_reportable: str, now: datetime) -> None:
        """Close the file, which is kept for its years from now on.

        Takes   not_reportable: why the authority did not have to be told, where it was not.
        Raises  BreachRefused: unknown, closed, not_reported.
        """
        with self._open_file(number) as (tx, found):
            if found.reported_at is None and not not_reportable.strip():
                raise BreachRefused("not_reported")
            if not_reportable.strip():
                self._write(tx, number, Section.TOLD, not_reportable, now=now)
            table.update_breach(tx, number, closed_ms=to_ms(now))
            self._record(tx, EventType.BREACH_CLOSED, number, now=now)

    def report(self, number: str, *, now: datetime) -> Iterator[str]:
        """The report, line by line, in the sections that the law names.

        Raises  BreachRefused(unknown).
        """
        found = self.find(number)
        with self.database.read() as connection:
            entries = table.read_entries(connection, number, sealer=self.sealer)
        yield from _report(found, entries, now=now)

    @contextmanager
    def _open_file(self, number: str) -> Iterator[tuple[Transaction, Breach]]:
        """A transaction over one file that is open, locked until its end."""
        with self.database.transaction() as tx:
            found = table.find_breach(tx.connection, number, is_locked=True)
            if found is None:
                raise BreachRefused("unknown")
            if found.closed_at is not None:
                raise BreachRefused("closed")
            yield tx, found

    def _write(
        self, tx: Transaction, number: str, section: Section, text: str, *, now: datetime
    ) -> None:
        if not text.strip():
            raise BreachRefused("text_missing")
        entry = BreachEntry(section.value, self.operator, now, text.strip())
        table.add_entry(tx, number, entry, sealer=self.sealer)

    def _record(
        self, tx: Transaction, type_: EventType, number: str, *, now: datetime, **facts: Fact
    ) -> None:
        self.log.record(tx, Event(type_, facts={"breach": number, **facts}), data_key=None, now=now)


def _report(found: Breach, entries: Sequence[BreachEntry], *, now: datetime) -> Iterator[str]:
    rules = _rules()
    yield "THÔNG BÁO VI PHẠM QUY ĐỊNH VỀ BẢO VỆ DỮ LIỆU CÁ NHÂN"
    yield f"Hồ sơ {found.number} · lập lúc {_time(now)}"
    yield f"Căn cứ: {rules['report']['legal']}; mẫu số 08 theo NĐ 356/2025/NĐ-CP Điều 28"
    yield ""
    yield "1. Thời gian"
    yield f"   Phát hiện: {_time(found.detected_at)}"
    yield f"   Hạn thông báo ({rules['report']['hours']} giờ): {_time(found.report_due)}"
    if found.reported_at is not None:
        yield f"   Đã thông báo cơ quan có thẩm quyền: {_time(found.reported_at)}"
        if found.reported_at > found.report_due:
            yield "   Thông báo quá hạn: nêu lý do ở mục Đã thông báo."
    yield "2. Dữ liệu và số người bị ảnh hưởng"
    yield f"   Loại dữ liệu: {', '.join(found.kinds)}"
    yield f"   Số người: {found.persons}; đã xác định {found.listed}, đã báo {found.told}"
    if found.people_due is not None:
        yield f"   Hạn báo cho người bị ảnh hưởng: {_time(found.people_due)}"
    for at, section in enumerate(Section, 3):
        yield f"{at}. {TITLES[section]}"
        said = [one for one in entries if one.section == section]
        for one in said:
            yield f"   {_time(one.at)} ({one.operator}): {one.text}"
        if not said:
            yield "   (chưa có)"


def _time(moment: datetime) -> str:
    return moment.astimezone(CIVIL_TIME).strftime("%d/%m/%Y %H:%M")


def _hours(clock: str) -> timedelta:
    return timedelta(hours=_rules()[clock]["hours"])


def _told_kinds() -> frozenset[str]:
    return frozenset(_rules()["people"]["kinds"])


@cache
def _rules() -> dict[str, Any]:
    return tomllib.loads((files("idp") / "breach_rules.toml").read_text(encoding="utf-8"))


def _make_number() -> str:
    letters = "".join(secrets.choice(_LETTERS) for _ in range(10))
    return f"SC-{letters[:5]}-{letters[5:]}"
