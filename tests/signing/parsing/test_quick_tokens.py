"""Names and strings are read at once, and say the same as when they were read letter by letter."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfError, PdfStreamError

from signing.parsing import pdf_lax
from signing.parsing.quick_tokens import THEIR_HEX, THEIR_NAME, read_hex_string, read_name


def _outcome(function: Any, octets: bytes) -> tuple[Any, int] | None:
    stream = io.BytesIO(octets)
    try:
        value = function(stream)
    except (PdfError, ValueError):
        return None
    said = value if isinstance(value, generic.NameObject) else value.original_bytes
    return (type(value), said), stream.tell()


@given(st.text(alphabet="0123456789abcdefABCDEF \t\r\n\f\0", max_size=60), st.binary(max_size=8))
@example("", b"")
@example("feff00e0", b" rest")
@example("48656c6c6f2", b"")
def test_it_reads_what_the_library_reads_and_stops_where_it_stops(
    inside: str, after: bytes
) -> None:
    """ISO 32000-2 §7.3.4.3: white space is nothing, a missing last digit is 0."""
    octets = b"<" + inside.encode() + b">" + after
    assert _outcome(read_hex_string, octets) == _outcome(THEIR_HEX, octets)


@given(st.binary(max_size=20), st.binary(max_size=8))
@example(b"Type", b" /Next")
@example(b"A#20B", b"")
@example(b"A#2", b"")
@example(b"x" * 100, b" ")
def test_a_name_is_read_as_the_library_reads_it(inside: bytes, after: bytes) -> None:
    """ISO 32000-2 §7.3.5."""
    octets = b"/" + inside + after
    assert _outcome(read_name, octets) == _outcome(THEIR_NAME, octets)


def test_what_begins_without_a_stroke_is_no_name() -> None:
    """And says so as the library does."""
    assert _outcome(read_name, b"Type") is None


@pytest.mark.parametrize("octets", [b"<", b"<00", b"<0g>", b"<00<00>", b"<(>"])
def test_what_is_no_string_is_refused(octets: bytes) -> None:
    """A digit that is none, an end that does not come."""
    with pytest.raises(PdfStreamError):
        read_hex_string(io.BytesIO(octets))


def test_a_long_string_is_read_over_several_pieces() -> None:
    """A signature is longer than what is read at once."""
    octets = b"<" + b"ab" * 20_000 + b">x"
    stream = io.BytesIO(octets)
    assert read_hex_string(stream).original_bytes == b"\xab" * 20_000
    assert stream.read() == b"x"


def test_the_library_reads_with_it() -> None:
    """It is in place as soon as anything is read laxly."""
    assert pdf_lax.LaxReader.__module__ in sys.modules
    assert generic.read_hex_string_from_stream is read_hex_string
    assert generic.NameObject.read_from_stream is read_name
