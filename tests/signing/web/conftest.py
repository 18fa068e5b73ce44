"""The signing API over a house that signs, with a door that knows two portals."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import Client, TestResponse

from idp.storage.database import Database
from signing.intake import Intake
from signing.web.api import make_sign_api
from signing.web.ports import CallerRefused, PortalCaller
from tests.support.signing_house import PORTAL, SigningHouse

ORIGIN = "https://ky.example"
OTHER = "portal.business"
MAX_BYTES = 300_000


class TwoPortals:
    """Takes the name of a portal for its token."""

    def authenticate(self, authorization: str | None, *, now: datetime) -> PortalCaller:
        """See `PortalDoor`."""
        name = (authorization or "").removeprefix("Bearer ")
        if name == "may-not-sign":
            raise CallerRefused(403, error="insufficient_scope", challenge='Bearer scope="sign"')
        if name not in {PORTAL, OTHER}:
            raise CallerRefused(401, error="invalid_token", challenge="Bearer")
        return PortalCaller(name)

    def is_own_address(self, uri: str, *, client_id: str, now: datetime) -> bool:
        """See `PortalDoor`."""
        return uri.startswith(f"https://{client_id}.example/")


@dataclass
class Api:
    """What a portal calls."""

    house: SigningHouse
    now: datetime
    http: Client = field(init=False)

    def __post_init__(self) -> None:
        app = Flask("signing-api")
        app.config.update(MAX_CONTENT_LENGTH=1_000)  # lifted by the endpoint alone
        app.register_blueprint(
            make_sign_api(
                requests=self.house.requests,
                documents=self.house.documents,
                door=TwoPortals(),
                origin=ORIGIN,
                max_bytes=MAX_BYTES,
                now=lambda: self.now,
            )
        )
        self.http = Client(app)

    def call(
        self, method: str, path: str = "", *, portal: str | None = PORTAL, **options: Any
    ) -> TestResponse:
        """A request under `/sign/requests`."""
        headers = dict(options.pop("headers", {}))
        if portal is not None:
            headers["Authorization"] = f"Bearer {portal}"
        return self.http.open(
            f"/sign/requests{path}", method=method, base_url=ORIGIN, headers=headers, **options
        )

    def ask(self, *, portal: str = PORTAL, key: str | None = None, **body: Any) -> TestResponse:
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


@pytest.fixture
def database(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """One store: what is stored is tested on both where it is stored."""
    file = tmp_path / "api.db"
    shutil.copyfile(sqlite_template, file)
    database = Database(f"sqlite:///{file}", pool_size=8)
    yield database
    database.close()


@pytest.fixture
def api(house: SigningHouse, now: datetime) -> Api:
    """The API; a person with a passkey is known to the first portal."""
    house.look = Intake(house.isolation)
    house.build(timestamps=None, status=house.pki.status())
    return Api(house, now)
