"""A person looks after their account on a small phone, by keyboard alone, axe watching.

What lives here: the way through the account's pages in the sandbox.  Not here: each page by itself
(the gallery of `test_pages_*.py`), each refusal (`tests/idp/web/test_account_*.py`).
"""

from __future__ import annotations

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
