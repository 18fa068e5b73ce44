"""Our reader of PDF says what pyHanko's says, or leaves it to pyHanko."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.parsing.pdf_lax import LaxReader
from signing.parsing.pdf_objects import Ambiguous, read_object, read_value
from signing.parsing.pdf_reader import ExactReader
from tests.support import pdf_attacks, pdf_tricks
from tests.support.handmade_pdf import plain_document
from tests.support.hostile_pdfs import with_unreached_script
from tests.support.pdf_programs import NAMES
from tests.support.pdf_readings import reads_itself, what_differs
from tests.vectors.corpus import corpus_folder, needs_corpus

_MOST_BYTES: Final = 400_000
_SMALL: Final = (
    plain_document(pages=2).classic(),
    plain_document(pages=2).with_streams(),
    plain_document(pages=2).hybrid(1, 2, 3),
    pdf_attacks.victim(),
    pdf_tricks.with_packed_resources(),
    with_unreached_script(),
)
_PIECES: Final = (
    *(b" ", b"\n", b"\r", b"\r\n", b"%", b"/", b"<<", b">>", b"[", b"]", b"(", b")", b"\\", b"\0"),
    *(b"0", b"1", b"9", b"-", b".", b",", b"#", b"\x0b", b"\xff", b"n", b"f", b"null", b"true"),
    *(b" 0 R", b"1 0 R", b"obj", b"endobj", b"stream", b"endstream", b"xref", b"trailer"),
    *(b"/Length 3", b"/Size 3", b"/Prev 15", b"/Type /XRef", b"startxref", b"%%EOF", b"999999"),
)
_REFERENCE: Final = generic.Reference(1, 0)


@pytest.mark.parametrize("name", NAMES)
def test_files_of_many_programs_are_read_by_ours_alone(name: str, pdf_programs: Any) -> None:
    content = pdf_programs[name].content
    assert reads_itself(content)
    assert what_differs(content) == ""
    assert what_differs(content, reader=LaxReader) == ""


@needs_corpus
def test_signed_files_of_others_are_read_as_pyhanko_reads_them() -> None:
    files = {path: path.read_bytes() for path in corpus_folder().rglob("*.pdf")}
    plain = {path: content for path, content in files.items() if reads_itself(content)}
    assert len(plain) > len(files) / 2
    differing = {
        path.name: said
        for path, content in plain.items()
        if len(content) < _MOST_BYTES and (said := what_differs(content, most=25))
    }
    assert differing == {}


@settings(max_examples=150)
@given(
    st.sampled_from(_SMALL),
    st.floats(0, 1),
    st.sampled_from(_PIECES),
    st.sampled_from([0, 0, 1, 2, 5]),
    st.sampled_from([ExactReader, LaxReader]),
)
def test_whatever_is_wrong_with_a_file_both_say_the_same(
    content: bytes, where: float, piece: bytes, lost: int, reader: type[ExactReader]
) -> None:
    at = int(where * len(content))
    assert what_differs(content[:at] + piece + content[at + lost :], reader=reader) == ""


@settings(max_examples=60)
@given(st.sampled_from(_SMALL), st.integers(0, 400), st.sampled_from(_PIECES), st.integers(0, 2))
def test_whatever_is_wrong_at_its_end_both_say_the_same(
    content: bytes, before: int, piece: bytes, lost: int
) -> None:
    at = max(0, len(content) - before)
    assert what_differs(content[:at] + piece + content[at + lost :]) == ""


@pytest.mark.parametrize("content", _SMALL)
def test_what_is_made_by_hand_is_plain(content: bytes) -> None:
    assert reads_itself(content)
    assert what_differs(content) == ""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"xref\n0 ", b"xref \n1 "),  # beside its table
        (b"startxref\n", b"startxref\n1"),  # behind the end
        (b"0000000015 00000 n", b"0000000015 00001 n"),  # a second generation
        (b"0000000000 65535 f", b"0000000000 65535 n"),  # the head of the list of free ones
        (b"0000000015 00000 n", b"0000000015 0000  n"),  # a row that is too short
        (b"/Root 1 0 R", b"/Root 1 0 R /Root 2 0 R"),  # a key twice
        (b"/Root 1 0 R", b"/Root 1 0 R /Prev 0.5"),  # no place
        (b"/Size ", b"/Sise "),
        (b"trailer\n<<", b"trailer\n[<<"),
    ],
)
def test_tables_that_can_be_read_in_two_ways_are_left_to_pyhanko(old: bytes, new: bytes) -> None:
    """ISO 32000-2 §7.5.4, §7.5.5."""
    content = plain_document().classic()
    assert old in content
    changed = content.replace(old, new, 1)
    assert not reads_itself(changed)
    assert what_differs(changed) == ""


def test_sections_that_go_in_a_circle_are_left_to_pyhanko() -> None:
    """ISO 32000-2 §7.5.5: /Prev leads back."""
    content = plain_document().classic()
    start = int(content.split()[-2])
    changed = plain_document().classic(f"/Prev {start}")
    assert not reads_itself(changed)
    assert what_differs(changed) == ""


@pytest.mark.parametrize(
    "octets",
    [
        b"<< /A 1 /A 2 >>",
        b"<< /A >>",
        b"<< 1 /A >>",
        b"<< /A 1 ]",
        b"[ 1 2",
        b"[ 1 >>",
        b"12a",
        b"1,2",
        b"--1",
        b"+-1",
        b"12345678901",
        b"true1",
        b"/A\x80",
        b"/A#4",
        b"(a(b))",
        b"(a",
        b"(\\400)",
        b"(\\18)",
        b"(\\q)",
        b"<0g>",
        b"[0 0 R]",
        b"[1    0 R]",
        b"[1 0 Rx]",
        b"[1234567890  12345  R\n]",
        b">>",
        b"[ %",
        b"",
        b"[" * 60 + b"]" * 60,
        b"<</A" * 60 + b" 1" + b">>" * 60,
    ],
)
def test_values_that_can_be_read_in_two_ways_are_ambiguous(octets: bytes) -> None:
    """ISO 32000-2 §7.3."""
    with pytest.raises(Ambiguous):
        _value(octets)


@pytest.mark.parametrize(
    "octets",
    [
        b"5 0 obj 1 endobj x",
        b"1 1 obj 1 endobj x",
        b" 1 0 obj 1 endobj x",
        b"1  0 obj 1 endobj x",
        b"1 0 obj 1 endob x",
        b"1 0 obj 1 endobj",
        b"1 0 obj 1 endobj %%EOF\n",
        b"1 0 obj 1 2 endobj x",
        b"1 0 obj [] stream\nabc\nendstream endobj x",
        b"1 0 obj <<>> stream\nabc\nendstream endobj x",
        b"1 0 obj << /Length 2 >> stream\nabc\nendstream endobj x",
        b"1 0 obj << /Length -1 >> stream\nabc\nendstream endobj x",
        b"1 0 obj << /Length 99 >> stream\nabc\nendstream endobj x",
        b"1 0 obj << /Length 3.0 >> stream\nabc\nendstream endobj x",
        b"1 0 obj << /Length 3 >> stream abc\nendstream endobj x",
        b"1 0 obj << /Length 3 >> stream\rabc\nendstream endobj x",
        b"1 0 obj << /Length 3 >> stream\nabc\nendstream x",
    ],
)
def test_objects_that_can_be_read_in_two_ways_are_ambiguous(octets: bytes) -> None:
    """ISO 32000-2 §7.3.8, §7.3.10: an object beside its place, a length that is not one."""
    with pytest.raises(Ambiguous):
        read_object(octets, 0, reference=_REFERENCE, length_of=_nowhere)


def test_an_object_of_each_kind_is_read_where_it_lies() -> None:
    """ISO 32000-2 §7.3; a view of octets serves as well as the octets."""
    octets = (
        b"1 0 obj % so\n<< /A [true false null 1 -2 .5 1. +3] /B#41 (a\\)\\101\\n) /C <48 6> "
        b"/D 7 0 R /Length 3 >>\nstream\r\nabc\nendstream\nendobj\nx"
    )
    found = read_object(memoryview(octets), 0, reference=_REFERENCE, length_of=_nowhere)
    assert found.encoded_data == b"abc"
    assert [str(found.raw_get("/A")[at]) for at in (0, 1, 3, 4, 5, 6, 7)] == [
        *("True", "False", "1", "-2"),
        *("0.5", "1", "3"),
    ]
    assert found["/BA"] == b"a)A\n"
    assert found["/C"] == "H`"
    assert found.raw_get("/D") == generic.IndirectObject(7, 0, None)
    assert found.raw_get("/D").container_ref is _REFERENCE


@pytest.mark.parametrize("behind", ["% so", "stream\nab\nendstream 1"])
def test_an_object_in_a_stream_that_seems_to_go_on_is_left_to_pyhanko(behind: str) -> None:
    """ISO 32000-2 §7.5.7: to some, a dictionary is the next object's stream's."""
    made = plain_document(pages=2)
    made.put(6, "<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Length 2 >>")
    made.put(7, behind)
    assert what_differs(made.with_streams()) == ""


def test_a_length_that_stands_elsewhere_is_a_number_and_nothing_else() -> None:
    """ISO 32000-2 §7.3.8.2."""
    made = plain_document()
    length = made.add("44")
    made.put(4, f"<< /Length {length} 0 R >>\nstream\n{'x' * 44}\nendstream")
    asked = generic.Reference(4, 0)
    for body in ("44", "45", "4 0 R", "[44]", "4.4", f"{length} 0 R"):
        made.put(length, body)
        assert what_differs(made.classic()) == ""
    made.put(length, "44")
    assert _opened(made.classic()).get_object(asked).encoded_data == b"x" * 44


def test_an_opened_file_has_all_that_the_librarys_reader_has() -> None:
    """A version of the library that keeps more has to be looked at."""
    content = plain_document().classic()
    theirs = vars(PdfFileReader(io.BytesIO(content), strict=False))
    ours = vars(_opened(content))
    assert ours.keys() - theirs.keys() == {"is_exact", "_octets", "_packs"}
    assert theirs.keys() <= ours.keys()


def test_without_the_octets_at_hand_it_is_the_librarys_reader() -> None:
    """So that what is compared with it here is the library's own word."""
    content = plain_document().classic()
    opened = ExactReader(io.BytesIO(content), octets=None)
    assert not opened.is_exact
    asked = generic.Reference(1, 0)
    theirs = PdfFileReader(io.BytesIO(content), strict=False)
    assert opened.get_object(asked) == theirs.get_object(asked)
    assert type(opened.get_object(asked).raw_get("/Pages")) is generic.IndirectObject


def test_an_encrypted_file_is_left_to_pyhanko() -> None:
    """ISO 32000-2 §7.6."""
    assert not reads_itself(plain_document().classic("/Encrypt << /Filter /Standard >>"))


def _opened(content: bytes) -> ExactReader:
    return ExactReader(io.BytesIO(content), octets=content)


def _value(octets: bytes) -> Any:
    return read_value(octets, 0, within=_REFERENCE)[0]


def _nowhere(_reference: Mapping[str, str]) -> int:
    raise Ambiguous
