"""A person signs in a real browser: reads, confirms with a code; refuses; lets the time run out.

What lives here: the journey from a portal's request to what `pdfsig` says of the result, in a
sandbox with its own signer, verifier and authority.
Not here: each page and each refusal (`tests/idp/web/sign`).
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from reportlab.pdfgen.canvas import Canvas
from sqlalchemy import update

from idp.storage.subjects import get_or_make_subject
from keystore.clock import to_ms
from signing.storage.preparations import signing_preparation
from tests.support.invented import Invented
from tests.support.pdf_checkers import Checkers
from tests.support.sandbox import Sandbox
from tests.support.walk import Walk

_CLIENT = "cong-dich-vu-cong"
"""Demands two factors of its visitors."""
_TOOL = "cong-cu-thu-nghiem"
"""Demands one: where nothing is shown of signing in, no code is spent on it."""
_SECTOR = "xay-dung"


def _form() -> bytes:
    written = io.BytesIO()
    canvas = Canvas(written, pagesize=(595, 842))
    for number in (1, 2):
        canvas.drawString(72, 700, f"To whom it may concern, page {number}")
        canvas.showPage()
    canvas.save()
    return written.getvalue()


def _call(sandbox: Sandbox, path: str, *, data: bytes | None = None, **headers: str) -> Any:
    with closing(HTTPConnection(urlsplit(sandbox.issuer).netloc, timeout=120)) as connection:
        connection.request("GET" if data is None else "POST", path, data, headers)
        answer = connection.getresponse()
        found = json.loads(answer.read())
        assert answer.status < 300, found
        return found


def _token(sandbox: Sandbox, client_id: str) -> str:
    client = next(one for one in sandbox.facts["clients"] if one["client_id"] == client_id)
    pair = f"{client_id}:{client['client_secret']}".encode()
    asked = {
        "grant_type": "client_credentials",
        "scope": "sign",
        "resource": f"{sandbox.issuer}/sign",
    }
    headers = {
        "Authorization": f"Basic {base64.b64encode(pair).decode()}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return str(_call(sandbox, "/token", data=urlencode(asked).encode(), **headers)["access_token"])


def _ask(
    sandbox: Sandbox, person: Invented, *, client_id: str = _TOOL, **more: Any
) -> Mapping[str, Any]:
    """A request of a portal to this person; what the API answered."""
    services = sandbox.services
    assert person.account_id is not None
    with services.database.transaction() as tx:
        sub = get_or_make_subject(tx, person.account_id, sector_id=_SECTOR).sub
    body = {
        "title": "Đơn đề nghị cấp giấy phép xây dựng",
        "documents": [
            {
                "name": "Đơn đề nghị.pdf",
                "media_type": "application/pdf",
                "content": base64.b64encode(_form()).decode(),
            }
        ],
        "signers": [{"sub": sub}],
        "level": "B-T",
        **more,
    }
    headers = {
        "Authorization": f"Bearer {_token(sandbox, client_id)}",
        "Content-Type": "application/json",
    }
    found: Mapping[str, Any] = _call(
        sandbox, "/sign/requests", data=json.dumps(body).encode(), **headers
    )
    return found


def _state(
    sandbox: Sandbox, made: Mapping[str, Any], *, client_id: str = _TOOL
) -> Mapping[str, Any]:
    headers = {"Authorization": f"Bearer {_token(sandbox, client_id)}"}
    found: Mapping[str, Any] = _call(sandbox, f"/sign/requests/{made['request_id']}", **headers)
    return found


def _come_in(walk: Walk, person: Invented, made: Mapping[str, Any]) -> None:
    """From the address that the portal was given, through the sign-in, to the document."""
    walk.go(made["sign_uri"], "#login-submit")
    walk.sign_in(person, "#sign-refuse")
    assert walk.page.url == made["sign_uri"]


def _make_key(walk: Walk, person: Invented) -> None:
    walk.press("#sign-enrol", "#certificate-confirm")
    walk.type("#otp", person.code())
    walk.press("#certificate-confirm", "#sign-open")
    assert person.name in walk.text(".certificate")


def _download(walk: Walk) -> bytes:
    with walk.page.expect_download() as started:
        walk.page.click("#sign-signed-0")
    return bytes(started.value.path().read_bytes())


def _pdfsig(content: bytes, *, folder: Path) -> list[str]:
    file = folder / "signed.pdf"
    file.write_bytes(content)
    return Checkers(folder, root=folder, at=datetime.now(UTC)).pdfsig(file)


def _shorten(sandbox: Sandbox, made: Mapping[str, Any], *, left: timedelta) -> None:
    """Let the window that is open close sooner than a portal may ask for."""
    services = sandbox.services
    with services.database.transaction() as tx:
        is_this = signing_preparation.c.request_id == made["request_id"]
        ends = to_ms(services.time() + left)
        tx.connection.execute(update(signing_preparation).where(is_this).values(closes_ms=ends))


def test_a_form_is_read_and_signed_and_the_portal_is_next(walker, sandbox, tmp_path):
    """Three codes: one signs in, one makes the key, one signs; each does one thing."""
    person = sandbox.signer()
    made = _ask(sandbox, person, client_id=_CLIENT, return_uri=f"{sandbox.citizen}/")
    with walker() as walk:
        walk.go(made["sign_uri"], "#login-submit")
        walk.sign_in(person, "#otp-submit")
        walk.type("#otp", person.code())
        walk.press("#otp-submit", "#sign-enrol")
        _make_key(walk, person)
        walk.press("#sign-open", "#sign-confirm")
        walk.type("#otp", person.late_code())
        walk.press("#sign-confirm", "#sign-signed")
        assert _pdfsig(_download(walk), folder=tmp_path) == ["Signature is Valid."]
        assert walk.page.get_attribute("#sign-return", "href") == (
            f"{sandbox.citizen}/?request_id={made['request_id']}&state=signed"
        )
    assert _state(sandbox, made, client_id=_CLIENT)["state"] == "signed"


@pytest.mark.parametrize(("hand", "has_scripts"), [("keyboard", True), ("pointer", False)])
def test_a_small_phone_a_keyboard_or_no_scripts_are_enough(walker, sandbox, hand, has_scripts):
    """WCAG 2.2 §1.4.10 and §2.1.1; architecture, "Pages"."""
    person = sandbox.signer()
    made = _ask(sandbox, person)
    with walker(width=320, hand=hand, has_scripts=has_scripts) as walk:
        _come_in(walk, person, made)
        walk.press("#page-next", "#page-previous")
        picture = walk.page.locator("#sign-page")
        assert picture.evaluate("one => one.decode().then(() => one.naturalWidth)") == 1200
        _make_key(walk, person)
        walk.press("#sign-open", "#sign-confirm")
        assert walk.page.locator(".clock").is_visible() is has_scripts
        walk.type("#otp", "000000")
        walk.press("#sign-confirm", "#problem")
        walk.type("#otp", person.code())
        walk.press("#sign-confirm", "#sign-signed")
    assert _state(sandbox, made)["state"] == "signed"


def test_whoever_refuses_is_asked_once_more_and_nothing_is_signed(walker, sandbox):
    person = sandbox.signer()
    made = _ask(sandbox, person)
    with walker() as walk:
        _come_in(walk, person, made)
        walk.press("#sign-refuse", "#sign-refuse-confirm")
        walk.press("#sign-back", "#sign-refuse")
        walk.press("#sign-refuse", "#sign-refuse-confirm")
        walk.page.check("#reason-content_wrong")
        walk.press("#sign-refuse-confirm", "#sign-refused")
    found = _state(sandbox, made)
    assert (found["state"], found["reason"]) == ("refused", "content_wrong")


def test_a_time_that_ran_out_is_said_and_the_document_is_opened_again(walker, sandbox):
    person = sandbox.signer()
    made = _ask(sandbox, person, confirmation_window=240)
    with walker() as walk:
        _come_in(walk, person, made)
        _make_key(walk, person)
        walk.press("#sign-open", "#sign-confirm")
        left = int(walk.page.get_attribute(".clock", "data-countdown") or 0)
        assert 0 < left <= 240
        walk.page.clock.install()
        walk.go(made["sign_uri"], "#sign-confirm")
        _shorten(sandbox, made, left=timedelta(0))
        # nobody touches anything: the clock of the page goes by itself
        walk.page.clock.fast_forward(240_000)
        walk.page.wait_for_selector("#problem")
        walk.see("#sign-open")
        assert "Thời gian xác nhận đã hết" in walk.text("#problem")
        walk.press("#sign-open", "#sign-confirm")
    assert _state(sandbox, made)["state"] == "waiting"
