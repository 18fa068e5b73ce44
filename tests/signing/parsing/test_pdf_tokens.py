"""Dictionaries by their octets: where each value stands, and what hides from a careless eye."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing.parsing.pdf_tokens import Malformed, dictionary_at, name_of


def _values(body: bytes) -> dict[str, bytes]:
    octets = b"7 0 obj\n" + body
    number, entries, _ = dictionary_at(octets, 0)
    assert number == 7
    return {one.key: octets[one.start : one.end] for one in entries}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"<< /A 1 /B 2 0 R /C /D >>", {"/A": b"1", "/B": b"2 0 R", "/C": b"/D"}),
        (b"<</A(a\\)>>b)/B<00>>>", {"/A": b"(a\\)>>b)", "/B": b"<00>"}),
        (
            b"<< /A ((in) ner) /B [1 [2 0 R] << /C 3 >>] >>",
            {"/A": b"((in) ner)", "/B": b"[1 [2 0 R] << /C 3 >>]"},
        ),
        (b"<< % /A 1 >>\n/B true>>", {"/B": b"true"}),
        (b"<< /A%c\n1 >>", {"/A": b"1"}),
        (b"<< /#43ontents <00> >>", {"/Contents": b"<00>"}),
        (b"<<>>", {}),
    ],
)
def test_each_value_is_where_it_stands(body: bytes, expected: dict[str, bytes]) -> None:
    """ISO 32000-2 §7.2, §7.3: strings nest, comments are space, names are escaped."""
    assert _values(body) == expected


def test_a_key_that_stands_twice_is_found_twice() -> None:
    """ISO 32000-2 §7.3.7: it must not, and which one counts nobody says."""
    _, entries, _ = dictionary_at(b"1 0 obj << /A 1 /A 2 >>", 0)
    assert [one.key for one in entries] == ["/A", "/A"]


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"<< /A 1 >>",
        b"1 0 obj",
        b"1 0 obj 7",
        b"1 0 obj << /A (x >>",
        b"1 0 obj << /A <00",
        b"1 0 obj << 1 2 >>",
        b"1 0 obj << /A " + b"[" * 100 + b"]" * 100 + b" >>",
        b"1 0 obj << /A [" + b"1 " * 30_000 + b"] >>",
        b"1 0 obj << /A } >>",
    ],
)
def test_what_is_no_dictionary_is_refused(octets: bytes) -> None:
    """Unfinished, too deep, too long, or something else."""
    with pytest.raises(Malformed):
        dictionary_at(octets, 0)


def test_of_a_broken_dictionary_the_entries_before_are_kept() -> None:
    """Whoever wraps a signature breaks its dictionary, and the range is still read."""
    with pytest.raises(Malformed) as failure:
        dictionary_at(b"1 0 obj << /A 1 /B 2 broken", 0)
    assert [one.key for one in failure.value.entries] == ["/A", "/B"]


@given(st.binary(max_size=200))
def test_whatever_the_octets_there_is_an_end(octets: bytes) -> None:
    """No loop and no other exception."""
    try:
        _, entries, end = dictionary_at(b"1 0 obj <<" + octets, 0)
    except Malformed:
        return
    assert end <= len(octets) + 10
    assert all(one.start <= one.end <= end for one in entries)


def test_names_are_what_their_escapes_say() -> None:
    """ISO 32000-2 §7.3.5."""
    assert name_of(b"/By#74eRange") == "/ByteRange"
    assert name_of(b"/a#zz") == "/a#zz"
