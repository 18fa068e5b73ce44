"""What the policies of a certificate say, both ways."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from keystore.pki.policies import PolicyFacts, policies_extension, read_policies

ARC = "1.3.6.1.4.1.99999.1"
_KEY = ec.generate_private_key(ec.SECP256R1())


def _certificate(extension: x509.CertificatePolicies | None) -> x509.Certificate:
    name, start = x509.Name([]), datetime(2026, 1, 1)  # noqa: DTZ001 - X.509 has no zone here
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(1)
    builder = builder.not_valid_before(start).not_valid_after(start + timedelta(days=1))
    if extension is not None:
        builder = builder.add_extension(extension, critical=False)
    return builder.public_key(_KEY.public_key()).sign(_KEY, hashes.SHA256())


@given(
    st.builds(
        PolicyFacts,
        profile_number=st.integers(1, 40),
        proofing_level=st.sampled_from([None, 1, 2]),
        scal=st.sampled_from([None, 1, 2]),
        is_sandbox=st.booleans(),
    )
)
def test_what_was_written_is_read(facts: PolicyFacts) -> None:
    certificate = _certificate(policies_extension(facts, arc=ARC))
    assert read_policies(certificate, arc=ARC) == facts


def test_the_two_levels_of_sole_control_are_told_apart() -> None:
    """CEN EN 419241-1: SCAL1 and SCAL2."""
    oids = [
        {one.policy_identifier for one in policies_extension(PolicyFacts(3, scal=scal), arc=ARC)}
        for scal in (1, 2)
    ]
    assert oids[0] != oids[1]


def test_policies_of_others_say_nothing_to_us() -> None:
    assert read_policies(_certificate(None), arc=ARC) is None
    other = policies_extension(PolicyFacts(3, scal=2), arc="1.3.6.1.4.1.99998.1")
    assert read_policies(_certificate(other), arc=ARC) is None
    longer = policies_extension(PolicyFacts(3), arc=f"{ARC}0")
    assert read_policies(_certificate(longer), arc=ARC) is None


@pytest.mark.parametrize("numbers", [("1.3", "3.1", "3.2"), ("1.3", "3"), ("1.3", "3.1.1")])
def test_contradictions_and_strange_depths_are_no_answer(numbers: tuple[str, ...]) -> None:
    extension = x509.CertificatePolicies(
        [
            x509.PolicyInformation(x509.ObjectIdentifier(f"{ARC}.{number}"), None)
            for number in numbers
        ]
    )
    assert read_policies(_certificate(extension), arc=ARC) == PolicyFacts(3)


def test_the_practice_statement_is_named_at_the_first_policy() -> None:
    extension = policies_extension(
        PolicyFacts(3, scal=2), arc=ARC, cps_url="https://pki.antin.vn/cps"
    )
    first, *others = extension
    assert list(first.policy_qualifiers or []) == ["https://pki.antin.vn/cps"]
    assert all(one.policy_qualifiers is None for one in others)
