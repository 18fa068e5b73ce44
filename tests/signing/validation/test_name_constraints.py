"""Which names an authority may certify; openssl is asked where it compares the same way."""

from __future__ import annotations

import pytest

from keystore.pki.der import wrap
from signing.formats.der import oid
from signing.validation.certificate_path import (
    PathSettings,
    validate_path,
)
from signing.validation.der_values import DNS, GeneralName
from tests.support.certificate_paths import (
    AT,
    Extension,
    alternative_names,
    authority,
    directory,
    issue,
    key_identifiers,
    name,
    names_within,
    person,
)
from tests.support.judged_paths import CA, ROOT, codes, judge, path_of

ONE, TWO = "1.3.6.1.4.1.99999.1", "1.3.6.1.4.1.99999.2"
UNKNOWN = "1.3.6.1.4.1.99999.77"


# names (RFC 5280 §4.2.1.10, §6.1.3 (b) and (c), §6.1.4 (g))


def dns(text: str) -> bytes:
    return wrap(0x82, text.encode())


def email(text: str) -> bytes:
    return wrap(0x81, text.encode())


def uri(text: str) -> bytes:
    return wrap(0x86, text.encode())


def address(*octets: int) -> bytes:
    return wrap(0x87, bytes(octets))


ORG = wrap(0x30, wrap(0x31, wrap(0x30, oid("2.5.4.10"), wrap(0x0C, b"oRg"))))
PERMITTED = [
    (directory(ORG), None, True),
    (directory(name("Org", "A")), None, True),
    (directory(name("Other")), None, False),
    (dns("vn.example"), dns("www.VN.example"), True),
    (dns("vn.example"), dns("vn.example"), True),
    (dns("vn.example"), dns("myvn.example"), False),
    (email("vn.example"), email("a@VN.example"), True),
    (email("vn.example"), email("a@mail.vn.example"), False),
    (email(".vn.example"), email("a@mail.vn.example"), True),
    (email("a@vn.example"), email("b@vn.example"), False),
    (uri("vn.example"), uri("https://vn.example:8443/a?b"), True),
    (uri("vn.example"), uri("https://vn.example.evil/"), False),
    (uri(".vn.example"), uri("https://www.vn.example/"), True),
    (uri(".vn.example"), uri("https://www.vn.example@evil.test/"), False),
    (address(192, 0, 2, 0, 255, 255, 255, 0), address(192, 0, 2, 9), True),
    (address(192, 0, 2, 0, 255, 255, 255, 0), address(192, 0, 3, 9), False),
]


@pytest.mark.parametrize(("base", "own", "is_within"), PERMITTED)
def test_a_name_is_permitted_or_excluded_by_the_same_rule(base, own, is_within):
    """RFC 5280 §4.2.1.10: what is within a subtree passes one and fails the other."""
    more = () if own is None else (alternative_names(own),)
    allowing = authority("CA", names_within(permitted=[base]), by=ROOT)
    result = judge(person("A", *more, by=allowing), allowing)
    assert result.is_valid == is_within
    assert is_within or codes(result) == {"name_not_permitted"}
    excluding = authority("CA", names_within(excluded=[base]), by=ROOT)
    result = judge(person("A", *more, by=excluding), excluding)
    assert result.is_valid != is_within
    assert not is_within or codes(result) == {"name_excluded"}


def test_what_stands_before_the_host_of_a_uri_is_no_host():
    """RFC 3986 §3.2.1; openssl takes it for one."""
    upper = authority("CA", names_within(permitted=[uri(".vn.example")]), by=ROOT)
    leaf = person("A", alternative_names(uri("https://me:x@www.vn.example/")), by=upper)
    assert validate_path(path_of(leaf, upper), at=AT).is_valid


def test_an_address_in_the_subject_counts_when_there_are_no_other_names():
    """RFC 5280 §4.2.1.10: emailAddress in the subject."""
    subject = wrap(
        0x30,
        wrap(0x31, wrap(0x30, oid("1.2.840.113549.1.9.1"), wrap(0x16, b"a@evil.test"))),
    )
    upper = authority("CA", names_within(permitted=[email("vn.example")]), by=ROOT)
    leaf = issue(subject, by=upper)
    assert codes(judge(leaf, upper)) == {"name_not_permitted"}


def test_each_authority_narrows_what_the_one_above_permits():
    """RFC 5280 §6.1.4 (g)(1): the intersection."""
    upper = authority("CA", names_within(permitted=[dns("vn.example")]), by=ROOT)
    lower = authority("Lower", names_within(permitted=[dns("other.example")]), by=upper)
    for host in ("a.vn.example", "a.other.example"):
        leaf = person("A", alternative_names(dns(host)), by=lower)
        assert codes(judge(leaf, lower, upper)) == {"name_not_permitted"}


def test_a_self_issued_authority_is_not_constrained_but_the_last_certificate_is():
    """RFC 5280 §6.1.3 (b): unless it is self-issued and not the final one."""
    upper = authority("CA", names_within(permitted=[directory(name("Other"))]), by=ROOT)
    again = authority("CA", *key_identifiers(upper), by=upper)
    leaf = issue(name("Other"), by=again)
    assert judge(leaf, again, upper).is_valid
    assert codes(judge(again, upper)) == {"name_not_permitted"}


def test_bounds_of_a_subtree_that_nobody_may_use():
    """RFC 5280 §4.2.1.10: minimum MUST be zero, maximum MUST be absent."""
    upper = authority(
        "CA", names_within(permitted=[dns("vn.example")], bounds=b"\x80\x01\x01"), by=ROOT
    )
    leaf = person("A", alternative_names(dns("vn.example")), by=upper)
    assert codes(judge(leaf, upper)) == {"name_constraints_unsupported"}


def test_a_kind_of_name_that_nobody_compares_is_rejected_when_it_is_constrained():
    """RFC 5280 §4.2.1.10: process the constraint or reject the certificate."""
    registered = wrap(0x88, oid(ONE)[2:])
    for subtrees in ({"permitted": [registered]}, {"excluded": [registered]}):
        upper = authority("CA", names_within(**subtrees), by=ROOT)
        leaf = person("A", alternative_names(registered), by=upper)
        assert not validate_path(path_of(leaf, upper), at=AT).is_valid
        assert validate_path(path_of(person("A", by=upper), upper), at=AT).is_valid


@pytest.mark.parametrize(
    "own",
    [
        dns("vn.example\0.evil"),
        wrap(0x82, "vn.éxample".encode()),
        email("nobody"),
        uri("urn:x"),
        uri("https://192.0.2.1/"),
        uri("https://[2001:db8::1]/"),
        address(192, 0, 2),
    ],
)
def test_a_name_that_cannot_be_compared_is_neither_permitted_nor_let_through(own):
    """RFC 5280 §4.2.1.10; a URI without a name of a host MUST be rejected."""
    bases = [dns("vn.example"), email("vn.example"), uri("vn.example"), address(*[0] * 8)]
    for subtrees in ({"permitted": bases}, {"excluded": bases}):
        upper = authority("CA", names_within(**subtrees), by=ROOT)
        leaf = person("A", alternative_names(own), by=upper)
        assert not validate_path(path_of(leaf, upper), at=AT).is_valid


def test_names_that_cannot_be_read_are_a_fault_where_names_are_constrained():
    upper = authority("CA", names_within(excluded=[dns("vn.example")]), by=ROOT)
    leaf = person("A", Extension("2.5.29.17", b"\x30\x03\x82\x05a"), by=upper)
    assert codes(validate_path(path_of(leaf, upper), at=AT)) == {"name_unreadable"}


def test_more_names_and_constraints_than_anybody_compares():
    bases = [dns(f"{one}.example") for one in range(200)]
    upper = authority("CA", names_within(excluded=bases), by=ROOT)
    leaf = person("A", alternative_names(*bases), by=upper)
    found = codes(validate_path(path_of(leaf, upper), at=AT))
    assert found == {"name_constraints_too_many"}


def test_the_caller_may_constrain_names_too():
    """RFC 5280 §6.1.1 (h) and (i)."""
    leaf = person("A", alternative_names(dns("www.vn.example")), by=CA)
    base = (GeneralName(DNS, b"vn.example"),)
    allowed = PathSettings(permitted=base)
    refused = PathSettings(excluded=base)
    assert validate_path(path_of(leaf, CA), at=AT, settings=allowed).is_valid
    found = codes(validate_path(path_of(leaf, CA), at=AT, settings=refused))
    assert found == {"name_excluded"}
