"""The report about a signature."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from signing.formats.material import Level
from signing.validation.model import RevocationState, StatusOrigin, Step
from signing.validation.procedure.signature import conclude_signature
from signing.validation.verdict import Indication, because
from tests.support.signatory import SIGNING_TIME, SigningPki
from tests.support.validation_house import OWN_POLICY, ValidationHouse


def _of_policies(pki: SigningPki, *dotted: str) -> bytes:
    """A certificate for the citizen's key with these policies."""
    policies = [x509.PolicyInformation(x509.ObjectIdentifier(one), None) for one in dotted]
    made = (
        x509.CertificateBuilder()
        .subject_name(pki.citizen.issued.certificate.subject)
        .issuer_name(pki.issuing.certificate.subject)
        .public_key(pki.citizen.issued.key.public_key())
        .serial_number(99)
        .not_valid_before(SIGNING_TIME - timedelta(days=1))
        .not_valid_after(SIGNING_TIME + timedelta(days=1))
        .add_extension(x509.CertificatePolicies(policies), critical=False)
        .sign(pki.issuing.key, SHA256())
    )
    return made.public_bytes(Encoding.DER)


def test_a_certificate_of_a_sandbox_passes_with_a_warning(
    validation_house: ValidationHouse, found, at
) -> None:
    (arc,) = OWN_POLICY.own_arcs
    certificate = _of_policies(validation_house.pki, f"{arc}.1.1", f"{arc}.3.1", f"{arc}.9")
    signature = found(Level.B)
    signature = replace(
        signature,
        candidate=certificate,
        certificates=(validation_house.pki.issuing.der,),
        references=None,
    )
    report = conclude_signature(signature, context=at(signature, online=validation_house.online()))
    assert report.conclusion.indication is Indication.TOTAL_PASSED, report.conclusion
    assert report.is_sandbox
    assert report.is_key_confirmed is False
    warned = {one.code for one in report.conclusion.warnings}
    assert warned == {"sandbox_certificate", "no_certificate_reference"}


@pytest.mark.parametrize(("source", "is_believed"), [("folder:test-root", True), ("own", False)])
def test_who_alone_has_a_key_is_believed_of_our_own_authority(
    validation_house: ValidationHouse, found, at, source: str, is_believed: bool
) -> None:
    """CEN EN 419241-1: what others put under the same numbers means something else."""
    (arc,) = OWN_POLICY.own_arcs
    certificate = _of_policies(validation_house.pki, f"{arc}.3.2", f"{arc}.9")
    signature = replace(
        found(Level.B),
        candidate=certificate,
        certificates=(validation_house.pki.issuing.der,),
        references=None,
    )
    policy = replace(OWN_POLICY, own_sources=frozenset({source}))
    report = conclude_signature(signature, context=at(signature, policy=policy))
    assert report.is_key_confirmed is (True if is_believed else None)
    assert report.is_sandbox


@pytest.mark.parametrize(
    "code", ["covers_only_part", "document_not_covered", "reference_not_recomputed"]
)
def test_a_signature_that_stands_for_less_than_there_is_does_not_cover_the_whole(
    found, at, code: str
) -> None:
    signature = found(Level.LT)
    assert conclude_signature(signature, context=at(signature)).covers_whole
    less = replace(signature, doubts=(because(code),))
    assert not conclude_signature(less, context=at(less)).covers_whole


def test_a_report_tells_who_signed_and_what_it_stands_on(
    validation_house: ValidationHouse, found, at
) -> None:
    """TT 15/2025/TT-BKHCN, Art. 6: signer, issuer, unit, time, validity, and the evidence."""
    signature = found(Level.LT)
    report = conclude_signature(signature, context=at(signature))
    signer, issuer, root = report.chain
    assert signer.common_name == "Người Mây Suối"
    certificate = validation_house.pki.citizen.issued.certificate
    assert signer.serial_number == certificate.serial_number
    assert (signer.not_before, signer.not_after) == (
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
    )
    assert signer.issuer == issuer.subject
    assert (root.anchor, root.revocation.state) == ("folder:test-root", RevocationState.NOT_NEEDED)
    assert signer.revocation.origin is StatusOrigin.FILE
    assert signer.revocation.evidence in signature.material.ocsp_responses
    assert issuer.revocation.evidence in signature.material.crls
    assert report.algorithm == "ECDSA 256"
    assert [one.step for one in report.checks] == [
        Step.FORMAT,
        Step.IDENTIFICATION,
        Step.CONTEXT,
        Step.PATH,
        Step.CRYPTOGRAPHY,
        Step.ACCEPTANCE,
        Step.TIMESTAMPS,
    ]


def test_two_validations_of_the_same_say_the_same(found, at) -> None:
    signature = found(Level.LT)
    context = at(signature)
    once = conclude_signature(signature, context=context)
    assert conclude_signature(signature, context=context) == once
    assert conclude_signature(signature, context=at(signature)) == once
