"""Journeys on which something goes wrong, or is done twice, or elsewhere: a page says so.

What lives here: other browsers, other tabs, the back button, double clicks, expired and unknown
things, another person, another level, another account, no organisation, no authenticator app.
Not here: the same over HTTP without pages (`tests/idp/web`, `tests/conformance`).
"""

from __future__ import annotations

import base64
import hashlib
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pyotp
import pytest
from playwright.sync_api import BrowserContext

from idp.accounts.model import AccountLevel
from tests.support.sandbox import BOTH_ORGANISATIONS, Sandbox
from tests.support.servers import wait_until
from tests.support.walk import Walk

TOOL = "cong-cu-thu-nghiem"
TOOL_HOME = "http://localhost:9999/callback"
VERIFIER = "a-code-verifier-of-this-test-that-is-long-enough"
BACK_AT_TOOL = "#tool"
HANDS: dict[str, dict[str, Any]] = {
    "pointer": {},
    "keyboard": {"hand": "keyboard"},
    "no scripts": {"has_scripts": False},
}
"""How people who cannot, or will not, do otherwise use a page.  WCAG 2.2 §2.1.1."""


def tool_url(sandbox: Sandbox, **extra: str) -> str:
    """An authorization request of the client for outside tools."""
    digest = hashlib.sha256(VERIFIER.encode()).digest()
    parameters = {
        "client_id": TOOL,
        "redirect_uri": TOOL_HOME,
        "response_type": "code",
        "scope": "openid",
        "state": "state-of-the-tool",
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        **extra,
    }
    return f"{sandbox.issuer}/authorize?{urlencode(parameters)}"


@pytest.fixture
def at_tool(walker):
    """Opens walks in which the outside tool answers: nobody listens on its port."""

    @contextmanager
    def opened(**options):
        with walker(**options) as walk:
            walk.page.context.route(
                "http://localhost:9999/**",
                lambda route: route.fulfill(
                    content_type="text/html",
                    body="<!doctype html><html lang=en><title>Tool</title>"
                    "<main><h1 id=tool>Back at the tool</h1></main></html>",
                ),
            )
            yield walk

    return opened


def fields_at(walk: Walk) -> dict[str, str]:
    """The parameters with which the browser came back to the tool."""
    parts = urlsplit(walk.page.url)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == TOOL_HOME
    return {name: values[0] for name, values in parse_qs(parts.query).items()}


def start_at_citizen(walk: Walk, sandbox: Sandbox) -> None:
    """From the citizen portal to the sign-in page."""
    walk.go(f"{sandbox.citizen}/", "#login")
    walk.press("#login", "#login-submit")


def sign_in_at_citizen(walk: Walk, sandbox: Sandbox, person) -> None:
    """All the way to the claims."""
    start_at_citizen(walk, sandbox)
    walk.sign_in(person, "#otp-submit")
    walk.type("#otp", person.code())
    walk.press("#otp-submit", "#consent-accept")
    walk.press("#consent-accept", "#claims")


def test_a_half_done_sign_in_does_not_open_in_another_browser(walker, sandbox):
    """RFC 9700 §4.7: who follows a planted link signs in nobody, and is told so."""
    person = sandbox.inventor.person()
    with walker() as walk, walker() as elsewhere:
        start_at_citizen(walk, sandbox)
        walk.sign_in(person, "#otp-submit")
        elsewhere.go(walk.page.url, "#error-reference")
        assert elsewhere.status == 403
        assert "trình duyệt khác" in elsewhere.text("h1")
        assert "another browser" in elsewhere.text(".beside-language").lower()
        assert person.name not in elsewhere.page.content()
        walk.type("#otp", person.code())
        walk.press("#otp-submit", "#consent-accept")


def test_back_after_finishing_leads_to_the_same_portal_again(walker, sandbox):
    person = sandbox.inventor.person()
    with walker() as walk:
        sign_in_at_citizen(walk, sandbox, person)
        for _ in range(3):
            walk.page.go_back()
            walk.page.wait_for_load_state()
            assert walk.page.locator("h1").count() == 1
        walk.go(f"{sandbox.citizen}/", "#claims")
        assert walk.claim("name") == person.name


def test_a_finished_sign_in_opened_later_says_so(walker, sandbox):
    """For half a minute it leads to the same answer; then a page says that it is over."""
    person = sandbox.inventor.person()
    with walker() as walk:
        start_at_citizen(walk, sandbox)
        place = walk.page.url
        walk.sign_in(person, "#otp-submit")
        walk.type("#otp", person.code())
        walk.press("#otp-submit", "#consent-accept")
        walk.press("#consent-accept", "#claims")
        walk.go(place, "#claims")
        assert len(set(walk.codes())) == 1, "the same answer, no second code"
        interaction = place.rpartition("/")[2]
        sandbox.services.ephemeral.delete(f"interaction-done:{interaction}")
        walk.go(place, "#error-reference")
        assert walk.status == 410
        assert "hết hạn" in walk.text("h1")


def test_consent_clicked_twice_is_given_once(walker, sandbox):
    person = sandbox.inventor.person()
    with walker() as walk:
        start_at_citizen(walk, sandbox)
        walk.sign_in(person, "#otp-submit")
        walk.type("#otp", person.code())
        walk.press("#otp-submit", "#consent-accept")
        walk.page.dblclick("#consent-accept")
        walk.see("#claims")
        assert walk.claim("name") == person.name


@pytest.mark.parametrize("button", ["#login-submit", "#login-cancel"])
def test_an_expired_sign_in_leads_back_to_the_portal_by_a_page(at_tool, sandbox, button):
    with at_tool() as walk:
        walk.go(tool_url(sandbox), "#login-submit")
        interaction = walk.page.url.rpartition("/")[2]
        sandbox.services.ephemeral.delete(f"interaction:{interaction}")
        walk.type("#identifier", "003085000000")
        walk.type("#password", "khong-quan-trong")
        walk.press(button, "#error-reference")
        assert walk.status == 410
        assert "hết hạn" in walk.text("h1")


def test_two_tabs_begun_together_both_arrive(walker, sandbox, chromium):
    """Architecture §5.7: several tabs work; the second asks for no password."""
    person = sandbox.inventor.person(organisations=BOTH_ORGANISATIONS)
    context: BrowserContext = chromium.new_context(locale="vi-VN")
    with walker(context=context) as one, walker(context=context) as two:
        start_at_citizen(one, sandbox)
        two.go(f"{sandbox.business}/", "#login")
        two.press("#login", "#login-submit")
        one.sign_in(person, "#otp-submit")
        one.type("#otp", person.code())
        one.press("#otp-submit", "#consent-accept")
        one.press("#consent-accept", "#claims")
        # the form of the second tab is older than the session now
        two.sign_in(person, "#capacity-0")
        two.press("#capacity-0", "#consent-accept")
        two.press("#consent-accept", "#organisation")
    context.close()


def test_unregistered_redirect_is_never_followed(at_tool, sandbox):
    """RFC 6749 §4.1.2.1: MUST NOT redirect to an invalid redirection URI."""
    with at_tool() as walk:
        url = tool_url(sandbox, redirect_uri="http://localhost:9999/elsewhere")
        walk.go(url, "#error-reference")
        assert walk.status == 400
        assert walk.page.url.startswith(sandbox.issuer)
        assert not any(one.startswith("http://localhost:9999") for one in walk.seen)
        assert "elsewhere" not in walk.page.content()


def test_unknown_client_is_a_page_in_both_languages(at_tool, sandbox):
    with at_tool(locale="en-US") as walk:
        walk.go(tool_url(sandbox, client_id="<b>nobody</b>"), "#error-reference")
        assert walk.status == 400
        assert walk.page.get_attribute("html", "lang") == "en"
        assert walk.page.locator(".beside-language").get_attribute("lang") == "vi"
        assert "nobody" not in walk.page.content()


def test_language_can_be_switched_on_every_step(walker, sandbox):
    person = sandbox.inventor.person(organisations=BOTH_ORGANISATIONS)

    def switch(walk: Walk, stays: str, *languages: str) -> None:
        for language in languages or ("en", "vi"):
            walk.press(f"#language-{language}", stays)
            assert walk.page.get_attribute("html", "lang") == language

    with walker() as walk:
        start_at_citizen(walk, sandbox)
        switch(walk, "#login-submit")
        walk.sign_in(person, "#otp-submit")
        switch(walk, "#otp-submit")
        walk.type("#otp", person.code())
        walk.press("#otp-submit", "#consent-accept")
        switch(walk, "#consent-accept")
        walk.press("#consent-accept", "#claims")
        walk.go(f"{sandbox.business}/", "#login")
        walk.press("#login", "#capacity-0")
        switch(walk, "#capacity-0")
        walk.press("#capacity-1", "#consent-accept")
        switch(walk, "#consent-accept", "en")
        walk.press("#consent-accept", "#organisation")
        walk.press("#logout", "#logout-confirm")
        assert walk.page.get_attribute("html", "lang") == "en", "the choice is kept"
        switch(walk, "#logout-confirm", "vi")
        walk.press("#logout-confirm", "#signed-out")


@pytest.mark.parametrize(("language", "switched"), [("vi", "en"), ("en", "vi")])
def test_a_form_answered_with_a_problem_keeps_the_sign_in_through_a_switch(
    walker, sandbox, language, switched
):
    person = sandbox.inventor.person()
    with walker() as walk:
        walk.page.goto(f"{sandbox.citizen}/?lang={language}")
        start_at_citizen(walk, sandbox)
        walk.type("#identifier", person.identifier)
        walk.type("#password", "khong-dung-dau")
        walk.press("#login-submit", "#problem")
        assert walk.status == 422
        assert walk.page.get_attribute("html", "lang") == language
        walk.press(f"#language-{switched}", "#login-submit")
        walk.sign_in(person, "#otp-submit")
        walk.type("#otp", "000000")
        walk.press("#otp-submit", "#problem")
        walk.press(f"#language-{language}", "#otp-submit")
        walk.type("#otp", person.code())
        walk.press("#otp-submit", "#consent-accept")


def test_somebody_else_signing_in_ends_the_first_session_at_its_portals(at_tool, sandbox):
    first, second = sandbox.inventor.person(), sandbox.inventor.person()
    with at_tool() as walk:
        sign_in_at_citizen(walk, sandbox, first)
        walk.go(tool_url(sandbox, prompt="login"), "#login-submit")
        walk.sign_in(second, BACK_AT_TOOL)
        assert "code" in fields_at(walk)

        def is_told() -> bool:
            walk.page.goto(f"{sandbox.citizen}/")
            return not walk.page.is_visible("#claims")

        wait_until(is_told, what="the first person's portal to be told")
        walk.press("#login", "#otp-submit")
        assert second.name in walk.text("main")


@pytest.mark.parametrize("hand", HANDS)
def test_select_account_offers_the_one_and_another(at_tool, sandbox, hand):
    """OpenID Connect Core §3.1.2.1 `prompt=select_account`."""
    first, second = sandbox.inventor.person(), sandbox.inventor.person()
    with at_tool(**HANDS[hand]) as walk:
        walk.go(tool_url(sandbox), "#login-submit")
        walk.sign_in(first, BACK_AT_TOOL)
        walk.go(tool_url(sandbox, prompt="select_account"), "#account-continue")
        assert first.name in walk.text("#account-continue")
        assert first.identifier not in walk.page.content()
        walk.press("#account-continue", BACK_AT_TOOL)
        walk.go(tool_url(sandbox, prompt="select_account", ui_locales="en"), "#account-other")
        walk.press("#account-other", "#login-submit")
        walk.sign_in(second, BACK_AT_TOOL)
        assert "code" in fields_at(walk)
        walk.go(tool_url(sandbox, prompt="select_account"), "#account-continue")
        assert second.name in walk.text("#account-continue")


def test_step_up_asks_for_the_code_alone(at_tool, sandbox):
    """Architecture, "Levels": the password is not given again while it is fresh."""
    person = sandbox.inventor.person()
    with at_tool() as walk:
        walk.go(tool_url(sandbox), "#login-submit")
        walk.sign_in(person, BACK_AT_TOOL)
        walk.go(f"{sandbox.citizen}/", "#login")
        walk.press("#login", "#otp-submit")
        assert not walk.page.is_visible("#password")
        walk.type("#otp", person.code())
        walk.press("#otp-submit", "#consent-accept")
        walk.press("#consent-accept", "#claims")
        assert walk.claim("acr") == "2"


@pytest.mark.parametrize(("language", "hand"), [("vi", "keyboard"), ("en", "no scripts")])
def test_without_an_organisation_the_business_portal_refuses_and_is_told(
    walker, sandbox, language, hand
):
    person = sandbox.inventor.person()
    with walker(locale=f"{language}-VN", **HANDS[hand]) as walk:
        walk.go(f"{sandbox.business}/?lang={language}", "#login")
        walk.press("#login", "#login-submit")
        walk.sign_in(person, "#error-return")
        assert walk.status == 403
        assert person.name not in walk.page.content()
        walk.press("#error-return", "#problem")
        assert walk.page.url.startswith(sandbox.business)
        assert walk.page.get_attribute("#problem", "data-problem") == "access_denied"


@pytest.mark.parametrize(
    ("language", "hand"), [("vi", "pointer"), ("en", "keyboard"), ("vi", "no scripts")]
)
def test_a_first_authenticator_app_is_enrolled_on_the_way(walker, sandbox, language, hand):
    """Architecture §5.10: with an activation code from proofing, never the password alone."""
    person = sandbox.inventor.person(level=AccountLevel.ONE, has_totp=False)
    code = sandbox.inventor.activation_code(person)
    with walker(width=360, height=740, **HANDS[hand]) as walk:
        walk.go(f"{sandbox.citizen}/?lang={language}", "#login")
        walk.press("#login", "#login-submit")
        walk.sign_in(person, "#activation-submit")
        walk.type("#activation_code", "0000-0000-0000")
        walk.press("#activation-submit", "#problem")
        assert walk.status == 422
        walk.clear("#activation_code")
        walk.type("#activation_code", code.lower())
        walk.press("#activation-submit", "#totp-enrol-submit")
        secret = walk.text("#totp-secret").replace(" ", "")
        walk.type("#otp", "000000")
        walk.press("#totp-enrol-submit", "#problem")
        walk.clear("#otp")
        walk.type("#otp", pyotp.TOTP(secret).now())
        walk.press("#totp-enrol-submit", "#consent-accept")
        walk.press("#consent-accept", "#claims")
        assert walk.claim("acr") == "2"
        assert walk.claim("account_level") == "1"


@pytest.mark.parametrize("button", ["#login-cancel", "#otp-cancel", "#consent-deny"])
def test_going_back_without_agreeing_is_an_ordinary_outcome(walker, sandbox, button):
    """RFC 6749 §4.1.2.1 `access_denied`."""
    person = sandbox.inventor.person()
    with walker() as walk:
        start_at_citizen(walk, sandbox)
        if button != "#login-cancel":
            walk.sign_in(person, "#otp-submit")
        if button == "#consent-deny":
            walk.type("#otp", person.code())
            walk.press("#otp-submit", "#consent-accept")
        walk.press(button, "#problem")
        assert walk.page.url.startswith(sandbox.citizen)
        expected = "level_too_low" if button == "#otp-cancel" else "access_denied"
        assert walk.page.get_attribute("#problem", "data-problem") == expected
