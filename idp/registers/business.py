"""The business register over REST.

What lives here: `BusinessService`, which asks `…?msdn=` under the rules of `asking.py` and keeps
what is registered for as long as it may be used.
Source: as in `business_messages.py`; NĐ 01/2021/NĐ-CP Art. 36 (what may be shown freely).
Not here: reading an answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

import msgspec

from idp.registers.asking import Asking, Question
from idp.registers.business_messages import BusinessFields, read_business
from idp.registers.model import Asker, BusinessRecord, RegisterName
from idp.registers.time import start_of_day, vietnam_day
from idp.registers.transport import Exchange, fetch, require_ok

_REGISTER: Final = RegisterName.BUSINESS
_NOT_FOUND: Final = 404
_decode: Final = msgspec.msgpack.Decoder(BusinessRecord).decode


@dataclass(frozen=True, slots=True)
class BusinessAccess:
    """How this deployment is known to the business register; see `RegisterSettings`."""

    url: str
    authorization: str = field(repr=False)
    timeout_s: float


@dataclass(frozen=True, slots=True)
class BusinessService:
    """See `BusinessRegister`."""

    access: BusinessAccess
    door: Exchange
    asking: Asking

    @property
    def is_there(self) -> bool:
        """It is."""
        return True

    def find(
        self, enterprise_code: str, *, asked_by: Asker, now: datetime
    ) -> BusinessRecord | None:
        """See `BusinessRegister.find`."""
        question = Question(
            "business", {"enterprise_code": enterprise_code}, enterprise_code.encode()
        )
        kept = self.asking.find_kept(question, now=now)
        if kept is not None:
            record = _decode(kept)
            self.asking.record(
                question, outcome=record.status.value, asked_by=asked_by, now=now, is_kept=True
            )
            return record
        found = self.asking.ask(
            question,
            lambda: self._put(enterprise_code, now=now),
            tell=lambda answer: "nothing" if answer is None else answer.status.value,
            asked_by=asked_by,
            now=now,
        )
        if found is None:
            return None
        valid_until = now + self.asking.valid
        if found.changes_on is not None:
            valid_until = min(valid_until, start_of_day(found.changes_on))
        record = BusinessRecord(
            enterprise_code=enterprise_code,
            name=found.name,
            status=found.status,
            representatives=found.representatives,
            source=_REGISTER.value,
            fetched_at=now,
            valid_until=valid_until,
        )
        self.asking.keep(question, msgspec.msgpack.encode(record), valid_until=valid_until, now=now)
        return record

    def _put(self, enterprise_code: str, *, now: datetime) -> BusinessFields | None:
        headers = {"Accept": "application/json"}
        if self.access.authorization:
            headers["Authorization"] = self.access.authorization
        reply = fetch(
            self.door,
            f"{self.access.url}?{urlencode({'msdn': enterprise_code})}",
            register=_REGISTER,
            body=None,
            content_type="",
            timeout_s=self.access.timeout_s,
            headers=headers,
        )
        if reply.status == _NOT_FOUND:
            return None
        body = require_ok(reply, register=_REGISTER)
        return read_business(body, enterprise_code=enterprise_code, today=vietnam_day(now))
