"""The population service through its simulator: asked rightly, recorded, kept no longer than due.

Source: NĐ 47/2020/NĐ-CP Art. 41–42 and 45.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import select

from idp.accounts.birthdates import Birthdate
from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.model import IdentifierKind
from idp.registers import (
    Asker,
    PersonQuery,
    PopulationRegister,
    Purpose,
    RegisterNonsense,
    RegisterUnavailable,
    Verdict,
)
from idp.registers.breaker import FAILURES, REST
from idp.sandbox.register_simulators import Answered, Mode
from keystore.log.record import log_event
from tests.support.pii_alarm import PiiAlarm
from tests.support.provider import Provider
from tests.support.provider_seeds import ANH
from tests.support.registers import POPULATION_URL, RegisterDoor, make_door, registers_of

_ASKER = Asker(Purpose.OPEN_ACCOUNT)


def _query(
    number: str = "003199000063",
    name: str = "Đỗ Thị Mở Lối",
    birthdate: Birthdate | None = None,
    kind: IdentifierKind = IdentifierKind.PERSONAL_ID_NUMBER,
) -> PersonQuery:
    return PersonQuery(ParsedIdentifier(kind, number), name, birthdate or Birthdate(1999, 3, 8))


@pytest.fixture
def door(pii_alarm: PiiAlarm) -> RegisterDoor:
    made = make_door()
    for one in made.registers.citizens.values():
        pii_alarm.seed(one.number, kind="a citizen's number")
        pii_alarm.seed(one.name, kind="a citizen's name")
    return made


@pytest.fixture
def register(provider: Provider, door: RegisterDoor, tmp_path: Path) -> PopulationRegister:
    return registers_of(provider.services, door, folder=tmp_path).population


def _records(provider: Provider) -> list[tuple[str | None, dict[str, Any]]]:
    with provider.services.database.read() as connection:
        rows = connection.execute(
            select(log_event.c.account_id, log_event.c.facts)
            .where(log_event.c.type == "account:register:asked")
            .order_by(log_event.c.at_ms, log_event.c.seq)
        )
        return [(row.account_id, json.loads(row.facts)) for row in rows]


_VERDICTS: Final = (
    (_query(), Verdict.MATCHES),
    (_query(name="do thi mo loi"), Verdict.MATCHES),
    (_query("003654321", kind=IdentifierKind.LEGACY_ID_9), Verdict.MATCHES),
    (_query("007148000081", "Hồ Thị Năm Sinh", Birthdate(1948)), Verdict.MATCHES),
    (_query(name="Đỗ Thị Khác"), Verdict.CONTRADICTS),
    (_query(birthdate=Birthdate(1999, 3, 9)), Verdict.CONTRADICTS),
    (_query("003199000999"), Verdict.CONTRADICTS),
    (_query("003190000107", "Ngô Thị Đổi Số", Birthdate(1991, 7, 19)), Verdict.CONTRADICTS),
)


def test_it_confirms_what_is_true_and_nothing_else(
    provider: Provider, register: PopulationRegister
) -> None:
    assert register.is_there
    for query, verdict in _VERDICTS:
        answer = register.verify(query, asked_by=_ASKER, now=provider.now)
        told = (answer.verdict, answer.source, answer.fetched_at)
        assert told == (verdict, "population", provider.now)
        assert (answer.valid_until > provider.now) is (verdict is Verdict.MATCHES)


def test_its_headers_show_who_asks(provider: Provider, door: RegisterDoor, tmp_path: Path) -> None:
    """The golden form of the transport header, wrapped and plain."""
    door.raw = Answered(503, "", b"")
    timestamp = str(round(provider.now.timestamp() * 1000))
    token = hashlib.sha256(f"{POPULATION_URL}antin{timestamp}bi-mat-thu".encode()).hexdigest()
    official = Asker(Purpose.PROOFING, official_id=ANH.account_id)
    for wrapped, credentials in (
        ("plain", f"antin:{token}"),
        ("base64", base64.b64encode(f"antin:{token}".encode()).decode()),
    ):
        registers = registers_of(
            provider.services,
            door,
            folder=tmp_path,
            population_authorization=wrapped,
            population_xroad_client="VN/GOV/H01/ANTIN",
        )
        with pytest.raises(RegisterUnavailable, match="status_refused"):
            registers.population.verify(_query(), asked_by=official, now=provider.now)
        url, body, headers = door.asked[-1]
        assert url == POPULATION_URL
        assert headers == {
            "SOAPAction": '"http://dancuquocgia.bca/XacThucThongTinCongDan"',
            "Timestamp": timestamp,
            "Authorization": f"Basic {credentials}",
            "X-Road-Client": "VN/GOV/H01/ANTIN",
        }
        assert f"<dan:MaCanBo>{ANH.account_id}</dan:MaCanBo>".encode() in (body or b"")


def test_every_question_is_on_record_and_says_nothing_of_the_person(
    provider: Provider, register: PopulationRegister, door: RegisterDoor
) -> None:
    """NĐ 47/2020 Art. 45: who asked, for what, in which form, and how it ended."""
    whose = Asker(Purpose.PROOFING, ANH.account_id, official_id=ANH.account_id)
    register.verify(_query(), asked_by=whose, now=provider.now)
    register.find(_query(), asked_by=_ASKER, now=provider.now)
    door.failure = "timed_out"
    with pytest.raises(RegisterUnavailable):
        register.find(_query(), asked_by=_ASKER, now=provider.now)

    common = {"register": "population", "asked": "register"}
    assert [facts for _who, facts in _records(provider)] == [
        {
            **common,
            "form": "verify",
            "purpose": "proofing",
            "outcome": "matches",
            "official": ANH.account_id,
        },
        {**common, "form": "find", "purpose": "open_account", "outcome": "found"},
        {**common, "form": "find", "purpose": "open_account", "outcome": "unavailable:timed_out"},
    ]
    assert [who for who, _facts in _records(provider)] == [ANH.account_id, None, None]


def test_a_confirmation_is_used_again_by_the_same_for_the_same_until_it_ends(
    provider: Provider, register: PopulationRegister, door: RegisterDoor
) -> None:
    """NĐ 47/2020 Art. 41; NĐ 69/2024 Art. 19(4): not for another transaction."""
    first = register.verify(_query(), asked_by=_ASKER, now=provider.now)
    provider.clock.advance(seconds=599)
    again = register.verify(_query(), asked_by=_ASKER, now=provider.now)
    assert again == first
    assert len(door.asked) == 1
    assert _records(provider)[-1][1]["asked"] == "kept"

    register.verify(_query(), asked_by=Asker(Purpose.PROOFING), now=provider.now)
    assert len(door.asked) == 2
    provider.clock.advance(seconds=1)
    register.verify(_query(), asked_by=_ASKER, now=provider.now)
    assert len(door.asked) == 3


def test_a_contradiction_is_never_kept(
    provider: Provider, register: PopulationRegister, door: RegisterDoor
) -> None:
    """Who has it put right must not be told the old answer."""
    wrong = _query(name="Đỗ Thị Khác")
    for _ in range(2):
        answer = register.verify(wrong, asked_by=_ASKER, now=provider.now)
        assert answer.verdict is Verdict.CONTRADICTS
    assert len(door.asked) == 2


def test_fields_are_never_kept(
    provider: Provider, register: PopulationRegister, door: RegisterDoor
) -> None:
    for _ in range(2):
        found = register.find(_query(), asked_by=_ASKER, now=provider.now)
        assert found is not None
        assert found.valid_until == provider.now
    assert len(door.asked) == 2


def test_a_replaced_number_leads_to_the_present_one(
    provider: Provider, register: PopulationRegister
) -> None:
    """NĐ 70/2024 Art. 11: the number was cancelled and established anew."""
    old = _query("003190000107", "Ngô Thị Đổi Số", Birthdate(1991, 7, 19))
    found = register.find(old, asked_by=_ASKER, now=provider.now)

    assert found is not None
    assert found.replaces(old.number)
    assert found.personal_id_number == "003191000107"
    stranger = _query("003190000107", "Người Khác", Birthdate(1991, 7, 19))
    assert register.find(stranger, asked_by=_ASKER, now=provider.now) is None


def test_whoever_has_just_been_away_is_not_asked_for_a_while(
    provider: Provider, door: RegisterDoor, tmp_path: Path
) -> None:
    for mode, error in (
        (Mode.AWAY, RegisterUnavailable),
        (Mode.SLOW, RegisterUnavailable),
        (Mode.NONSENSE, RegisterNonsense),
        (Mode.CONTRADICTS_ITSELF, RegisterNonsense),
    ):
        register = registers_of(provider.services, door, folder=tmp_path).population
        door.registers.population_mode = mode
        door.asked.clear()
        for _ in range(FAILURES):
            with pytest.raises(error):
                register.find(_query(), asked_by=_ASKER, now=provider.now)
        recorded = len(_records(provider))
        with pytest.raises(RegisterUnavailable, match="not_asked"):
            register.find(_query(), asked_by=_ASKER, now=provider.now)
        assert len(door.asked) == FAILURES
        assert len(_records(provider)) == recorded, "nothing went out, nothing is recorded"

        door.registers.population_mode = Mode.NORMAL
        provider.clock.advance(seconds=REST.total_seconds())
        assert register.find(_query(), asked_by=_ASKER, now=provider.now) is not None


def test_a_register_that_does_not_know_us_is_away(
    provider: Provider, register: PopulationRegister, door: RegisterDoor
) -> None:
    door.registers.secret = "another"
    with pytest.raises(RegisterUnavailable, match="status_refused"):
        register.verify(_query(), asked_by=_ASKER, now=provider.now)


def test_an_answer_without_an_end_is_nonsense(
    provider: Provider, register: PopulationRegister, door: RegisterDoor
) -> None:
    door.raw = Answered(200, "text/xml", b"<" * 300_000)
    with pytest.raises(RegisterNonsense, match="answer_too_large"):
        register.verify(_query(), asked_by=_ASKER, now=provider.now)
