"""Lengths that were left open, and what somebody could make of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystore.pki.der import SEQUENCE, wrap
from signing.formats.der import OCTET_STRING, SET, DerMalformed, read_one
from signing.validation.ber import to_definite, written_parts

END = b"\x00\x00"


def test_open_lengths_become_definite() -> None:
    inner = wrap(OCTET_STRING, b"abc")
    assert to_definite(b"\x30\x80" + inner + b"\xa0\x80" + inner + END + END) == wrap(
        SEQUENCE, inner, wrap(0xA0, inner)
    )


def test_octets_in_pieces_are_put_together() -> None:
    pieces = b"\x24\x80" + b"\x04\x02ab" + b"\x24\x80\x04\x01c" + END + b"\x24\x03\x04\x01d" + END
    assert to_definite(pieces) == wrap(OCTET_STRING, b"abcd")


def test_a_set_keeps_its_order() -> None:
    """What was signed are the attributes as they stand (RFC 5652 §5.4 leaves it to the maker)."""
    assert to_definite(b"\x31\x80\x04\x01z\x04\x01a" + END) == wrap(SET, b"\x04\x01z\x04\x01a")


def test_lengths_that_are_too_long_become_as_short_as_can_be() -> None:
    assert to_definite(b"\x30\x83\x00\x00\x03\x04\x01a") == wrap(SEQUENCE, b"\x04\x01a")


def test_der_stays_as_it_is() -> None:
    der = wrap(SEQUENCE, wrap(SET, wrap(OCTET_STRING, b"x" * 300)), b"\x05\x00")
    assert to_definite(der) == der
    assert to_definite(der + bytes(1_000)) == der


def test_parts_are_given_as_they_were_written() -> None:
    inner = b"\x31\x80\x04\x01a" + END
    raw = b"\x30\x80\x05\x00\xa0\x80" + inner + b"\x05\x00" + END + END
    assert [bytes(one) for one in written_parts(raw, 1, most=5)] == [inner, b"\x05\x00"]
    assert [bytes(one) for one in written_parts(raw, 1, most=1)] == [inner]
    for path in ((0,), (5,), (1, 0, 0)):
        with pytest.raises(DerMalformed):
            written_parts(raw, *path, most=5)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x30",
        b"\x30\x80",
        b"\x30\x80\x00",
        b"\x04\x80" + END,
        b"\x30\x05\x04\x01a",
        b"\x30\x03\x04\x05a",
        b"\x24\x03\x02\x01a",
        b"\x30\x03\x04\x01ab",
        b"\x3f\x81\x01\x00",
        b"\x30\x89" + bytes(9),
        b"\x30\x80" * 100 + END * 100,
        b"\x24\x80" * 100 + END * 100,
        b"\x30\x84\x00\x10\x00\x00" + b"\x05\x00" * (1 << 19),
    ],
)
def test_what_is_no_ber_is_refused(raw: bytes) -> None:
    with pytest.raises(DerMalformed):
        to_definite(raw)


@given(st.binary(max_size=200))
def test_whatever_comes_in_ends_in_der_or_a_refusal(raw: bytes) -> None:
    try:
        found = to_definite(raw)
    except DerMalformed:
        return
    read_one(found)
    assert to_definite(found) == found
