"""Signing in with a passkey in a real browser: from the list under the field, and by the button.

What lives here: Chromium's virtual authenticator on the sign-in pages and on the account's page, on
a telephone, in both languages, by keyboard alone.  Every page on the way is held against axe.
Not here: signatures, and a passkey on a desk by pointer (`test_passkeys.py`); each refusal
(`tests/idp`).
"""

from __future__ import annotations

import pytest
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
    walk.type("#current_password", person.password)
    walk.press("#passkey-add", "#passkey-remove-0")


def _leave(walk: Walk) -> None:
    """As on the next day: nobody is signed in here any more."""
    walk.page.context.clear_cookies()


@pytest.mark.parametrize(
    ("locale", "button", "last_use"),
    [
        ("vi-VN", "Đăng nhập bằng khóa truy cập", "Dùng lần cuối"),
        ("en-GB", "Sign in with a passkey", "Last used"),
    ],
    ids=["vi", "en"],
)
def test_on_a_telephone_by_keyboard_a_passkey_signs_in_every_way_and_is_removed(
    walker, sandbox, locale, button, last_use
):
    """From the list nothing is typed; the device is asked for its user: level 2 at once."""
    person = sandbox.inventor.person()
    passkeys = f"{sandbox.issuer}/account/passkeys"
    with walker(width=390, height=844, hand="keyboard", locale=locale) as walk:
        device = Device(walk)
        device.answers(by_itself=True)
        _register(walk, sandbox, person)
        _leave(walk)
        # from the list under the field: the page is left as soon as it asks, maybe before it loaded
        walk.page.goto(passkeys, wait_until="commit")
        walk.see("#passkey-add")
        assert "Điện thoại" in walk.text("main")
        _leave(walk)
        # by the button
        device.answers(by_itself=False)
        walk.go(passkeys, "#login-passkey")
        assert walk.text("#login-passkey") == button
        device.answers(by_itself=True)
        walk.press("#login-passkey", "#passkey-add")
        assert last_use in walk.text("main")
        _leave(walk)
        # as the second factor after a password
        device.answers(by_itself=False)
        walk.go(passkeys, "#login-passkey")
        walk.sign_in(person, "#otp-passkey")
        device.answers(by_itself=True)
        walk.press("#otp-passkey", "#passkey-add")
        walk.press("#passkey-remove-0", "#passkey-remove-confirm")
        walk.press("#passkey-remove-confirm", "#passkey-add")
        assert walk.page.locator("#passkey-remove-0").count() == 0
        _leave(walk)
        device.answers(by_itself=False)
        walk.go(passkeys, "#login-passkey")
        device.answers(by_itself=True)
        # the device was told that it counts no more; one that cannot be told is refused here
        walk.press("#login-passkey", "#problem, #passkey-problem:not([hidden])")
        assert walk.page.locator("#passkey-add").count() == 0
