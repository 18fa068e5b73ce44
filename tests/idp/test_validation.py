"""What checking documents is told by the settings of a deployment."""

from __future__ import annotations

import pytest

from idp.pki import pki_deployment
from idp.settings import Settings
from idp.validation import policy_of
from keystore.pki.deployment import PkiDeployment
from signing.validation.own_policies import read_own_policies
from signing.validation.trust_sources import OWN

_ARC = "1.3.6.1.4.1.99999.1"
_SETTINGS = Settings(
    issuer="https://dang-nhap.example",
    pki_organisation="Trung tâm Ấn Tín",
    pki_organisation_identifier="NTRVN-0100109106",
    pki_ca_name="Ấn Tín",
    pki_policy_arc=_ARC,
)


def _deployment(*, is_sandbox: bool) -> PkiDeployment:
    made = pki_deployment(_SETTINGS, is_sandbox=is_sandbox)
    assert made is not None
    return made


@pytest.mark.parametrize("is_sandbox", [False, True])
def test_the_policies_of_a_deployments_own_certificates_are_known(*, is_sandbox: bool) -> None:
    deployment = _deployment(is_sandbox=is_sandbox)
    policy = policy_of(_SETTINGS, deployment=deployment)
    assert policy.own_sources == {OWN}
    assert (deployment.policy_arc == _ARC) is not is_sandbox
    for number, is_alone in (("1", False), ("2", True)):
        own = read_own_policies([f"{deployment.policy_arc}.3.{number}"], arcs=policy.own_arcs)
        assert own.is_key_confirmed is is_alone


def test_who_runs_no_authority_knows_certificates_by_the_arc_of_the_settings() -> None:
    policy = policy_of(_SETTINGS, deployment=None)
    assert policy.own_sources == frozenset()
    assert read_own_policies([f"{_ARC}.3.2"], arcs=policy.own_arcs).is_key_confirmed


def test_a_sandbox_is_known_wherever_its_certificates_turn_up() -> None:
    policy = policy_of(Settings(), deployment=None)
    arc = _deployment(is_sandbox=True).policy_arc
    assert read_own_policies([f"{arc}.9"], arcs=policy.own_arcs).is_sandbox
