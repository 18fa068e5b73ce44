"""Bytes without a name: filled once, the same for whoever holds them."""

from __future__ import annotations

import hashlib
import os

import pytest

from signing.isolation.blob import Blob


def test_a_blob_holds_its_parts_one_after_the_other() -> None:
    with Blob.of(b"ab", memoryview(b"cd")) as blob, blob.view() as view:
        assert bytes(view) == b"abcd"
        assert (blob.size, blob.read()) == (4, b"abcd")


def test_a_blob_that_is_complete_is_changed_by_nobody() -> None:
    with Blob.of(b"abcd") as blob:
        with pytest.raises(PermissionError):
            os.write(blob.fd, b"x")
        with pytest.raises(PermissionError):
            os.ftruncate(blob.fd, 1)


def test_an_empty_blob_can_be_looked_at() -> None:
    with Blob.of() as blob, blob.view() as view:
        assert len(view) == 0


def test_the_digest_is_that_of_all_of_it() -> None:
    content = os.urandom(3_000_000)
    with Blob.of(content) as blob:
        assert blob.digest("sha256") == hashlib.sha256(content).digest()


def test_closing_twice_is_no_fault() -> None:
    blob = Blob.of(b"a")
    blob.close()
    blob.close()
    assert repr(blob) == "Blob(closed)"
