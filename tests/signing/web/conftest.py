"""The signing API over a house that signs, with a door that knows two portals."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from idp.storage.database import Database
from signing.intake import Intake
from tests.support.portal_api import Api
from tests.support.signing_house import SigningHouse


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
