"""`antin keys personal`, as an operator types it, with the signer itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from idp.cli import cli
from idp.storage.database import Database
from keystore.log.record import log_event
from keystore.signer import errors
from keystore.signer.client import SignerClient
from tests.support.servers import PostgresqlServer
from tests.support.settings_table import GUIDE
from tests.support.signer import Person
from tests.support.signer_process import (
    SignerProcess,
    running_signer,
    sign_with,
    tls_settings,
)


@pytest.fixture
def signer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SignerProcess]:
    """A signer whose settings this process has too."""
    with running_signer(tmp_path / "signer", f"sqlite:///{tmp_path / 'antin.db'}") as running:
        for name, text in running.environ().items():
            if name.startswith("ANTIN_"):
                monkeypatch.setenv(name, text)
        yield running


@pytest.fixture
def client(signer: SignerProcess) -> Iterator[SignerClient]:
    """What a web worker asks with."""
    made = signer.client()
    yield made
    made.close()


@pytest.fixture
def person(signer: SignerProcess, client: SignerClient) -> Person:
    """Somebody with a key."""
    return signer.enrol(client)


def _run(*words: str, given: str = "") -> Result:
    return CliRunner().invoke(cli, ["keys", "personal", *words], input=given)


def _ok(*words: str, given: str = "") -> str:
    done = _run(*words, given=given)
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


def _states(*options: str) -> dict[str, str]:
    return {one["key_id"]: one["state"] for one in json.loads(_ok("list", "--json", *options))}


def test_a_key_is_suspended_resumed_and_destroyed_by_hand(
    client: SignerClient, person: Person
) -> None:
    key_id = person.key.key_id
    assert "SCAL2" in _ok("list")
    assert key_id in _ok("suspend", key_id, "--reason", "lost_phone")
    assert _states() == {key_id: "suspended"}
    with pytest.raises(errors.PersonalKeySuspended):
        sign_with(client, person)
    done = json.loads(_ok("resume", key_id, "--json"))
    assert done == {"key_id": key_id, "act": "resumed", "changed": True}
    assert sign_with(client, person)
    refused = _run("destroy", key_id, given="n\n")
    assert refused.exit_code == 1
    assert "never signs with it again" in refused.stdout
    assert _states() == {key_id: "active"}
    _ok("destroy", key_id, given="y\n")
    assert _states("--account", "acc_1") == {key_id: "destroyed"}
    assert _states("--account", "acc_2") == {}
    assert "nothing to do" in _ok("destroy", key_id, "--yes")
    with pytest.raises(errors.PersonalKeyDestroyed):
        sign_with(client, person)


def test_a_key_that_is_none_and_a_reason_that_is_none_are_refused(signer: SignerProcess) -> None:
    assert "personal_key_unknown" in _run("suspend", "pkey_0").stderr
    assert "there is no such key" in _run("destroy", "pkey_0").stderr
    assert _run("suspend", "pkey_0", "--reason", "Ông Nguyễn asked").exit_code == 2


def test_who_is_no_keeper_is_told_how_to_be_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "signer"
    with running_signer(
        folder, f"sqlite:///{tmp_path / 'antin.db'}", **tls_settings(folder)
    ) as running:
        client = running.client()
        person = running.enrol(client)
        client.close()
        given = {
            **running.environ(),
            "ANTIN_SIGNER_TLS_CERTIFICATE": str(folder / "caller.pem"),
            "ANTIN_SIGNER_TLS_KEY": str(folder / "caller.key"),
        }
        for name, text in given.items():
            if name.startswith("ANTIN_"):
                monkeypatch.setenv(name, text)
        assert "ANTIN_SIGNER_KEEPERS" in _run("destroy", person.key.key_id, "--yes").stderr
        assert _states() == {person.key.key_id: "active"}


def test_the_log_says_who_did_it(signer: SignerProcess, person: Person) -> None:
    """As for every other act of an operator; without a name it is the user of the shell."""
    key_id = person.key.key_id
    _ok("suspend", key_id, "--operator", "linh")
    _ok("resume", key_id, "--operator", "linh")
    _ok("destroy", key_id, "--yes", "--operator", "minh.q")
    _ok("destroy", key_id, "--yes")
    assert _run("suspend", key_id, "--operator", "03").exit_code == 2
    assert _said(signer.database_url) == [
        ("keys:personal_key:suspended", "linh"),
        ("keys:personal_key:resumed", "linh"),
        ("keys:personal_key:destroyed", "minh.q"),
    ]


def test_the_role_of_the_signer_alone_is_enough(
    postgresql_server: PostgresqlServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the grants of the operator's guide: the service's certificates are none of its tables.

    A user whose settings name the service's database too, or that of the service alone, is told
    which certificates there are.
    """
    name = postgresql_server.make_database()
    url = postgresql_server.url(name)
    role_url = url.replace("//antin@", "//antin_signer@")
    signer = SignerProcess(tmp_path / "signer", url, {"ANTIN_DATABASE_URL": role_url})
    postgresql_server.execute("CREATE ROLE antin_signer LOGIN")
    for statement in _grants():
        postgresql_server.execute(statement, database=name)
    signer.start()
    try:
        client = signer.client()
        people = [signer.enrol(client) for _ in range(3)]
        client.close()
        _set(monkeypatch, signer.environ())
        ids = [one.key.key_id for one in people]
        for given, is_told in (
            ({}, False),
            ({"ANTIN_DATABASE_URL": "", "ANTIN_SIGNER_DATABASE_URL": role_url}, False),
            ({"ANTIN_DATABASE_URL": url, "ANTIN_SIGNER_DATABASE_URL": role_url}, True),
        ):
            _set(monkeypatch, given)
            shown = _ok("destroy", ids.pop(), given="y\n")
            assert ("antin ca certificates --account acc_1" in shown) is not is_told
        assert set(_states().values()) == {"destroyed"}
    finally:
        signer.stop()
        postgresql_server.drop_database(name)
        postgresql_server.execute("DROP ROLE antin_signer")


def _grants() -> list[str]:
    lines = [line.strip() for line in GUIDE.read_text().splitlines()]
    found = [line for line in lines if line.startswith("GRANT") and "antin_signer" in line]
    assert len(found) == 5
    return found


def _set(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]) -> None:
    for name, text in environ.items():
        if name.startswith("ANTIN_"):
            monkeypatch.setenv(name, text)


def _said(database_url: str) -> list[tuple[str, str]]:
    database = Database(database_url, pool_size=1)
    with database.read() as connection:
        rows = connection.execute(
            select(log_event.c.type, log_event.c.facts)
            .where(log_event.c.facts.contains("operator"))
            .order_by(log_event.c.writer, log_event.c.seq)
        ).all()
    database.close()
    return [(row.type, json.loads(row.facts)["operator"]) for row in rows]
