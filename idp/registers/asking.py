"""Asking a register: not while it is away, and never without a record.

What lives here: what both registers have in common.  Every question that went out is on record
before its answer is given out: who asked, for what, of which kind, and how it ended; so is every
use of an answer that was kept.  A person's questions are in their history.  What was asked about
is in the log only sealed, under the data key of the person who sees the row.
Answers that may be used again are kept sealed in the ephemeral store until they may not; it has no
place for longer ones.
Source: NĐ 47/2020/NĐ-CP Art. 41–42 (validity, keeping within it), Art. 45 (record of what was
shared: time, form, who asked, content, status).
Not here: how a question travels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from idp.registers.breaker import Breaker
from idp.registers.errors import RegisterError, RegisterNonsense, RegisterUnavailable
from idp.registers.model import Asker, RegisterName
from idp.storage.accounts import find_row
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from keystore.errors import SealBroken
from keystore.log.events import Event, EventType, Fact
from keystore.log.record import LogWriter
from keystore.purposes import MacPurpose, SealPurpose
from keystore.sealing import Sealer

_Answered = TypeVar("_Answered")
_NOT_ASKED: Final = "not_asked"


@dataclass(frozen=True, slots=True)
class Question:
    """One question, as it goes on record.

    Takes   form: of which kind it is; about: what is asked about, for the sealed part of the row;
            key: the same whenever the same is asked, for keeping the answer.
    """

    form: str
    about: Mapping[str, Fact]
    key: bytes


@dataclass(frozen=True, slots=True)
class Asking:
    """The way to one register; safe to share between threads.

    Takes   valid: how long an answer may be used again.
    """

    register: RegisterName
    database: Database
    store: EphemeralStore
    sealer: Sealer
    log: LogWriter
    breaker: Breaker
    valid: timedelta

    def ask(
        self,
        question: Question,
        put: Callable[[], _Answered],
        *,
        tell: Callable[[_Answered], str],
        asked_by: Asker,
        now: datetime,
    ) -> _Answered:
        """Put the question, if the register has not just been away.

        Takes   put: asks; tell: the word for the record.
        Raises  RegisterUnavailable (`not_asked` among them); RegisterNonsense; StorageUnavailable:
                it is not on record, so the answer is not given out.
        """
        if not self.breaker.may_ask(now):
            raise RegisterUnavailable(self.register, _NOT_ASKED)
        try:
            answer = put()
        except (RegisterUnavailable, RegisterNonsense) as failure:
            self.breaker.failed(now)
            self.record(question, outcome=_word(failure), asked_by=asked_by, now=now)
            raise
        self.breaker.answered()
        self.record(question, outcome=tell(answer), asked_by=asked_by, now=now)
        return answer

    def record(
        self,
        question: Question,
        *,
        outcome: str,
        asked_by: Asker,
        now: datetime,
        is_kept: bool = False,
    ) -> None:
        """Put it on record; `is_kept`: nobody was asked, an answer that still holds was used."""
        facts: dict[str, Fact] = {
            "register": self.register.value,
            "form": question.form,
            "purpose": asked_by.purpose.value,
            "outcome": outcome,
            "asked": "kept" if is_kept else "register",
        }
        if asked_by.official_id is not None:
            facts["official"] = asked_by.official_id
        with self.database.transaction() as tx:
            row = (
                None
                if asked_by.account_id is None
                else find_row(tx.connection, asked_by.account_id)
            )
            data_key = None if row is None else row.data_key
            event = Event(
                EventType.REGISTER_ASKED,
                account_id=asked_by.account_id,
                facts=facts,
                personal={} if data_key is None else question.about,
            )
            self.log.record(tx, event, data_key=data_key, now=now)

    def find_kept(self, question: Question, *, now: datetime) -> bytes | None:
        """What was kept of an answer to the same question, if it still holds."""
        key = self._key(question)
        sealed = self.store.get(key, now=now)
        if sealed is None:
            return None
        try:
            return self.sealer.unseal(SealPurpose.REGISTER, sealed, context=key)
        except SealBroken:
            return None  # its key went with an old store: ask again

    def keep(
        self, question: Question, answer: bytes, *, valid_until: datetime, now: datetime
    ) -> None:
        """Keep an answer as long as it holds."""
        if valid_until <= now:
            return
        key = self._key(question)
        sealed = self.sealer.seal(SealPurpose.REGISTER, answer, context=key)
        self.store.put(key, sealed, lifetime=valid_until - now, now=now)

    def _key(self, question: Question) -> str:
        name = f"register\x00{self.register}\x00{question.form}\x00".encode() + question.key
        return f"register:{self.sealer.mac(MacPurpose.SOURCE, name).hex()}"


def _word(failure: RegisterError) -> str:
    return f"{failure.code.removeprefix('register_')}:{failure.reason}"
