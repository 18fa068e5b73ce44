"""What a process remembers, and how soon it learns of a revocation elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import Connection

from idp.storage.database import Database
from keystore.pki.model import CertificateState, CertificateStatus
from keystore.pki.ocsp_cache import AnswerCache
from keystore.pki.storage.certificates import change_state, read_status
from keystore.storage import Transaction
from keystore.web.answer import WebAnswer
from tests.support.pki import ISSUING_ID, SmallPki
from tests.support.racing import race

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
ANSWER = WebAnswer(200, "application/ocsp-response", b"an answer")


class Counting:
    """A database that counts reads and can be away."""

    def __init__(self, database: Database) -> None:
        self.reads = 0
        self.is_away = False
        self._database = database

    def read(self) -> AbstractContextManager[Connection]:
        self.reads += 1
        if self.is_away:
            raise OSError("away")
        return self._database.read()

    def transaction(self) -> AbstractContextManager[Transaction]:
        raise AssertionError("a cache writes nothing")


@pytest.fixture
def pki(database: Database, now: datetime) -> SmallPki:
    made = SmallPki(now)
    made.store(database)
    return made


@pytest.fixture
def counting(database: Database) -> Counting:
    return Counting(database)


@pytest.fixture
def cache(counting: Counting) -> AnswerCache:
    return AnswerCache(counting)


@pytest.fixture
def status(database: Database, pki: SmallPki) -> Callable[[], CertificateStatus]:
    def read() -> CertificateStatus:
        with database.read() as connection:
            found = read_status(
                connection, ca_id=ISSUING_ID, serial=pki.citizen.certificate.serial_number
            )
        assert found is not None
        return found

    return read


@pytest.fixture
def revoke(database: Database, pki: SmallPki) -> Callable[[datetime], None]:
    def change(at: datetime) -> None:
        with database.transaction() as tx:
            change_state(
                tx.connection,
                ca_id=ISSUING_ID,
                serial=pki.citizen.certificate.serial_number,
                state=CertificateState.REVOKED,
                reason=None,
                at=at,
                now=at,
            )

    return change


Status = Callable[[], CertificateStatus]
Revoke = Callable[[datetime], None]


def test_the_same_bytes_have_the_same_answer_without_storage(
    cache: AnswerCache, counting: Counting, status: Status, now: datetime
) -> None:
    assert cache.find(b"question", now=now) is None
    cache.keep(b"question", ANSWER, until=now + HOUR, about=status())
    reads = counting.reads
    for _ in range(100):
        assert cache.find(b"question", now=now + SECOND) is ANSWER
    assert counting.reads == reads
    assert cache.find(b"another", now=now) is None
    assert cache.find("question", now=now) is None


def test_what_has_ended_is_not_given(cache: AnswerCache, status: Status, now: datetime) -> None:
    cache.keep(b"question", ANSWER, until=now + SECOND, about=status())
    assert cache.find(b"question", now=now) is ANSWER
    assert cache.find(b"question", now=now + SECOND) is None


def test_a_revocation_by_another_process_shows_within_two_seconds(
    cache: AnswerCache, status: Status, revoke: Revoke, now: datetime
) -> None:
    assert cache.find(b"question", now=now) is None
    before = status()
    cache.keep(b"question", ANSWER, until=now + HOUR, about=before)
    cache.keep("question", ANSWER, until=now + HOUR, about=before)
    assert cache.find(b"question", now=now + SECOND) is ANSWER
    revoke(now + SECOND)
    assert cache.find(b"question", now=now + 2 * SECOND) is None
    assert cache.find("question", now=now + 2 * SECOND) is None


def test_an_answer_made_after_the_change_stays(
    cache: AnswerCache, status: Status, revoke: Revoke, now: datetime
) -> None:
    revoke(now)
    cache.keep(b"question", ANSWER, until=now + HOUR, about=status())
    for seconds in range(0, 120, 2):
        assert cache.find(b"question", now=now + seconds * SECOND) is ANSWER


def test_an_answer_that_was_under_way_during_the_change_does_not_stay(
    cache: AnswerCache, status: Status, revoke: Revoke, now: datetime
) -> None:
    """Made from what was read before the change, kept after the watch had looked."""
    before = status()
    revoke(now)
    assert cache.find(b"question", now=now + 2 * SECOND) is None
    cache.keep(b"question", ANSWER, until=now + HOUR, about=before)
    assert cache.find(b"question", now=now + 4 * SECOND) is None


def test_a_change_that_was_committed_late_still_shows(
    cache: AnswerCache, status: Status, revoke: Revoke, now: datetime
) -> None:
    cache.keep(b"question", ANSWER, until=now + HOUR, about=status())
    assert cache.find(b"question", now=now + 30 * SECOND) is ANSWER
    revoke(now - 20 * SECOND)
    assert cache.find(b"question", now=now + 32 * SECOND) is None


def test_without_storage_it_answers_for_half_a_minute_and_not_longer(
    cache: AnswerCache, counting: Counting, status: Status, now: datetime
) -> None:
    cache.keep(b"question", ANSWER, until=now + HOUR, about=status())
    assert cache.find(b"question", now=now) is ANSWER
    counting.is_away = True
    assert cache.find(b"question", now=now + 29 * SECOND) is ANSWER
    assert cache.find(b"question", now=now + 32 * SECOND) is None
    counting.is_away = False
    assert cache.find(b"question", now=now + 33 * SECOND) is ANSWER


def test_a_process_that_never_saw_storage_gives_nothing(
    cache: AnswerCache, counting: Counting, status: Status, now: datetime
) -> None:
    cache.keep(b"question", ANSWER, until=now + HOUR, about=status())
    counting.is_away = True
    assert cache.find(b"question", now=now) is None


def test_memory_is_bounded_and_the_oldest_goes_first(
    counting: Counting, status: Status, now: datetime
) -> None:
    cache = AnswerCache(counting, most_bytes=20_000)
    about = status()
    for number in range(1_000):
        cache.keep(b"%d" % number, ANSWER, until=now + HOUR, about=about)
    kept = [n for n in range(1_000) if cache.find(b"%d" % n, now=now) is not None]
    assert kept == list(range(1_000 - len(kept), 1_000))
    assert 10 <= len(kept) <= 20


def test_a_question_that_is_long_is_not_kept(
    cache: AnswerCache, status: Status, now: datetime
) -> None:
    question = b"q" * 513
    cache.keep(question, ANSWER, until=now + HOUR, about=status())
    assert cache.find(question, now=now) is None


def test_answers_about_nothing_are_kept_and_forgotten(counting: Counting, now: datetime) -> None:
    cache = AnswerCache(counting, most_bytes=5_000)
    for number in range(100):
        cache.keep(b"%d" % number, ANSWER, until=now + SECOND, about=None)
    assert cache.find(b"99", now=now) is ANSWER
    assert cache.find(b"0", now=now) is None


def test_threads_that_ask_keep_and_forget_at_once_never_give_what_has_changed(
    counting: Counting, status: Status, revoke: Revoke, now: datetime
) -> None:
    cache = AnswerCache(counting, most_bytes=50_000)
    before = status()
    revoke(now)
    after = status()
    newer = WebAnswer(200, "application/ocsp-response", b"revoked")

    def work(worker: int) -> None:
        for number in range(300):
            at = now + number * SECOND / 10
            question = b"%d" % (number % 40)
            if number % 3 == 0:
                is_late = worker % 2 == 0 and number < 200
                about, answer = (before, ANSWER) if is_late else (after, newer)
                cache.keep(question, answer, until=now + HOUR, about=about)
            cache.find(question, now=at)

    race([partial(work, worker) for worker in range(6)])
    end = now + 60 * SECOND
    found = [cache.find(b"%d" % number, now=end) for number in range(40)]
    assert newer in found
    assert ANSWER not in found
