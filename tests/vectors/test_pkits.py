"""NIST PKITS: 246 paths, each valid or not, with the certificates and lists that come with it.

Source: NIST, Public Key Interoperability Test Suite, version 1.0.1; the cases as certvalidator
writes them down (`pkits.json`).  What a case calls an error has a kind, and ours has to be the same
kind: a path that is invalid, a certificate that is revoked, or a state that nobody can tell.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from signing.validation.certificate_path import (
    ANY_POLICY,
    PathSettings,
    find_paths,
    validate_path,
)
from signing.validation.certificates import (
    find_certificate,
    key_with_parameters,
    lacks_parameters,
)
from signing.validation.known_anchors import KnownAnchors, anchor_of
from signing.validation.model import RevocationState
from signing.validation.revocation import Evidence, find_path_status
from tests.vectors.corpus import PathVector, pkits, pkits_file, what_is_missing

AT = datetime(2020, 1, 1, tzinfo=UTC)
VECTORS = pkits()


@pytest.fixture(scope="module")
def anchors() -> KnownAnchors:
    """The one root of the suite."""
    root = anchor_of(pkits_file("certs/TrustAnchorRootCertificate.crt"), source="pkits")
    assert root is not None
    return KnownAnchors([root])


@pytest.mark.parametrize("vector", VECTORS, ids=[one.name for one in VECTORS])
def test_a_path_of_pkits_comes_to_what_nist_says(vector: PathVector, anchors: KnownAnchors):
    """RFC 5280 §6.1 and §6.3, all of it."""
    verdicts = _verdicts(vector, anchors)
    if vector.error == "":
        assert "valid" in verdicts
    else:
        assert "valid" not in verdicts
    if vector.error == "RevokedError":
        assert "revoked" in verdicts
    if vector.error in {"InsufficientRevinfoError", "StaleRevinfoError"}:
        assert verdicts == {"unknown"}
    if vector.error == "PathValidationError":
        assert verdicts <= {"invalid"}


def test_all_246_of_them_are_there():
    assert len(VECTORS) == (0 if what_is_missing() else 246)


@pytest.mark.parametrize("vector", VECTORS[:1])
def test_parameters_of_a_key_are_taken_from_the_issuers(vector: PathVector):
    """RFC 5280 §6.1.4 (e)."""
    above = find_certificate(pkits_file("certs/DSACACert.crt"))
    below = find_certificate(pkits_file("certs/DSAParametersInheritedCACert.crt"))
    other = find_certificate(vector.certificate)
    assert above is not None
    assert below is not None
    assert other is not None
    assert lacks_parameters(below)
    whole = key_with_parameters(below, inherited=above.key)
    assert len(whole) > len(below.key)
    assert key_with_parameters(above, inherited=below.key) == above.key
    assert key_with_parameters(below, inherited=other.key) == below.key
    assert key_with_parameters(below, inherited=b"\x30") == below.key


def _verdicts(vector: PathVector, anchors: KnownAnchors) -> set[str]:
    """What each path that is found comes to; the root's list is there in every case."""
    settings = PathSettings(
        policies=frozenset(vector.settings.get("user_initial_policy_set", [ANY_POLICY])),
        is_explicit_policy_needed=vector.settings.get("initial_explicit_policy", False),
        is_mapping_inhibited=vector.settings.get("initial_policy_mapping_inhibit", False),
        is_any_policy_inhibited=vector.settings.get("initial_any_policy_inhibit", False),
    )
    evidence = Evidence(
        certificates=vector.others,
        crls=(pkits_file("crls/TrustAnchorRootCRL.crl"), *vector.lists),
    )
    verdicts = set()
    for path in find_paths(vector.certificate, among=evidence.pool, anchors=anchors, at=AT):
        if not validate_path(path, at=AT, settings=settings).is_valid:
            verdicts.add("invalid")
            continue
        states = {one.state for one in find_path_status(path, evidence=evidence, at=AT)}
        if states & {RevocationState.REVOKED, RevocationState.ON_HOLD}:
            verdicts.add("revoked")
        elif RevocationState.UNKNOWN in states:
            verdicts.add("unknown")
        else:
            verdicts.add("valid")
    return verdicts
