"""People without an account get one at the counter, and nobody but they its first password.

Source: NĐ 69/2024/NĐ-CP Art. 7, 10-11; architecture, decision 10.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from idp.accounts.birthdates import Birthdate
from idp.accounts.counter_opening import NewPerson
from idp.accounts.counter_proofings import DocumentKind, ProofingRefused, Seen
from idp.accounts.errors import IdentifierTaken, PasswordUnusable, TooManyAttempts
from idp.accounts.first_password import FirstPasswordRefused
from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.login import PasswordAccepted
from idp.accounts.model import AccountKind, AccountLevel, IdentifierKind
from idp.ids import AccountId
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
from keystore.log.events import EventType
from tests.support.counter_hall import SOURCE, Hall, make_hall
from tests.support.provider import Provider
from tests.support.provider_browser import Browser
from tests.support.provider_seeds import ANH, CHI, DUNG

_NEW = "009099000011"


@pytest.fixture
def hall(provider: Provider) -> Hall:
    return make_hall(provider)


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
    hall.desks.first_password.choose(source=SOURCE, now=hall.now, **typed)


def _signs_in(hall: Hall) -> bool:
    result = hall.provider.services.login.check_password(
        raw_identifier=_NEW, raw_password="Ghế-Mây-7-Tím-Khoai", source=SOURCE, now=hall.now
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
    second = hall.confirm(first)
    with pytest.raises(FirstPasswordRefused):
        _choose(hall, first, second, raw_identifier=CHI.identifier)


def test_whoever_opened_the_account_beforehand_does_not_become_the_person(hall: Hall) -> None:
    """NIST SP 800-63A-4 §4.1: what was never bound to the person is not raised with them."""
    stranger = Browser(hall.provider)  # knew number, name and date of birth, and was first
    assert stranger.log_in(stranger.get("/account"), who=CHI).place == "/account"
    first = hall.start()
    assert stranger.get("/account").place == "/account"
    second = hall.confirm_second()
    assert hall.level() is AccountLevel.TWO
    assert stranger.get("/account").shows("login-submit")
    again = Browser(hall.provider)
    assert again.log_in(again.get("/account"), who=CHI).shows("login-submit")
    _choose(hall, first, second, raw_identifier=CHI.identifier)
    person = Browser(hall.provider)
    who = replace(CHI, password="Ghế-Mây-7-Tím-Khoai")
    assert person.log_in(person.get("/account"), who=who).place == "/account"


def test_two_officials_end_no_password_of_a_proofed_account(hall: Hall) -> None:
    """Decision 10: of whoever was proofed they change nothing at a counter."""
    seen = {"name": DUNG.name}
    hall.start(DUNG.account_id, **seen)
    hall.desks.counter.confirm_by_official(
        hall.second,
        DUNG.account_id,
        seen=Seen(DocumentKind.IDENTITY_CARD, DUNG.name, Birthdate(1979, 3, 1), True, ""),
        now=hall.now,
    )
    assert not hall.facts(EventType.PASSWORD_VOIDED)


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


def test_a_citizens_number_is_not_opened_again_as_a_foreigners(hall: Hall) -> None:
    """Nor is the register gone round that way for somebody who has an account."""
    new = NewPerson(AccountKind.FOREIGNER, CHI.identifier, CHI.name, Birthdate(1979))
    with pytest.raises(IdentifierTaken):
        hall.desks.opening.open(hall.first, new, now=hall.now)


def test_trying_numbers_by_opening_accounts_is_counted(hall: Hall) -> None:
    """OWASP ASVS 6.3.8: an opening tells whether a number has an account, as a look-up does."""
    taken = NewPerson(AccountKind.CITIZEN, ANH.identifier, "Đoán Mò", Birthdate(1990, 1, 2))
    for _ in range(60):
        with pytest.raises(IdentifierTaken):
            hall.desks.opening.open(hall.first, taken, now=hall.now)
    with pytest.raises(TooManyAttempts):
        hall.desks.opening.open(hall.first, taken, now=hall.now)
    with pytest.raises(TooManyAttempts):
        hall.desks.lookups.find(hall.first, raw_identifier=ANH.identifier, now=hall.now)
