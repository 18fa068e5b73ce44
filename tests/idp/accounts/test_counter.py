"""Two acts by two people raise an account; one alone raises nobody.

Source: NĐ 69/2024/NĐ-CP Art. 7, 10-11; architecture, decision 10.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial

import pytest

from idp.accounts.activation import find_activation
from idp.accounts.attempts import Source
from idp.accounts.birthdates import Birthdate
from idp.accounts.counter import is_old_enough
from idp.accounts.counter_opening import NewPerson
from idp.accounts.counter_proofings import DocumentKind, ProofingRefused, Seen
from idp.accounts.errors import AccountUnknown, IdentifierTaken, PasswordUnusable, TooManyAttempts
from idp.accounts.first_password import FirstPasswordRefused
from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.login import PasswordAccepted
from idp.accounts.model import AccountKind, AccountLevel, IdentifierKind
from idp.accounts.official_duties import Duty, Official
from idp.accounts.officials import NotAnOfficial, OwnAccount
from idp.accounts.proofing import find_proofing
from idp.ids import AccountId
from idp.official_services import Desks
from idp.registers import (
    Answer,
    Asker,
    CitizenRecord,
    PersonQuery,
    RegisterError,
    RegisterNonsense,
    RegisterUnavailable,
    Verdict,
)
from idp.storage.accounts import find_row
from keystore.log.events import EventType
from tests.support.provider import Provider
from tests.support.provider_seeds import ANH, BINH, CHI, DUNG
from tests.support.racing import race
from tests.support.signer import events

_SOURCE = Source("192.0.2.9")
_CHI = Seen(DocumentKind.IDENTITY_CARD, CHI.name, Birthdate(1979, 3, 1), True, "3142")
_NEW = "009099000011"


@dataclass(frozen=True)
class Hall:
    """A counter with two officials, and the provider behind it."""

    provider: Provider
    first: Official
    second: Official

    @property
    def desks(self) -> Desks:
        return self.provider.services.desks

    @property
    def now(self) -> datetime:
        return self.provider.now

    def start(self, who: AccountId | None = None, **seen: object) -> str:
        return self.desks.counter.start(
            self.first, who or CHI.account_id, seen=replace(_CHI, **seen), now=self.now
        )

    def confirm(self, raw_code: str, who: AccountId | None = None) -> str:
        return self.desks.counter.confirm_by_person(
            who or CHI.account_id, raw_code=raw_code, source=_SOURCE, now=self.now
        )

    def confirm_second(self, official: Official | None = None, **seen: object) -> str:
        return self.desks.counter.confirm_by_official(
            official or self.second, CHI.account_id, seen=replace(_CHI, **seen), now=self.now
        )

    def level(self, who: AccountId | None = None) -> AccountLevel | None:
        found = self.provider.services.people.find_account(who or CHI.account_id)
        assert found is not None
        return found.level

    def facts(self, type_: EventType) -> list[dict[str, object]]:
        rows = events(self.provider.services.database, type_)
        return [json.loads(row["facts"]) for row in rows]


@pytest.fixture
def hall(provider: Provider) -> Hall:
    first, second = (
        provider.services.desks.officials.add(
            who.account_id, duty=Duty.PROOFING, controller_id="agency", now=provider.now
        )
        for who in (ANH, BINH)
    )
    return Hall(provider, first, second)


def test_an_official_and_the_person_raise_it_together(hall: Hall) -> None:
    code = hall.start()
    assert hall.level() is AccountLevel.ONE
    assert find_proofing(hall.provider.services.database, CHI.account_id) is None
    hall.provider.clock.advance(minutes=5)
    activation = hall.confirm(code)
    assert hall.level() is AccountLevel.TWO
    services = hall.provider.services
    assert find_proofing(services.database, CHI.account_id) == hall.now
    assert find_activation(
        services.database,
        CHI.account_id,
        raw_code=activation,
        sealer=services.sealer,
        now=hall.now,
    )
    (raised,) = (one for one in hall.facts(EventType.ACCOUNT_LEVEL_CHANGED))
    assert raised["level"] == "2"
    assert raised["official"] == ANH.account_id
    assert raised["second"] == "person"
    (done,) = hall.facts(EventType.PROOFING_COMPLETED)
    assert done["document"] == "identity_card"
    assert done["second"] == "person"


def test_a_second_official_stands_in_for_the_person(hall: Hall) -> None:
    hall.start()
    hall.confirm_second()
    assert hall.level() is AccountLevel.TWO
    (raised,) = hall.facts(EventType.ACCOUNT_LEVEL_CHANGED)
    assert (raised["official"], raised["second"]) == (ANH.account_id, BINH.account_id)


def test_one_official_alone_raises_nobody(hall: Hall) -> None:
    """Neither by both acts, nor on the own account, nor by guessing what the person types."""
    hall.start()
    with pytest.raises(ProofingRefused, match="same_official"):
        hall.confirm_second(hall.first)
    with pytest.raises(OwnAccount):
        hall.start(ANH.account_id)
    with pytest.raises(ProofingRefused, match="nothing_waiting"):
        hall.confirm("ABCD-EFGH", ANH.account_id)
    assert hall.level() is AccountLevel.ONE
    assert not hall.facts(EventType.TOTP_ACTIVATION_ISSUED)


def test_the_code_of_somebody_else_raises_nobody(hall: Hall) -> None:
    theirs = hall.start()
    seen = {"name": DUNG.name}
    hall.start(DUNG.account_id, **seen)
    with pytest.raises(ProofingRefused, match="code_wrong"):
        hall.confirm(theirs, DUNG.account_id)


def test_a_code_works_once_and_the_next_one_voids_it(hall: Hall) -> None:
    old = hall.start()
    new = hall.start()
    with pytest.raises(ProofingRefused, match="code_wrong"):
        hall.confirm(old)
    hall.confirm(new)
    with pytest.raises(ProofingRefused, match="nothing_waiting"):
        hall.confirm(new)


def test_it_lapses_and_is_stopped_by_either_side(hall: Hall) -> None:
    code = hall.start()
    hall.provider.clock.advance(hours=2)
    with pytest.raises(ProofingRefused, match="nothing_waiting"):
        hall.confirm(code)
    code = hall.start()
    assert hall.desks.counter.stop(CHI.account_id, by=CHI.account_id, now=hall.now)
    assert not hall.desks.counter.stop(CHI.account_id, by=CHI.account_id, now=hall.now)
    with pytest.raises(ProofingRefused, match="nothing_waiting"):
        hall.confirm(code)
    assert hall.facts(EventType.PROOFING_STOPPED) == [{"by": "person"}]


def test_guessing_the_code_is_counted(hall: Hall) -> None:
    code = hall.start()
    for _ in range(5):
        with pytest.raises(ProofingRefused, match="code_wrong"):
            hall.confirm("0000-0000")
    with pytest.raises(TooManyAttempts):
        hall.confirm(code)


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        ({"is_face_compared": False}, "face_not_compared"),
        ({"name": "Ai Đó Khác"}, "name_differs"),
        ({"birthdate": Birthdate(1980, 3, 1)}, "birthdate_differs"),
        ({"document_tail": "12345"}, "document_tail_too_long"),
    ],
)
def test_what_does_not_agree_is_refused_in_either_act(
    hall: Hall, seen: dict[str, object], reason: str
) -> None:
    with pytest.raises(ProofingRefused, match=reason):
        hall.start(**seen)
    hall.start()
    with pytest.raises(ProofingRefused, match=reason):
        hall.confirm_second(**seen)
    assert hall.level() is AccountLevel.ONE


def test_a_name_without_its_marks_agrees(hall: Hall) -> None:
    hall.start(name="VU VAN CHI MAU")


@pytest.mark.parametrize(
    ("born", "is_enough"),
    [
        (Birthdate(2012, 11, 22), True),
        (Birthdate(2012, 11, 23), False),
        (Birthdate(2012), False),
        (Birthdate(2011), True),
        (Birthdate(2012, 10), True),
    ],
)
def test_children_below_fourteen_need_their_guardian(born: Birthdate, *, is_enough: bool) -> None:
    """NĐ 69/2024 Art. 7, 14(2); of a date known in part the latest day counts."""
    assert is_old_enough(born, today=date(2026, 11, 22)) is is_enough


def test_a_locked_account_and_nobody_are_refused(hall: Hall) -> None:
    from idp.accounts.lifecycle import AccountLifecycle  # noqa: PLC0415 - one test locks

    services = hall.provider.services
    code = hall.start()
    AccountLifecycle(services.database, sealer=services.sealer, log=services.log).lock(
        CHI.account_id, reason="tests", now=hall.now
    )
    with pytest.raises(ProofingRefused, match="account_not_active"):
        hall.confirm(code)
    with pytest.raises(ProofingRefused, match="account_not_active"):
        hall.start()
    with pytest.raises(AccountUnknown):
        hall.start(AccountId("acc_nobody"))


def test_a_duty_that_ended_serves_no_more(hall: Hall) -> None:
    hall.start()
    for official in (hall.first, hall.second):
        hall.desks.officials.end(official.official_id, now=hall.now)
    with pytest.raises(NotAnOfficial):
        hall.start()
    with pytest.raises(NotAnOfficial):
        hall.confirm_second()


def test_what_was_seen_of_the_document_is_sealed(hall: Hall) -> None:
    """Law 91/2025 Art. 3: of the document its kind, and at most its last digits, for the person."""
    hall.start()
    (row,) = events(hall.provider.services.database, EventType.PROOFING_STARTED)
    assert "3142" not in json.dumps([str(value) for value in row.values()])
    assert set(json.loads(row["facts"])) == {"proofing_id", "official", "controller", "document"}


def test_after_a_cap_everything_from_before_is_void(hall: Hall) -> None:
    """Decision 10: whoever took the account over keeps no factor through the proofing."""
    services = hall.provider.services
    with services.database.transaction() as tx:
        row = find_row(tx.connection, DUNG.account_id, is_locked=True)
        assert row is not None
        services.recovery.cap(tx, row, cause="tests", now=hall.now)
    hall.provider.clock.advance(minutes=1)
    code = hall.start(DUNG.account_id, name=DUNG.name)
    hall.provider.clock.advance(minutes=1)
    hall.confirm(code, DUNG.account_id)
    assert hall.level(DUNG.account_id) is AccountLevel.TWO
    assert not services.people.has_totp(DUNG.account_id)


# -- people who have no account --------------------------------------------------------------------


@pytest.fixture
def newcomer(hall: Hall) -> Callable[..., tuple[AccountId, str, str]]:
    """Opens an account at the counter and proofs it; the id and both codes."""

    def proof() -> tuple[AccountId, str, str]:
        new = NewPerson(AccountKind.CITIZEN, _NEW, "Ngô Mới Đến", Birthdate(1999, 5, 6))
        made = hall.desks.opening.open(hall.first, new, now=hall.now)
        seen = Seen(DocumentKind.IDENTITY_CARD, "Ngô Mới Đến", Birthdate(1999, 5, 6), True)
        first = hall.desks.counter.start(hall.first, made, seen=seen, now=hall.now)
        second = hall.desks.counter.confirm_by_official(hall.second, made, seen=seen, now=hall.now)
        return made, first, second

    return proof


def _choose(hall: Hall, first: str, second: str, **other: str) -> None:
    typed = {
        "raw_identifier": _NEW,
        "raw_counter_code": first,
        "raw_activation_code": second,
        "raw_password": "Ghế-Mây-7-Tím-Khoai",
        **other,
    }
    hall.desks.first_password.choose(source=_SOURCE, now=hall.now, **typed)


def _signs_in(hall: Hall) -> bool:
    result = hall.provider.services.login.check_password(
        raw_identifier=_NEW, raw_password="Ghế-Mây-7-Tím-Khoai", source=_SOURCE, now=hall.now
    )
    return isinstance(result, PasswordAccepted)


def test_an_account_is_opened_without_a_password_and_with_level_one(hall: Hall) -> None:
    new = NewPerson(AccountKind.FOREIGNER, "F1234567", "Ana Mẫu", Birthdate(1990, 1, 2))
    made = hall.desks.opening.open(hall.first, new, now=hall.now)
    assert hall.level(made) is AccountLevel.ONE
    services = hall.provider.services
    found = services.people.find_by_identifier(
        ParsedIdentifier(IdentifierKind.FOREIGNER_ID, "F1234567")
    )
    assert found is not None
    added = hall.facts(EventType.ACCOUNT_ADDED)[-1]
    assert added["operator"] == ANH.account_id
    with pytest.raises(IdentifierTaken):
        hall.desks.opening.open(hall.first, new, now=hall.now)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"number": "123"}, "number_malformed"),
        ({"name": " "}, "name_missing"),
        ({"birthdate": Birthdate(2020)}, "too_young"),
        ({"kind": AccountKind.ORGANISATION}, "not_a_person"),
    ],
)
def test_what_cannot_be_opened_is_not(hall: Hall, changed: dict[str, object], reason: str) -> None:
    new = NewPerson(AccountKind.CITIZEN, _NEW, "Ngô Mới Đến", Birthdate(1999, 5, 6))
    with pytest.raises(ProofingRefused, match=reason):
        hall.desks.opening.open(hall.first, replace(new, **changed), now=hall.now)


class _Register:
    """A population service that answers one thing, or is away; the Protocol and no more."""

    def __init__(self, said: Verdict | RegisterError) -> None:
        self.said = said
        self.askers: list[Asker] = []
        self.is_there = True

    def verify(self, query: PersonQuery, *, asked_by: Asker, now: datetime) -> Answer:
        self.askers.append(asked_by)
        if isinstance(self.said, RegisterError):
            raise self.said
        return Answer(self.said, "population", now, now + timedelta(days=1))

    def find(self, query: PersonQuery, *, asked_by: Asker, now: datetime) -> CitizenRecord | None:
        raise AssertionError("a yes or no is enough here")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (Verdict.CONTRADICTS, "register_contradicts"),
        (Verdict.UNKNOWN, "register_away"),
        (RegisterUnavailable("population", "not_asked"), "register_away"),
        (RegisterNonsense("population", "malformed"), "register_away"),
    ],
)
def test_what_the_register_does_not_confirm_is_not_opened(
    hall: Hall, said: Verdict | RegisterError, reason: str
) -> None:
    """NĐ 69/2024 Art. 10; nothing is stored, and the same is opened once it does confirm."""
    register = _Register(said)
    opening = replace(hall.desks.opening, population=register)
    new = NewPerson(AccountKind.CITIZEN, _NEW, "Ngô Mới Đến", Birthdate(1999, 5, 6))
    with pytest.raises(ProofingRefused, match=reason):
        opening.open(hall.first, new, now=hall.now)
    number = ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, _NEW)
    assert hall.provider.services.people.find_by_identifier(number) is None
    (asker,) = register.askers
    assert asker.official_id == ANH.account_id
    register.said = Verdict.MATCHES
    assert hall.level(opening.open(hall.first, new, now=hall.now)) is AccountLevel.ONE


def test_foreigners_are_not_asked_for_in_a_register_that_does_not_know_them(hall: Hall) -> None:
    register = _Register(Verdict.CONTRADICTS)
    opening = replace(hall.desks.opening, population=register)
    new = NewPerson(AccountKind.FOREIGNER, "F1234567", "Ana Mẫu", Birthdate(1990, 1, 2))
    opening.open(hall.first, new, now=hall.now)
    assert register.askers == []


def test_the_first_password_takes_the_codes_of_both_officials(hall: Hall, newcomer) -> None:
    _made, first, second = newcomer()
    for one, other in ((first, first), (second, second), ("", second), (first, "")):
        with pytest.raises(FirstPasswordRefused):
            _choose(hall, one, other)
    with pytest.raises(FirstPasswordRefused):
        _choose(hall, first, second, raw_identifier=CHI.identifier)
    with pytest.raises(PasswordUnusable):
        _choose(hall, first, second, raw_password="ngắn")
    assert not _signs_in(hall)
    _choose(hall, first, second)
    assert _signs_in(hall)
    with pytest.raises(FirstPasswordRefused):
        _choose(hall, first, second, raw_password="Một-Chuỗi-9-Khác-Hẳn")


def test_who_has_a_password_gets_none_that_way(hall: Hall) -> None:
    first = hall.start()
    second = hall.confirm_second()
    with pytest.raises(FirstPasswordRefused):
        _choose(hall, first, second, raw_identifier=CHI.identifier)


def test_guessing_both_codes_is_counted(hall: Hall, newcomer) -> None:
    _made, first, second = newcomer()
    for _ in range(10):
        with pytest.raises(FirstPasswordRefused):
            _choose(hall, first, "0000-0000-0000")
    with pytest.raises(TooManyAttempts):
        _choose(hall, first, second)


def test_codes_of_a_new_account_lapse_with_the_activation(hall: Hall, newcomer) -> None:
    _made, first, second = newcomer()
    hall.provider.clock.advance(days=30)
    with pytest.raises(FirstPasswordRefused):
        _choose(hall, first, second)


def test_of_two_second_acts_at_once_one_counts(provider_on_both: Provider) -> None:
    """One activation code is given out, whoever comes first."""
    services = provider_on_both.services
    first, *others = (
        services.desks.officials.add(
            who.account_id, duty=Duty.PROOFING, controller_id="agency", now=provider_on_both.now
        )
        for who in (ANH, BINH, DUNG)
    )
    hall = Hall(provider_on_both, first, others[0])
    hall.start()

    def confirm(official: Official) -> str:
        try:
            return hall.confirm_second(official)
        except ProofingRefused as refusal:
            return refusal.reason

    said = race([partial(confirm, one) for one in (*others, *others)])
    assert sorted(said)[1:] == ["nothing_waiting"] * 3
    assert len(hall.facts(EventType.PROOFING_COMPLETED)) == 1
    assert len(hall.facts(EventType.TOTP_ACTIVATION_ISSUED)) == 1
