"""Somebody opens an account in the sandbox, against its simulated population service.

What lives here: the whole way through processes, on a phone, by keyboard, axe watching:
contradicted, put right, signed in, renumbered.
Not here: each refusal (`tests/idp/web/test_account_opening.py`).
Source: NĐ 69/2024/NĐ-CP Art. 7; NĐ 70/2024/NĐ-CP Art. 11.
"""

from __future__ import annotations

import json
import re
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

from tests.support.servers import wait_until

_ADDRESS = "moi@hop-thu.example"
_NEW = "Ghế-Mây-7-Tím-Khoai"
_NUMBER, _LATER = "005095000072", "005195000999"


def test_by_keyboard_on_a_phone_from_no_account_to_another_number(walker, sandbox):
    """Contradicted once, then opened; the account follows the number when the register says so."""
    account = f"{sandbox.issuer}/account"
    with walker(width=360, height=740, hand="keyboard") as walk:
        walk.go(account, "#login-submit")
        walk.press("#login-open", "#address")
        walk.type("#address", _ADDRESS)
        walk.press("#opening-begin", "#otp")
        walk.type("#otp", _code(sandbox))
        walk.press("#opening-code", "#identifier")
        walk.type("#identifier", _NUMBER)
        walk.type("#full_name", "Vũ Văn Khác Tên")
        walk.type("#birthdate", "30/11/1995")
        walk.type("#new_password", _NEW)
        walk.type("#new_password_again", _NEW)
        walk.tick("#consent")
        walk.press("#opening-finish", "#problem")
        assert "không khớp" in walk.text("#problem")
        walk.clear("#full_name")
        walk.type("#full_name", "Vũ Văn Chưa Có")
        walk.type("#new_password", _NEW)
        walk.type("#new_password_again", _NEW)
        walk.press("#opening-finish", "#opening-sign-in")
        walk.press("#opening-sign-in", "#login-submit")
        walk.type("#identifier", _NUMBER)
        walk.type("#password", _NEW)
        walk.press("#login-submit", "#account-number")
        _renumber(sandbox.facts["registers"])
        walk.press("#account-number", "#number-replace")
        walk.type("#identifier", _LATER)
        walk.press("#number-replace", ".told")
        walk.press("#language-en", ".told")
        assert "was updated" in walk.text(".told")
        assert walk.page.evaluate("document.documentElement.scrollWidth") == 360


def _code(sandbox) -> str:
    """The code as it arrived in the outbox of the sandbox."""
    found: list[str] = []

    def has_arrived() -> bool:
        for file in (sandbox.folder / "var" / "outbox").glob("*.json"):
            message = json.loads(file.read_text(encoding="utf-8"))
            if message["address"] == _ADDRESS:
                found[:] = re.findall(r"(?<![0-9])[0-9]{6}(?![0-9])", message["text"])[:1]
        return bool(found)

    wait_until(has_arrived, what="the code", timeout_s=120)
    return found[0]


def _renumber(registers: str) -> None:
    """Move the switch on the page of the simulators."""
    connection = HTTPConnection(urlsplit(registers).netloc, timeout=60)
    form = urlencode({"renumber": _NUMBER, "new": _LATER})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/", body=form, headers=headers)
    assert connection.getresponse().status == 303
    connection.close()
