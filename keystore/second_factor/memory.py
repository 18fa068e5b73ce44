"""What the verifier remembers by itself: codes that were used, authenticators, wrong tries.

What lives here: three tables in its own memory, and taking a code as one transaction.  A mark says
nothing about a purpose: whatever a code was used for, it is used.  How an authenticator came to be
is written when it is made and decided with its first code; nothing that a caller says later changes
it.  What this memory does not know it learns at that instant, as of nobody's proofing.
Source: RFC 6238 §5.2; NIST SP 800-63B-3 §5.2.2 (rate limiting).
Not here: which code is right (`keystore/one_time_codes.py`).
"""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final

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


@dataclass(frozen=True, slots=True)
class KnownTotp:
    """A row: `used_ms` is None until the first code; one that is retired is never taken again."""

    account_id: str
    made_ms: int
    used_ms: int | None
    is_proofed: bool
    is_retired: bool


@dataclass(frozen=True, slots=True)
class Matched:
    """A code that is right: of which authenticator, and of which time step."""

    totp_id: str
    step: int

    @property
    def mark(self) -> bytes:
        """What is spent, 32 bytes."""
        return hashlib.sha256(f"otp\x00{self.totp_id}\x00{self.step}".encode()).digest()


class VerifierMemory(Memory):
    """The verifier's own memory; safe for the threads and the processes of one host."""

    schema: ClassVar[str] = """
    CREATE TABLE IF NOT EXISTS authenticator
        (totp_id TEXT PRIMARY KEY, account_id TEXT NOT NULL, made_ms INTEGER NOT NULL,
         activation BLOB, used_ms INTEGER, is_proofed INTEGER NOT NULL,
         retired_ms INTEGER) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS authenticator_by_account ON authenticator (account_id);
    CREATE INDEX IF NOT EXISTS authenticator_unused ON authenticator (made_ms)
        WHERE used_ms IS NULL;
    CREATE TABLE IF NOT EXISTS expected_activation
        (mark BLOB PRIMARY KEY, forget_ms INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS wrong_code
        (account_id TEXT NOT NULL, window_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL,
         tries INTEGER NOT NULL, PRIMARY KEY (account_id, window_ms, until_ms)) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS wrong_code_by_time ON wrong_code (until_ms);
    """
    clock_set_back: ClassVar[type[ClockSetBack]] = ClockSetBack

    def expect_activation(
        self, account_id: str, code: str, *, expires_at: datetime, now: datetime
    ) -> None:
        """A keeper gave out this activation code where the person was proofed."""
        with self.writing(now) as connection:
            connection.execute(
                "INSERT OR REPLACE INTO expected_activation VALUES (?, ?)",
                (_activation_mark(account_id, code), to_ms(expires_at)),
            )

    def add(self, totp_id: str, account_id: str, *, activation_code: str, now: datetime) -> None:
        """Remember an authenticator that is made now, and the code with which it was asked for.

        Raises  RequestMalformed("totp_id") when there was one of that name.
        """
        mark = _activation_mark(account_id, activation_code) if activation_code else None
        with self.writing(now) as connection:
            _insert(connection, (totp_id, account_id, to_ms(now), mark, None, 0))

    def add_known(self, totp_id: str, account_id: str, *, is_proofed: bool, now: datetime) -> None:
        """Remember an authenticator whose secret somebody else made, as in use.

        Raises  RequestMalformed("totp_id") when there was one of that name.
        """
        with self.writing(now) as connection:
            values = (totp_id, account_id, to_ms(now), None, to_ms(now), int(is_proofed))
            _insert(connection, values)

    def find(self, totp_id: str, *, account_id: str) -> KnownTotp | None:
        """What is remembered of an authenticator of this account."""
        with self._lock:
            row = self._connection.execute(
                "SELECT account_id, made_ms, used_ms, is_proofed, retired_ms FROM authenticator"
                " WHERE totp_id = ? AND account_id = ?",
                (totp_id, account_id),
            ).fetchone()
        if row is None:
            return None
        return KnownTotp(row[0], row[1], row[2], bool(row[3]), row[4] is not None)

    def learn(self, totp_id: str, *, account_id: str, now: datetime) -> None:
        """An authenticator of ours that is not remembered is as young as this instant."""
        with self.writing(now) as connection:
            _learn(connection, totp_id, account_id=account_id, now_ms=to_ms(now))

    def retire(self, account_id: str, *, besides: str, now: datetime) -> int:
        """Never take the authenticators of an account again, but for one; how many were taken."""
        with self.writing(now) as connection:
            retired = connection.execute(
                "UPDATE authenticator SET retired_ms = ?, used_ms = COALESCE(used_ms, made_ms)"
                " WHERE account_id = ? AND totp_id <> ? AND retired_ms IS NULL",
                (to_ms(now), account_id, besides),
            )
            return retired.rowcount

    def take_code(self, account_id: str, matched: Matched | None, *, now: datetime) -> CodeOutcome:
        """Spend a code that is right, or count one that is not; all of it or nothing.

        1. Beyond a limit nothing is looked at.
        2. A right code is spent, once for every purpose; its authenticator is in use from now on.
        3. A wrong one, and one that was spent before, is counted.

        Raises  ClockSetBack.
        """
        now_ms = to_ms(now)
        with self.writing(now) as connection:
            # 1
            retry_ms = _find_limit(connection, account_id, now_ms=now_ms)
            if retry_ms is not None:
                return CodeOutcome("too_many", retry_ms)
            # 2
            if (
                matched is not None
                and not _is_retired(connection, matched.totp_id)
                and spend_in(connection, matched.mark, expires_at=now + MARK_LIFETIME)
            ):
                _learn(connection, matched.totp_id, account_id=account_id, now_ms=now_ms)
                _put_to_use(connection, matched.totp_id, now_ms=now_ms)
                return CodeOutcome("right")
            # 3
            for window, _most in LIMITS:
                connection.execute(
                    "INSERT INTO wrong_code VALUES (?, ?, ?, 1)"
                    " ON CONFLICT DO UPDATE SET tries = tries + 1",
                    (account_id, window // _MS, _end_of(window, now_ms=now_ms)),
                )
            return CodeOutcome("wrong")

    def purge_old(self, connection: sqlite3.Connection, *, now_ms: int) -> None:
        """Forget windows that ended, codes that ran out, authenticators that nobody confirmed."""
        connection.execute("DELETE FROM wrong_code WHERE until_ms <= ?", (now_ms,))
        connection.execute("DELETE FROM expected_activation WHERE forget_ms < ?", (now_ms,))
        connection.execute(
            "DELETE FROM authenticator WHERE used_ms IS NULL AND made_ms < ?",
            (now_ms - UNUSED_LIFETIME // _MS,),
        )


def _activation_mark(account_id: str, code: str) -> bytes:
    return hashlib.sha256(f"activation\x00{account_id}\x00{code}".encode()).digest()


def _insert(connection: sqlite3.Connection, values: tuple[object, ...]) -> None:
    added = connection.execute(
        "INSERT OR IGNORE INTO authenticator VALUES (?, ?, ?, ?, ?, ?, NULL)", values
    )
    if added.rowcount != 1:
        raise RequestMalformed("totp_id")


def _learn(connection: sqlite3.Connection, totp_id: str, *, account_id: str, now_ms: int) -> None:
    connection.execute(
        "INSERT OR IGNORE INTO authenticator VALUES (?, ?, ?, NULL, ?, 0, NULL)",
        (totp_id, account_id, now_ms, now_ms),
    )


def _is_retired(connection: sqlite3.Connection, totp_id: str) -> bool:
    row = connection.execute(
        "SELECT retired_ms FROM authenticator WHERE totp_id = ?", (totp_id,)
    ).fetchone()
    return row is not None and row[0] is not None


def _put_to_use(connection: sqlite3.Connection, totp_id: str, *, now_ms: int) -> None:
    row = connection.execute(
        "SELECT activation FROM authenticator WHERE totp_id = ? AND used_ms IS NULL", (totp_id,)
    ).fetchone()
    if row is None:
        return
    # an activation code counts for the first authenticator that it brings to life, and no other
    spent = connection.execute("DELETE FROM expected_activation WHERE mark = ?", (row[0],))
    connection.execute(
        "UPDATE authenticator SET used_ms = ?, is_proofed = ?, activation = NULL WHERE totp_id = ?",
        (now_ms, int(spent.rowcount == 1), totp_id),
    )


def _find_limit(connection: sqlite3.Connection, account_id: str, *, now_ms: int) -> int | None:
    for window, most in LIMITS:
        until_ms = _end_of(window, now_ms=now_ms)
        row = connection.execute(
            "SELECT tries FROM wrong_code WHERE account_id = ? AND window_ms = ? AND until_ms = ?",
            (account_id, window // _MS, until_ms),
        ).fetchone()
        if row is not None and row[0] >= most:
            return until_ms
    return None


def _end_of(window: timedelta, *, now_ms: int) -> int:
    # fixed windows that begin at a round instant end by themselves, whoever is attacking
    window_ms = window // _MS
    return (now_ms // window_ms + 1) * window_ms
