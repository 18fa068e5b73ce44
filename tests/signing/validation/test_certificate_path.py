"""Paths, valid and each wrong in one way; `openssl verify` is asked about every one of them too."""

from __future__ import annotations

import base64
import subprocess
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keystore.pki.der import algorithm_identifier, wrap
from signing.formats.der import oid
from signing.validation.certificate_path import (
    ANY_POLICY,
    CertificatePath,
    PathFault,
    PathSettings,
    validate_path,
)
from signing.validation.der_values import DNS, GeneralName
from signing.validation.known_anchors import anchor_of
from signing.validation.paths import PathResult, TrustAnchor
from tests.support.certificate_paths import (
    AT,
    ECDSA_SHA384,
    YEAR,
    Extension,
    Party,
    alternative_names,
    authority,
    basic,
    directory,
    inhibit_any,
    issue,
    key_identifiers,
    key_number,
    mappings,
    name,
    names_within,
    person,
    policies,
    policy_constraints,
    usage,
)

ONE, TWO = "1.3.6.1.4.1.99999.1", "1.3.6.1.4.1.99999.2"
ROOT = authority("Root")
CA = authority("CA", by=ROOT)
UNKNOWN = "1.3.6.1.4.1.99999.77"


def path_of(*chain: Party, root: Party = ROOT) -> CertificatePath:
    """A path, whether it holds or not."""
    anchor = anchor_of(root.der, source="test")
    assert anchor is not None
    return CertificatePath(tuple(one.der for one in chain), anchor)


@pytest.fixture
def judge(tmp_path: Path):
    """Our verdict, once openssl says the same; `asks` are options of its own for it."""

    def judge(
        *chain: Party,
        root: Party = ROOT,
        settings: PathSettings | None = None,
        asks: tuple[str, ...] | None = (),
        at=AT,
    ) -> PathResult:
        result = validate_path(
            path_of(*chain, root=root), at=at, settings=settings or PathSettings()
        )
        if asks is not None:
            agreed = openssl_verifies(tmp_path, *chain, root=root, asks=asks, at=at)
            assert agreed == result.is_valid, result.findings
        return result

    return judge


def openssl_verifies(
    folder: Path, *chain: Party, root: Party, asks: tuple[str, ...] = (), at=AT
) -> bool:
    """Whether openssl takes the chain."""
    for file, parties in (("leaf", chain[:1]), ("between", chain[1:]), ("root", (root,))):
        (folder / file).write_bytes(b"".join(map(_pem, parties)))
    between = ("-untrusted", str(folder / "between")) if chain[1:] else ()
    command = (
        *("openssl", "verify", "-attime", str(int(at.timestamp()))),
        *("-CAfile", str(folder / "root"), *between, *asks, str(folder / "leaf")),
    )
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _pem(party: Party) -> bytes:
    text = base64.encodebytes(party.der)
    return b"-----BEGIN CERTIFICATE-----\n" + text + b"-----END CERTIFICATE-----\n"


def faults(result: PathResult) -> set[tuple[PathFault, int]]:
    """What was found, and where."""
    return {(one.fault, one.position) for one in result.findings}


def codes(result: PathResult) -> set[str]:
    return {one.reason.code for one in result.findings}


def test_a_plain_path_is_valid_and_says_until_when(judge):
    leaf = person("A", by=CA, until=AT + timedelta(days=3))
    result = judge(leaf, CA)
    assert result.is_valid
    assert result.valid_until == AT + timedelta(days=3)
    assert result.key == leaf.spki


def test_a_path_right_below_the_anchor_is_valid(judge):
    assert judge(person("A", by=ROOT)).is_valid


def test_a_broken_signature_of_the_certificate(judge):
    """RFC 5280 §6.1.3 (a)(1)."""
    result = judge(person("A", by=CA, is_broken=True), CA)
    assert faults(result) == {(PathFault.SIGNATURE, 0)}


def test_a_broken_signature_of_an_authority(judge):
    """RFC 5280 §6.1.3 (a)(1)."""
    broken = authority("CA", by=ROOT, is_broken=True)
    assert faults(judge(person("A", by=broken), broken)) == {(PathFault.SIGNATURE, 1)}


def test_a_certificate_that_is_over(judge):
    """RFC 5280 §6.1.3 (a)(2)."""
    leaf = person("A", by=CA, until=AT - timedelta(seconds=1))
    result = judge(leaf, CA)
    assert faults(result) == {(PathFault.EXPIRED, 0)}
    assert result.is_valid_but_for_time


def test_a_certificate_counts_to_its_last_second(judge):
    """RFC 5280 §4.1.2.5: the period is inclusive."""
    # openssl counts the last second out
    assert judge(person("A", by=CA, since=AT, until=AT), CA, asks=None).is_valid


def test_an_authority_that_has_not_begun(judge):
    """RFC 5280 §6.1.3 (a)(2)."""
    early = authority("CA", by=ROOT, since=AT + timedelta(days=1))
    assert faults(judge(person("A", by=early), early)) == {(PathFault.NOT_YET_VALID, 1)}


def test_a_certificate_that_never_ends(judge):
    """RFC 5280 §4.1.2.5: 99991231235959Z, beyond which no arithmetic goes."""
    leaf = person("A", by=CA, until=AT.replace(year=9999, month=12, day=31))
    assert judge(leaf, CA).is_valid


def test_an_issuer_of_another_name(judge):
    """RFC 5280 §6.1.3 (a)(4)."""
    leaf = person("A", by=CA, issuer=name("Org", "Somebody else"))
    assert faults(judge(leaf, CA)) == {(PathFault.NAME_CHAINING, 0)}


def test_capitals_and_spaces_in_a_name_make_no_difference(judge):
    """RFC 5280 §7.1."""
    leaf = person("A", by=CA, issuer=name(" oRG ", "cA", tag=0x13))
    assert judge(leaf, CA).is_valid


def test_an_issuer_that_is_no_authority(judge):
    """RFC 5280 §6.1.4 (k): cA is TRUE."""
    nobody = authority("CA", basic(is_authority=False), by=ROOT)
    assert faults(judge(person("A", by=nobody), nobody)) == {(PathFault.BASIC_CONSTRAINTS, 1)}


def test_an_issuer_without_basic_constraints(judge):
    """RFC 5280 §6.1.4 (k)."""
    nobody = issue(name("Org", "CA"), usage("keyCertSign"), by=ROOT)
    # openssl takes one with keyCertSign alone unless it is strict
    result = judge(person("A", by=nobody), nobody, asks=("-x509_strict",))
    assert (PathFault.BASIC_CONSTRAINTS, 1) in faults(result)


def test_an_issuer_of_an_old_version(judge):
    """RFC 5280 §6.1.4 (k): version 1 is rejected."""
    old = issue(name("Org", "CA"), by=ROOT, version=1)
    assert faults(judge(person("A", by=old), old)) == {(PathFault.BASIC_CONSTRAINTS, 1)}


def test_an_issuer_whose_key_may_not_sign_certificates(judge):
    """RFC 5280 §6.1.4 (n)."""
    other = authority("CA", usage("cRLSign"), by=ROOT)
    assert faults(judge(person("A", by=other), other)) == {(PathFault.KEY_USAGE, 1)}


def test_a_path_that_is_longer_than_an_authority_allows(judge):
    """RFC 5280 §6.1.4 (l) and (m)."""
    upper = authority("Upper", by=ROOT, length=0)
    lower = authority("Lower", by=upper)
    result = judge(person("A", by=lower), lower, upper)
    assert faults(result) == {(PathFault.PATH_LENGTH, 1)}


def test_self_issued_certificates_do_not_count_for_the_length(judge):
    """RFC 5280 §6.1.4 (l): only those that are not self-issued."""
    upper = authority("Upper", by=ROOT, length=0)
    again = authority("Upper", *key_identifiers(upper), by=upper, length=0)
    assert judge(person("A", by=again), again, upper).is_valid


def test_a_critical_extension_that_nobody_knows(judge):
    """RFC 5280 §6.1.5 (f)."""
    leaf = person("A", Extension(UNKNOWN, b"\x05\x00", is_critical=True), by=CA)
    result = judge(leaf, CA)
    assert faults(result) == {(PathFault.CRITICAL_EXTENSION, 0)}
    assert result.findings[0].reason.fact("oid") == UNKNOWN


def test_a_critical_extension_that_nobody_knows_in_an_authority(judge):
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


def test_an_unknown_extension_that_is_not_critical_is_left_alone(judge):
    """RFC 5280 §4.2."""
    assert judge(person("A", Extension(UNKNOWN, b"\x05\x00"), by=CA), CA).is_valid


def test_an_extension_that_comes_twice(judge):
    """RFC 5280 §4.2: not more than one instance."""
    leaf = person("A", usage("digitalSignature"), usage("keyCertSign"), by=CA)
    assert codes(judge(leaf, CA, asks=None)) == {"extension_twice"}


def test_an_extension_that_makes_no_sense(judge):
    """RFC 5280 §4.2.1.9."""
    odd = issue(
        name("Org", "CA"),
        Extension("2.5.29.19", b"\x30\x05\x01\x01\xff", is_critical=True),
        usage("keyCertSign"),
        by=ROOT,
    )
    found = codes(judge(person("A", by=odd), odd))
    assert found == {"extension_malformed", "issuer_no_authority"}


def test_two_names_for_the_algorithm_of_one_signature(judge):
    """RFC 5280 §4.1.1.2: both fields MUST contain the same."""
    leaf = person("A", by=CA, inner=ECDSA_SHA384)
    assert codes(judge(leaf, CA)) == {"algorithm_differs"}


def test_a_negative_number_and_one_of_twenty_octets_are_read(judge):
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


# policies (RFC 5280 §6.1.3 (d) to (f), §6.1.4 (a), (b), (h) to (j), §6.1.5 (g))

EXPLICIT = PathSettings(is_explicit_policy_needed=True)
ASKED = ("-explicit_policy", "-policy", ANY_POLICY)


def test_a_policy_that_all_certificates_have(judge):
    upper = authority("Upper", policies(ONE, TWO), by=ROOT)
    leaf = person("A", policies(ONE), by=upper)
    assert judge(leaf, upper, settings=EXPLICIT, asks=ASKED).policies == {ONE}


def test_a_policy_that_an_authority_lacks(judge):
    """RFC 5280 §6.1.5 (g)."""
    upper = authority("Upper", policies(TWO), by=ROOT)
    leaf = person("A", policies(ONE), by=upper)
    assert (PathFault.POLICIES, 0) in faults(judge(leaf, upper, settings=EXPLICIT, asks=ASKED))
    assert judge(leaf, upper).is_valid


def test_a_policy_that_the_user_does_not_take(judge):
    """RFC 5280 §6.1.5 (g)(iii)."""
    upper = authority("Upper", policies(ANY_POLICY), by=ROOT)
    leaf = person("A", policies(ONE), by=upper)
    wanted = PathSettings(policies=frozenset({TWO}), is_explicit_policy_needed=True)
    asks = ("-policy", TWO, "-explicit_policy")
    assert codes(judge(leaf, upper, settings=wanted, asks=asks)) == {"policy_not_accepted"}
    taken = PathSettings(policies=frozenset({ONE}), is_explicit_policy_needed=True)
    asks = ("-policy", ONE, "-explicit_policy")
    assert judge(leaf, upper, settings=taken, asks=asks).policies == {ONE}


def test_an_authority_demands_a_policy(judge):
    """RFC 5280 §6.1.4 (i)(1)."""
    upper = authority("Upper", policies(ONE), policy_constraints(explicit=0), by=ROOT)
    result = judge(person("A", by=upper), upper, asks=("-policy_check",))
    assert (PathFault.POLICIES, 0) in faults(result)


def test_the_certificate_itself_demands_a_policy(judge):
    """RFC 5280 §6.1.5 (b)."""
    leaf = person("A", policy_constraints(explicit=0), by=CA)
    assert codes(judge(leaf, CA, asks=("-policy_check",))) == {"policy_not_accepted"}


def test_mapped_policies_are_told_in_the_words_of_the_anchor(judge):
    """RFC 5280 §6.1.4 (b)(1)."""
    upper = authority("Upper", policies(ONE), mappings((ONE, TWO)), by=ROOT)
    leaf = person("A", policies(TWO), by=upper)
    assert judge(leaf, upper, settings=EXPLICIT, asks=ASKED).policies == {ONE}


def test_mapping_of_any_policy(judge):
    """RFC 5280 §6.1.4 (a)."""
    for pair in ((ANY_POLICY, TWO), (ONE, ANY_POLICY)):
        upper = authority("Upper", policies(ONE), mappings(pair), by=ROOT)
        result = judge(person("A", policies(TWO), by=upper), upper, asks=("-policy_check",))
        assert "policy_mapping_any" in codes(result)


def test_mapping_that_is_inhibited(judge):
    """RFC 5280 §6.1.4 (b)(2)."""
    upper = authority("Upper", policies(ONE), mappings((ONE, TWO)), by=ROOT)
    leaf = person("A", policies(TWO), by=upper)
    settings = PathSettings(is_explicit_policy_needed=True, is_mapping_inhibited=True)
    result = judge(leaf, upper, settings=settings, asks=(*ASKED, "-inhibit_map"))
    assert not result.is_valid
    first = authority("First", policies(ONE), policy_constraints(mapping=0), by=ROOT)
    second = authority("Second", policies(ONE), mappings((ONE, TWO)), by=first)
    leaf = person("A", policies(TWO), by=second)
    assert not judge(leaf, second, first, settings=EXPLICIT, asks=ASKED).is_valid


def test_any_policy_that_is_inhibited(judge):
    """RFC 5280 §6.1.3 (d)(2) and §6.1.4 (j)."""
    upper = authority("Upper", policies(ONE), inhibit_any(0), by=ROOT)
    leaf = person("A", policies(ANY_POLICY), by=upper)
    assert not judge(leaf, upper, settings=EXPLICIT, asks=ASKED).is_valid
    assert judge(leaf, upper).is_valid


def test_a_policy_that_comes_twice_in_one_certificate(judge):
    """RFC 5280 §4.2.1.4: MUST NOT appear more than once."""
    leaf = person("A", policies(ONE, ONE), by=CA)
    assert codes(judge(leaf, CA, asks=("-policy_check",))) == {"extension_malformed"}


_KINDS = st.lists(st.sampled_from([ONE, ANY_POLICY, TWO]), unique=True, min_size=1, max_size=2)
_COUNT = st.sampled_from([None, None, None, None, 0, 1, 2])


@st.composite
def _authorities(draw) -> tuple[str, list[Extension], dict[str, object]]:
    found = [policies(*draw(_KINDS))] if draw(st.integers(0, 4)) else []
    if draw(st.booleans()):
        pairs = draw(st.lists(st.sampled_from([(ONE, TWO), (TWO, ONE), (ONE, ONE)]), max_size=2))
        found += [mappings(*dict(pairs).items())] if pairs else []
    explicit, mapping = draw(_COUNT), draw(_COUNT)
    if explicit is not None or mapping is not None:
        found.append(policy_constraints(explicit=explicit, mapping=mapping))
    if (after := draw(_COUNT)) is not None:
        found.append(inhibit_any(after))
    if draw(st.integers(0, 7)) == 7:
        found.append(usage("cRLSign"))
    return draw(st.sampled_from(["P", "Q", "R"])), found, {"length": draw(_COUNT)}


@settings(max_examples=30, deadline=None)
@given(st.lists(_authorities(), min_size=1, max_size=4), _KINDS, _KINDS, st.booleans())
def test_openssl_and_we_agree_on_any_path(authorities, own, wanted, is_explicit):
    """Policies, mappings, constraints, lengths, usages and self-issued authorities at random."""
    parties, wanted = [ROOT], [one for one in wanted if one != ANY_POLICY] or [ANY_POLICY]
    for number, (called, found, more) in enumerate(authorities):
        above, key = parties[-1], key_number(number)
        identifiers = key_identifiers(above, key=key)
        parties.append(authority(called, *found, *identifiers, by=above, key=key, **more))
    leaf = person("A", policies(*own), by=parties[-1])
    chain = (leaf, *reversed(parties[1:]))
    asked = PathSettings(policies=frozenset(wanted), is_explicit_policy_needed=is_explicit)
    result = validate_path(path_of(*chain), at=AT, settings=asked)
    asks = [word for one in wanted for word in ("-policy", one)]
    asks += ["-policy_check", *(["-explicit_policy"] if is_explicit else [])]
    with tempfile.TemporaryDirectory() as place:
        agreed = openssl_verifies(Path(place), *chain, root=ROOT, asks=tuple(asks))
    assert agreed == result.is_valid, result.findings


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
def test_a_name_is_permitted_or_excluded_by_the_same_rule(judge, base, own, is_within):
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


def test_an_address_in_the_subject_counts_when_there_are_no_other_names(judge):
    """RFC 5280 §4.2.1.10: emailAddress in the subject."""
    subject = wrap(
        0x30,
        wrap(0x31, wrap(0x30, oid("1.2.840.113549.1.9.1"), wrap(0x16, b"a@evil.test"))),
    )
    upper = authority("CA", names_within(permitted=[email("vn.example")]), by=ROOT)
    leaf = issue(subject, by=upper)
    assert codes(judge(leaf, upper)) == {"name_not_permitted"}


def test_each_authority_narrows_what_the_one_above_permits(judge):
    """RFC 5280 §6.1.4 (g)(1): the intersection."""
    upper = authority("CA", names_within(permitted=[dns("vn.example")]), by=ROOT)
    lower = authority("Lower", names_within(permitted=[dns("other.example")]), by=upper)
    for host in ("a.vn.example", "a.other.example"):
        leaf = person("A", alternative_names(dns(host)), by=lower)
        assert codes(judge(leaf, lower, upper)) == {"name_not_permitted"}


def test_a_self_issued_authority_is_not_constrained_but_the_last_certificate_is(judge):
    """RFC 5280 §6.1.3 (b): unless it is self-issued and not the final one."""
    upper = authority("CA", names_within(permitted=[directory(name("Other"))]), by=ROOT)
    again = authority("CA", *key_identifiers(upper), by=upper)
    leaf = issue(name("Other"), by=again)
    assert judge(leaf, again, upper).is_valid
    assert codes(judge(again, upper)) == {"name_not_permitted"}


def test_bounds_of_a_subtree_that_nobody_may_use(judge):
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


def test_a_hash_that_nobody_knows_is_a_signature_that_does_not_fit():
    """RFC 5280 §6.1.3 (a)(1)."""
    leaf = person("A", by=CA, inner=algorithm_identifier(UNKNOWN))
    octets = leaf.der.replace(
        algorithm_identifier("1.2.840.10045.4.3.2"), algorithm_identifier(UNKNOWN)
    )
    result = validate_path(CertificatePath((octets, CA.der), path_of(ROOT).anchor), at=AT)
    assert not result.is_valid
