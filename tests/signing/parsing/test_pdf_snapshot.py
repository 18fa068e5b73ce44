"""What refers to what in a PDF: an edge too many costs time, one too few would hide a change."""

from __future__ import annotations

from typing import Final

import pytest

from signing.parsing.pdf_snapshot import Snapshot
from tests.support.handmade_pdf import HandmadePdf, plain_document
from tests.support.pdf_attacks import append

_HIDING: Final = {
    "plain": "<< /Next 9 0 R >>",
    "string": "<< /A (endobj) /Next 9 0 R >>",
    "string with a stream": "<< /A (>>\nstream\n) /Next 9 0 R >>",
    "string with an object": "<< /A (endobj\n8 0 obj) /Next 9 0 R >>",
    "comment": "<< /A 1 % endobj\n /Next 9 0 R >>",
    "comment within": "<< /Next 9 %\n 0 R >>",
    "name": "<< /Aendobj 1 /Next 9 0 R >>",
    "name with a stream": "<< /A /stream\n /Next 9 0 R >>",
    "hexadecimal": "<< /A <" + "ab" * 2_000 + "> /Next 9 0 R >>",
    "array": "[ 1 2 (endobj) 9 0 R ]",
    "space": "<< /Next 9\t0\n\nR >>",
    "parent": "<< /Contents [/Parent 9 0 R] >>",
}


def _document(hiding: str) -> HandmadePdf:
    made = plain_document(catalog="/Way 8 0 R")
    made.put(8, hiding)
    made.put(9, "<< /Touched true >>")
    return made


@pytest.mark.parametrize("hiding", list(_HIDING.values()), ids=list(_HIDING))
@pytest.mark.parametrize("form", ["classic", "with_streams"])
def test_no_way_of_writing_hides_a_reference(hiding: str, form: str) -> None:
    """ISO 32000-2 §7.2.4, §7.3: keywords in strings, in comments, in names."""
    snapshot = Snapshot(getattr(_document(hiding), form)())
    assert {8, 9, 1} <= snapshot.reaching({9})


def test_what_refers_to_nothing_that_was_touched_is_left_alone() -> None:
    """Or everything would be compared."""
    snapshot = Snapshot(_document("<< /Next 9 0 R >>").classic())
    assert snapshot.reaching({9}) == {1, 8, 9}
    assert snapshot.reaching({9}, stops=frozenset({8})) == {8, 9}


def test_a_stream_is_not_read_for_references() -> None:
    """Its dictionary is, its octets are not."""
    made = _document("null")
    number = made.add_stream(b"1 0 0 9 0 R ", "/Next 3 0 R")
    snapshot = Snapshot(made.classic())
    assert number not in snapshot.reaching({9})
    assert number in snapshot.reaching({3})


def test_what_an_update_replaced_refers_to_nothing_any_more() -> None:
    """Dead octets between two objects belong to neither."""
    once = _document("<< /Next 9 0 R >>").classic()
    assert 8 not in Snapshot(append(once, {8: b"<< >>"})).reaching({9})


def test_pages_are_found_whatever_their_tree() -> None:
    """ISO 32000-2 §7.7.3.2; a tree that goes in circles ends."""
    assert len(Snapshot(plain_document(pages=7).with_streams()).pages) == 7
    circle = plain_document()
    circle.put(2, "<< /Type /Pages /Count 2 /Kids [2 0 R 5 0 R] >>")
    lost = Snapshot(circle.classic())
    assert (lost.pages, lost.has_all_pages) == ([5], False)


def test_a_tree_of_which_we_do_not_see_the_end_is_known_as_such() -> None:
    """Others may come further, to pages that nobody compared."""
    made = plain_document()
    nodes = [made.add("null") for _ in range(70)]
    for node, below in zip(nodes, [*nodes[1:], 5], strict=True):
        made.put(node, f"<< /Type /Pages /Count 1 /Kids [{below} 0 R] >>")
    made.put(2, f"<< /Type /Pages /Count 1 /Kids [{nodes[0]} 0 R] >>")
    deep = Snapshot(made.classic())
    assert (deep.pages, deep.has_all_pages) == ([], False)
    whole = Snapshot(plain_document(pages=3).classic())
    assert (len(whole.pages), whole.has_all_pages) == (3, True)


def test_a_freed_object_is_nothing() -> None:
    """Its octets are there, and no table names them."""
    freed = Snapshot(append(_document("<< /A 1 >>").classic(), freed=(8,)))
    assert freed.fetch(8) is None
    assert freed.places[8] is None
