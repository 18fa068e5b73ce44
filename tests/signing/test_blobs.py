"""Documents at rest: nobody reads them on disk, and nothing is left when their time is over."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from idp.storage.database import Database
from keystore.errors import SealBroken
from signing.blobs import DocumentStore
from signing.errors import DocumentGone
from signing.isolation.blob import Blob
from signing.model import BlobId

_TEXT = "Đơn đề nghị của Nguyễn Thị Lấp Lánh Ánh".encode()
_DAY = timedelta(days=1)


def _files(folder: Path) -> list[Path]:
    return [one for one in (folder / "documents").rglob("*") if one.is_file()]


@pytest.fixture
def kept(documents: DocumentStore, database: Database, now: datetime) -> BlobId:
    """A document that is at rest for a day."""
    with Blob.of(_TEXT) as content:
        stored = documents.write(content, expires_at=now + _DAY)
    with database.transaction() as tx:
        documents.keep(tx, [stored])
    return stored.blob_id


def test_a_document_comes_back_as_it_was(documents: DocumentStore, kept: BlobId) -> None:
    with documents.open(kept) as content:
        assert content.read() == _TEXT


def test_a_large_document_comes_back_as_it_was(
    documents: DocumentStore, database: Database, now: datetime
) -> None:
    large = os.urandom(5_000_001)
    with Blob.of(large) as content:
        stored = documents.write(content, expires_at=now + _DAY)
    with database.transaction() as tx:
        documents.keep(tx, [stored])
    with documents.open(stored.blob_id) as content:
        assert content.digest("sha256") == Blob.of(large).digest("sha256")


def test_nothing_of_a_document_can_be_read_on_disk(
    documents: DocumentStore, kept: BlobId, tmp_path: Path
) -> None:
    (file,) = _files(tmp_path)
    assert _TEXT[:12] not in file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0


def test_a_file_that_was_changed_or_cut_off_does_not_open(
    documents: DocumentStore, kept: BlobId, tmp_path: Path
) -> None:
    (file,) = _files(tmp_path)
    whole = file.read_bytes()
    for changed in (whole[:-1], b"\0" + whole[1:], b""):
        file.write_bytes(changed)
        with pytest.raises(SealBroken):
            documents.open(kept)


def test_a_file_in_the_place_of_another_does_not_open(
    documents: DocumentStore, database: Database, kept: BlobId, now: datetime, tmp_path: Path
) -> None:
    (first,) = _files(tmp_path)
    with Blob.of(_TEXT) as content:
        other = documents.write(content, expires_at=now + _DAY)
    with database.transaction() as tx:
        documents.keep(tx, [other])
    (second,) = set(_files(tmp_path)) - {first}
    second.write_bytes(first.read_bytes())
    with pytest.raises(SealBroken):
        documents.open(other.blob_id)


def test_when_its_time_is_over_key_and_file_go(
    documents: DocumentStore, kept: BlobId, now: datetime, tmp_path: Path
) -> None:
    assert documents.purge(now) == 0
    assert documents.purge(now + _DAY) == 1
    assert _files(tmp_path) == []
    with pytest.raises(DocumentGone):
        documents.open(kept)


def test_a_document_can_be_kept_longer(
    documents: DocumentStore, database: Database, kept: BlobId, now: datetime
) -> None:
    with database.transaction() as tx:
        documents.keep_until(tx, [kept], until=now + 3 * _DAY)
    assert documents.purge(now + 2 * _DAY) == 0
    documents.open(kept).close()


def test_what_is_dropped_is_gone(
    documents: DocumentStore, database: Database, kept: BlobId, tmp_path: Path
) -> None:
    with database.transaction() as tx:
        documents.drop(tx, [kept])
    assert _files(tmp_path) == []
    with pytest.raises(DocumentGone):
        documents.open(kept)


def test_an_act_that_did_not_take_place_leaves_no_file(
    documents: DocumentStore, database: Database, now: datetime, tmp_path: Path
) -> None:
    with Blob.of(_TEXT) as content:
        stored = documents.write(content, expires_at=now + _DAY)

    def act() -> None:
        with database.transaction() as tx:
            documents.keep(tx, [stored])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        act()
    assert _files(tmp_path) == []


def test_files_without_a_row_are_swept_when_they_are_old(
    documents: DocumentStore, kept: BlobId, now: datetime, tmp_path: Path
) -> None:
    with Blob.of(_TEXT) as content:
        stranger = documents.write(content, expires_at=now + _DAY)
    (file,) = [one for one in _files(tmp_path) if one.name == stranger.blob_id]
    seconds = now.timestamp()
    os.utime(file, (seconds, seconds))
    assert documents.sweep(now + timedelta(minutes=59)) == 0
    assert documents.sweep(now + timedelta(minutes=61)) == 1
    assert [one.name for one in _files(tmp_path)] == [kept]


def test_a_file_that_is_lost_is_told_as_gone(
    documents: DocumentStore, kept: BlobId, tmp_path: Path
) -> None:
    (file,) = _files(tmp_path)
    file.unlink()
    with pytest.raises(DocumentGone):
        documents.open(kept)
