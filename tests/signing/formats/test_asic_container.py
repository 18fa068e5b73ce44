"""The container of ASiC, judged by the standard library and octet by octet."""

from __future__ import annotations

import io
import struct
import unicodedata
import zipfile
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing.errors import DocumentRefused
from signing.formats.asic_container import (
    ASIC_E,
    MOST_FILES,
    ContainerFile,
    check_name,
    check_names,
    reference,
    write_container,
)
from signing.isolation.blob import Blob

VIETNAMESE = "Quyết định số 12/Đơn đề nghị – bản chính.pdf"


def packed(*files: ContainerFile) -> bytes:
    with write_container(ASIC_E, files) as blob:
        return blob.read()


def test_the_type_comes_first_stored_and_can_be_read_at_its_fixed_place() -> None:
    """ETSI EN 319 162-1 annex A.1: no compression, no encryption, no extra field."""
    raw = packed(ContainerFile("a.txt", b"a"))
    signature, _, flags, method = struct.unpack_from("<4sHHH", raw)
    name_length, extra_length = struct.unpack_from("<HH", raw, 26)
    assert (signature, flags, method) == (b"PK\x03\x04", 0, 0)
    assert (name_length, extra_length) == (8, 0)
    assert raw[30:].startswith(b"mimetype" + ASIC_E.encode())


def test_what_is_packed_comes_out_with_its_name_and_in_its_order() -> None:
    with Blob.of(b"large", b"one") as blob:
        raw = packed(ContainerFile(VIETNAMESE, blob), ContainerFile("b.txt", b"small"))
    with zipfile.ZipFile(io.BytesIO(raw)) as found:
        assert found.namelist() == ["mimetype", VIETNAMESE, "b.txt"]
        assert found.read(VIETNAMESE) == b"largeone"
        assert found.testzip() is None
        assert all(one.flag_bits & 0x8 == 0 for one in found.infolist()), "a descriptor"


def test_the_same_parts_give_the_same_bytes() -> None:
    files = [ContainerFile("a.txt", b"a"), ContainerFile(VIETNAMESE, b"b")]
    assert packed(*files) == packed(*files)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "name_escapes"),
        ("/etc/passwd", "name_escapes"),
        ("../up.txt", "name_escapes"),
        ("a/../../up.txt", "name_escapes"),
        ("a//b", "name_escapes"),
        ("./a", "name_escapes"),
        ("a\\..\\b", "name_escapes"),
        ("folder/", "name_escapes"),
        ("C:a.txt", "name_refused"),
        ("a\nb", "name_refused"),
        ("a\0b", "name_refused"),
        ("invoice\u202efdp.exe", "name_refused"),
        ("\ud800", "name_refused"),
        ("a .", "name_refused"),
        (" a", "name_refused"),
        ("ă" * 121, "name_refused"),
        ("mimetype", "name_reserved"),
        ("MimeType", "name_reserved"),
        ("META-INF/signature.p7s", "name_reserved"),
        ("meta-inf/x", "name_reserved"),
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(name: str, reason: str) -> None:
    """ETSI EN 319 162-1 §4.4.3.2: META-INF is the container's own; APPNOTE §4.4.17: no path out."""
    with pytest.raises(DocumentRefused) as refused:
        check_name(name)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ((), "no_documents"),
        (("a",) * (MOST_FILES + 1), "too_many_documents"),
        (("a.txt", "A.TXT"), "name_twice"),
        (("đơn.pdf", unicodedata.normalize("NFD", "đơn.pdf")), "name_twice"),
        (("a", "a/b"), "name_twice"),
    ],
)
def test_names_that_would_replace_each_other_are_refused(names, reason: str) -> None:
    with pytest.raises(DocumentRefused) as refused:
        check_names(names)
    assert refused.value.reason == reason


@given(st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=6))
def test_whatever_names_are_taken_come_out_as_they_are(names: list[str]) -> None:
    """No name is taken that a reader sees otherwise, or that leads out of the folder."""
    try:
        checked = check_names(names)
    except DocumentRefused:
        return
    raw = packed(*(ContainerFile(name, name.encode()) for name in checked))
    with zipfile.ZipFile(io.BytesIO(raw)) as found:
        assert tuple(found.namelist()[1:]) == checked
        assert all(found.read(name) == name.encode() for name in checked)
    for name in checked:
        assert not name.startswith("/")
        assert ".." not in name.split("/")
        assert reference(name).isascii()
        assert unquote(reference(name)) == name
