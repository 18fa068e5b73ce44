"""Policies along a path, each rule broken once; openssl is asked about every path too."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from signing.validation.certificate_path import (
    ANY_POLICY,
    PathFault,
    PathSettings,
    validate_path,
)
from tests.support.certificate_paths import (
    AT,
    Extension,
    authority,
    inhibit_any,
    key_identifiers,
    key_number,
    mappings,
    person,
    policies,
    policy_constraints,
    usage,
)
from tests.support.judged_paths import CA, ROOT, codes, faults, judge, openssl_verifies, path_of

ONE, TWO = "1.3.6.1.4.1.99999.1", "1.3.6.1.4.1.99999.2"
UNKNOWN = "1.3.6.1.4.1.99999.77"


# policies (RFC 5280 §6.1.3 (d) to (f), §6.1.4 (a), (b), (h) to (j), §6.1.5 (g))

EXPLICIT = PathSettings(is_explicit_policy_needed=True)
ASKED = ("-explicit_policy", "-policy", ANY_POLICY)


def test_a_policy_that_all_certificates_have():
    upper = authority("Upper", policies(ONE, TWO), by=ROOT)
    leaf = person("A", policies(ONE), by=upper)
    assert judge(leaf, upper, settings=EXPLICIT, asks=ASKED).policies == {ONE}


def test_a_policy_that_an_authority_lacks():
    """RFC 5280 §6.1.5 (g)."""
    upper = authority("Upper", policies(TWO), by=ROOT)
    leaf = person("A", policies(ONE), by=upper)
    assert (PathFault.POLICIES, 0) in faults(judge(leaf, upper, settings=EXPLICIT, asks=ASKED))
    assert judge(leaf, upper).is_valid


def test_a_policy_that_the_user_does_not_take():
    """RFC 5280 §6.1.5 (g)(iii)."""
    upper = authority("Upper", policies(ANY_POLICY), by=ROOT)
    leaf = person("A", policies(ONE), by=upper)
    wanted = PathSettings(policies=frozenset({TWO}), is_explicit_policy_needed=True)
    asks = ("-policy", TWO, "-explicit_policy")
    assert codes(judge(leaf, upper, settings=wanted, asks=asks)) == {"policy_not_accepted"}
    taken = PathSettings(policies=frozenset({ONE}), is_explicit_policy_needed=True)
    asks = ("-policy", ONE, "-explicit_policy")
    assert judge(leaf, upper, settings=taken, asks=asks).policies == {ONE}


def test_an_authority_demands_a_policy():
    """RFC 5280 §6.1.4 (i)(1)."""
    upper = authority("Upper", policies(ONE), policy_constraints(explicit=0), by=ROOT)
    result = judge(person("A", by=upper), upper, asks=("-policy_check",))
    assert (PathFault.POLICIES, 0) in faults(result)


def test_the_certificate_itself_demands_a_policy():
    """RFC 5280 §6.1.5 (b)."""
    leaf = person("A", policy_constraints(explicit=0), by=CA)
    assert codes(judge(leaf, CA, asks=("-policy_check",))) == {"policy_not_accepted"}


def test_mapped_policies_are_told_in_the_words_of_the_anchor():
    """RFC 5280 §6.1.4 (b)(1)."""
    upper = authority("Upper", policies(ONE), mappings((ONE, TWO)), by=ROOT)
    leaf = person("A", policies(TWO), by=upper)
    assert judge(leaf, upper, settings=EXPLICIT, asks=ASKED).policies == {ONE}


def test_mapping_of_any_policy():
    """RFC 5280 §6.1.4 (a)."""
    for pair in ((ANY_POLICY, TWO), (ONE, ANY_POLICY)):
        upper = authority("Upper", policies(ONE), mappings(pair), by=ROOT)
        result = judge(person("A", policies(TWO), by=upper), upper, asks=("-policy_check",))
        assert "policy_mapping_any" in codes(result)


def test_mapping_that_is_inhibited():
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


def test_any_policy_that_is_inhibited():
    """RFC 5280 §6.1.3 (d)(2) and §6.1.4 (j)."""
    upper = authority("Upper", policies(ONE), inhibit_any(0), by=ROOT)
    leaf = person("A", policies(ANY_POLICY), by=upper)
    assert not judge(leaf, upper, settings=EXPLICIT, asks=ASKED).is_valid
    assert judge(leaf, upper).is_valid


def test_a_policy_that_comes_twice_in_one_certificate():
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
    agreed = openssl_verifies(*chain, asks=asks)
    assert agreed == result.is_valid, result.findings
