"""`antin renew` as an operator types it, or a timer."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from idp.cli.renew import renew
from idp.clock import utc_now
from idp.sandbox.trust import make_authority
from idp.services import Services, build_services
from idp.settings import Settings
from idp.storage.database import Database
from keystore.log.record import LogWriter
from keystore.sealing import Sealer, load_kek
from signing.formats.material import Level
from signing.formats.pades_revisions import Revisions
from signing.formats.pades_timestamp import append_timestamp
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from tests.support.archive_house import ArchiveHouse
from tests.support.handmade_pdf import plain_document
from tests.support.prepared import prepare_database
from tests.support.provider import KEK
from tests.support.signer import events

Run = Callable[..., Result]


@pytest.fixture(scope="session")
def house(isolation: Isolation) -> ArchiveHouse:
    """An archive of November, looked at a month later."""
    return ArchiveHouse(isolation, now=datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC))


@pytest.fixture
def folder(house: ArchiveHouse, tmp_path: Path) -> Path:
    """An archive with one document of each sort."""
    made = tmp_path / "archive"
    made.mkdir()
    (made / "a-quyết-định.pdf").write_bytes(house.archived)
    (made / "b-chưa.pdf").write_bytes(house.sign(Level.LT))
    (made / "c-hỏng.pdf").write_bytes(house.archived[:2000])
    (made / "d-quyết-định.pdf").write_bytes(house.archived)
    return made


def _over(services: object, monkeypatch: pytest.MonkeyPatch) -> Run:
    @contextmanager
    def opened() -> Iterator[object]:
        yield services

    def invoke(*arguments: object) -> Result:
        monkeypatch.setattr("idp.cli.renew.open_services", opened)
        return CliRunner().invoke(renew, [str(one) for one in arguments])

    return invoke


@pytest.fixture
def database(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """Where renewals are on record."""
    file = tmp_path / "renewals.db"
    shutil.copyfile(sqlite_template, file)
    database = Database(f"sqlite:///{file}", pool_size=2)
    yield database
    database.close()


@pytest.fixture
def run(house: ArchiveHouse, database: Database, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command a month later, with the archive's own authorities."""
    signing = SimpleNamespace(parties=SimpleNamespace(for_pdf=house.parties), close=lambda: None)
    sealer = Sealer.open(database, kek=load_kek(file=None, value=KEK), now=house.later)
    services = SimpleNamespace(
        signing=signing,
        time=lambda: house.later,
        database=database,
        log=LogWriter(sealer, writer_id="test"),
    )
    return _over(services, monkeypatch)


def _listed(result: Result) -> dict[str, dict[str, Any]]:
    return {Path(one["file"]).name: one for one in json.loads(result.output)}


def test_what_is_due_is_renewed_and_a_damaged_file_stops_nobody(run: Run, folder: Path) -> None:
    result = run(folder)
    assert result.exit_code == 1  # for the damaged one
    lines = result.output.splitlines()
    assert [line.split()[0] for line in lines[1:-1]] == ["renewed", "skipped", "failed", "renewed"]
    assert "not at B-LTA" in lines[2]
    assert "cannot be read as a PDF" in lines[3]
    assert "ends with its certificate" in lines[4]
    assert lines[-1] == "4 files: 2 renewed, 1 skipped, 1 failed"
    again = run(folder, "--json")
    assert [one["state"] for one in _listed(again).values()] == [
        "current",
        "skipped",
        "failed",
        "current",
    ]


def test_each_renewal_is_on_record_and_nothing_else_is(
    run: Run, folder: Path, database: Database, house: ArchiveHouse
) -> None:
    run(folder, "--dry-run")
    assert events(database, "sign:document:renewed") == []
    run(folder, "--operator", "archivist")
    rows = events(database, "sign:document:renewed")
    made = {
        hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in ("a-quyết-định.pdf", "d-quyết-định.pdf")
    }
    facts = [json.loads(row["facts"]) for row in rows]
    assert {one["sha256"] for one in facts} == made
    assert {one["before"] for one in facts} == {hashlib.sha256(house.archived).hexdigest()}
    assert {one["operator"] for one in facts} == {"archivist"}


def test_where_nothing_can_be_recorded_nothing_is_renewed(
    run: Run, folder: Path, database: Database, house: ArchiveHouse
) -> None:
    with database.transaction() as tx:
        tx.connection.execute(text("DROP TABLE log_event"))
    assert run(folder).exception is not None
    assert (folder / "a-quyết-định.pdf").read_bytes() == house.archived


def test_a_dry_run_changes_nothing_and_its_status_says_that_something_is_due(
    run: Run, folder: Path, house: ArchiveHouse
) -> None:
    file = folder / "a-quyết-định.pdf"
    result = run(file, "--dry-run", "--json")
    assert result.exit_code == 3
    said = _listed(result)[file.name]
    assert (said["state"], said["reason"], said["ends_with"]) == ("due", None, "certificate")
    assert (said["renew_from"], said["ends"]) == ("2026-10-21T03:04:04Z", "2027-01-19T03:04:04Z")
    assert file.read_bytes() == house.archived


def test_the_margin_is_the_operators(run: Run, folder: Path, house: ArchiveHouse) -> None:
    file = folder / "a-quyết-định.pdf"
    result = run(file, "--margin", 20)
    assert (result.exit_code, result.output.splitlines()[-1]) == (0, "1 files: 1 current")
    assert file.read_bytes() == house.archived


def test_many_documents_show_how_far_it_is_gone_beside_the_table(
    run: Run, house: ArchiveHouse, tmp_path: Path
) -> None:
    for number in range(20):
        (tmp_path / f"{number}.pdf").write_bytes(house.archived[:100])
    result = run(tmp_path)
    assert result.stderr.startswith("documents")
    assert result.stdout.startswith("STATE")


def test_a_folder_without_documents_is_told(run: Run, tmp_path: Path) -> None:
    result = run(tmp_path)
    assert (result.exit_code, result.output) == (
        0,
        "STATE  RENEW FROM  ENDS  FILE\nno file was found\n",
    )


def test_without_an_authority_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = _over(SimpleNamespace(signing=None), monkeypatch)
    assert "ANTIN_PKI_ORGANISATION" in str(run(tmp_path).exception)


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """A deployment with an authority and timestamps of its own, as the settings make it."""
    url = f"sqlite:///{tmp_path / 'antin.db'}"
    prepare_database(url, is_sandbox=True)
    database = Database(url, pool_size=2)
    settings = Settings(
        issuer="http://localhost:8000",
        var=tmp_path,
        kek=KEK,
        tsa_enabled=True,
        tsa_policies=("2.999.1.1",),
        isolation_processes=1,
    )
    make_authority(build_services(settings, database=database, is_sandbox=True), now=utc_now())
    opened = build_services(settings, database=database, is_sandbox=True)
    yield opened
    assert opened.signing is not None
    opened.signing.close()
    opened.close()


def test_timestamps_and_status_are_those_of_the_settings(
    services: Services, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Our own endpoints, asked in this process: a timer needs no running server."""
    signing = services.signing
    assert signing is not None
    parties = signing.parties.for_pdf
    with Blob.of(plain_document().classic()) as document:
        revisions = Revisions(document)
        append_timestamp(
            revisions,
            isolation=parties.isolation,
            timestamps=parties.get_timestamps(),
            roots=parties.roots,
        )
        content = b"".join((document.read(), *revisions.increments))
    file = tmp_path / "one.pdf"
    file.write_bytes(content)
    stays = SimpleNamespace(parties=signing.parties, close=lambda: None)
    opened = SimpleNamespace(
        signing=stays, time=services.time, database=services.database, log=services.log
    )
    run = _over(opened, monkeypatch)
    assert run(file).exit_code == 0
    assert run(file, "--margin", 3650, "--dry-run").exit_code == 3
    result = run(file, "--margin", 3650)
    # asked, given, and seen to last no longer than the one that is there
    assert "the authority needs a new certificate" in result.output
    assert file.read_bytes() == content
