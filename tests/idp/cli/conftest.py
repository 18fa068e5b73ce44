"""A production deployment for commands that back up and restore, on both databases."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.support.backup_office import Office
from tests.support.prepared import prepare_database
from tests.support.servers import PostgresqlServer
from tests.support.serving import prepare
from tests.support.stores import create_all_tables

_AUTHORITY: Final = {
    "ANTIN_PKI_BASE_URL": "http://pki.antin.vn",
    "ANTIN_PKI_ORGANISATION": "Cơ quan Chứng thực Thử nghiệm",
    "ANTIN_PKI_ORGANISATION_IDENTIFIER": "GOVVN-H00.99",
    "ANTIN_PKI_POLICY_ARC": "1.3.6.1.4.1.99999.1",
}


@pytest.fixture(scope="session")
def prepared_template(postgresql_server: PostgresqlServer) -> str:
    """Name of a PostgreSQL database as an operator prepares it, to be copied."""
    name = postgresql_server.make_database()
    prepare_database(postgresql_server.url(name), is_sandbox=False)
    return name


@pytest.fixture(params=["sqlite", "postgresql"])
def office_settings(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """A production deployment, whose variables are those of this process."""
    url = f"sqlite:///{tmp_path / 'antin.db'}"
    if request.param == "postgresql":
        server: PostgresqlServer = request.getfixturevalue("postgresql_server")
        url = server.url(server.make_database(request.getfixturevalue("prepared_template")))
    given = prepare(tmp_path, database_url=url) | _AUTHORITY
    create_all_tables(url)
    for name, text in given.items():
        monkeypatch.setenv(name, text)
    return given


@pytest.fixture
def office(office_settings: dict[str, str], tmp_path: Path) -> Office:
    """Its operator's desk."""
    return Office(tmp_path)
