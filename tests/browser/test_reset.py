"""Somebody forgot the password, on a phone, by keyboard: from the sign-in page to the next sign-in.

What lives here: the way in the sandbox, with the worker and its outbox.  Not here: each refusal
(`tests/idp/web/test_reset.py`), each page by itself (the gallery of `test_pages_*.py`).
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.support.invented import Invented

_MOST_LOOKS = 1200
"""Two minutes, on a machine that does much else."""
_NEW = "Ghế-Mây-7-Tím-Khoai"


def _link(folder: Path, person: Invented) -> str | None:
    for file in folder.glob("msg_*.json"):
        message = json.loads(file.read_text(encoding="utf-8"))
        if f"nguoi.{person.identifier[-6:]}@" in message["address"]:
            found = re.search(r"https?://\S+/forgot/link/\S+", message["text"])
            if found is not None:
                return found[0]
    return None


def test_by_keyboard_on_a_phone_from_forgotten_to_signed_in(walker, sandbox):
    """The link that came is opened in the window that asked; nobody is signed in by the reset."""
    person = sandbox.inventor.person(has_mail=True)
    outbox = sandbox.folder / "var" / "outbox"
    with walker(width=360, height=740, hand="keyboard") as walk:
        walk.go(f"{sandbox.issuer}/account", "#login-forgot")
        walk.press("#login-forgot", "#forgot-submit")
        walk.type("#identifier", person.identifier)
        walk.press("#forgot-submit", "#reset-again")
        link = None
        for _ in range(_MOST_LOOKS):
            link = _link(outbox, person)
            if link is not None:
                break
            walk.page.wait_for_timeout(100)
        assert link is not None, "the worker sent nothing"
        walk.go(link, "#reset-link-submit")
        walk.press("#reset-link-submit", "#app-otp")
        walk.type("#app-otp", person.code())
        walk.press("#reset-app-submit", "#new_password")
        walk.type("#new_password", _NEW)
        walk.type("#new_password_again", _NEW)
        walk.press("#reset-password-submit", "#reset-continue")
        walk.press("#reset-continue", "#login-submit")
        person.password = _NEW
        walk.sign_in(person, "#account-not-me")
        walk.press("#account-not-me", "#not-me-confirm")
        walk.press("#language-en", "#not-me-confirm")
        assert "signed out" in walk.text("main")
