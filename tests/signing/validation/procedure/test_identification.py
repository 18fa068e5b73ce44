"""Which certificate a signature names, and whether it is the one that it was made with."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from signing.validation.found import CertificateReference, Form, FoundSignature
from signing.validation.procedure.identification import identify_certificate
from signing.validation.verdict import SubIndication
from tests.support.signatory import SigningPki

_NOT_FOUND = SubIndication.NO_SIGNING_CERTIFICATE_FOUND


def _reference(certificate: bytes, name: str = "sha256") -> CertificateReference:
    return CertificateReference(name, hashlib.new(name, certificate).digest())


def test_the_certificate_that_is_named_is_found(found, signing_pki: SigningPki) -> None:
    identified = identify_certificate(found())
    assert identified.certificate == signing_pki.citizen.signatory.certificate
    assert identified.conclusion.is_passed


def test_without_any_certificate_there_is_none(found) -> None:
    """ETSI EN 319 102-1 §5.2.3.4."""
    bare = replace(found(), candidate=None, certificates=())
    identified = identify_certificate(bare)
    assert identified.certificate is None
    assert identified.conclusion.sub_indication is _NOT_FOUND
    assert identified.conclusion.reasons[0].code == "no_signing_certificate"
    assert identify_certificate(replace(bare, key=b"k")).conclusion.reasons[0].code == "bare_key"


def test_a_certificate_that_nothing_points_at_is_found_by_its_reference(found) -> None:
    signature = found()
    identified = identify_certificate(replace(signature, candidate=None))
    assert identified.certificate == signature.candidate
    assert identified.conclusion.is_passed


def test_a_certificate_of_the_same_key_in_its_place_is_not_taken(
    found, signing_pki: SigningPki
) -> None:
    """ETSI EN 319 102-1 §5.2.3.4; RFC 5035 §5: substitution of the certificate."""
    other = signing_pki.issuing.der
    swapped = replace(found(), candidate=other, certificates=(other,))
    identified = identify_certificate(swapped)
    assert identified.certificate == other
    assert identified.conclusion.sub_indication is _NOT_FOUND


def test_the_one_that_is_named_is_taken_before_the_one_that_is_pointed_at(
    found, signing_pki: SigningPki
) -> None:
    signature = found()
    pointed = replace(signature, candidate=signing_pki.issuing.der)
    assert identify_certificate(pointed).certificate == signature.candidate


def test_without_a_reference_it_is_said(found) -> None:
    identified = identify_certificate(replace(found(), references=None))
    assert identified.conclusion.is_passed
    assert [one.code for one in identified.conclusion.warnings] == ["no_certificate_reference"]


@pytest.mark.parametrize(
    "changes",
    [{"is_readable": False}, {"hash_name": ""}, {"hash_name": "gost"}, {"digest": b""}],
)
def test_a_reference_that_makes_no_sense_matches_nothing(found, changes) -> None:
    signature = found()
    assert signature.references is not None
    broken = replace(signature, references=(replace(signature.references[0], **changes),))
    assert identify_certificate(broken).conclusion.sub_indication is _NOT_FOUND


@pytest.mark.parametrize(("form", "is_taken"), [(Form.CADES, False), (Form.XADES, True)])
def test_in_cms_the_first_reference_is_the_signers(
    found, signing_pki: SigningPki, form: Form, is_taken: bool
) -> None:
    """RFC 5035 §5.4; ETSI EN 319 132-1 §5.2.2 has no such order."""
    signature: FoundSignature = found()
    assert signature.candidate is not None
    references = (_reference(signing_pki.root.der), _reference(signature.candidate))
    both = replace(signature, form=form, references=references)
    assert identify_certificate(both).conclusion.is_passed is is_taken
