"""Streams that are sealed in pieces: opened whole and in order, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystore.errors import SealBroken
from keystore.sealed_stream import (
    PIECE_BYTES,
    TAG_BYTES,
    make_stream_key,
    open_stream,
    seal_piece,
    seal_stream,
)

_KEY = make_stream_key()
_CONTEXT = "document:one"


def _seal(content: bytes) -> bytes:
    return b"".join(seal_stream([content], key=_KEY, context=_CONTEXT))


def _open(sealed: bytes, *, key: bytes = _KEY, context: str = _CONTEXT) -> bytes:
    return b"".join(open_stream([sealed], key=key, context=context))


@pytest.mark.parametrize(
    "size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES]
)
def test_what_was_sealed_opens_whatever_its_length(size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    assert _open(_seal(content[:size])) == content[:size]


@given(st.lists(st.binary(max_size=300), max_size=8), st.integers(1, 400))
def test_where_a_stream_is_cut_makes_no_difference(chunks: list[bytes], step: int) -> None:
    sealed = b"".join(seal_stream(chunks, key=_KEY, context=_CONTEXT))
    pieces = [sealed[at : at + step] for at in range(0, len(sealed), step)]
    assert b"".join(open_stream(pieces, key=_KEY, context=_CONTEXT)) == b"".join(chunks)


@given(st.binary(max_size=200), st.data())
def test_a_changed_bit_does_not_open(content: bytes, data: st.DataObject) -> None:
    sealed = bytearray(_seal(content))
    at = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[at // 8] ^= 1 << at % 8
    with pytest.raises(SealBroken):
        _open(bytes(sealed))


@pytest.fixture(scope="module")
def three_pieces() -> list[bytes]:
    """The sealed pieces of a stream of three."""
    step = PIECE_BYTES + TAG_BYTES
    sealed = _seal(bytes(2 * PIECE_BYTES + 5))
    return [sealed[at : at + step] for at in range(0, len(sealed), step)]


@pytest.mark.parametrize("order", [(0, 1), (0, 2), (1, 2), (1, 0, 2), (0, 0, 1, 2), (0, 1, 2, 2)])
def test_pieces_that_are_missing_moved_or_doubled_do_not_open(
    three_pieces: list[bytes], order: tuple[int, ...]
) -> None:
    with pytest.raises(SealBroken):
        _open(b"".join(three_pieces[at] for at in order))


def test_nothing_opens_what_is_cut_off() -> None:
    sealed = _seal(b"all of it")
    for length in range(len(sealed)):
        with pytest.raises(SealBroken):
            _open(sealed[:length])


def test_another_key_or_another_record_does_not_open() -> None:
    sealed = _seal(b"all of it")
    with pytest.raises(SealBroken):
        _open(sealed, key=make_stream_key())
    with pytest.raises(SealBroken):
        _open(sealed, context="document:other")


def test_two_streams_have_two_keys() -> None:
    assert make_stream_key() != make_stream_key()


@given(content=st.binary(max_size=100))
def test_what_is_one_piece_is_sealed_as_a_stream_of_one(content: bytes) -> None:
    key = make_stream_key()
    sealed = seal_piece(content, key=key, context="a:1")
    assert [sealed] == list(seal_stream([content], key=key, context="a:1"))


def test_what_is_more_than_a_piece_is_not_sealed_as_one() -> None:
    with pytest.raises(ValueError, match="too_long"):
        seal_piece(bytes(PIECE_BYTES + 1), key=make_stream_key(), context="a:1")
