"""Containers are taken apart within limits; what is none is refused."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing.errors import DocumentRefused
from signing.isolation.blob import Blob
from signing.isolation.pool import IsolationPool, Walls
from signing.messages.asic_members import UNPACK_ASIC, FoundMembers, Member, MembersAsked
from signing.parsing.asic_members import unpack

ASKED = MembersAsked(most_members=4, most_bytes=10_000)


def packed(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as into:
        for name, content in (("mimetype", b"x"), *files):
            into.writestr(name, content)
    return made.getvalue()


def taken_apart(raw: bytes) -> tuple[FoundMembers, bytes]:
    output = io.BytesIO()
    return unpack(ASKED, [memoryview(raw)], output), output.getvalue()


def why_not(raw: bytes) -> str:
    with pytest.raises(DocumentRefused) as refused:
        taken_apart(raw)
    return refused.value.reason


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_contents_lie_one_after_the_other(method: int) -> None:
    raw = packed(("folder/", b""), ("folder/ă.txt", b"one"), ("b", b"two"), method=method)
    assert taken_apart(raw) == (
        FoundMembers((Member("mimetype", 1), Member("folder/ă.txt", 3), Member("b", 3))),
        b"xonetwo",
    )


def test_a_bomb_is_refused_before_it_is_lit() -> None:
    """A megabyte of zeros in a kilobyte."""
    raw = packed(("a", bytes(1 << 20)))
    assert len(raw) < 5_000
    assert why_not(raw) == "too_large"


def test_a_size_that_is_a_lie_is_refused() -> None:
    """APPNOTE.TXT §4.4.9: what is said of the length is the length."""
    raw = bytearray(packed(("a", bytes(9_000))))
    for place in range(len(raw) - 4):
        if raw[place : place + 4] == (9_000).to_bytes(4, "little"):
            raw[place : place + 4] = (10).to_bytes(4, "little")
    assert why_not(bytes(raw)) == "not_asic"


def test_too_many_files_are_refused() -> None:
    assert why_not(packed(*((f"{one}", b"") for one in range(4)))) == "too_many_documents"


def test_the_type_has_to_come_first() -> None:
    """ETSI EN 319 162-1 annex A.1."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as into:
        into.writestr("a", b"")
        into.writestr("mimetype", b"x")
    assert why_not(made.getvalue()) == "not_asic"


def test_encrypted_files_are_refused() -> None:
    raw = bytearray(packed(("a", b"secret")))
    central = raw.index(b"PK\x01\x02", raw.index(b"PK\x01\x02") + 1)
    raw[central + 8] |= 1
    assert why_not(bytes(raw)) == "encrypted"


def test_another_compression_is_refused() -> None:
    """ETSI EN 319 162-1 §4.2: stored or deflated."""
    assert why_not(packed(("a", b"a" * 99), method=zipfile.ZIP_BZIP2)) == "not_asic"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_refused() -> None:
    """Which of them a reader shows would be the reader's choice."""
    assert why_not(packed(("a", b"one"), ("a", b"two"))) == "not_asic"


@given(st.integers(0, 400), st.integers(0, 255))
def test_whatever_octet_is_changed_it_is_read_or_refused(place: int, octet: int) -> None:
    raw = packed(("a", b"content"), ("b", b"more"))
    place %= len(raw)
    try:
        taken_apart(raw[:place] + bytes((octet,)) + raw[place + 1 :])
    except DocumentRefused:
        return


@given(st.binary(max_size=200))
def test_whatever_comes_in_is_refused(raw: bytes) -> None:
    why_not(raw)


def test_it_is_done_behind_real_walls() -> None:
    """Nothing is imported or opened late: the filter would stop it."""
    raw = packed(("Tờ trình.pdf", b"content"))
    walls = Walls(processes=1, seconds=120, start_s=120, modules=("signing.messages.asic_members",))
    with IsolationPool(walls) as pool, Blob.of(raw) as blob:
        found, output = pool.run(UNPACK_ASIC, ASKED, inputs=[blob])
        with output:
            assert output.read() == b"xcontent"
        assert found.members[1] == Member("Tờ trình.pdf", 7)
        with Blob.of(b"nothing") as other, pytest.raises(DocumentRefused) as refused:
            pool.run(UNPACK_ASIC, ASKED, inputs=[other])
        assert refused.value.reason == "not_asic"
