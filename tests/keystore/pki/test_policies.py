"""What the policies of a certificate say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from keystore.pki.policies import PolicyFacts, policies_extension

ARC = "1.3.6.1.4.1.99999.1"


@given(
    st.builds(
        PolicyFacts,
        profile_number=st.integers(1, 40),
        proofing_level=st.sampled_from([None, 1, 2]),
        scal=st.sampled_from([None, 1, 2]),
        is_sandbox=st.booleans(),
    )
)
def test_each_fact_is_a_policy_of_its_own_and_the_profile_comes_first(facts: PolicyFacts) -> None:
    """RFC 5280 §4.2.1.4: none is there twice."""
    wanted = [f"1.{facts.profile_number}"]
    wanted += [] if facts.proofing_level is None else [f"2.{facts.proofing_level}"]
    wanted += [] if facts.scal is None else [f"3.{facts.scal}"]
    wanted += ["9"] if facts.is_sandbox else []
    found = [one.policy_identifier.dotted_string for one in policies_extension(facts, arc=ARC)]
    assert found == [f"{ARC}.{number}" for number in wanted]


def test_the_two_levels_of_sole_control_are_told_apart() -> None:
    """CEN EN 419241-1: SCAL1 and SCAL2."""
    oids = [
        {one.policy_identifier for one in policies_extension(PolicyFacts(3, scal=scal), arc=ARC)}
        for scal in (1, 2)
    ]
    assert oids[0] != oids[1]


def test_the_practice_statement_is_named_at_the_first_policy() -> None:
    extension = policies_extension(
        PolicyFacts(3, scal=2), arc=ARC, cps_url="https://pki.antin.vn/cps"
    )
    first, *others = extension
    assert list(first.policy_qualifiers or []) == ["https://pki.antin.vn/cps"]
    assert all(one.policy_qualifiers is None for one in others)
