"""Other ways in and out: by form, with the answer in a form, staying, leaving from another tab.

What lives here: what only a browser shows: the content security policy lets each of these through,
and nothing else.  Not here: the parameters of these requests (`tests/conformance`).
"""

from __future__ import annotations

import base64
import hashlib
import html
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.sandbox import Sandbox
from tests.support.walk import Walk

TOOL = "cong-cu-thu-nghiem"
HOME = "http://localhost:9999"
VERIFIER = "a-code-verifier-of-this-test-that-is-long-enough"
HANDS: dict[str, dict[str, Any]] = {
    "pointer": {},
    "keyboard": {"hand": "keyboard"},
    "no scripts": {"has_scripts": False},
}


def request_form(sandbox: Sandbox, **extra: str) -> str:
    """A page of the tool whose button asks for authorization by POST."""
    digest = hashlib.sha256(VERIFIER.encode()).digest()
    fields = {
        "client_id": TOOL,
        "redirect_uri": f"{HOME}/callback",
        "response_type": "code",
        "scope": "openid",
        "state": 'a state of "signs" & spaces',
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        **extra,
    }
    inputs = "".join(
        f'<input type="hidden" name="{name}" value="{html.escape(value)}">'
        for name, value in fields.items()
    )
    return (
        '<!doctype html><html lang="en"><title>Tool</title><main><h1>Tool</h1>'
        f'<form method="post" action="{sandbox.issuer}/authorize">{inputs}'
        '<button id="start">Sign in</button></form></main></html>'
    )


@pytest.fixture
def at_tool(walker, sandbox):
    """Opens walks in which the tool answers, and keeps what was posted to it."""

    @contextmanager
    def opened(**options):
        extra = options.pop("request", {})
        posted: list[str] = []

        def answer(route):
            if route.request.method == "POST":
                posted.append(route.request.post_data or "")
            body = (
                request_form(sandbox, **extra)
                if route.request.url == f"{HOME}/"
                else '<!doctype html><html lang="en"><title>Tool</title>'
                '<main><h1 id="tool">Back at the tool</h1></main></html>'
            )
            route.fulfill(content_type="text/html", body=body)

        with walker(**options) as walk:
            walk.page.context.route(f"{HOME}/**", answer)
            yield walk, posted

    return opened


def sign_in_at_citizen(walk: Walk, sandbox: Sandbox, person) -> None:
    walk.go(f"{sandbox.citizen}/", "#login")
    walk.press("#login", "#login-submit")
    walk.sign_in(person, "#otp-submit")
    walk.type("#otp", person.code())
    walk.press("#otp-submit", "#consent-accept")
    walk.press("#consent-accept", "#claims")


@pytest.mark.parametrize("hand", HANDS)
def test_request_by_form_and_answer_by_form(at_tool, sandbox, hand):
    """OpenID Connect Core §3.1.2.1 (POST); OAuth 2.0 Form Post Response Mode §2."""
    person = sandbox.inventor.person()
    with at_tool(request={"response_mode": "form_post"}, **HANDS[hand]) as (walk, posted):
        walk.go(f"{HOME}/", "#start")
        walk.press("#start", "#login-submit")
        if hand == "no scripts":
            walk.sign_in(person, "#form-post-continue")
            walk.press("#form-post-continue", "#tool")
        else:
            walk.sign_in(person, "#tool")
        assert "?" not in walk.page.url
        assert len(posted) == 1
        assert "code=" in posted[0]
        assert "state=a+state+of+%22signs%22+%26+spaces" in posted[0]
        assert not any("code=" in url for url in walk.seen)


def test_error_by_form_goes_back_by_form(at_tool, sandbox):
    """RFC 6749 §4.1.2.1, in the response mode that was asked for."""
    with at_tool(request={"response_mode": "form_post", "prompt": "none"}) as (walk, posted):
        walk.go(f"{HOME}/", "#start")
        walk.press("#start", "#tool")
        assert "error=login_required" in posted[0]


def test_changing_ones_mind_about_signing_out_ends_nothing(walker, sandbox):
    """RP-Initiated Logout 1.0 §2: the person is asked, and may say no."""
    person = sandbox.inventor.person()
    with walker() as walk:
        sign_in_at_citizen(walk, sandbox, person)
        walk.press("#logout", "#logout-stay")
        walk.press("#logout-stay", "h1")
        assert walk.status == 200
        walk.go(f"{sandbox.citizen}/", "#login")
        walk.press("#login", "#claims")
        assert walk.claim("name") == person.name


def test_signing_out_in_another_tab_sends_the_half_done_one_back_to_the_password(
    walker, sandbox, chromium
):
    person = sandbox.inventor.person()
    context = chromium.new_context(locale="vi-VN")
    with walker(context=context) as one, walker(context=context) as two:
        one.go(f"{sandbox.citizen}/", "#login")
        one.press("#login", "#login-submit")
        one.sign_in(person, "#otp-submit")
        two.go(f"{sandbox.issuer}/logout", "#logout-confirm")
        two.press("#logout-confirm", ".outcome.done")
        one.type("#otp", person.code())
        one.press("#otp-submit", "#login-submit")
        one.sign_in(person, "#otp-submit")
        one.type("#otp", person.code())
        one.press("#otp-submit", "#consent-accept")
    context.close()


def test_signing_out_twice_is_no_mistake(walker, sandbox):
    person = sandbox.inventor.person()
    with walker() as walk:
        sign_in_at_citizen(walk, sandbox, person)
        walk.press("#logout", "#logout-confirm")
        walk.page.dblclick("#logout-confirm")
        walk.see("#signed-out")
        walk.page.go_back()
        walk.page.wait_for_load_state()
        walk.go(f"{sandbox.issuer}/logout", ".outcome.done")
        walk.go(f"{sandbox.citizen}/", "#login")
        walk.press("#login", "#login-submit")
