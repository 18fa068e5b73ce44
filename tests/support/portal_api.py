"""The signing API as portals call it, over a house that signs, with a door that knows names.

What lives here: `Api`, whose portals give their name for a token.
Not here: real tokens (`tests/idp/web/test_sign_door.py`), pages (`sign_desk.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from flask import Flask
from werkzeug.test import Client, TestResponse

from signing.errors import RequestRefused
from signing.web.api import make_sign_api
from signing.web.ports import CallerRefused, PortalCaller
from tests.support.signing_house import PORTAL, SigningHouse

ORIGIN: Final = "https://ky.example"
OTHER: Final = "portal.business"
MAX_BYTES: Final = 300_000


@dataclass(frozen=True)
class KnownPortals:
    """Takes the name of a portal for its token."""

    names: frozenset[str]
    too_often: frozenset[str] = frozenset()

    def authenticate(self, authorization: str | None, *, now: datetime) -> PortalCaller:
        """See `PortalDoor`."""
        name = (authorization or "").removeprefix("Bearer ")
        if name == "may-not-sign":
            raise CallerRefused(403, error="insufficient_scope", challenge='Bearer scope="sign"')
        if name not in self.names:
            raise CallerRefused(401, error="invalid_token", challenge="Bearer")
        return PortalCaller(name)

    def admit(self, caller: PortalCaller, *, now: datetime) -> None:
        """See `PortalDoor`."""
        if caller.client_id in self.too_often:
            raise RequestRefused("too_many_requests")

    def is_own_address(self, uri: str, *, client_id: str, now: datetime) -> bool:
        """See `PortalDoor`."""
        return uri.startswith(f"https://{client_id}.example/")


@dataclass
class Api:
    """What a portal calls.

    `private` are addresses to which no message can go, `too_often` portals that ask too much.
    """

    house: SigningHouse
    now: datetime
    portals: tuple[str, ...] = (PORTAL, OTHER)
    max_bytes: int = MAX_BYTES
    private: frozenset[str] = frozenset()
    too_often: frozenset[str] = frozenset()
    http: Client = field(init=False)

    def __post_init__(self) -> None:
        app = Flask("signing-api")
        app.config.update(MAX_CONTENT_LENGTH=1_000)  # lifted by the endpoint alone
        app.register_blueprint(
            make_sign_api(
                requests=self.house.requests,
                documents=self.house.documents,
                door=KnownPortals(frozenset(self.portals), self.too_often),
                origin=ORIGIN,
                max_bytes=self.max_bytes,
                now=lambda: self.now,
                may_be_told=lambda uri, _client_id: uri not in self.private,
            )
        )
        self.http = Client(app)

    def call(
        self, method: str, path: str = "", *, portal: str | None = "", **options: Any
    ) -> TestResponse:
        """A request under `/sign/requests`."""
        headers = dict(options.pop("headers", {}))
        if portal is not None:
            headers["Authorization"] = f"Bearer {portal or self.portals[0]}"
        return self.http.open(
            f"/sign/requests{path}", method=method, base_url=ORIGIN, headers=headers, **options
        )

    def ask(self, *, portal: str = "", key: str | None = None, **body: Any) -> TestResponse:
        """A request to sign a small file, unless `body` says otherwise."""
        given = {
            "title": "Đơn đề nghị",
            "documents": [{"name": "a.txt", "media_type": "text/plain", "content": "YWJj"}],
            "signers": [{"sub": "sub-acc_1"}],
            "level": "B-B",
            **body,
        }
        headers = {} if key is None else {"Idempotency-Key": key}
        return self.call("POST", portal=portal, json=given, headers=headers)
