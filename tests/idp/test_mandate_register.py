"""Legal representatives by the business register: becoming one, lasting, and ending with its word.

Through the sandbox's simulator, which speaks as the register does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from idp.accounts.errors import TooManyAttempts
from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.lifecycle import AccountLifecycle
from idp.accounts.model import IdentifierKind, MandateStatus, Representation
from idp.mandate_register import MandateCheck, RegisterMandates, RegisterRefused
from idp.registers import RegisterUnavailable
from idp.sandbox.register_people import Enterprise, Signatory, Standing
from idp.sandbox.register_simulators import Mode
from idp.storage.outbox import OutboxId
from idp.work.model import Done, Job, Retry
from tests.idp.conftest import MakeProvider
from tests.support.delegations import Office, wish_for
from tests.support.provider import Provider, assert_error
from tests.support.provider_browser import Browser
from tests.support.provider_seeds import ANH, BINH, CHI, DUNG, Somebody
from tests.support.racing import race
from tests.support.registers import RegisterDoor, make_door, registers_of

FIRM = "9900000016"
NEW = "9900000143"
_NAME = "CÔNG TY MẪU ĐĂNG KÝ"
_CARD = "Thẻ căn cước"
_ORG = "openid profile organization offline_access"


@dataclass
class House:
    """A provider whose business register is the simulator's."""

    provider: Provider
    door: RegisterDoor

    @property
    def mandates(self) -> RegisterMandates:
        return self.provider.services.mandates.registered

    def register(self, code: str, *people: Somebody, paper: str = _CARD) -> None:
        """Have these stand in the register as representatives, and nobody else."""
        signatories = tuple(Signatory(one.name, paper, one.identifier) for one in people)
        self.door.registers.enterprises[code] = Enterprise(code, _NAME, signatories)

    def held(self, who: Somebody) -> tuple[Representation, ...]:
        people = self.provider.services.people
        return people.representations(who.account_id, now=self.provider.now)

    def due(self) -> list[str]:
        """The mandates about which the worker is to ask."""
        return [one["mandate_id"] for one in self.provider.duties("check_mandate")]

    def run(self, mandate_id: str) -> Done | Retry | object:
        """What the worker does with such a duty."""
        now = self.provider.now
        job = Job(
            outbox_id=OutboxId("out_1"),
            kind="check_mandate",
            lane="business_register",
            payload={"mandate_id": mandate_id},
            attempts=0,
            created_at=now,
            expires_at=now + timedelta(minutes=5),
        )
        return MandateCheck(self.mandates)(job, now=now)


@pytest.fixture
def house(make_provider: MakeProvider, tmp_path: Path) -> House:
    made = make_provider()
    door = make_door()
    services = made.services
    registers = registers_of(services, door, folder=tmp_path, business_valid_s=0)
    mandates = replace(
        services.mandates,
        registered=replace(services.mandates.registered, register=registers.business),
    )
    changed = replace(services, registers=registers, mandates=mandates)
    house = House(Provider(changed, made.clock, made.keys), door)
    house.register(FIRM, BINH, DUNG)
    house.register(NEW, ANH)
    return house


def test_whom_the_register_names_represents_and_everybody_hears_of_it(house: House) -> None:
    """NĐ 69/2024/NĐ-CP Art. 12; an organisation without an account gets one."""
    made = house.mandates.add(ANH.account_id, "99 0000 0143", now=house.provider.now)
    (held,) = house.held(ANH)
    assert (held.mandate_id, held.name) == (made.mandate_id, _NAME)
    assert held.recheck_at == house.provider.now + timedelta(days=1)
    assert Office(house.provider).notices("mandate_given") == [ANH.account_id]
    again = house.mandates.add(ANH.account_id, NEW, now=house.provider.now)
    assert again.mandate_id == made.mandate_id, "a second time it is the same"


def test_a_button_that_is_pressed_twice_makes_one_mandate(house: House) -> None:
    """And everybody is told of it once, in the transaction that makes it."""
    now = house.provider.now
    made = race([lambda: house.mandates.add(ANH.account_id, NEW, now=now)] * 4)
    assert len({one.mandate_id for one in made}) == 1
    assert len(house.held(ANH)) == 1
    assert Office(house.provider).notices("mandate_given") == [ANH.account_id]


def test_what_an_operator_gave_is_not_shortened_by_asking_the_register(house: House) -> None:
    """docs/adr/0034: it is not asked about, and lasts as long as the operator says."""
    house.register(FIRM, BINH)
    before = Office(house.provider).ground()
    house.mandates.add(BINH.account_id, FIRM, now=house.provider.now)
    assert Office(house.provider).ground() == before
    house.provider.clock.advance(hours=100)
    assert Office(house.provider).ground().recheck_at is None


def test_an_old_number_is_the_same_person(house: House) -> None:
    """NĐ 70/2024/NĐ-CP Art. 11: the register keeps the number of the day of registration."""
    services = house.provider.services
    AccountLifecycle(services.database, sealer=services.sealer, log=services.log).renumber(
        ANH.account_id,
        ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, "003183000019"),
        reason="tests",
        now=house.provider.now,
    )
    house.mandates.add(ANH.account_id, NEW, now=house.provider.now)
    assert house.held(ANH)


@pytest.mark.parametrize("standing", [Standing.DISSOLVED, Standing.SUSPENDED])
def test_nobody_represents_what_may_not_act(house: House, standing: Standing) -> None:
    """A mandate for a dissolved company is refused."""
    house.door.registers.set_standing(NEW, standing)
    _refused(house, ANH, NEW, "not_registered")
    assert house.held(ANH) == ()


@pytest.mark.parametrize(
    ("code", "reason"),
    [(FIRM, "not_registered"), ("9900000150", "not_registered"), ("9900000017", "code_wrong")],
)
def test_everything_that_the_register_may_say_against_it_reads_alike(
    house: House, code: str, reason: str
) -> None:
    _refused(house, ANH, code, reason)


def test_a_name_alone_is_nobody(house: House) -> None:
    house.door.registers.enterprises[NEW] = Enterprise(
        NEW, "Tên Suông", (Signatory(ANH.name, "", ""),), form="A"
    )
    _refused(house, ANH, NEW, "not_registered")


def test_an_account_of_level_1_asks_nothing(house: House) -> None:
    """NĐ 69/2024/NĐ-CP Art. 12."""
    house.register(NEW, CHI)
    _refused(house, CHI, NEW, "level_too_low")
    assert house.door.asked == []


@pytest.mark.parametrize("mode", [Mode.AWAY, Mode.SLOW, Mode.NONSENSE, Mode.CONTRADICTS_ITSELF])
def test_a_register_in_trouble_makes_nobody_a_representative(house: House, mode: Mode) -> None:
    house.door.registers.business_mode = mode
    _refused(house, ANH, NEW, "register_away")


def test_the_register_is_not_read_through_us(house: House) -> None:
    for _ in range(10):
        _refused(house, ANH, FIRM, "not_registered")
    with pytest.raises(TooManyAttempts):
        house.mandates.add(ANH.account_id, NEW, now=house.provider.now)


def _refused(house: House, who: Somebody, code: str, reason: str) -> None:
    with pytest.raises(RegisterRefused) as refused:
        house.mandates.add(who.account_id, code, now=house.provider.now)
    assert refused.value.reason == reason


def _tokens(house: House, who: Somebody = ANH) -> dict[str, str]:
    return Browser(house.provider).tokens("portal", who=who, scope=_ORG, antin_capacity=NEW)


def test_a_refresh_after_a_day_has_the_register_asked_and_goes_on(house: House) -> None:
    """The token endpoint waits for no register."""
    made = house.mandates.add(ANH.account_id, NEW, now=house.provider.now)
    tokens = _tokens(house)
    asked = len(house.door.asked)
    house.provider.clock.advance(hours=25)
    for _ in range(2):
        answer = house.provider.refresh(tokens["refresh_token"])
        assert answer.status_code == 200
        tokens = answer.get_json()
    assert len(house.door.asked) == asked
    assert house.due() == [made.mandate_id], "once, however many refresh"
    assert house.run(made.mandate_id) == Done()
    (held,) = house.held(ANH)
    assert held.recheck_at == house.provider.now + timedelta(days=1)


def test_a_delegate_has_the_register_asked_about_whom_she_acts_for(house: House) -> None:
    """ADR 0034: who was removed is out within a day of use, and so is whom she let in."""
    made = house.mandates.add(ANH.account_id, NEW, now=house.provider.now)
    house.provider.services.mandates.delegations.give(
        ANH.account_id,
        under=made.mandate_id,
        wish=wish_for(house.provider, DUNG),
        now=house.provider.now,
    )
    tokens = _tokens(house, DUNG)
    house.provider.clock.advance(hours=25)
    tokens = house.provider.refresh(tokens["refresh_token"]).get_json()
    assert house.due() == [made.mandate_id]
    house.register(NEW, BINH)
    assert house.run(made.mandate_id) == Done()
    assert_error(house.provider.refresh(tokens["refresh_token"]), "invalid_grant")


def test_what_lapsed_is_asked_about_when_somebody_wants_to_use_it(house: House) -> None:
    """A holiday over which nobody signed in keeps nobody out for good."""
    made = house.mandates.add(ANH.account_id, NEW, now=house.provider.now)
    tokens = _tokens(house)
    house.provider.clock.advance(hours=73)
    assert_error(house.provider.refresh(tokens["refresh_token"]), "invalid_grant")
    assert house.due() == [made.mandate_id]
    assert house.run(made.mandate_id) == Done()
    assert house.held(ANH)


def test_a_removed_representative_is_out_and_so_is_whom_she_let_in(house: House) -> None:
    made = house.mandates.add(ANH.account_id, NEW, now=house.provider.now)
    office = Office(house.provider)
    given = office.provider.services.mandates.delegations.give(
        ANH.account_id,
        under=made.mandate_id,
        wish=wish_for(house.provider, DUNG),
        now=house.provider.now,
    )
    hers, his = _tokens(house), _tokens(house, DUNG)
    house.provider.clock.advance(hours=25)
    house.register(NEW, BINH)
    assert house.run(made.mandate_id) == Done()
    for mandate_id, why in ((made.mandate_id, "register"), (given.mandate_id, "ground_ended")):
        assert office.find(mandate_id).ended_why == why
    for one in (hers, his):
        assert_error(house.provider.refresh(one["refresh_token"]), "invalid_grant")
    assert len(house.provider.logouts_due()) == 2


def test_a_dissolved_company_ends_all_who_represent_it_by_the_register(house: House) -> None:
    house.register(NEW, ANH, DUNG)
    first = house.mandates.add(ANH.account_id, NEW, now=house.provider.now)
    second = house.mandates.add(DUNG.account_id, NEW, now=house.provider.now)
    house.door.registers.set_standing(NEW, Standing.DISSOLVED)
    assert not house.mandates.check(first.mandate_id, now=house.provider.now)
    for one in (first, second):
        found = house.provider.services.people.find_mandate(one.mandate_id)
        assert found is not None
        assert found.status is MandateStatus.REVOKED


def test_an_outage_is_borne_for_a_while_and_then_nobody_acts(house: House) -> None:
    """Fail closed: what nobody has been able to check for three days is worth nothing."""
    made = house.mandates.add(ANH.account_id, NEW, now=house.provider.now)
    tokens = _tokens(house)
    house.door.registers.business_mode = Mode.AWAY
    house.provider.clock.advance(hours=71)
    tokens = house.provider.refresh(tokens["refresh_token"]).get_json()
    outcome = house.run(made.mandate_id)
    assert isinstance(outcome, Retry)
    with pytest.raises(RegisterUnavailable):
        house.mandates.check(made.mandate_id, now=house.provider.now)
    house.provider.clock.advance(hours=1)
    assert house.held(ANH) == ()
    assert_error(house.provider.refresh(tokens["refresh_token"]), "invalid_grant")
    house.door.registers.business_mode = Mode.NORMAL
    house.provider.clock.advance(minutes=10)
    assert house.mandates.check(made.mandate_id, now=house.provider.now)
    assert house.held(ANH), "the same mandate, once the register says so again"


def test_on_the_page_she_adds_her_organisation(house: House) -> None:
    browser = Browser(house.provider)
    page = browser.answer_all(browser.get("/account/mandates/represent"))
    assert page.asked == ("login-submit", "otp-submit")
    wrong = browser.press(page, "represent-ask", {"code": FIRM})
    assert wrong.response.status_code == 422
    assert "không ghi nhận" in wrong.page
    house.door.registers.business_mode = Mode.AWAY
    away = browser.press(wrong, "represent-ask", {"code": NEW})
    assert "Chưa có gì thay đổi" in away.page
    house.door.registers.business_mode = Mode.NORMAL
    done = browser.press(away, "represent-ask", {"code": NEW})
    assert done.place == "/account/mandates?told=represented"
    assert _NAME in done.page
    assert done.shows("mandate-give-0")
    assert browser.submit("/account/mandates/represent", {"code": NEW}).response.status_code == 403


def test_without_a_register_there_is_no_such_page(provider: Provider, browser: Browser) -> None:
    page = browser.answer_all(browser.get("/account/mandates"))
    assert not page.shows("mandate-represent")
    assert browser.get("/account/mandates/represent").response.status_code == 404
