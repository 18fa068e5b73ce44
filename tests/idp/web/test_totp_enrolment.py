"""A second factor on the way: born from an activation code, never from a password alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pyotp
import pytest

from idp.accounts.activation import issue_activation_code
from idp.accounts.credentials import TotpHolder
from idp.storage.credentials import list_totps
from idp.verifier_registers import DatabaseRegisters
from tests.support.pii_alarm import PiiAlarm
from tests.support.provider import Provider
from tests.support.provider_browser import Browser, Landing
from tests.support.provider_seeds import CHI
from tests.support.verifier import VerifierBench, serving


def activation_code(provider: Provider) -> str:
    services = provider.services
    return issue_activation_code(
        services.database,
        CHI.account_id,
        sealer=services.sealer,
        log=services.log,
        now=provider.now,
    )


def secret_on(page: Landing) -> str:
    found = re.search(r">\s*((?:[A-Z2-7]{4} ){7}[A-Z2-7]{4})\s*<", page.page)
    assert found is not None
    return found.group(1).replace(" ", "")


def test_an_activation_code_and_a_first_code_reach_level_two(
    provider_on_both: Provider,
) -> None:
    """Architecture §5.10; NIST SP 800-63B §6.1: binding an authenticator."""
    provider = provider_on_both
    browser = Browser(provider)
    landing = browser.log_in(browser.authorize("level2"), who=CHI)
    assert landing.shows("activation-submit")
    page = browser.press(
        landing, "activation-submit", {"activation_code": activation_code(provider)}
    )
    assert page.shows("totp-enrol-submit")
    secret = secret_on(page)
    code = pyotp.TOTP(secret).at(int(provider.now.timestamp()))
    landing = browser.press(page, "totp-enrol-submit", {"otp": code})
    assert landing.shows("consent-accept"), "the first code is the second factor of this sign-in"
    assert "code" in browser.press(landing, "consent-accept").fields
    assert "account:totp:enrolled" in provider.events()
    assert provider.services.people.has_totp(CHI.account_id)


def test_a_wrong_activation_code_enrols_nothing(provider: Provider, browser: Browser) -> None:
    activation_code(provider)
    landing = browser.log_in(browser.authorize("level2"), who=CHI)
    for typed in ("", "XXXX-XXXX-XXXX", "x" * 500):
        again = browser.press(landing, "activation-submit", {"activation_code": typed})
        assert again.response.status_code == 422
        assert again.shows("activation-submit")
    assert not provider.services.people.has_totp(CHI.account_id)


def test_a_wrong_first_code_enrols_nothing(
    provider: Provider, browser: Browser, pii_alarm: PiiAlarm
) -> None:
    landing = browser.log_in(browser.authorize("level2"), who=CHI)
    page = browser.press(
        landing, "activation-submit", {"activation_code": activation_code(provider)}
    )
    for typed in ("", "000000", "x"):
        again = browser.press(page, "totp-enrol-submit", {"otp": typed})
        assert again.response.status_code == 422
        assert secret_on(again) == secret_on(page), "the same app can try again"
    assert not provider.services.people.has_totp(CHI.account_id)


def test_nobody_enrols_before_the_password(provider: Provider, browser: Browser) -> None:
    landing = browser.authorize("level2")
    csrf = landing.page.split('name="csrf_token" value="')[1].split('"')[0]
    form = {"csrf_token": csrf, "activation_code": activation_code(provider), "otp": "000000"}
    for step in ("activation", "enrol"):
        assert browser.submit(f"{landing.place}/{step}", form).shows("login-submit")
    assert not provider.services.people.has_totp(CHI.account_id)


def test_an_activation_code_works_once(provider: Provider) -> None:
    code = activation_code(provider)
    first, second = Browser(provider), Browser(provider)
    landing = first.log_in(first.authorize("level2"), who=CHI)
    page = first.press(landing, "activation-submit", {"activation_code": code})
    totp = pyotp.TOTP(secret_on(page)).at(int(provider.now.timestamp()))
    assert (
        "code"
        in first.answer_all(first.press(page, "totp-enrol-submit", {"otp": totp}), who=CHI).fields
    )
    landing = second.log_in(second.authorize("level2"), who=CHI)
    assert landing.shows("otp-submit"), "there is a second factor now"


@pytest.mark.parametrize("button", ["activation-cancel"])
def test_who_has_no_code_goes_back_with_the_reason(browser: Browser, button: str) -> None:
    landing = browser.log_in(browser.authorize("level2"), who=CHI)
    assert browser.press(landing, button).error == "unmet_authentication_requirements"


def test_a_verifier_that_is_away_is_a_page_and_once_it_is_back_it_goes_on_by_itself(
    make_provider: Callable[..., Provider], tmp_path: Path
) -> None:
    """The one sentence that there is for whatever is interrupted; nobody signs in without it."""
    socket = tmp_path / "v.sock"
    provider = make_provider(verifier_address=f"unix:{socket}")
    services = provider.services
    assert services.verifier is not None
    bench = VerifierBench(tmp_path / "verifier", registers=DatabaseRegisters(services.database))
    code = activation_code(provider)
    browser = Browser(provider)
    landing = browser.log_in(browser.authorize("level2"), who=CHI)
    away = browser.press(landing, "activation-submit", {"activation_code": code})
    assert away.response.status_code == 503
    assert away.response.headers["Retry-After"]
    with serving(bench, socket, time=provider.clock):
        page = browser.press(landing, "activation-submit", {"activation_code": code})
        app = pyotp.TOTP(secret_on(page))
        first = {"otp": app.at(int(provider.now.timestamp()))}
    assert browser.press(page, "totp-enrol-submit", first).response.status_code == 503
    with serving(bench, socket, time=provider.clock):
        assert (
            "code"
            in browser.answer_all(browser.press(page, "totp-enrol-submit", first), who=CHI).fields
        )
        with services.database.read() as connection:
            (kept,) = list_totps(connection, CHI.account_id, sealer=services.sealer)
        assert kept.holder is TotpHolder.VERIFIER
        provider.clock.advance(seconds=30)
        again = Browser(provider)
        landing = again.log_in(again.authorize("level2"), who=CHI)
        next_code = {"otp": app.at(int(provider.now.timestamp()))}
        assert again.press(landing, "otp-submit", next_code).response.status_code != 422
    bench.memory.close()
