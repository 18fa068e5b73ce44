"""A code by text message, on a small phone, by keyboard alone, axe watching, in both languages.

What lives here: switching it on, receiving it from the sandbox's outbox (the real worker, a gateway
that writes files), signing in with it; recovery codes on paper and back in with one.
Not here: each page by itself (the gallery of `test_pages_*.py`), each refusal
(`tests/idp/web/test_factors.py`), real gateways (`tests/idp/delivery`).
"""

from __future__ import annotations

import re
from dataclasses import replace

import pyotp

from idp.ids import AccountId
from idp.storage.account_updates import update_profile
from idp.storage.accounts import find_account, find_row
from tests.support.invented import Invented
from tests.support.sandbox import Sandbox
from tests.support.walk import Walk

_PHONE = "+84900000072"
_MOST_LOADS = 240


def _reached_by_phone(sandbox: Sandbox) -> Invented:
    """Somebody whose number was verified at a counter."""
    person, services = sandbox.inventor.person(), sandbox.services
    account_id = AccountId(person.account_id)
    with services.database.transaction() as tx:
        row = find_row(tx.connection, account_id, is_locked=True)
        account = find_account(tx.connection, account_id, sealer=services.sealer)
        assert row is not None
        assert account is not None
        profile = replace(account.profile, phone=_PHONE, is_phone_verified=True)
        update_profile(tx, row, profile, sealer=services.sealer, now=services.time())
    return person


def _received(walk: Walk, sandbox: Sandbox) -> str:
    """The code that the outbox of the sandbox shows once the worker has sent it."""
    walk.go(f"{sandbox.issuer}/sandbox/outbox", "#outbox-again")
    for _ in range(_MOST_LOADS):
        for message in walk.page.locator("article.message").all_inner_texts():
            code = re.search(r"\b([0-9]{6})\b", message.replace(_PHONE, ""))
            if _PHONE in message and code is not None:
                return code[1]
        walk.page.wait_for_timeout(250)
        walk.page.click("#outbox-again")
        walk.page.wait_for_load_state()
    raise AssertionError("the worker sent nothing")


def test_a_text_message_signs_in_and_a_recovery_code_lets_back_in(walker, sandbox):
    """And the page says that a text message is a fallback, and never to tell the code."""
    person = _reached_by_phone(sandbox)
    factors = f"{sandbox.issuer}/account/factors"
    with walker(width=360, height=740, hand="keyboard") as walk:
        walk.go(factors, "#login-submit")
        walk.sign_in(person, "#otp")
        walk.type("#otp", person.code())
        walk.press("#otp-submit", "#factor-sms")
        walk.press("#factor-sms", ".told")
        walk.press("#recovery-make", "#recovery-codes")
        code = walk.page.locator("#recovery-codes code").first.inner_text()
        walk.press("#recovery-codes-done", "#totp-add")
        assert walk.page.evaluate("document.documentElement.scrollWidth") == 360
    with walker(width=360, height=740, hand="keyboard") as walk, walker() as outbox:
        walk.go(factors, "#login-submit")
        walk.sign_in(person, "#otp-way-sms")
        walk.press("#otp-way-sms", "#otp-resend")
        assert "Tin nhắn chỉ là cách dự phòng" in walk.text("main")
        walk.press("#language-en", "#otp-resend")
        assert "Never give this code to anyone" in walk.text("main")
        assert walk.page.evaluate("document.documentElement.scrollWidth") == 360
        walk.type("#otp", _received(outbox, sandbox))
        walk.press("#otp-submit", "#factors-again")
    with walker(width=360, height=740, hand="keyboard") as walk:
        walk.go(factors, "#login-submit")
        walk.sign_in(person, "#otp-way-recovery")
        walk.press("#otp-way-recovery", "#otp")
        walk.type("#otp", code)
        walk.press("#otp-submit", "#factors-recovering")
        walk.type("#name", "Điện thoại mới")
        walk.press("#totp-add", "#totp-secret")
        secret = walk.text("#totp-secret").replace(" ", "")
        walk.type("#otp", pyotp.TOTP(secret).now())
        walk.press("#totp-enrol-submit", "#totp-remove-1")
