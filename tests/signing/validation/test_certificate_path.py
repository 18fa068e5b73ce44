"""Paths, valid and each wrong in one way; `openssl verify` is asked about every one of them too."""

from __future__ import annotations

from datetime import timedelta

from keystore.pki.der import algorithm_identifier, wrap
from signing.formats.der import oid
from signing.validation.certificate_path import (
    CertificatePath,
    PathFault,
    PathSettings,
    validate_path,
)
from signing.validation.paths import TrustAnchor
from tests.support.certificate_paths import (
    AT,
    ECDSA_SHA384,
    YEAR,
    Extension,
    authority,
    basic,
    issue,
    key_identifiers,
    key_number,
    name,
    person,
    policies,
    usage,
)
from tests.support.judged_paths import CA, ROOT, codes, faults, judge, path_of

ONE, TWO = "1.3.6.1.4.1.99999.1", "1.3.6.1.4.1.99999.2"
UNKNOWN = "1.3.6.1.4.1.99999.77"


def test_a_plain_path_is_valid_and_says_until_when():
    leaf = person("A", by=CA, until=AT + timedelta(days=3))
    result = judge(leaf, CA)
    assert result.is_valid
    assert result.valid_until == AT + timedelta(days=3)
    assert result.key == leaf.spki


def test_a_path_right_below_the_anchor_is_valid():
    assert judge(person("A", by=ROOT)).is_valid


def test_a_broken_signature_of_the_certificate():
    """RFC 5280 §6.1.3 (a)(1)."""
    result = judge(person("A", by=CA, is_broken=True), CA)
    assert faults(result) == {(PathFault.SIGNATURE, 0)}


def test_a_broken_signature_of_an_authority():
    """RFC 5280 §6.1.3 (a)(1)."""
    broken = authority("CA", by=ROOT, is_broken=True)
    assert faults(judge(person("A", by=broken), broken)) == {(PathFault.SIGNATURE, 1)}


def test_a_certificate_that_is_over():
    """RFC 5280 §6.1.3 (a)(2)."""
    leaf = person("A", by=CA, until=AT - timedelta(seconds=1))
    result = judge(leaf, CA)
    assert faults(result) == {(PathFault.EXPIRED, 0)}
    assert result.is_valid_but_for_time


def test_a_certificate_counts_to_its_last_second():
    """RFC 5280 §4.1.2.5: the period is inclusive."""
    # openssl counts the last second out
    assert judge(person("A", by=CA, since=AT, until=AT), CA, asks=None).is_valid


def test_an_authority_that_has_not_begun():
    """RFC 5280 §6.1.3 (a)(2)."""
    early = authority("CA", by=ROOT, since=AT + timedelta(days=1))
    assert faults(judge(person("A", by=early), early)) == {(PathFault.NOT_YET_VALID, 1)}


def test_a_certificate_that_never_ends():
    """RFC 5280 §4.1.2.5: 99991231235959Z, beyond which no arithmetic goes."""
    leaf = person("A", by=CA, until=AT.replace(year=9999, month=12, day=31))
    assert judge(leaf, CA).is_valid


def test_an_issuer_of_another_name():
    """RFC 5280 §6.1.3 (a)(4)."""
    leaf = person("A", by=CA, issuer=name("Org", "Somebody else"))
    assert faults(judge(leaf, CA)) == {(PathFault.NAME_CHAINING, 0)}


def test_capitals_and_spaces_in_a_name_make_no_difference():
    """RFC 5280 §7.1."""
    leaf = person("A", by=CA, issuer=name(" oRG ", "cA", tag=0x13))
    assert judge(leaf, CA).is_valid


def test_an_issuer_that_is_no_authority():
    """RFC 5280 §6.1.4 (k): cA is TRUE."""
    nobody = authority("CA", basic(is_authority=False), by=ROOT)
    assert faults(judge(person("A", by=nobody), nobody)) == {(PathFault.BASIC_CONSTRAINTS, 1)}


def test_an_issuer_without_basic_constraints():
    """RFC 5280 §6.1.4 (k)."""
    nobody = issue(name("Org", "CA"), usage("keyCertSign"), by=ROOT)
    # openssl takes one with keyCertSign alone unless it is strict
    result = judge(person("A", by=nobody), nobody, asks=("-x509_strict",))
    assert (PathFault.BASIC_CONSTRAINTS, 1) in faults(result)


def test_an_issuer_of_an_old_version():
    """RFC 5280 §6.1.4 (k): version 1 is rejected."""
    old = issue(name("Org", "CA"), by=ROOT, version=1)
    assert faults(judge(person("A", by=old), old)) == {(PathFault.BASIC_CONSTRAINTS, 1)}


def test_an_issuer_whose_key_may_not_sign_certificates():
    """RFC 5280 §6.1.4 (n)."""
    other = authority("CA", usage("cRLSign"), by=ROOT)
    assert faults(judge(person("A", by=other), other)) == {(PathFault.KEY_USAGE, 1)}


def test_a_path_that_is_longer_than_an_authority_allows():
    """RFC 5280 §6.1.4 (l) and (m)."""
    upper = authority("Upper", by=ROOT, length=0)
    lower = authority("Lower", by=upper)
    result = judge(person("A", by=lower), lower, upper)
    assert faults(result) == {(PathFault.PATH_LENGTH, 1)}


def test_self_issued_certificates_do_not_count_for_the_length():
    """RFC 5280 §6.1.4 (l): only those that are not self-issued."""
    upper = authority("Upper", by=ROOT, length=0)
    again = authority("Upper", *key_identifiers(upper), by=upper, length=0)
    assert judge(person("A", by=again), again, upper).is_valid


def test_a_critical_extension_that_nobody_knows():
    """RFC 5280 §6.1.5 (f)."""
    leaf = person("A", Extension(UNKNOWN, b"\x05\x00", is_critical=True), by=CA)
    result = judge(leaf, CA)
    assert faults(result) == {(PathFault.CRITICAL_EXTENSION, 0)}
    assert result.findings[0].reason.fact("oid") == UNKNOWN


def test_a_critical_extension_that_nobody_knows_in_an_authority():
    """RFC 5280 §6.1.4 (o)."""
    odd = authority("CA", Extension(UNKNOWN, b"\x05\x00", is_critical=True), by=ROOT)
    assert faults(judge(person("A", by=odd), odd)) == {(PathFault.CRITICAL_EXTENSION, 1)}


def test_a_critical_extension_that_the_caller_looks_after():
    """RFC 5280 §6.1.5 (f): processed elsewhere."""
    leaf = person("A", Extension(UNKNOWN, b"\x05\x00", is_critical=True), by=CA)
    settings = PathSettings(known_critical=frozenset({UNKNOWN}))
    assert validate_path(path_of(leaf, CA), at=AT, settings=settings).is_valid


def test_critical_statements_about_a_qualified_certificate():
    """RFC 3739 §3.2.6: if critical, all statements are recognised."""
    for statement, is_known in (("0.4.0.1862.1.1", True), (UNKNOWN, False)):
        value = wrap(0x30, wrap(0x30, oid(statement)))
        stated = Extension("1.3.6.1.5.5.7.1.3", value, is_critical=True)
        result = validate_path(path_of(person("A", stated, by=CA), CA), at=AT)
        assert result.is_valid == is_known


def test_an_unknown_extension_that_is_not_critical_is_left_alone():
    """RFC 5280 §4.2."""
    assert judge(person("A", Extension(UNKNOWN, b"\x05\x00"), by=CA), CA).is_valid


def test_an_extension_that_comes_twice():
    """RFC 5280 §4.2: not more than one instance."""
    # openssl takes the first of them
    leaf = person("A", usage("digitalSignature"), usage("keyCertSign"), by=CA)
    assert codes(judge(leaf, CA, asks=None)) == {"extension_twice"}


def test_an_extension_that_makes_no_sense():
    """RFC 5280 §4.2.1.9."""
    odd = issue(
        name("Org", "CA"),
        Extension("2.5.29.19", b"\x30\x05\x01\x01\xff", is_critical=True),
        usage("keyCertSign"),
        by=ROOT,
    )
    found = codes(judge(person("A", by=odd), odd))
    assert found == {"extension_malformed", "issuer_no_authority"}


def test_two_names_for_the_algorithm_of_one_signature():
    """RFC 5280 §4.1.1.2: both fields MUST contain the same."""
    leaf = person("A", by=CA, inner=ECDSA_SHA384)
    assert codes(judge(leaf, CA)) == {"algorithm_differs"}


def test_a_negative_number_and_one_of_twenty_octets_are_read():
    """RFC 5280 §4.1.2.2: users SHOULD handle such certificates gracefully."""
    for serial in (-17, 0, (1 << 159) - 1):
        assert judge(person("A", by=CA, serial=serial, key=key_number(7)), CA).is_valid


def test_something_that_is_no_certificate():
    anchor = path_of(ROOT).anchor
    for octets in (b"", b"\x30\x00", b"\x30\x80\x00\x00", CA.der[:-1], CA.der + b"\x00"):
        result = validate_path(CertificatePath((octets, CA.der), anchor), at=AT)
        assert codes(result) == {"certificate_malformed"}
        assert result.key == b""


def test_every_fault_is_told_and_not_the_first_alone():
    odd = issue(name("Org", "CA"), usage("cRLSign"), by=ROOT, until=AT - YEAR / 2)
    leaf = person("A", by=odd, is_broken=True, issuer=name("B"))
    result = validate_path(path_of(leaf, odd), at=AT)
    assert faults(result) == {
        (PathFault.EXPIRED, 1),
        (PathFault.BASIC_CONSTRAINTS, 1),
        (PathFault.KEY_USAGE, 1),
        (PathFault.SIGNATURE, 0),
        (PathFault.NAME_CHAINING, 0),
    }
    assert result.at(0)
    assert not result.is_valid_but_for_time


def test_an_anchor_that_nobody_stood_for_at_that_time():
    found = path_of(ROOT).anchor
    later = TrustAnchor(found.name, found.key, "list", trusted_from=AT + YEAR)
    over = TrustAnchor(found.name, found.key, "list", trusted_until=AT - YEAR)
    for anchor in (later, over):
        result = validate_path(CertificatePath((person("A", by=ROOT).der,), anchor), at=AT)
        assert faults(result) == {(PathFault.ANCHOR_TIME, 1)}


def test_a_certificate_that_is_itself_trusted_is_looked_at_for_its_time_alone():
    leaf = person("A", policies(ONE), by=CA, is_broken=True, until=AT)
    path = path_of(leaf, root=leaf)
    assert path.is_anchor
    assert path.chain == (leaf.der,)
    assert validate_path(path, at=AT).policies == {ONE}
    assert faults(validate_path(path, at=AT + YEAR)) == {(PathFault.EXPIRED, 0)}


def test_a_hash_that_nobody_knows_is_a_signature_that_does_not_fit():
    """RFC 5280 §6.1.3 (a)(1)."""
    leaf = person("A", by=CA, inner=algorithm_identifier(UNKNOWN))
    octets = leaf.der.replace(
        algorithm_identifier("1.2.840.10045.4.3.2"), algorithm_identifier(UNKNOWN)
    )
    result = validate_path(CertificatePath((octets, CA.der), path_of(ROOT).anchor), at=AT)
    assert not result.is_valid
