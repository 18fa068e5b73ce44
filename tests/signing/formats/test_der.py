"""The reader and the writer of DER agree with a compiled one, and with nothing that is not DER."""

from __future__ import annotations

import pytest
from asn1crypto import parser
from cryptography.hazmat import asn1
from hypothesis import given
from hypothesis import strategies as st

from keystore.pki.der import SEQUENCE, wrap
from signing.formats.der import (
    OCTET_STRING,
    DerMalformed,
    header,
    oid,
    read_all,
    read_oid,
    read_one,
    set_of,
)


@asn1.sequence
class Around:
    inside: asn1.SetOf[bytes]


@given(st.lists(st.binary(max_size=300), max_size=12))
def test_a_set_is_in_the_order_of_a_compiled_one(values: list[bytes]) -> None:
    """X.690 §11.6; of what comes twice, one is left."""
    made = set_of(wrap(OCTET_STRING, one) for one in values)
    compiled = asn1.encode_der(Around(inside=asn1.SetOf(list(dict.fromkeys(values)))))
    assert wrap(SEQUENCE, made) == compiled


@given(st.integers(0, 2**32))
def test_a_header_is_the_shortest(size: int) -> None:
    """X.690 §10.1: as few octets of length as will do."""
    made = header(OCTET_STRING, size)
    if size < 2**16:
        assert made + bytes(size) == parser.emit(0, 0, 4, bytes(size))
    octets = made[2:]
    assert int.from_bytes(octets or made[1:], "big") == size
    assert not octets or (octets[0] != 0 and made[1] == 0x80 | len(octets))


@given(st.recursive(st.binary(max_size=40), lambda inner: st.lists(inner, max_size=4)))
def test_what_is_written_is_read_again(tree) -> None:
    def encode(node) -> bytes:
        if isinstance(node, bytes):
            return wrap(OCTET_STRING, node)
        return wrap(SEQUENCE, *map(encode, node))

    def read(element):
        if element.tag == OCTET_STRING:
            return bytes(element.content)
        return [read(one) for one in element.children()]

    raw = encode(tree)
    assert read(read_one(raw)) == tree
    assert bytes(read_one(raw).whole) == raw


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x30",
        b"\x30\x01",
        b"\x30\x80\x00\x00",  # indefinite
        b"\x04\x81\x05hello",  # a longer length than needed
        b"\x04\x82\x00\x80" + bytes(128),
        b"\x04\x89" + bytes(8) + b"\x01a",
        b"\x1f\x81\x00\x00",  # a tag of several octets
        b"\x04\x01ab",  # something behind
        b"\x04\xff",
    ],
)
def test_what_is_no_der_is_refused(raw: bytes) -> None:
    """X.690 §8.1.2, §10.1."""
    with pytest.raises(DerMalformed):
        read_one(raw)


def test_more_elements_than_expected_are_refused() -> None:
    assert len(read_all(b"\x05\x00" * 3, most=3)) == 3
    with pytest.raises(DerMalformed):
        read_all(b"\x05\x00" * 4, most=3)


@given(st.binary(max_size=80))
def test_whatever_comes_in_is_read_as_another_reader_does_or_refused(raw: bytes) -> None:
    try:
        found = read_one(raw)
    except DerMalformed:
        return
    class_, method, tag, _, contents, _ = parser.parse(raw, strict=True)
    assert found.tag == class_ << 6 | method << 5 | tag
    assert bytes(found.content) == contents


def test_an_identifier_is_read_or_refused() -> None:
    assert read_oid(read_one(oid("1.2.840.113549.1.7.1"))) == "1.2.840.113549.1.7.1"
    for raw in (b"\x06\x00", b"\x06\x01\x80", b"\x05\x00"):
        with pytest.raises(DerMalformed):
            read_oid(read_one(raw))
