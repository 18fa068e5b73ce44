"""Signing in with a passkey in a real browser: from the list under the field, and by the button.

What lives here: Chromium's virtual authenticator on the sign-in pages and on the account's page, on
a telephone, in both languages, by pointer and by keyboard.  Every page on the way is held against
axe.  Not here: signatures (`test_passkeys.py`), each refusal (`tests/idp`).
"""

from __future__ import annotations

from playwright.sync_api import CDPSession

from tests.support.invented import Invented
from tests.support.sandbox import Sandbox
from tests.support.walk import Walk

_DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class Device:
    """The device of a walk: it answers by itself, or waits."""

    def __init__(self, walk: Walk) -> None:
        self._session: CDPSession = walk.page.context.new_cdp_session(walk.page)
        self._session.send("WebAuthn.enable")
        made = self._session.send("WebAuthn.addVirtualAuthenticator", {"options": _DEVICE})
        self._id = made["authenticatorId"]

    def answers(self, *, by_itself: bool) -> None:
        """Whether somebody touches it as soon as it is asked."""
        self._session.send(
            "WebAuthn.setAutomaticPresenceSimulation",
            {"authenticatorId": self._id, "enabled": by_itself},
        )


def _register(walk: Walk, sandbox: Sandbox, person: Invented) -> None:
    walk.go(f"{sandbox.issuer}/account/passkeys", "#login-submit")
    walk.sign_in(person, "#otp-submit")
    walk.type("#otp", person.code())
    walk.press("#otp-submit", "#passkey-add")
    walk.type("#name", "Điện thoại")
    walk.press("#passkey-add", "#passkey-remove-0")


def test_on_a_telephone_a_passkey_signs_in_from_the_list_and_by_the_button(walker, sandbox):
    """Nothing is typed; by keyboard as well.  The device is asked for its user: level 2 at once."""
    person = sandbox.inventor.person()
    with walker(width=390, height=844, hand="keyboard") as walk:
        device = Device(walk)
        device.answers(by_itself=True)
        _register(walk, sandbox, person)
        walk.page.context.clear_cookies()
        # the page is left as soon as it asks, maybe before it has loaded
        walk.page.goto(f"{sandbox.issuer}/account/passkeys", wait_until="commit")
        walk.see("#passkey-add")
        assert "Điện thoại" in walk.text("main")
        walk.page.context.clear_cookies()
        device.answers(by_itself=False)
        walk.go(f"{sandbox.issuer}/account/passkeys", "#login-passkey")
        device.answers(by_itself=True)
        walk.press("#login-passkey", "#passkey-add")
        assert "Dùng lần cuối" in walk.text("main")


def test_in_english_it_is_the_second_factor_and_is_removed(walker, sandbox):
    person = sandbox.inventor.person()
    with walker(locale="en-GB") as walk:
        device = Device(walk)
        _register(walk, sandbox, person)
        walk.page.context.clear_cookies()
        device.answers(by_itself=False)
        walk.go(f"{sandbox.issuer}/account/passkeys", "#login-passkey")
        assert walk.text("#login-passkey") == "Sign in with a passkey"
        walk.sign_in(person, "#otp-passkey")
        device.answers(by_itself=True)
        walk.press("#otp-passkey", "#passkey-add")
        walk.press("#passkey-remove-0", "#passkey-remove-confirm")
        walk.press("#passkey-remove-confirm", "#passkey-add")
        walk.page.context.clear_cookies()
        device.answers(by_itself=False)
        walk.go(f"{sandbox.issuer}/account/passkeys", "#login-passkey")
        device.answers(by_itself=True)
        # the device was told that it counts no more; one that cannot be told is refused here
        walk.press("#login-passkey", "#problem, #passkey-problem:not([hidden])")
        assert walk.page.locator("#passkey-add").count() == 0
