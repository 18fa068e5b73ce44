"""A person's passkey in a real browser: registered, pinned to a signing key, signing, removed.

What lives here: Chromium's virtual authenticator in the sandbox, from the account's page to what
the portal fetches.  Not here: codes (`test_signing.py`), each refusal (`tests/idp`).
"""

from __future__ import annotations

import base64
import json
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from idp.storage.subjects import get_or_make_subject
from tests.support.handmade_pdf import plain_document
from tests.support.invented import Invented
from tests.support.sandbox import Sandbox
from tests.support.walk import Walk

_CLIENT, _SECTOR = "cong-dich-vu-cong", "xay-dung"
_DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def _call(url: str, *, data: bytes | None = None, **headers: str) -> bytes:
    request = urllib.request.Request(url, data=data, headers=headers)  # noqa: S310 - our own
    with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310 - our own
        return bytes(answer.read())


def _token(sandbox: Sandbox) -> str:
    client = next(one for one in sandbox.facts["clients"] if one["client_id"] == _CLIENT)
    pair = base64.b64encode(f"{_CLIENT}:{client['client_secret']}".encode()).decode()
    asked = {"grant_type": "client_credentials", "scope": "sign"}
    asked["resource"] = f"{sandbox.issuer}/sign"
    answer = _call(
        f"{sandbox.issuer}/token",
        data=urlencode(asked).encode(),
        Authorization=f"Basic {pair}",
    )
    return f"Bearer {json.loads(answer)['access_token']}"


def _ask(sandbox: Sandbox, person: Invented) -> Mapping[str, Any]:
    assert person.account_id is not None
    with sandbox.services.database.transaction() as tx:
        sub = get_or_make_subject(tx, person.account_id, sector_id=_SECTOR).sub
    content = base64.b64encode(plain_document().classic()).decode()
    body = {
        "title": "Đơn đề nghị",
        "documents": [{"name": "Đơn.pdf", "media_type": "application/pdf", "content": content}],
        "signers": [{"sub": sub}],
        "level": "B-B",
    }
    answer = _call(
        f"{sandbox.issuer}/sign/requests",
        data=json.dumps(body).encode(),
        **{"Authorization": _token(sandbox), "Content-Type": "application/json"},
    )
    found: Mapping[str, Any] = json.loads(answer)
    return found


def _device(walk: Walk) -> None:
    """Give this browser a device that verifies its user."""
    session = walk.page.context.new_cdp_session(walk.page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": _DEVICE})


def test_a_passkey_is_registered_pinned_and_signs(walker, sandbox):
    """Two touches of the device: one makes the key that it opens, one signs; no code at all."""
    person = sandbox.signer()
    with walker() as walk:
        _device(walk)
        walk.go(f"{sandbox.issuer}/account/passkeys", "#login-submit")
        walk.sign_in(person, "#otp-submit")
        walk.type("#otp", person.code())
        walk.press("#otp-submit", "#passkey-add")
        walk.type("#name", "Điện thoại")
        walk.type("#current_password", person.password)
        walk.press("#passkey-add", "#passkey-remove-0")
        assert walk.text("#passkey-0") == "Điện thoại"
        made = _ask(sandbox, person)
        walk.go(made["sign_uri"], "#sign-enrol")
        walk.page.get_by_label("Khóa truy cập Điện thoại").check()
        walk.press("#sign-enrol", "#sign-passkey, #certificate-passkey")
        walk.press("#sign-passkey, #certificate-passkey", "#sign-open")
        walk.press("#sign-open", "#sign-passkey")
        walk.press("#sign-passkey", "#sign-signed")
        walk.go(f"{sandbox.issuer}/account/passkeys", "#passkey-remove-0")
        assert f"Chữ ký số của {person.name}" in walk.text("main")
        walk.press("#passkey-remove-0", "#passkey-remove-confirm")
        assert "thu hồi" in walk.text("main")
        walk.press("#passkey-remove-confirm", "#passkey-add")
    answer = _call(
        f"{sandbox.issuer}/sign/requests/{made['request_id']}", Authorization=_token(sandbox)
    )
    assert json.loads(answer)["state"] == "signed"
