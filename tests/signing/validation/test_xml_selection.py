"""Octets that stand for nodes of a document are told from others."""

from __future__ import annotations

import pytest

from signing.formats.xml_tree import read_tree
from signing.validation.xml_selection import is_selection

TREE = read_tree('<?in x?><a b="1" c="2">one<p:d xmlns:p="u">two</p:d>&lt;three<!--x-->four</a>')


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"one",
        b"onetwo&lt;threefour",
        b"twofour",
        b'<a b="1"></a>',
        b'<a xmlns:p="u" c="2">one<p:d></p:d>four</a>',
        b'<p:d xmlns:p="u" xml:lang="vi">two</p:d>',
        b"<?in x?>one<!--x-->four",
    ],
)
def test_what_is_left_of_a_document_is_known(octets: bytes) -> None:
    assert is_selection(octets, TREE)


@pytest.mark.parametrize(
    "octets",
    [
        b"five",
        b"on",
        b"twoone",
        b"oneone",
        b'<a b="2"></a>',
        b'<a d="1"></a>',
        b"<e></e>",
        b"<p:d>two</p:d>one",
        b"<!--y-->",
        b"<?out?>",
        b"<a",
        b"\xff",
        b"&unknown;",
    ],
)
def test_what_was_brought_along_is_not(octets: bytes) -> None:
    assert not is_selection(octets, TREE)


def test_texts_that_begin_alike_are_found_all_the_same() -> None:
    tree = read_tree("<a>x<b/>xy<b/>z</a>")
    assert is_selection(b"xyz", tree)
    assert not is_selection(b"xyy", tree)


def test_texts_that_could_be_anything_end() -> None:
    tree = read_tree("<a>" + "x<b/>" * 20_000 + "</a>")
    assert not is_selection(b"x" * 19_999 + b"y", tree)
