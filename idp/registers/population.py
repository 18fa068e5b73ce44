"""The population service over SOAP.

What lives here: what goes out with a question, and `PopulationService`, which asks under the rules
of `asking.py`.  Only a confirmation is kept: who was contradicted may have it put right at once,
and fields are never kept at all.
The transport header is what clients of the service send:
`Authorization: Basic user:SHA-256(url + user + timestamp + secret)`, the hash in lower-case
hexadecimal, the time as milliseconds since 1970.
Source: as in `population_messages.py`; NĐ 47/2020/NĐ-CP Art. 40 (connection accounts).
Not here: the messages.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeVar

from idp.ids import make_id
from idp.registers.asking import Asking, Question
from idp.registers.model import (
    Answer,
    Asker,
    CitizenRecord,
    PersonQuery,
    RegisterName,
    Verdict,
)
from idp.registers.population_messages import (
    NAMESPACE,
    Operation,
    RequestHead,
    read_citizen,
    read_verdict,
    write_request,
)
from idp.registers.time import vietnam_day
from idp.registers.transport import Exchange, fetch, require_ok
from keystore.clock import from_ms, to_ms

_REGISTER: Final = RegisterName.POPULATION
_CONTENT_TYPE: Final = "text/xml; charset=utf-8"
_AT_BYTES: Final = 8
_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class PopulationAccess:
    """How this deployment is known to the population service; see `RegisterSettings`."""

    url: str
    user: str
    secret: str = field(repr=False)
    is_base64: bool
    api_key: str = field(repr=False)
    xroad_client: str
    integration_code: str
    service_code: str
    unit: str
    officer: str
    phone: str
    timeout_s: float

    def token(self, timestamp: str) -> str:
        """The hash that shows who asks, 64 hexadecimal digits."""
        joined = f"{self.url}{self.user}{timestamp}{self.secret}"
        return hashlib.sha256(joined.encode()).hexdigest()

    def headers(self, operation: Operation, *, timestamp: str) -> dict[str, str]:
        """What goes with a question."""
        credentials = f"{self.user}:{self.token(timestamp)}"
        if self.is_base64:
            credentials = base64.b64encode(credentials.encode()).decode()
        optional = {"X-Road-Client": self.xroad_client, "ApiKey": self.api_key}
        return {
            "SOAPAction": f'"{NAMESPACE}/{operation}"',
            "Timestamp": timestamp,
            "Authorization": f"Basic {credentials}",
            **{name: value for name, value in optional.items() if value},
        }


@dataclass(frozen=True, slots=True)
class PopulationService:
    """See `PopulationRegister`."""

    access: PopulationAccess
    door: Exchange
    asking: Asking

    @property
    def is_there(self) -> bool:
        """It is."""
        return True

    def verify(self, query: PersonQuery, *, asked_by: Asker, now: datetime) -> Answer:
        """See `PopulationRegister.verify`."""
        question = _question(Operation.VERIFY, query, asked_by=asked_by)
        kept = self.asking.find_kept(question, now=now)
        if kept is not None:
            self.asking.record(
                question, outcome=Verdict.MATCHES, asked_by=asked_by, now=now, is_kept=True
            )
            fetched_ms, until_ms = (
                int.from_bytes(part, "big") for part in (kept[:_AT_BYTES], kept[_AT_BYTES:])
            )
            return Answer(Verdict.MATCHES, _REGISTER.value, from_ms(fetched_ms), from_ms(until_ms))
        verdict = self.asking.ask(
            question,
            lambda: self._put(
                Operation.VERIFY, query, asked_by=asked_by, now=now, read=read_verdict
            ),
            tell=lambda answer: answer.value,
            asked_by=asked_by,
            now=now,
        )
        valid_until = now
        if verdict is Verdict.MATCHES:
            valid_until += self.asking.valid
            times = b"".join(to_ms(at).to_bytes(_AT_BYTES, "big") for at in (now, valid_until))
            self.asking.keep(question, times, valid_until=valid_until, now=now)
        return Answer(verdict, _REGISTER.value, now, valid_until)

    def find(self, query: PersonQuery, *, asked_by: Asker, now: datetime) -> CitizenRecord | None:
        """See `PopulationRegister.find`."""
        found = self.asking.ask(
            _question(Operation.FIND, query, asked_by=asked_by),
            lambda: self._put(
                Operation.FIND,
                query,
                asked_by=asked_by,
                now=now,
                read=lambda raw: read_citizen(raw, query=query, today=vietnam_day(now)),
            ),
            tell=lambda answer: "nobody" if answer is None else "found",
            asked_by=asked_by,
            now=now,
        )
        if found is None:
            return None
        return CitizenRecord(
            personal_id_number=found.personal_id_number,
            legacy_id_9=found.legacy_id_9,
            name=found.name,
            birthdate=found.birthdate,
            gender=found.gender,
            source=_REGISTER.value,
            fetched_at=now,
            valid_until=now,
        )

    def _put(
        self,
        operation: Operation,
        query: PersonQuery,
        *,
        asked_by: Asker,
        now: datetime,
        read: Callable[[bytes], _Read],
    ) -> _Read:
        timestamp = str(to_ms(now))
        head = RequestHead(
            request_id=make_id("ask"),
            service_code=self.access.service_code,
            integration_code=self.access.integration_code,
            official=asked_by.official_id or self.access.officer,
            unit=self.access.unit,
            account=self.access.user,
            phone=self.access.phone,
            auth_hash=self.access.token(timestamp),
        )
        reply = fetch(
            self.door,
            self.access.url,
            register=_REGISTER,
            body=write_request(operation, query, head=head),
            content_type=_CONTENT_TYPE,
            timeout_s=self.access.timeout_s,
            headers=self.access.headers(operation, timestamp=timestamp),
        )
        return read(require_ok(reply, register=_REGISTER))


def _question(operation: Operation, query: PersonQuery, *, asked_by: Asker) -> Question:
    # an answer is used again by whoever asked, for what they asked, and for nothing else:
    # NĐ 69/2024/NĐ-CP Art. 19(4)
    official = asked_by.official_id or ""
    whose = f"{asked_by.purpose}\x00{official}"
    what = f"{query.number.kind}\x00{query.number.value}\x00{query.name}\x00{query.birthdate}"
    return Question(
        form="verify" if operation is Operation.VERIFY else "find",
        about={
            "number": query.number.value,
            "name": query.name,
            "birthdate": str(query.birthdate),
        },
        key=f"{whose}\x00{what}".encode(),
    )
