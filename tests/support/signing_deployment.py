"""A deployment that signs: an authority, timestamps, `antin signer`, people with passkeys or codes.

What lives here: what is set up before the processes start; `SigningPortal`, which asks and fetches;
`Signatory`, a person at the pages, who reads, opens the window and puts a finger on the sensor, or
types a code, all over HTTP.  A connection that breaks is `Cut`, never hidden.
Not here: the processes (`deployment.py`), what happens to them (`tests/resilience`).
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from clients.registry.model import Client
from idp.accounts.credentials import Passkey
from idp.ids import AccountId, make_id
from idp.services import Services
from idp.storage.accounts import find_row
from idp.storage.passkeys import insert_passkey
from idp.storage.subjects import get_or_make_subject
from signing.model import Role
from tests.support.authenticator import Authenticator
from tests.support.quick_browser import Answer, Line, OneEach, QuickBrowser, Unexpected

PORTAL: Final = "portal-sign"
POLICY: Final = "2.999.1.1"
SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ANTIN_TSA_ENABLED": "true",
        "ANTIN_TSA_POLICIES": POLICY,
        # in a sandbox: a passkey that was registered a moment ago confirms
        "ANTIN_VERIFIER_CONFIRMS_AT_ONCE": "true",
    }
)
CLIENT: Final = f"""
[[clients]]
client_id = "{PORTAL}"
client_secret = "$secret"
name_vi = "Cổng ký số"
name_en = "Portal that has documents signed"
sector_id = "land"
redirect_uris = ["$receiver/callback"]
grant_types = ["authorization_code", "client_credentials"]
scopes = ["openid", "sign"]
resources = ["$issuer/sign"]

[[resource_servers]]
identifier = "$issuer/sign"
name_vi = "Ký số văn bản"
name_en = "Signing of documents"
sector_id = "land"
client_id = "portal-ES256"
scopes = ["sign"]
"""
_CSRF: Final = re.compile(r'name="csrf_token" value="([^"]+)"')
_ACTION: Final = re.compile(r'<form[^>]*method="post"[^>]*action="([^"]+)"')
_CREDENTIAL: Final = re.compile(r'name="credential" value="([^"]+)"')
_CODE_IS_SPENT: Final = 'aria-invalid="true"'
_WINDOW: Final = re.compile(r'name="window" value="([0-9a-f]+)"')


@dataclass(slots=True)
class SigningPortal:
    """A portal with a token of its own, at the API on `localhost:port`.

    Takes   line: None for a connection each time.
    """

    port: int
    issuer: str
    client_id: str
    secret: str = field(repr=False)
    line: Line | None = None
    _token: str = field(default="", repr=False)

    def sign_in(self) -> None:
        """Get a token.  RFC 6749 §4.4.  Raises Cut; Unexpected."""
        pair = base64.b64encode(f"{self.client_id}:{self.secret}".encode()).decode()
        answer = QuickBrowser(self.port).request(
            "POST",
            "/token",
            form={
                "grant_type": "client_credentials",
                "scope": "sign",
                "resource": f"{self.issuer}/sign",
            },
            headers={"Authorization": f"Basic {pair}"},
        )
        if answer.status != 200:
            raise Unexpected(f"/token answered {answer.status} {answer.text[:200]}")
        self._token = json.loads(answer.text)["access_token"]

    def ask(self, body: Mapping[str, Any], *, key: str = "") -> dict[str, Any]:
        """Ask for signatures.  Raises Cut; Unexpected."""
        headers = {"Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        status, raw = self._exchange("POST", "", body=json.dumps(body).encode(), headers=headers)
        if status not in {200, 201}:
            raise Unexpected(f"/sign/requests answered {status} {raw[:300]!r}")
        made: dict[str, Any] = json.loads(raw)
        return made

    def ask_with_file(self, body: Mapping[str, Any], content: bytes) -> dict[str, Any]:
        """The same with a document beside the JSON, the part `file`.  Raises Cut; Unexpected."""
        edge = secrets.token_hex(16)
        head = (
            f'--{edge}\r\nContent-Disposition: form-data; name="request"\r\n\r\n'
            f"{json.dumps(body)}\r\n--{edge}\r\nContent-Disposition: form-data; "
            f'name="file"; filename="file"\r\nContent-Type: application/pdf\r\n\r\n'
        )
        status, raw = self._exchange(
            "POST",
            "",
            body=b"".join((head.encode(), content, f"\r\n--{edge}--\r\n".encode())),
            headers={"Content-Type": f"multipart/form-data; boundary={edge}"},
        )
        if status != 201:
            raise Unexpected(f"/sign/requests answered {status} {raw[:300]!r}")
        made: dict[str, Any] = json.loads(raw)
        return made

    def status(self, request_id: str) -> dict[str, Any]:
        """How it stands.  Raises Cut; Unexpected."""
        status, raw = self._exchange("GET", f"/{request_id}")
        if status != 200:
            raise Unexpected(f"a status answered {status} {raw[:300]!r}")
        found: dict[str, Any] = json.loads(raw)
        return found

    def fetch(self, request_id: str, position: int = 0) -> bytes:
        """What was signed.  Raises Cut; Unexpected."""
        status, raw = self._exchange("GET", f"/{request_id}/documents/{position}")
        if status != 200:
            raise Unexpected(f"a document answered {status} {raw[:300]!r}")
        return raw

    def _exchange(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:
        sent = {"Authorization": f"Bearer {self._token}", **(headers or {})}
        line = self.line or OneEach(self.port)
        status, _, raw = line.exchange(method, f"/sign/requests{path}", body=body, headers=sent)
        return status, raw


@dataclass(slots=True)
class Signatory:
    """A person with a passkey, a key and a certificate, in a browser of her own.

    Takes   passkey: None for somebody whose key takes codes; new_code: where hers come from.
    """

    number: str = field(repr=False)
    password: str = field(repr=False)
    sub: str
    passkey: Authenticator | None = field(repr=False)
    browser: QuickBrowser
    new_code: Callable[[], str] | None = field(default=None, repr=False)
    _code: str = field(default="", repr=False)

    def sign_in(self, place: str) -> Answer:
        """Go to a page of ours, over the sign-in if need be.  Raises Cut; Unexpected."""
        answer = self.browser.request("GET", place)
        for _ in range(6):
            if answer.status == 303:
                answer = self.browser.request("GET", urlsplit(answer.location).path)
            elif answer.status == 200 and 'id="login-submit"' in answer.text:
                answer = self.browser.request(
                    "POST",
                    _one(_ACTION, answer),
                    form={
                        "csrf_token": _one(_CSRF, answer),
                        "identifier": self.number,
                        "password": self.password,
                    },
                )
            else:
                return answer
        raise Unexpected("no end")

    def sign(self, request_id: str) -> bool:
        """Read, open the window and confirm, once; False where it waits for nobody.

        What became of it, the portal is told.  Raises Cut; Unexpected.
        """
        place = f"/sign/{request_id}"
        page = self.sign_in(place)
        if 'name="window"' not in page.text:
            if 'name="credential"' not in page.text:
                return False
            form = {"csrf_token": _one(_CSRF, page), "credential": _one(_CREDENTIAL, page)}
            page = self._post(f"{place}/open", form)
            if 'name="window"' not in page.text:
                return False
        window = _one(_WINDOW, page)
        form = {"csrf_token": _one(_CSRF, page), "window": window}
        answer = self._post(f"{place}/confirm", form | self._confirmation(window))
        if _CODE_IS_SPENT in answer.text:
            self._code = ""  # nothing else tells her that she needs the next one
        return True

    def _confirmation(self, window: str) -> dict[str, str]:
        if self.passkey is None:
            assert self.new_code is not None
            self._code = self._code or self.new_code()
            return {"otp": self._code}
        given = self.passkey.confirm(bytes.fromhex(window))
        parts = {
            "credential_id": given.credential_id,
            "client_data_json": given.client_data_json,
            "authenticator_data": given.authenticator_data,
            "signature": given.signature,
        }
        return {name: _b64(raw) for name, raw in parts.items()}

    def _post(self, path: str, form: dict[str, str]) -> Answer:
        answer = self.browser.request("POST", path, form=form)
        if answer.status == 303:
            answer = self.browser.request("GET", urlsplit(answer.location).path)
        return answer


def enrol(
    services: Services,
    account_id: AccountId,
    *,
    client: Client,
    now: datetime,
    registered_at: datetime | None = None,
) -> tuple[str, Authenticator]:
    """A passkey, a key that it opens, a certificate; and by which name the portal knows her.

    Takes   registered_at: since when she has the passkey; now, if left out.
    """
    assert services.signing is not None
    settings = services.settings
    passkey = Authenticator(rp_id=settings.effective_signer_rp_id, origin=settings.issuer)
    new = Passkey(
        passkey_id=make_id("pky"),
        credential_id=passkey.credential_id,
        public_key=passkey.public_key,
        sign_count=0,
        is_backup_eligible=False,
        is_backed_up=False,
        aaguid="00000000-0000-0000-0000-000000000000",
        transports=("internal",),
        name="Điện thoại",
        created_at=registered_at or now,
    )
    with services.database.transaction() as tx:
        row = find_row(tx.connection, account_id)
        assert row is not None
        assert insert_passkey(tx, row, new, sealer=services.sealer)
        subject = get_or_make_subject(tx, account_id, sector_id=client.sector_id)
    enrolment = services.signing.enrolment
    signer = services.signing.signers.get_signer(account_id, role=Role.PERSON, organisation_id=None)
    wanted = enrolment.prepare(signer, scal=2, passkeys=[passkey.credential_id], now=now)
    enrolment.finish_by_passkey(signer, evidence=passkey.confirm(wanted.challenge()), now=now)
    return subject.sub, passkey


def _one(pattern: re.Pattern[str], answer: Answer) -> str:
    found = pattern.search(answer.text)
    if found is None:
        raise Unexpected(f"{answer.status} without {pattern.pattern}")
    return found[1]


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
