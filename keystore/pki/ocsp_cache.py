"""Answers about status in the memory of one process.

What lives here: answers by the very bytes of the question, and the watch that drops those whose
certificate changed.  Every two seconds whoever asks next looks what was changed lately, in any
process: one indexed read.  If the database does not answer, what is kept is given for half a minute
more and not longer: no answer is better than one that may have become untrue.
Not here: HTTP (`keystore/web/ocsp.py`), making an answer (`ocsp.py`).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from keystore.pki.model import CertificateStatus
from keystore.pki.storage.certificates import read_changed
from keystore.storage import DatabaseLike
from keystore.web.answer import WebAnswer

_LOOK_EVERY: Final = timedelta(seconds=2)
_LOOK_BACK: Final = timedelta(seconds=60)
"""Transactions that take long and clocks of hosts that differ: a change may turn up late."""
_LONGEST_BLIND: Final = timedelta(seconds=30)
_MOST_BYTES: Final = 32 * 1024 * 1024
_LONGEST_QUESTION: Final = 512
_OVERHEAD: Final = 1_000
"""What an entry takes beside its bytes, about."""

_log = structlog.get_logger("antin.ocsp")

Question = bytes | str
"""The body of a POST, or the path of a GET."""


@dataclass(frozen=True, slots=True)
class _Kept:
    answer: WebAnswer
    until: datetime
    about: CertificateStatus | None
    size: int


class AnswerCache:
    """Whole answers, for any number of threads.

    Takes   database: where changes are looked up; most_bytes: of memory, about.
    """

    def __init__(self, database: DatabaseLike, *, most_bytes: int = _MOST_BYTES) -> None:
        self._database = database
        self._most_bytes = most_bytes
        self._kept: dict[Question, _Kept] = {}
        self._by_certificate: dict[tuple[str, int], set[Question]] = {}
        self._size = 0
        self._lock = threading.Lock()
        self._looking = threading.Lock()
        self._looked_at: datetime | None = None
        self._tried_at: datetime | None = None

    def find(self, question: Question, *, now: datetime) -> WebAnswer | None:
        """The answer to exactly this question, if it is kept and nothing changed."""
        tried = self._tried_at
        if (tried is None or abs(now - tried) >= _LOOK_EVERY) and not self._look(now):
            return None
        kept = self._kept.get(question)
        if kept is None or now >= kept.until:
            return None
        return kept.answer

    def keep(
        self,
        question: Question,
        answer: WebAnswer,
        *,
        until: datetime,
        about: CertificateStatus | None,
    ) -> None:
        """Give this answer to the same question until then, or until the certificate changes.

        Takes   about: the certificate as it was when the answer was made, None for an unknown one.
        """
        if len(question) > _LONGEST_QUESTION:
            return
        size = len(answer.body) + len(question) + _OVERHEAD
        with self._lock:
            self._drop(question)
            self._kept[question] = _Kept(answer, until, about, size)
            self._size += size
            if about is not None:
                self._by_certificate.setdefault((about.ca_id, about.serial), set()).add(question)
            while self._size > self._most_bytes:
                self._drop(next(iter(self._kept)))  # the oldest

    def _drop(self, question: Question) -> None:
        kept = self._kept.pop(question, None)
        if kept is None:
            return
        self._size -= kept.size
        if kept.about is not None:
            key = (kept.about.ca_id, kept.about.serial)
            questions = self._by_certificate.get(key, set())
            questions.discard(question)
            if not questions:
                self._by_certificate.pop(key, None)

    def _look(self, now: datetime) -> bool:
        """Drop what changed; whether what is kept may be given."""
        looked = self._looked_at
        if not self._looking.acquire(blocking=looked is None):
            return looked is not None and abs(now - looked) <= _LONGEST_BLIND
        try:
            since = now if self._looked_at is None else min(self._looked_at, now)
            with self._database.read() as connection:
                changed = read_changed(connection, since=since - _LOOK_BACK)
            self._forget(changed)
            self._looked_at = self._tried_at = now
        except Exception as error:  # noqa: BLE001  # whatever storage raises: it is away
            _log.warning("ocsp_watch_failed", reason=type(error).__name__)
            looked = self._looked_at
            if looked is None or abs(now - looked) > _LONGEST_BLIND:
                return False
            self._tried_at = now
        finally:
            self._looking.release()
        return True

    def _forget(self, changed: tuple[CertificateStatus, ...]) -> None:
        with self._lock:
            for status in changed:
                for question in tuple(self._by_certificate.get((status.ca_id, status.serial), ())):
                    # looking back a minute shows the same change again: made after it, it stays
                    if self._kept[question].about != status:
                        self._drop(question)
