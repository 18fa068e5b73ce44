"""The provider in this process, for tests that speak its protocols without a server.

What lives here: `Provider` (the application over fresh stores, a clock that is moved by hand, cheap
argon2id) with the words of the direct endpoints, and how its rows are made once per run and copied
for each test.  Not here: a browser's words (`provider_browser.py`), who is registered
(`provider_seeds.py`).
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus, urlencode

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from flask import Flask
from sqlalchemy import select
from werkzeug.test import Client as WsgiClient
from werkzeug.test import TestResponse

from idp.app import create_app
from idp.oauth.client_auth import ASSERTION_TYPE
from idp.registers.transport import Exchange
from idp.services import Services, build_services
from idp.settings import Settings
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from idp.storage.outbox import outbox
from idp.web.spoken_templates import kept_templates
from keystore.log.record import log_event
from tests.support.compiled_templates import COMPILED
from tests.support.provider_seeds import CHEAP, SECRET

if TYPE_CHECKING:
    from pathlib import Path

ISSUER: Final = "https://dang-nhap.example"
KEK: Final = base64.urlsafe_b64encode(bytes(range(32))).decode().rstrip("=")


class Clock:
    """What the provider takes for the time."""

    def __init__(self, start: datetime) -> None:
        self.now = start

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **step: float) -> datetime:
        """Move on, in the words of timedelta."""
        self.now += timedelta(**step)
        return self.now


@dataclass(frozen=True, slots=True)
class ClientKey:
    """A P-256 key of a client."""

    kid: str
    private: ec.EllipticCurvePrivateKey = field(repr=False)

    def jwks(self) -> str:
        """Its JWK Set, as a TOML string."""
        numbers = self.private.public_key().public_numbers()
        member = {
            "kty": "EC",
            "crv": "P-256",
            "alg": "ES256",
            "use": "sig",
            "kid": self.kid,
            "x": _b64(numbers.x.to_bytes(32, "big")),
            "y": _b64(numbers.y.to_bytes(32, "big")),
        }
        return f"'{json.dumps({'keys': [member]})}'"

    def sign(self, claims: str | Mapping[str, Any], **header: Any) -> str:
        """A JWS by hand, so that anything can be wrong with it; `claims` may be JSON text."""
        text = claims if isinstance(claims, str) else json.dumps(claims)
        head = json.dumps({"alg": "ES256", "typ": "JWT", "kid": self.kid, **header})
        signed = f"{_b64(head.encode())}.{_b64(text.encode())}"
        der = self.private.sign(signed.encode(), ec.ECDSA(SHA256()))
        r, s = decode_dss_signature(der)
        return f"{signed}.{_b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def make_client_key(kid: str) -> ClientKey:
    """A new key."""
    return ClientKey(kid, ec.generate_private_key(ec.SECP256R1()))


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def s256(verifier: str) -> str:
    """RFC 7636 §4.2."""
    return _b64(hashlib.sha256(verifier.encode()).digest())


def claims_of(jwt: str) -> dict[str, Any]:
    """The claims of a token, **not verified**."""
    payload = jwt.split(".")[1]
    found = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert isinstance(found, dict)
    return found


def header_of(jwt: str) -> dict[str, Any]:
    """The header of a token."""
    segment = jwt.split(".", maxsplit=1)[0]
    found = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    assert isinstance(found, dict)
    return found


def basic(client_id: str, secret: str = SECRET) -> dict[str, str]:
    """The header of client_secret_basic.  RFC 6749 §2.3.1."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def open_services(
    *,
    database: Database,
    ephemeral: EphemeralStore,
    clock: Clock,
    folder: Path,
    settings: Mapping[str, Any] | None = None,
    register_door: Exchange | None = None,
) -> Services:
    """The services of the application, as production builds them, over these stores."""
    gateways = {"smtp_host": "thu.example", "sms_url": "https://tin-nhan.example/gui"}
    values: dict[str, Any] = {
        "issuer": ISSUER,
        "var": folder,
        "kek": KEK,
        **gateways,
        **(settings or {}),
    }
    return build_services(
        Settings(**values),
        time=clock,
        database=database,
        ephemeral=ephemeral,
        passwords=CHEAP,
        register_door=register_door,
    )


@dataclass(slots=True)
class Provider:
    """The provider and the words of its direct endpoints."""

    services: Services
    clock: Clock
    keys: Mapping[str, ClientKey]
    app: Flask = field(init=False)
    http: WsgiClient = field(init=False)

    def __post_init__(self) -> None:
        self.app = create_app(self.services)
        for language, templates in kept_templates(self.app).items():
            templates.bytecode_cache = COMPILED[language]
        self.http = WsgiClient(self.app, use_cookies=False)

    @property
    def now(self) -> datetime:
        """The time it shows."""
        return self.clock.now

    # -- token, revocation, introspection ----------------------------------------------------------

    def post(
        self,
        path: str,
        form: Mapping[str, str] | bytes,
        *,
        headers: Mapping[str, str] | None = None,
        address: str = "192.0.2.7",
    ) -> TestResponse:
        """A form to a direct endpoint; as bytes it is sent as it is."""
        return self.http.post(
            path,
            base_url=ISSUER,
            data=form if isinstance(form, bytes) else urlencode(form).encode(),
            content_type="application/x-www-form-urlencoded",
            headers=dict(headers or {}),
            environ_overrides={"REMOTE_ADDR": address},
        )

    def credentials(self, client_id: str) -> tuple[dict[str, str], dict[str, str]]:
        """What a client of the seeds authenticates with: headers, members of the form."""
        if client_id in self.keys:
            return {}, self.assertion(client_id)
        if client_id == "native":
            return {}, {"client_id": client_id}
        if client_id in {"post", "legacy"}:
            return {}, {"client_id": client_id, "client_secret": SECRET}
        return basic(client_id), {}

    def assertion(self, client_id: str, **changed: Any) -> dict[str, str]:
        """The form members of private_key_jwt; a claim set to None is left out."""
        now_s = int(self.now.timestamp())
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": ISSUER,
            "exp": now_s + 60,
            "iat": now_s,
            "jti": secrets.token_hex(8),
            **changed,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        return {
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.keys[client_id].sign(claims),
        }

    def token(self, client_id: str = "portal", **form: str) -> TestResponse:
        """A token request of a client that authenticates as it should."""
        headers, members = self.credentials(client_id)
        return self.post("/token", {**members, **form}, headers=headers)

    def exchange(
        self, code: str, *, client_id: str = "portal", verifier: str | None = None, **form: str
    ) -> TestResponse:
        """A code for tokens."""
        members = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_of(client_id),
            **({} if verifier is None else {"code_verifier": verifier}),
            **form,
        }
        return self.token(client_id, **members)

    def refresh(self, token: str, *, client_id: str = "portal", **form: str) -> TestResponse:
        """A refresh token for tokens."""
        return self.token(client_id, grant_type="refresh_token", refresh_token=token, **form)

    def userinfo(self, token: str) -> TestResponse:
        """Userinfo with the token in the header."""
        return self.http.get(
            "/userinfo", base_url=ISSUER, headers={"Authorization": f"Bearer {token}"}
        )

    def introspect(self, token: str, *, client_id: str = "api") -> dict[str, Any]:
        """What introspection says."""
        headers, members = self.credentials(client_id)
        answer = self.post("/introspect", {**members, "token": token}, headers=headers)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        found = answer.get_json()
        assert isinstance(found, dict)
        return found

    def revoke(self, token: str, *, client_id: str = "portal", **form: str) -> TestResponse:
        """Revocation."""
        headers, members = self.credentials(client_id)
        return self.post("/revoke", {**members, "token": token, **form}, headers=headers)

    # -- what is left behind -----------------------------------------------------------------------

    def events(self) -> list[str]:
        """The types of everything on record, in order."""
        with self.services.database.read() as connection:
            rows = connection.execute(
                select(log_event.c.type).order_by(log_event.c.writer, log_event.c.seq)
            )
            return [row.type for row in rows]

    def logouts_due(self) -> list[dict[str, Any]]:
        """The payloads of back-channel logouts that wait, by client."""
        found = self.duties("backchannel_logout")
        return sorted(found, key=lambda payload: str(payload["client_id"]))

    def duties(self, kind: str) -> list[dict[str, Any]]:
        """The payloads of everything of one kind that waits to be done."""
        with self.services.database.read() as connection:
            rows = connection.execute(select(outbox.c.payload).where(outbox.c.kind == kind)).all()
        return [json.loads(row.payload) for row in rows]


def redirect_of(client_id: str) -> str:
    """The first redirect URI of a client of the seeds."""
    if client_id == "native":
        return "http://127.0.0.1/callback"
    return f"https://{client_id}.example/callback"


def assert_error(answer: TestResponse, error: str, *, status: int = 400) -> dict[str, Any]:
    """A JSON error of a direct endpoint.  RFC 6749 §5.2."""
    found = answer.get_json(silent=True)
    assert isinstance(found, dict), answer.get_data(as_text=True)
    assert (answer.status_code, found.get("error")) == (status, error), found
    assert answer.headers["Cache-Control"] == "no-store"
    return found
