"""Updates that everybody reads in the same way, and others."""

from __future__ import annotations

import pytest

from signing.parsing.pdf_lax import open_lax
from signing.parsing.pdf_tail import Tail, read_tail
from tests.support.handmade_pdf import HandmadePdf, plain_document
from tests.support.pdf_attacks import append
from tests.support.pdf_increments import sign


def _tail(content: bytes, start: int = 9) -> Tail:
    return read_tail(content, start, reader=open_lax(content))


@pytest.mark.parametrize("form", ["classic", "with_streams"])
def test_what_we_write_is_plain(form: str) -> None:
    """A file and an update, with a table and with streams."""
    content = getattr(plain_document(pages=3), form)()
    signed = sign(content).content
    assert _tail(signed).is_plain(0)


def test_a_hybrid_file_is_plain_where_both_say_the_same() -> None:
    """ISO 32000-2 §7.5.8.4: what is in the stream is free in the table."""
    made = plain_document()
    number = made.add("<< >>")
    assert _tail(made.hybrid(number)).is_plain(0)


def test_an_object_that_no_table_names_is_noticed() -> None:
    """A reader that mends files would take it for the newest; in a stream it is none."""
    whole = plain_document().classic()
    behind = whole.replace(b"xref\n0 ", b"4 0 obj\nnull\nendobj\nxref\n0 ", 1)
    end = b"startxref\n%d\n%%%%EOF\n" % behind.index(b"xref\n0 ")
    assert _tail(behind[: behind.rindex(b"startxref")] + end).unnamed > 0
    made = plain_document()
    made.add_stream(b"\n4 0 obj\nnull\nendobj\n")
    assert _tail(made.classic()).is_plain(0)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (b"<< /A (1) >>", b"<< /A (1) /A (2) >>"),
        (b"<< /A << /B 1 >> >>", b"<< /A << /B 1 /#42 2 >> >>"),
        (b"[ << /A 1 >> ]", b"[ << /A 1 /A 2 >> ]"),
    ],
)
def test_a_key_twice_is_ambiguous_wherever_it_stands(good: bytes, bad: bytes) -> None:
    """ISO 32000-2 §7.3.7: a dictionary has no two entries of one key."""
    whole = plain_document().classic()
    for body, is_plain in ((good, True), (bad, False)):
        assert _tail(append(whole, {9: body}), len(whole)).is_plain(len(whole)) is is_plain
        made = HandmadePdf()
        made.root = made.add("<< /Type /Catalog >>")
        made.add(body)
        assert _tail(made.with_streams()).is_plain(0) is is_plain


def test_an_object_in_a_stream_has_one_number_and_one_index() -> None:
    """ISO 32000-2 §7.5.7: some readers look for the number, others go by the index."""
    made = plain_document()
    content = made.with_streams()
    tail = _tail(content)
    assert tail.is_plain(0)
    reader = open_lax(content)
    section = reader.xrefs.get_xref_data(0)
    first, second, *_ = section.xrefs_in_objstm.values()
    numbers = list(section.xrefs_in_objstm)
    section.xrefs_in_objstm |= {numbers[0]: second, numbers[1]: first}
    assert read_tail(content, 9, reader=reader).ambiguous > 0


@pytest.mark.parametrize(
    "junk", [b"junk", b"9 0 obj << /A", b"9 0 obj << >> stream\n", b"xref\n0 9\n"]
)
def test_what_cannot_be_read_is_not_plain(junk: bytes) -> None:
    """And is no exception."""
    whole = plain_document().classic()
    content = whole.replace(b"xref\n0 ", junk + b"\nxref\n0 ", 1)
    end = b"startxref\n%d\n%%%%EOF\n" % content.rindex(b"xref\n0 ")
    content = content[: content.rindex(b"startxref")] + end
    assert 0 < _tail(content).unread < len(content)
