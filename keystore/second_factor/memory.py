"""What the verifier remembers by itself: codes that were used, authenticators, wrong tries.

What lives here: its tables, and taking a code as one transaction.  A mark says nothing about a
purpose: whatever a code was used for, it is used.  How an authenticator came to be is written when
it is made and decided with its first code; nothing that a caller says later changes it.  One that a
keeper announced takes the place of every other of its account, in that transaction; one that nobody
announced, beside another that is in use, never confirms.  What this memory does not know it learns
at that instant, as of nobody's proofing.

    held_totp    until the folder is thrown away: one that was forgotten could be put back
    announced    activation codes of keepers, as hashes, until they run out
    refused_code until the window ends
    spent        marks of codes, for a day (`keystore/strongroom/memory.py`)
    trusted      who said when that the clock is right; as long as the folder

Accounts stand in it as hashes of their identifiers, which are random: of somebody who was erased
nothing stays that leads to anybody.
Source: RFC 6238 §5.2; NIST SP 800-63B-3 §5.2.2 (rate limiting).
Not here: which code is right (`keystore/one_time_codes.py`).
"""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final, Literal

from keystore.clock import to_ms
from keystore.one_time_codes import MARK_LIFETIME
from keystore.second_factor.errors import ClockSetBack, RequestMalformed
from keystore.second_factor.model import CodeOutcome
from keystore.strongroom.memory import Memory, spend_in

_MS: Final = timedelta(milliseconds=1)
UNUSED_LIFETIME: Final = timedelta(hours=1)
"""How long an authenticator waits for its first code; longer than any page of an enrolment."""

LIMITS: Final = ((timedelta(minutes=10), 15), (timedelta(days=1), 100))
"""Wrong codes of one account in a window.  Three of a million are right at any time."""


Standing = Literal["announced", "vouched", "waiting", "beside"]
"""announced: by a keeper's activation code; vouched: brought by a keeper, as bound at proofing;
waiting: of nobody's proofing, the only one of its account then; beside: another was in use."""


@dataclass(frozen=True, slots=True)
class KnownTotp:
    """A row: `used_ms` is None until the first code; one that is retired is never taken again."""

    made_ms: int
    used_ms: int | None
    standing: Standing
    is_retired: bool

    @property
    def is_bound_at_proofing(self) -> bool:
        """Whether a keeper said so."""
        return self.standing in {"announced", "vouched"}


@dataclass(frozen=True, slots=True)
class Matched:
    """A code that is right: of which authenticator, and of which time step."""

    totp_id: str
    step: int

    def mark(self, account_id: str) -> bytes:
        """What is spent, 32 bytes."""
        named = f"otp\x00{account_id}\x00{self.totp_id}\x00{self.step}"
        return hashlib.sha256(named.encode()).digest()


class VerifierMemory(Memory):
    """The verifier's own memory; safe for the threads and the processes of one host."""

    schema: ClassVar[str] = """
    CREATE TABLE IF NOT EXISTS held_totp
        (account BLOB NOT NULL, totp_id TEXT NOT NULL, made_ms INTEGER NOT NULL,
         activation BLOB, used_ms INTEGER, standing TEXT NOT NULL,
         retired_ms INTEGER, PRIMARY KEY (account, totp_id)) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS held_totp_unused ON held_totp (made_ms) WHERE used_ms IS NULL;
    CREATE TABLE IF NOT EXISTS announced
        (mark BLOB PRIMARY KEY, forget_ms INTEGER NOT NULL, totp_id TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS refused_code
        (account BLOB NOT NULL, window_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL,
         tries INTEGER NOT NULL, PRIMARY KEY (account, window_ms, until_ms)) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS refused_code_by_time ON refused_code (until_ms);
    CREATE TABLE IF NOT EXISTS trusted (at_ms INTEGER NOT NULL, operator TEXT NOT NULL);
    """
    clock_set_back: ClassVar[type[ClockSetBack]] = ClockSetBack

    def expect_activation(
        self, account_id: str, code: str, *, expires_at: datetime, now: datetime
    ) -> None:
        """A keeper gave out this activation code where the person was proofed."""
        with self.writing(now) as connection:
            connection.execute(
                "INSERT INTO announced VALUES (?, ?, '')"
                " ON CONFLICT DO UPDATE SET forget_ms = excluded.forget_ms",
                (_activation_mark(account_id, code), to_ms(expires_at)),
            )

    def add(self, totp_id: str, account_id: str, *, activation_code: str, now: datetime) -> None:
        """Remember an authenticator that is made now, and the code with which it was asked for.

        Raises  RequestMalformed("totp_id") when the account had one of that name.
        """
        mark = _activation_mark(account_id, activation_code) if activation_code else None
        with self.writing(now) as connection:
            values = (_hash(account_id), totp_id, to_ms(now), mark, None, "waiting")
            _insert(connection, values)

    def add_known(self, totp_id: str, account_id: str, *, is_proofed: bool, now: datetime) -> None:
        """Remember an authenticator whose secret somebody else made, as in use.

        Raises  RequestMalformed("totp_id") when the account had one of that name.
        """
        account, now_ms = _hash(account_id), to_ms(now)
        with self.writing(now) as connection:
            other = _find_standing(connection, account, totp_id=totp_id)
            standing: Standing = "vouched" if is_proofed else other
            _insert(connection, (account, totp_id, now_ms, None, now_ms, standing))

    def find(self, totp_id: str, *, account_id: str) -> KnownTotp | None:
        """What is remembered of an authenticator of this account."""
        with self._lock:
            row = self._connection.execute(
                "SELECT made_ms, used_ms, standing, retired_ms FROM held_totp"
                " WHERE account = ? AND totp_id = ?",
                (_hash(account_id), totp_id),
            ).fetchone()
        if row is None:
            return None
        return KnownTotp(row[0], row[1], row[2], row[3] is not None)

    def find_same_activation(self, totp_id: str, *, account_id: str, now: datetime) -> str:
        """Which authenticator the activation code of this unused one has brought to life before.

        Returns its id, or nothing; nothing, too, when that was more than an hour ago: a row of the
        log that is taken out later makes no room for another.
        """
        since_ms = to_ms(now - UNUSED_LIFETIME)
        with self._lock:
            row = self._connection.execute(
                "SELECT old.totp_id FROM held_totp AS new JOIN announced ON mark = new.activation"
                " JOIN held_totp AS old"
                " ON old.account = new.account AND old.totp_id = announced.totp_id"
                " WHERE new.account = ? AND new.totp_id = ? AND new.used_ms IS NULL"
                " AND old.used_ms >= ?",
                (_hash(account_id), totp_id, since_ms),
            ).fetchone()
        return "" if row is None else str(row[0])

    def learn(self, totp_id: str, *, account_id: str, now: datetime) -> None:
        """An authenticator of ours that is not remembered is as young as this instant."""
        with self.writing(now) as connection:
            _learn(connection, _hash(account_id), totp_id=totp_id, now_ms=to_ms(now))

    def retire(self, totp_id: str, *, account_id: str, now: datetime) -> bool:
        """Never take an authenticator again; whether there was one to retire."""
        with self.writing(now) as connection:
            retired = connection.execute(
                "UPDATE held_totp SET retired_ms = ?, used_ms = COALESCE(used_ms, made_ms)"
                " WHERE account = ? AND totp_id = ? AND retired_ms IS NULL",
                (to_ms(now), _hash(account_id), totp_id),
            )
            return retired.rowcount == 1

    def restore(self, totp_id: str, *, account_id: str, now: datetime) -> bool:
        """Take one that was retired again, as what it was; whether there was one."""
        with self.writing(now) as connection:
            restored = connection.execute(
                "UPDATE held_totp SET retired_ms = NULL"
                " WHERE account = ? AND totp_id = ? AND retired_ms IS NOT NULL",
                (_hash(account_id), totp_id),
            )
            return restored.rowcount == 1

    def trust_clock_of(self, operator: str, *, now: datetime) -> None:
        """Believe the clock as `trust_clock` does, with a record of who said so in front."""
        with self.alone() as connection:
            connection.execute("INSERT INTO trusted VALUES (?, ?)", (to_ms(now), operator))
            connection.execute("UPDATE clock SET latest_ms = ?, purged_ms = 0", (to_ms(now),))

    def take_code(
        self, account_id: str, matched: Matched | None, *, now: datetime, off_record: str = ""
    ) -> CodeOutcome:
        """Spend a code that is right, or count one that is not; all of it or nothing.

        1. Beyond a limit nothing is looked at.
        2. A right code is spent, once for every purpose; its authenticator is in use from now on.
        3. A wrong one, and one that was spent before, is counted.

        Takes   off_record: from `find_same_activation`, when that one was never enrolled on record:
                its activation code counts once more.
        Raises  ClockSetBack.
        """
        account, now_ms = _hash(account_id), to_ms(now)
        with self.writing(now) as connection:
            # 1
            retry_ms = _find_limit(connection, account, now_ms=now_ms)
            if retry_ms is not None:
                return CodeOutcome("too_many", retry_ms)
            # 2
            if (
                matched is not None
                and not _is_over(
                    connection, account, totp_id=matched.totp_id, off_record=off_record
                )
                and spend_in(connection, matched.mark(account_id), expires_at=now + MARK_LIFETIME)
            ):
                totp_id = matched.totp_id
                _learn(connection, account, totp_id=totp_id, now_ms=now_ms)
                _put_to_use(
                    connection, account, totp_id=totp_id, off_record=off_record, now_ms=now_ms
                )
                return CodeOutcome("right", totp_id=totp_id)
            # 3
            for window, _most in LIMITS:
                connection.execute(
                    "INSERT INTO refused_code VALUES (?, ?, ?, 1)"
                    " ON CONFLICT DO UPDATE SET tries = tries + 1",
                    (account, window // _MS, _end_of(window, now_ms=now_ms)),
                )
            return CodeOutcome("wrong")

    def purge_old(self, connection: sqlite3.Connection, *, now_ms: int) -> None:
        """Forget windows that ended, codes that ran out, authenticators that nobody confirmed."""
        connection.execute("DELETE FROM refused_code WHERE until_ms <= ?", (now_ms,))
        connection.execute("DELETE FROM announced WHERE forget_ms < ?", (now_ms,))
        connection.execute(
            "DELETE FROM held_totp WHERE used_ms IS NULL AND made_ms < ?",
            (now_ms - UNUSED_LIFETIME // _MS,),
        )


def _hash(account_id: str) -> bytes:
    return hashlib.sha256(f"account\x00{account_id}".encode()).digest()


def _activation_mark(account_id: str, code: str) -> bytes:
    return hashlib.sha256(f"activation\x00{account_id}\x00{code}".encode()).digest()


def _insert(connection: sqlite3.Connection, values: tuple[object, ...]) -> None:
    added = connection.execute(
        "INSERT OR IGNORE INTO held_totp VALUES (?, ?, ?, ?, ?, ?, NULL)", values
    )
    if added.rowcount != 1:
        raise RequestMalformed("totp_id")


def _learn(connection: sqlite3.Connection, account: bytes, *, totp_id: str, now_ms: int) -> None:
    standing = _find_standing(connection, account, totp_id=totp_id)
    connection.execute(
        "INSERT OR IGNORE INTO held_totp VALUES (?, ?, ?, NULL, ?, ?, NULL)",
        (account, totp_id, now_ms, now_ms, standing),
    )


def _find_standing(connection: sqlite3.Connection, account: bytes, *, totp_id: str) -> Standing:
    # of one that no keeper announced: beside another in use it could be anybody's
    other = connection.execute(
        "SELECT 1 FROM held_totp WHERE account = ? AND totp_id <> ?"
        " AND used_ms IS NOT NULL AND retired_ms IS NULL",
        (account, totp_id),
    ).fetchone()
    return "waiting" if other is None else "beside"


def _is_over(
    connection: sqlite3.Connection, account: bytes, *, totp_id: str, off_record: str
) -> bool:
    # retired; or asked for with an activation code that brought another one to life, so that
    # whoever is given somebody's code for an authenticator of his own cannot hide it from her
    row = connection.execute(
        "SELECT 1 FROM held_totp LEFT JOIN announced ON mark = activation AND used_ms IS NULL"
        " WHERE account = ? AND held_totp.totp_id = ?"
        " AND (retired_ms IS NOT NULL OR announced.totp_id NOT IN ('', ?))",
        (account, totp_id, off_record),
    ).fetchone()
    return row is not None


def _put_to_use(
    connection: sqlite3.Connection, account: bytes, *, totp_id: str, off_record: str, now_ms: int
) -> None:
    row = connection.execute(
        "SELECT activation FROM held_totp WHERE account = ? AND totp_id = ? AND used_ms IS NULL",
        (account, totp_id),
    ).fetchone()
    if row is None:
        return
    # an activation code counts for the first authenticator that it brings to life, and no other
    spent = connection.execute(
        "UPDATE announced SET totp_id = ? WHERE mark = ? AND totp_id IN ('', ?)",
        (totp_id, row[0], off_record),
    )
    standing: Standing = "announced"
    if spent.rowcount == 1:
        connection.execute(
            "UPDATE held_totp SET retired_ms = ?, used_ms = COALESCE(used_ms, made_ms)"
            " WHERE account = ? AND totp_id <> ? AND retired_ms IS NULL",
            (now_ms, account, totp_id),
        )
    else:
        standing = _find_standing(connection, account, totp_id=totp_id)
    connection.execute(
        "UPDATE held_totp SET used_ms = ?, standing = ?, activation = NULL"
        " WHERE account = ? AND totp_id = ?",
        (now_ms, standing, account, totp_id),
    )


def _find_limit(connection: sqlite3.Connection, account: bytes, *, now_ms: int) -> int | None:
    for window, most in LIMITS:
        until_ms = _end_of(window, now_ms=now_ms)
        row = connection.execute(
            "SELECT tries FROM refused_code WHERE account = ? AND window_ms = ? AND until_ms = ?",
            (account, window // _MS, until_ms),
        ).fetchone()
        if row is not None and row[0] >= most:
            return until_ms
    return None


def _end_of(window: timedelta, *, now_ms: int) -> int:
    # fixed windows that begin at a round instant end by themselves, whoever is attacking
    window_ms = window // _MS
    return (now_ms // window_ms + 1) * window_ms
