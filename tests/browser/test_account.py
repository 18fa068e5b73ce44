"""A person looks after their account on a small phone, by keyboard alone, axe watching.

What lives here: the way through the account's pages in the sandbox.  Not here: each page by itself
(the gallery of `test_pages_*.py`), each refusal (`tests/idp/web/test_account_*.py`).
"""

from __future__ import annotations

import json
from pathlib import Path

_NEW = "Ghế-Mây-7-Tím-Khoai"


def test_by_keyboard_on_a_phone_from_a_strange_device_to_another_password(walker, sandbox):
    """The other browser is signed out, the password is another, and the history says so."""
    person = sandbox.inventor.person()
    account = f"{sandbox.issuer}/account"
    with walker() as other:
        other.go(account, "#login-submit")
        other.sign_in(person, "#account-sessions")
        with walker(width=360, height=740, hand="keyboard") as walk:
            walk.go(account, "#login-submit")
            walk.sign_in(person, "#account-sessions")
            walk.press("#account-sessions", "#session-end-1")
            walk.press("#sessions-end-others", "main:not(:has(#session-end-1)) #session-end-0")
            walk.press("#to-account", "#account-password")
            walk.press("#account-password", "#otp")
            walk.type("#otp", person.code())
            walk.press("#otp-submit", "#current_password")
            walk.type("#current_password", person.password)
            walk.type("#new_password", "matkhau123")
            walk.type("#new_password_again", "matkhau123")
            walk.press("#password-change", "#problem")
            walk.type("#current_password", person.password)
            walk.type("#new_password", _NEW)
            walk.type("#new_password_again", _NEW)
            walk.press("#password-change", "#account-history")
            assert "Đã đổi mật khẩu" in walk.text("main")
            walk.press("#account-history", "#proof-0-0")
            assert "Đổi mật khẩu" in walk.text(".events")
            walk.press("#language-en", "#proof-0-0")
            assert "Change password" in walk.text(".events")
            assert walk.page.evaluate("document.documentElement.scrollWidth") == 360
        other.go(account, "#login-submit")


def test_by_keyboard_on_a_phone_everything_is_taken_along_and_a_deletion_is_stopped(
    walker, sandbox
):
    """Law 91/2025/QH15 Art. 4: the data to take along, and asking to be deleted, alone."""
    person = sandbox.inventor.person()
    with walker(width=360, height=740, hand="keyboard") as walk:
        walk.go(f"{sandbox.issuer}/account", "#login-submit")
        walk.sign_in(person, "#account-data")
        walk.press("#account-data", "#data-requests")
        walk.press("#data-pdf", "#otp")
        walk.type("#otp", person.code())
        walk.press("#otp-submit", "main:has(.told) #data-json")
        with walk.page.expect_download() as started:
            walk.press("#data-json", "#data-json")
        told = json.loads(Path(started.value.path()).read_bytes())
        assert told["complete"] is True
        assert {one["table"] for one in told["tables"] if one.get("rows")} >= {"account", "totp"}
        walk.press("#data-requests", "#ask-delete")
        walk.press("#ask-delete", "#request-send")
        walk.press("#request-send", "#problem")
        walk.page.keyboard.press("Space")
        walk.press("#request-send", "#request-stop-0")
        walk.press("#request-stop-0", "main:not(:has(#request-stop-0)) .told")
        assert "Ông/Bà đã dừng" in walk.text("main")
