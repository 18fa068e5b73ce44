"""An account follows a number that the state established anew, and nobody's wish.

Source: NĐ 70/2024/NĐ-CP Art. 11(7)(8)(11), Art. 12.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from idp.accounts.model import IdentifierKind
from idp.sandbox.register_people import Citizen
from idp.sandbox.register_simulators import Mode
from tests.support.provider import Provider
from tests.support.provider_browser import Browser, Landing
from tests.support.provider_seeds import ANH, CHI, Somebody
from tests.support.registers import RegisterDoor, make_door, register_settings
from tests.support.sent_messages import notices_of

_PLACE = "/account/number"
_NEW = "005183027451"


@pytest.fixture
def door() -> RegisterDoor:
    return make_door()


@pytest.fixture
def provider(
    make_provider: Callable[..., Provider], door: RegisterDoor, tmp_path: Path
) -> Provider:
    made = make_provider(register_door=door, **register_settings(tmp_path, door))
    for one in (ANH, CHI):
        account = made.services.people.find_account(one.account_id)
        assert account is not None
        profile = account.profile
        if profile.birthdate is not None and profile.gender is not None:
            door.registers.citizens[one.identifier] = Citizen(
                one.identifier, profile.name, profile.birthdate, profile.gender
            )
    return made


def _replace(
    browser: Browser, *, who: Somebody = ANH, new: str = _NEW, page: Landing | None = None
) -> Landing:
    page = page or browser.answer_all(browser.get(_PLACE), who=who)
    assert page.shows("number-replace"), page.describe()
    return browser.press(page, "number-replace", {"identifier": new})


def _numbers(provider: Provider) -> list[tuple[str, bool]]:
    account = provider.services.people.find_account(ANH.account_id)
    assert account is not None
    return [
        (one.value, one.is_active)
        for one in account.identifiers
        if one.kind is IdentifierKind.PERSONAL_ID_NUMBER
    ]


def test_the_account_follows_what_the_register_says(
    provider: Provider, browser: Browser, door: RegisterDoor
) -> None:
    door.registers.renumber(ANH.identifier, new=_NEW)
    page = _replace(browser)

    assert page.place == f"{_PLACE}?told=replaced", page.describe()
    assert _numbers(provider) == [(_NEW, True), (ANH.identifier, False)]
    events = provider.events()
    for recorded in ("register:asked", "identifier:retired", "identifier:added"):
        assert events.count(f"account:{recorded}") == 1
    assert "number_replaced" in notices_of(provider.services.database)
    elsewhere = Browser(provider)
    typed = {"identifier": ANH.identifier, "password": ANH.password}
    page = elsewhere.press(elsewhere.get("/account"), "login-submit", typed)
    assert page.shows("login-submit"), "the old number signs nobody in"
    page = elsewhere.press(page, "login-submit", {**typed, "identifier": _NEW})
    assert not page.shows("login-submit")


def test_the_form_sent_twice_at_once_cancels_the_old_number_alone(
    provider: Provider, door: RegisterDoor
) -> None:
    """NĐ 70/2024/NĐ-CP Art. 12: the present number is no past one as well."""
    door.registers.renumber(ANH.identifier, new=_NEW)
    seen = provider.services.people.find_account(ANH.account_id)
    assert seen is not None
    for _ in range(2):  # the second had read the account before the first was through
        provider.services.opening.numbers.replace(
            seen, raw_new=_NEW, source="192.0.2.7", now=provider.now
        )
    assert _numbers(provider) == [(_NEW, True), (ANH.identifier, False)]
    assert provider.events().count("account:identifier:retired") == 1


def test_nobody_gets_a_number_that_the_register_does_not_name(
    provider: Provider, browser: Browser, door: RegisterDoor
) -> None:
    """Not renumbered, another number typed, or a stranger's: the account stays as it is."""
    page = _replace(browser)
    assert "chưa xác nhận số này" in page.page
    door.registers.renumber(ANH.identifier, new="005183027460")
    page = _replace(browser, page=page)
    assert "chưa xác nhận số này" in page.page
    assert "005183027460" not in page.page, "a page tells nobody a number they do not know"
    page = _replace(browser, page=page, new=ANH.identifier)
    assert "Không có gì cần thay đổi" in page.page
    page = _replace(browser, page=page, new="12")
    assert "đúng 12 chữ số" in page.page
    assert _numbers(provider) == [(ANH.identifier, True)]


def test_a_number_with_an_account_of_its_own_is_for_an_official(
    provider: Provider, browser: Browser, door: RegisterDoor
) -> None:
    door.registers.citizens.pop(CHI.identifier, None)
    door.registers.renumber(ANH.identifier, new=CHI.identifier)
    assert "đã có một tài khoản khác" in _replace(browser, new=CHI.identifier).page
    assert _numbers(provider) == [(ANH.identifier, True)]


def test_a_register_that_fails_changes_nothing(
    provider: Provider, browser: Browser, door: RegisterDoor
) -> None:
    door.registers.renumber(ANH.identifier, new=_NEW)
    page = browser.answer_all(browser.get(_PLACE))
    for mode in (Mode.AWAY, Mode.NONSENSE, Mode.CONTRADICTS_ITSELF):
        door.registers.population_mode = mode
        page = _replace(browser, page=page)
        assert page.response.status_code == 503
    assert _numbers(provider) == [(ANH.identifier, True)]


def test_a_stolen_session_alone_moves_no_number(
    provider: Provider, browser: Browser, door: RegisterDoor
) -> None:
    """Both factors within the last minutes, where there are two."""
    door.registers.renumber(ANH.identifier, new=_NEW)
    page = browser.answer_all(browser.get(_PLACE))
    assert "otp-submit" in page.asked
    provider.clock.advance(seconds=601)
    answer = browser.press(page, "number-replace", {"identifier": _NEW})
    assert answer.shows("login-submit")
    assert not door.asked
    forged = browser.submit(_PLACE, {"csrf_token": "x", "identifier": _NEW})
    assert forged.response.status_code == 403


def test_the_register_is_asked_as_often_as_the_limits_allow(
    provider: Provider, browser: Browser, door: RegisterDoor
) -> None:
    page = browser.answer_all(browser.get(_PLACE))
    for end in range(10, 15):
        page = _replace(browser, page=page, new=f"0051830274{end}")
    page = _replace(browser, page=page)
    assert page.response.status_code == 429
    assert len(door.asked) == 5


def test_without_a_register_the_page_leads_to_the_counter(
    make_provider: Callable[..., Provider],
) -> None:
    browser = Browser(make_provider())
    page = browser.answer_all(browser.get(_PLACE))
    assert not page.shows("number-replace")
    assert "đến bộ phận một cửa" in page.page
