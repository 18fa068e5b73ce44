"""What certificates of our own say by their policies."""

from __future__ import annotations

import pytest

from keystore.pki.policies import PolicyFacts, policies_extension
from signing.formats.material import Level
from signing.validation.own_policies import OwnPolicies, read_own_policies
from tests.support.real_pki import make_deployment
from tests.support.validation_house import ValidationHouse

_ARC = "1.3.6.1.4.1.32473"


@pytest.mark.parametrize("scal", [None, 1, 2])
@pytest.mark.parametrize("is_sandbox", [False, True])
def test_what_the_authority_writes_is_read(scal: int | None, is_sandbox: bool) -> None:
    facts = PolicyFacts(profile_number=3, proofing_level=2, scal=scal, is_sandbox=is_sandbox)
    written = [one.policy_identifier.dotted_string for one in policies_extension(facts, arc=_ARC)]
    expected = OwnPolicies(None if scal is None else scal == 2, is_sandbox)
    assert read_own_policies(written, arcs={_ARC}) == expected
    # the same numbers of somebody else mean something else
    assert read_own_policies(written, arcs={"1.3.6.1.4.1.3247"}) == OwnPolicies()


def test_both_levels_at_once_are_not_the_higher_one() -> None:
    both = [f"{_ARC}.3.1", f"{_ARC}.3.2"]
    assert read_own_policies(both, arcs={_ARC}).is_key_confirmed is False


def test_a_report_says_whether_the_key_was_the_signers_alone(
    validation_house: ValidationHouse,
) -> None:
    signed = validation_house.pdf(Level.LT)
    assert validation_house.validate(signed).signatures[0].is_key_confirmed is True
    # the organisation's seal says nothing about it
    sealed = validation_house.pdf(Level.LT, hand=validation_house.pki.seal)
    assert validation_house.validate(sealed).signatures[0].is_key_confirmed is None
    assert not make_deployment().is_sandbox
    assert not validation_house.validate(sealed).signatures[0].is_sandbox
