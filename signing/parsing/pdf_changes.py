"""Signed revisions of a PDF, each compared with the document as it is.

What lives here: `compare_pdf`.  What cannot be compared is said, and everything is then
to be drawn.
Source: ISO 32000-2 §7.5.6.
Not here: the comparison (`pdf_differences`), the library's (`pdf_second_opinion`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from signing.errors import DocumentRefused
from signing.messages.pdf_changes import CompareAnswered, CompareAsked, Compared, Difference
from signing.parsing.pdf_damage import DAMAGE
from signing.parsing.pdf_differences import compare
from signing.parsing.pdf_sameness import TooMuch
from signing.parsing.pdf_second_opinion import ReviewingReader, review
from signing.parsing.pdf_snapshot import Snapshot
from signing.parsing.pdf_tail import Tail, read_tail


def compare_pdf(
    asked: CompareAsked, inputs: Sequence[memoryview], _output: BinaryIO
) -> CompareAnswered:
    """What differs for each revision.

    Raises  DocumentRefused: encrypted, damaged (of the document as it is).
    """
    data = bytes(inputs[0])
    try:
        now = Snapshot(data, reader=ReviewingReader)
    except DAMAGE as failure:
        raise DocumentRefused("damaged") from failure
    compared: list[Compared] = []
    earliest: Snapshot | None = None
    tail: Tail | None = None
    noted: dict[tuple[int, int], tuple[bool, frozenset[int]]] = {}
    for end in asked.ends:  # one after the other: each is as large as the document
        before = _opened(data[:end], noted)
        if before is not None and (tail is None or end < tail.start or -1 < tail.unread < end):
            tail = read_tail(data, end, reader=now.reader)
        compared.append(_compared(before, now, tail))
        if before is not None and (earliest is None or end < len(earliest.data)):
            earliest = before
    return CompareAnswered(tuple(compared), tuple(review(asked, now, earliest)))


def _opened(
    signed: bytes, noted: dict[tuple[int, int], tuple[bool, frozenset[int]]]
) -> Snapshot | None:
    try:
        return Snapshot(signed, noted=noted)
    except (*DAMAGE, DocumentRefused):
        return None


def _compared(before: Snapshot | None, now: Snapshot, tail: Tail | None) -> Compared:
    if before is None or tail is None:
        difference = Difference(code="signed_revision_unreadable")
        return Compared(differences=(difference,), is_told=False)
    try:
        return compare(before, now, tail=tail)
    except (*DAMAGE, TooMuch):
        return Compared(
            differences=(Difference(code="not_compared"),),
            pages_before=_count(before),
            pages_now=_count(now),
            is_told=False,
        )


def _count(snapshot: Snapshot) -> int:
    """How many pages there are, none where that cannot be told."""
    try:
        return len(snapshot.pages)
    except DAMAGE:
        return 0
