"""Files at B-LTA, renewed in place: what is there afterwards, and what is left alone."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from signing.archives import FileReport, FileState, find_pdfs, renew_file
from signing.formats.material import Level, ValidationMaterial
from signing.isolation.task import Isolation
from signing.renew import MARGIN
from tests.support.archive_house import LIFETIME, ArchiveHouse
from tests.support.pdf_opinions import opinions
from tests.support.signatory import AbsentStatus


@pytest.fixture(scope="session")
def house(isolation: Isolation) -> ArchiveHouse:
    """One for the run: nothing in it changes."""
    return ArchiveHouse(isolation, now=datetime.fromisoformat("2026-11-21T03:04:05+00:00"))


@pytest.fixture
def file(house: ArchiveHouse, tmp_path: Path) -> Path:
    """A document at B-LTA that is due."""
    written = tmp_path / "Đơn.pdf"
    written.write_bytes(house.archived)
    return written


def _renew(file: Path, house: ArchiveHouse, **changes: Any) -> FileReport:
    return renew_file(file, **({"parties": house.parties, "now": house.later} | changes))


def _names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def test_a_file_that_is_due_is_renewed_and_what_was_there_is_its_beginning(
    file: Path, house: ArchiveHouse
) -> None:
    """ETSI EN 319 142-1 §5.4.3: evidence and a timestamp behind an untouched document."""
    file.chmod(0o640)
    report = _renew(file, house)
    assert (report.state, report.reason) == (FileState.RENEWED, "")
    content = file.read_bytes()
    assert content.startswith(house.archived)
    assert len(content) > len(house.archived)
    given = opinions(content, roots=[house.pki.root.der], at=house.later)
    assert [one.field for one in given] == ["Signature1", "Timestamp1", "Timestamp2"]
    assert all(one.is_intact and one.covers_revision for one in given)
    assert file.stat().st_mode & 0o777 == 0o640
    assert _names(file.parent) == [file.name]
    # and what is said of it then is what is said the next time
    again = _renew(file, house)
    assert (again.state, again.renewal) == (FileState.CURRENT, report.renewal)
    assert file.read_bytes() == content


def test_a_dry_run_says_what_is_due_and_changes_nothing(file: Path, house: ArchiveHouse) -> None:
    before = file.stat().st_mtime_ns
    report = _renew(file, house, is_dry_run=True)
    assert report.state is FileState.DUE
    assert report.renewal is not None
    ends_at = house.now - timedelta(days=1) + LIFETIME - timedelta(seconds=1)
    assert (report.renewal.ends_at, report.renewal.due_at) == (ends_at, ends_at - MARGIN)
    assert (file.read_bytes(), file.stat().st_mtime_ns) == (house.archived, before)


def test_before_its_margin_a_file_is_left_alone(file: Path, house: ArchiveHouse) -> None:
    report = _renew(file, house, margin=timedelta(days=10))
    assert report.state is FileState.CURRENT
    assert file.read_bytes() == house.archived


def test_a_timestamp_that_lasts_no_longer_is_not_added(file: Path, house: ArchiveHouse) -> None:
    """Or a file would grow at every run of a timer."""
    report = _renew(file, house, parties=house.as_before)
    assert (report.state, report.reason) == (FileState.FAILED, "lasts_no_longer")
    assert file.read_bytes() == house.archived
    assert _names(file.parent) == [file.name]


def test_a_timestamp_that_ended_is_told(file: Path, house: ArchiveHouse) -> None:
    report = _renew(file, house, now=house.now + LIFETIME, is_dry_run=True)
    assert (report.state, report.reason) == (FileState.FAILED, "timestamp_ended")


def _truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _changed(content: bytes) -> bytes:
    return content.replace(b"Helvetica", b"Helvetika", 1)


@pytest.mark.parametrize(
    ("content", "state", "reason"),
    [
        (lambda house: house.sign(Level.LT), FileState.SKIPPED, "not_archived"),
        (lambda _: b"no document at all", FileState.FAILED, "damaged"),
        (lambda house: _truncated(house.archived), FileState.FAILED, "damaged"),
        (lambda house: _changed(house.archived), FileState.FAILED, "timestamp_broken"),
    ],
    ids=["below LTA", "no PDF", "truncated", "changed"],
)
def test_what_cannot_be_renewed_says_why_and_stays(
    content: Any, state: FileState, reason: str, house: ArchiveHouse, tmp_path: Path
) -> None:
    file = tmp_path / "one.pdf"
    file.write_bytes(content(house))
    before = file.read_bytes()
    report = _renew(file, house)
    assert (report.state, report.reason) == (state, reason)
    assert file.read_bytes() == before


def test_without_the_status_of_the_chain_nothing_is_written(
    file: Path, house: ArchiveHouse
) -> None:
    parties = replace(house.parties, status=AbsentStatus())
    report = _renew(file, house, parties=parties)
    assert (report.state, report.reason) == (FileState.FAILED, "status_unavailable")
    assert _names(file.parent) == [file.name]


def test_two_runs_at_once_do_not_renew_one_file_twice(file: Path, house: ArchiveHouse) -> None:
    with file.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        report = _renew(file, house)
    assert (report.state, report.reason) == (FileState.FAILED, "busy")
    assert file.read_bytes() == house.archived


def test_what_somebody_writes_meanwhile_is_not_lost(file: Path, house: ArchiveHouse) -> None:
    class Meddling:
        """Knows the status, and a person who saves the file at that moment."""

        def material(self, chain: Sequence[bytes], *, now: datetime) -> ValidationMaterial:
            """See `StatusSource`."""
            file.write_bytes(b"a newer version")
            return house.pki.status().material(chain, now=now)

    report = _renew(file, house, parties=replace(house.parties, status=Meddling()))
    assert (report.state, report.reason) == (FileState.FAILED, "changed_meanwhile")
    assert file.read_bytes() == b"a newer version"
    assert _names(file.parent) == [file.name]


def test_what_a_killed_run_left_is_cleared_away(
    file: Path, house: ArchiveHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """As if by `kill -9`: nothing is tidied up."""

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(Path, "replace", die)
        dying.setattr(Path, "unlink", lambda *_, **__: None)
        with pytest.raises(Killed):
            _renew(file, house)
    assert file.read_bytes() == house.archived
    assert len(_names(file.parent)) == 2
    assert list(find_pdfs([file.parent])) == [file]
    assert _renew(file, house).state is FileState.RENEWED
    assert _names(file.parent) == [file.name]


def test_a_link_that_is_named_stays_one(file: Path, house: ArchiveHouse, tmp_path: Path) -> None:
    link = tmp_path / "link.pdf"
    link.symlink_to(file)
    assert _renew(link, house).state is FileState.RENEWED
    assert link.is_symlink()
    assert file.read_bytes().startswith(house.archived)


def test_folders_are_walked_and_links_in_them_are_not(tmp_path: Path) -> None:
    outside = tmp_path / "outside.pdf"
    outside.touch()
    archive = tmp_path / "archive"
    (archive / "2025").mkdir(parents=True)
    for name in ("b.pdf", "A.PDF", "2025/c.pdf", "note.txt", ".hidden.pdf"):
        (archive / name).touch()
    (archive / "link.pdf").symlink_to(outside)
    found = [str(one.relative_to(tmp_path)) for one in find_pdfs([archive, outside])]
    assert found == ["archive/A.PDF", "archive/b.pdf", "archive/2025/c.pdf", "outside.pdf"]


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe"])
def test_what_is_no_file_is_told(kind: str, house: ArchiveHouse, tmp_path: Path) -> None:
    path = tmp_path / "odd.pdf"
    if kind == "folder":
        path.mkdir()
    if kind == "pipe":
        os.mkfifo(path)
    report = _renew(path, house)
    assert (report.state, report.reason) == (FileState.FAILED, "no_file")
