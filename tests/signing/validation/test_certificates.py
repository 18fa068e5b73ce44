"""Certificates, lists and answers of strangers are read or refused, and never raise."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keystore.pki.der import wrap
from signing.formats.der import DerMalformed, oid, read_one
from signing.validation import der_values
from signing.validation.certificates import LARGEST, find_certificate
from signing.validation.names import is_same_name, name_key
from signing.validation.revocation_lists import find_list
from signing.validation.status_answers import find_answer
from tests.support.certificate_paths import (
    AT,
    Extension,
    alternative_names,
    answer,
    authority,
    entry,
    name,
    person,
    point,
    points,
    policies,
    revocation_list,
)

ROOT = authority("Root")
LEAF = person(
    "A",
    alternative_names(wrap(0x82, b"vn.example"), wrap(0xA0, oid("1.2.3"))),
    points(point(names=[wrap(0x86, b"http://crl.example/")])),
    policies("1.2.3"),
    by=ROOT,
)
PIECES = (
    LEAF.der,
    revocation_list(ROOT, entry(5, reason=1), entry(6)),
    answer(LEAF, ROOT, by=ROOT, certificates=[ROOT.der]),
)


def test_what_a_certificate_says_is_read():
    found = find_certificate(LEAF.der)
    assert found is not None
    assert (found.subject, found.issuer) == (LEAF.subject, ROOT.subject)
    assert int.from_bytes(found.serial, "big") == LEAF.serial
    assert found.key == LEAF.spki
    assert found.extensions.tells_status
    assert not found.is_self_issued
    assert not found.is_authority
    assert found.is_valid_at(AT)


def test_an_extension_that_makes_no_sense_spoils_no_other():
    odd = person("A", Extension("2.5.29.31", b"\x30\x05"), policies("1.2.3"), by=ROOT)
    found = find_certificate(odd.der)
    assert found is not None
    assert found.extensions.malformed == {"2.5.29.31"}
    assert found.extensions.policies == frozenset({"1.2.3"})


def test_a_certificate_of_any_size_is_read_up_to_a_limit():
    large = person("A", Extension("1.2.3.4", bytes(20_000)), by=ROOT)
    assert find_certificate(large.der) is not None
    larger = person("A", Extension("1.2.3.4", bytes(LARGEST)), by=ROOT)
    assert find_certificate(larger.der) is None


def test_a_signature_of_no_whole_octets_fits_nothing():
    octets = bytearray(LEAF.der)
    at = LEAF.der.rindex(b"\x03", 0, len(LEAF.der) - 66)
    octets[LEAF.der.index(b"\x00", at)] = 4
    found = find_certificate(bytes(octets))
    assert found is None or found.signed.value == b""


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (wrap(0x17, b"491231235959Z"), datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (wrap(0x17, b"500101000000Z"), datetime(1950, 1, 1, tzinfo=UTC)),
        (wrap(0x18, b"20500101000000Z"), datetime(2050, 1, 1, tzinfo=UTC)),
        (wrap(0x18, b"20260101000000.25Z"), datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_times_are_read(raw, expected):
    """RFC 5280 §4.1.2.5.1 and §4.1.2.5.2."""
    assert der_values.time(read_one(raw)) == expected


@pytest.mark.parametrize(
    "raw",
    [
        wrap(0x17, b"2601010000Z"),
        wrap(0x17, b"260101000000+0700"),
        wrap(0x17, b"261301000000Z"),
        wrap(0x18, b"00000101000000Z"),
        wrap(0x18, "２０２６0101000000Z".encode()),
        wrap(0x18, b""),
        wrap(0x04, b"20260101000000Z"),
    ],
)
def test_times_that_are_none_are_refused(raw):
    with pytest.raises(DerMalformed):
        der_values.time(read_one(raw))


@pytest.mark.parametrize(
    "ask",
    [
        lambda: der_values.number(read_one(b"\x02\x00")),
        lambda: der_values.small(read_one(b"\x02\x01\xff")),
        lambda: der_values.flag(read_one(b"\x01\x02\x00\x00")),
        lambda: der_values.bits(read_one(b"\x03\x01\x01")),
        lambda: der_values.named_bits(read_one(b"\x03\x02\x09\x00")),
        lambda: der_values.dotted(read_one(b"\x06\x01\x80")),
        lambda: der_values.general_name(read_one(b"\x04\x00")),
        lambda: der_values.sequence(b"\x31\x00"),
        lambda: der_values.optional(iter([read_one(b"\x05\x00")]), frozenset({4})),
    ],
)
def test_values_that_are_none_are_refused(ask):
    with pytest.raises(DerMalformed):
        ask()


def test_a_name_is_the_same_however_it_is_written():
    """RFC 5280 §7.1."""
    assert is_same_name(name("Org", "Nguyễn  Văn A"), name(" ORG", "nguyễn văn a "))
    assert is_same_name(name("Org", tag=0x13), name("Org", tag=0x16))
    assert is_same_name(name("Thanh\u200bHoá"), name("thanh\u00adhoa\u0301\ufe0f"))
    assert not is_same_name(name("Org", "A"), name("Org"))
    assert not is_same_name(name("Org", "A"), name("A", "Org"))


def test_a_name_that_cannot_be_read_is_the_same_as_itself_alone():
    broken = wrap(0x30, wrap(0x31, wrap(0x30, oid("2.5.4.3"), wrap(0x0C, b"\xff"))))
    assert name_key(broken) == broken
    assert is_same_name(broken, broken)
    assert not is_same_name(broken, name("A"))


def test_a_long_name_full_of_accents_takes_no_time():
    """What prepares strings sorts accents by the square of their number."""
    accents = "a" + "\u0301\u0316" * 30_000
    assert name_key(name(accents)) != name_key(name(accents + "b"))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PIECES), st.data())
def test_octets_that_were_cut_moved_or_doubled_raise_nothing(piece, data):
    """Any element of a piece replaced by any other, or by octets of nobody."""
    places = st.integers(0, len(piece))
    start, end = sorted((data.draw(places), data.draw(places)))
    other = data.draw(st.sampled_from(PIECES))
    first, last = sorted((data.draw(places) % len(other), data.draw(places) % len(other)))
    middle = data.draw(st.sampled_from([other[first:last], b"", b"\x30\x80", bytes(5)]))
    octets = piece[:start] + middle + piece[end:]
    for read in (find_certificate, find_list, find_answer):
        read(octets)


_DER = st.recursive(
    st.builds(
        wrap, st.sampled_from([1, 2, 3, 4, 5, 6, 10, 12, 23, 24, 0x80, 0x82]), st.binary(max_size=6)
    ),
    lambda inner: st.builds(
        lambda tag, parts: wrap(tag, *parts),
        st.sampled_from([0x30, 0x31, 0xA0, 0xA1, 0xA3]),
        st.lists(inner, max_size=5),
    ),
    max_leaves=30,
)


@settings(max_examples=120, deadline=None)
@given(_DER)
def test_any_der_raises_nothing(octets):
    for read in (find_certificate, find_list, find_answer):
        read(octets)
    name_key(octets)
    extension = Extension("2.5.29.17", octets)
    for kind in ("14", "15", "19", "30", "31", "32", "33", "35", "36", "37", "54"):
        odd = Extension(f"2.5.29.{kind}", octets)
        assert find_certificate(_with(odd, extension)) is not None


def _with(*found: Extension) -> bytes:
    return person("A", *found, by=ROOT, serial=1).der
