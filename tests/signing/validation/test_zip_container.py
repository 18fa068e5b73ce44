"""Containers that say one thing here and another there, bombs, and somebody who lies about them."""

from __future__ import annotations

import io
import os
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import Any, cast

import msgspec
import pytest

from signing.isolation.blob import Blob, open_memory_file
from signing.isolation.task import Answered, Asked, Isolation, Task
from signing.messages.zip_members import FoundZip, ZipMember
from signing.validation.zip_container import Container, open_container
from tests.support.isolation import WithoutWalls

TEXT = b"Quyet dinh so 12 " * 40
PACKED, STORED = zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED
Files = Sequence[tuple[str, bytes, int]]
USUAL: Files = [
    ("mimetype", b"application/vnd.etsi.asic-e+zip", STORED),
    ("a.txt", TEXT, PACKED),
    ("b.txt", TEXT[::-1], STORED),
]


def pack(files: Files = USUAL, *, comment: bytes = b"") -> bytes:
    made = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(made, "w") as packed:
        warnings.simplefilter("ignore")
        for name, content, method in files:
            packed.writestr(zipfile.ZipInfo(name), content, method)
        packed.comment = comment
    return made.getvalue()


def opened(raw: bytes, isolation: Isolation | None = None) -> Container:
    with Blob.of(raw) as document:
        found = open_container(document, isolation=isolation or WithoutWalls())
        for one in found.members.values():  # what is looked at later is looked at while it is open
            if one.content is not None:
                one.content.digest("sha256")
        return found


def codes(found: Container) -> list[str]:
    return [one.code for one in found.problems]


def refusal(found: Container) -> str:
    return "" if found.refusal is None else found.refusal.code


def contents(raw: bytes, isolation: Isolation | None = None) -> dict[str, bytes | None]:
    with Blob.of(raw) as document:
        found = open_container(document, isolation=isolation or WithoutWalls())
        return {
            name: None if one.content is None else one.content.read()
            for name, one in found.members.items()
        }


def test_a_usual_container_is_opened_and_nothing_is_wrong() -> None:
    found = opened(pack(comment=b"hello"))
    assert (refusal(found), codes(found)) == ("", [])
    assert found.is_type_first
    assert found.comment == "hello"
    assert contents(pack()) == {name: content for name, content, _ in USUAL}


def test_streamed_containers_with_descriptors_are_opened_too() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(_Unseekable(made), "w") as packed:
        packed.writestr("a.txt", TEXT, PACKED)
        packed.writestr("b.txt", TEXT, STORED)
    found = opened(made.getvalue())
    assert (refusal(found), codes(found)) == ("", [])


def test_large_fields_are_read() -> None:
    made = io.BytesIO()
    with (
        zipfile.ZipFile(made, "w", PACKED) as packed,
        packed.open(zipfile.ZipInfo("a.txt"), "w", force_zip64=True) as into,
    ):
        into.write(TEXT)
    assert contents(made.getvalue()) == {"a.txt": TEXT}


def _replaced(raw: bytes, old: bytes, new: bytes, *, last: bool = False) -> bytes:
    at = raw.rindex(old) if last else raw.index(old)
    return raw[:at] + new + raw[at + len(old) :]


def test_a_name_that_differs_between_header_and_directory_has_no_content() -> None:
    raw = _replaced(pack(), b"a.txt", b"c.txt")
    found = opened(raw)
    assert "zip_names_differ" in codes(found)
    assert found.members["a.txt"].content is None
    assert "c.txt" not in found.members


def test_two_files_of_one_name_have_no_content() -> None:
    found = opened(pack([*USUAL, ("a.txt", b"another", STORED)]))
    assert "name_twice" in codes(found)
    assert found.members["a.txt"].content is None


@pytest.mark.parametrize("name", ["../a", "/a", "a/../../b", "C:/a", "a//../b"])
def test_a_name_that_leads_elsewhere_has_no_content(name: str) -> None:
    found = opened(pack([(name, TEXT, PACKED)]))
    assert codes(found) == ["name_escapes"]
    assert found.members[name].content is None


def test_a_name_with_another_separator_has_no_content() -> None:
    found = opened(
        _replaced(_replaced(pack([("a_b", TEXT, PACKED)]), b"a_b", b"a\\b"), b"a_b", b"a\\b")
    )
    assert codes(found) == ["name_refused"]


def test_sizes_that_differ_between_header_and_directory_have_no_content() -> None:
    raw = bytearray(pack())
    local = raw.index(b"a.txt") - 30
    struct.pack_into("<I", raw, local + 22, len(TEXT) - 1)
    found = opened(bytes(raw))
    assert codes(found) == ["zip_headers_differ"]


def test_a_descriptor_that_says_something_else_has_no_content() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(_Unseekable(made), "w") as packed:
        packed.writestr("a.txt", TEXT, STORED)
    raw = _replaced(made.getvalue(), struct.pack("<I", zlib.crc32(TEXT)), b"abcd")
    assert "zip_descriptor_differs" in codes(opened(raw))


@pytest.mark.parametrize("method", [PACKED, STORED])
def test_a_wrong_checksum_leaves_no_content_behind_the_walls_either(
    method: int, isolation: Isolation
) -> None:
    """The other files are where they should be: nothing of the broken one is left over."""
    files = [("a.txt", TEXT, method), ("b.txt", TEXT[::-1], PACKED)]
    sum_of = struct.pack("<I", zlib.crc32(TEXT))
    raw = pack(files).replace(sum_of, b"abcd")
    found = opened(raw, isolation)
    assert codes(found) == ["zip_checksum_differs"]
    assert contents(raw, isolation) == {"a.txt": None, "b.txt": TEXT[::-1]}


def test_octets_before_or_between_the_files_are_named() -> None:
    assert codes(opened(b"%PDF-1.7 and more" + pack())) == ["zip_prefix", "zip_hidden_octets"]
    raw = pack()
    at = raw.index(b"PK\x03\x04", 4)
    hidden = bytearray(raw[:at] + b"hidden" + raw[at:])
    for entry in _entries(hidden):
        offset = struct.unpack_from("<I", hidden, entry + 42)[0]
        struct.pack_into("<I", hidden, entry + 42, offset + 6 if offset else 0)
    end = hidden.rindex(b"PK\x05\x06")
    struct.pack_into("<I", hidden, end + 16, struct.unpack_from("<I", hidden, end + 16)[0] + 6)
    assert codes(opened(bytes(hidden))) == ["zip_hidden_octets"]


def test_two_directories_are_refused() -> None:
    inner = pack()
    assert refusal(opened(pack(comment=inner))) == "zip_two_directories"


def test_a_hidden_entry_of_the_directory_is_refused() -> None:
    raw = bytearray(pack())
    end = raw.rindex(b"PK\x05\x06")
    struct.pack_into("<HH", raw, end + 8, 2, 2)
    assert refusal(opened(bytes(raw))) == "zip_hidden_entries"


def test_encrypted_files_and_unknown_methods_have_no_content() -> None:
    raw = bytearray(pack([("a.txt", TEXT, PACKED)]))
    entry = _entries(raw)[0]
    raw[6] |= 1
    raw[entry + 8] |= 1
    assert codes(opened(bytes(raw))) == ["encrypted"]
    raw = bytearray(pack([("a.txt", TEXT, PACKED)]))
    raw[8] = raw[entry + 10] = 14
    assert codes(opened(bytes(raw))) == ["zip_method_unknown"]


def test_a_bomb_is_not_unpacked() -> None:
    assert refusal(opened(pack([("a", bytes(8 << 20), PACKED)]))) == "zip_bomb"
    many = [(str(number), bytes(1 << 20), PACKED) for number in range(4)]
    assert refusal(opened(pack(many))) == "zip_bomb"


def test_files_that_share_their_octets_are_a_bomb() -> None:
    """D. Fifield: each entry of the directory points at the same packed octets."""
    raw = pack([("a", TEXT, PACKED), ("b", TEXT, PACKED)])
    crafted = bytearray(raw)
    first, second = _entries(crafted)
    struct.pack_into("<I", crafted, second + 42, struct.unpack_from("<I", crafted, first + 42)[0])
    assert refusal(opened(bytes(crafted))) == "zip_bomb"


def test_a_bomb_that_says_to_be_small_gives_nothing() -> None:
    raw = bytearray(pack([("a", bytes(4 << 20), PACKED)]))
    entry = _entries(raw)[0]
    struct.pack_into("<I", raw, 22, 100)
    struct.pack_into("<I", raw, entry + 24, 100)
    found = opened(bytes(raw))
    assert codes(found) == ["zip_sizes_differ"]
    assert found.members["a"].content is None


def test_a_bomb_inside_is_named_however_deep() -> None:
    inner = pack([("a", bytes(8 << 20), PACKED)])
    for _ in range(3):
        assert "zip_bomb_inside" in codes(opened(pack([("in.zip", inner, STORED)])))
        inner = pack([("in.zip", inner, STORED)])
    nested = pack()
    for _ in range(6):
        nested = pack([("in.zip", nested, STORED)])
    assert "zip_bomb_inside" in codes(opened(nested))
    assert codes(opened(pack([("in.zip", pack(), STORED)]))) == []


def test_too_many_files_are_refused() -> None:
    made = pack([(str(number), b"", STORED) for number in range(4_001)])
    assert refusal(opened(made)) == "too_many_files"


@pytest.mark.parametrize("raw", [b"", b"PK", b"PK\x03\x04" * 9, b"PK\x05\x06" + bytes(18), TEXT])
def test_what_is_no_container_says_so(raw: bytes) -> None:
    found = opened(raw)
    assert found.members == {}
    assert refusal(found) in {"not_zip", ""}


def test_octets_changed_anywhere_end_in_an_answer() -> None:
    whole = pack()
    for at in range(len(whole)):
        for value in (0, 0xFF, whole[at] ^ 0x20):
            raw = whole[:at] + bytes([value]) + whole[at + 1 :]
            found = contents(raw)
            # what is given out is what the checksum of the directory says, or nothing
            for name, content, _ in USUAL:
                assert found.get(name) in {content, None}


class _Liar(WithoutWalls):
    """Somebody behind the walls who is in other hands."""

    def __init__(self, lie: Callable[[FoundZip, bytes], tuple[FoundZip, bytes]]) -> None:
        self._lie = lie

    def run(
        self, task: Task[Asked, Answered], asked: Asked, *, inputs: Sequence[Blob] = ()
    ) -> tuple[Answered, Blob]:
        """See `Isolation`."""
        answered, output = super().run(task, asked, inputs=inputs)
        lied, octets = self._lie(cast("Any", answered), output.read())
        output.close()
        fd = open_memory_file()
        os.write(fd, octets)
        return cast("Any", lied), Blob(fd)


def _with_member(found: FoundZip, name: str, **changed: Any) -> FoundZip:
    members = tuple(
        msgspec.structs.replace(one, **changed) if one.name == name else one
        for one in found.members
    )
    return msgspec.structs.replace(found, members=members)


@pytest.mark.parametrize(
    "lie",
    [
        pytest.param(lambda found, octets: (found, octets[::-1]), id="other octets"),
        pytest.param(lambda found, octets: (found, octets + b"x"), id="more octets"),
        pytest.param(lambda found, octets: (found, octets[:-1]), id="fewer octets"),
        pytest.param(
            lambda found, octets: (_with_member(found, "a.txt", size=5), octets[:5]),
            id="another size",
        ),
        pytest.param(
            lambda found, octets: (
                msgspec.structs.replace(found, members=found.members[:-1]),
                octets,
            ),
            id="one hidden",
        ),
        pytest.param(
            lambda found, octets: (
                msgspec.structs.replace(found, members=(*found.members, ZipMember("c", 1))),
                octets + b"x",
            ),
            id="one more",
        ),
    ],
)
def test_whoever_lies_about_what_was_unpacked_is_caught(
    lie: Callable[[FoundZip, bytes], tuple[FoundZip, bytes]],
) -> None:
    assert refusal(opened(pack(), _Liar(lie))) == "contradiction"


def test_names_and_stored_files_are_nobodys_to_change() -> None:
    def lie(found: FoundZip, octets: bytes) -> tuple[FoundZip, bytes]:
        members = tuple(msgspec.structs.replace(one, name="other") for one in found.members)
        return msgspec.structs.replace(found, members=members), octets

    assert contents(pack(), _Liar(lie)) == {name: content for name, content, _ in USUAL}


def _entries(raw: bytes | bytearray) -> list[int]:
    found: list[int] = []
    at = raw.find(b"PK\x01\x02")
    while at >= 0:
        found.append(at)
        at = raw.find(b"PK\x01\x02", at + 4)
    return found


class _Unseekable(io.RawIOBase):
    """A stream that `zipfile` cannot go back in."""

    def __init__(self, into: io.BytesIO) -> None:
        self._into = into

    def writable(self) -> bool:
        return True

    def write(self, octets: Any) -> int:
        return self._into.write(octets)
