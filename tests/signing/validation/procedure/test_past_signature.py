"""What was good once, and by what that is proved."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from signing.formats.material import Level
from signing.isolation.blob import Blob
from signing.validation.context import Context, pool_of
from signing.validation.found import FoundSignature
from signing.validation.known_anchors import KnownAnchors
from signing.validation.pdf import read_pdf
from signing.validation.policy import ValidationPolicy
from signing.validation.procedure.past_certificate import validate_past_certificate
from signing.validation.procedure.signature import conclude_signature
from signing.validation.procedure.x509_validation import Purpose
from signing.validation.proof_of_existence import ProofsOfExistence
from signing.validation.verdict import Indication, SubIndication
from tests.support.isolation import WithoutWalls
from tests.support.lasting_pki import LastingPki
from tests.support.signatory import SIGNING_TIME
from tests.support.validation_house import OWN_POLICY, ValidationHouse

_DAY = timedelta(days=1)


class _Archive:
    """A signature at B-LTA whose certificate is over, and everybody of its time is gone."""

    def __init__(self) -> None:
        self.pki = LastingPki(SIGNING_TIME - 30 * _DAY)
        self.house = ValidationHouse(self.pki, WithoutWalls())
        self._blob = Blob.of(self.house.pdf(Level.LTA))
        (self.found,) = read_pdf(self._blob, isolation=self.house.isolation).signatures
        self.document = read_pdf(self._blob, isolation=self.house.isolation)
        self.later = self.pki.citizen.issued.certificate.not_valid_after_utc + 9 * _DAY
        self.pki.replace_services(self.later)

    def context(self, policy: ValidationPolicy = OWN_POLICY) -> Context:
        """Of long after."""
        return Context(
            policy, self.house.anchors, self.house.online(), self.later, pool_of(self.document)
        )

    def conclude(self, found: FoundSignature, policy: ValidationPolicy = OWN_POLICY):
        """What it comes to."""
        return conclude_signature(found, context=self.context(policy)).conclusion


@pytest.fixture(scope="module")
def archive() -> _Archive:
    return _Archive()


def test_what_the_archive_covers_was_good(archive: _Archive) -> None:
    """ETSI EN 319 102-1 §5.6.3."""
    assert archive.conclude(archive.found).indication is Indication.TOTAL_PASSED


def test_evidence_that_nothing_proves_to_be_old_is_of_today(archive: _Archive) -> None:
    """ETSI EN 319 102-1 §5.6.2.2 step 2 a: NO_POE, so that it stays as it is."""
    stamps = tuple(replace(one, covers=frozenset()) for one in archive.found.timestamps)
    conclusion = archive.conclude(replace(archive.found, timestamps=stamps))
    assert conclusion.indication is Indication.INDETERMINATE
    assert {"no_proved_status", "certificate_not_proved"} & {one.code for one in conclusion.reasons}


def test_without_the_signature_timestamp_the_archives_own_counts(archive: _Archive) -> None:
    stamps = archive.found.timestamps[1:]
    report = conclude_signature(
        replace(archive.found, timestamps=stamps), context=archive.context()
    )
    assert report.conclusion.indication is Indication.TOTAL_PASSED
    assert report.best_signature_time == SIGNING_TIME


def test_without_any_timestamp_it_is_out_of_bounds(archive: _Archive) -> None:
    conclusion = archive.conclude(replace(archive.found, timestamps=()))
    assert conclusion.sub_indication in {
        SubIndication.OUT_OF_BOUNDS_NO_POE,
        SubIndication.OUT_OF_BOUNDS_NOT_REVOKED,
    }


@pytest.mark.parametrize("is_strict", [False, True])
def test_a_policy_may_slide_to_when_evidence_was_issued(archive: _Archive, is_strict: bool) -> None:
    """ETSI EN 319 102-1 §5.6.2.2 step 2 b: nobody tells the status of the authority any more.

    The list of the root in the file is a day older than the signature, and was for half a year.
    """
    proofs = ProofsOfExistence(archive.later)
    for one in archive.found.timestamps:
        proofs.prove(one.covers, at=SIGNING_TIME)
    policy = replace(OWN_POLICY, slides_to_issuance=is_strict)
    assert archive.found.candidate is not None
    past = validate_past_certificate(
        archive.found.candidate,
        proofs=proofs,
        context=replace(archive.context(policy), online=None),
        purpose=Purpose.SIGNING,
    )
    assert past.conclusion.is_passed is not is_strict
    assert (past.control_time > SIGNING_TIME) is not is_strict


def test_a_signature_with_a_changed_value_is_never_saved_by_its_past(archive: _Archive) -> None:
    value = archive.found.value
    assert value is not None
    broken = replace(value, octets=value.octets + b"!")
    conclusion = archive.conclude(replace(archive.found, value=broken))
    assert conclusion.sub_indication is SubIndication.SIG_CRYPTO_FAILURE


def test_a_chain_that_nobody_trusts_has_no_past(archive: _Archive) -> None:
    """ETSI EN 319 102-1 §5.6.2.1 step 1."""
    context = replace(archive.context(), anchors=KnownAnchors())
    assert archive.found.candidate is not None
    past = validate_past_certificate(
        archive.found.candidate,
        proofs=ProofsOfExistence(archive.later),
        context=context,
        purpose=Purpose.SIGNING,
    )
    assert past.conclusion.sub_indication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND


def test_a_certificate_for_signing_is_none_for_timestamps(archive: _Archive) -> None:
    """ETSI EN 319 102-1 §5.6.2.1: the constraints on chains hold for the past too."""
    assert archive.found.candidate is not None
    past = validate_past_certificate(
        archive.found.candidate,
        proofs=ProofsOfExistence(archive.later),
        context=archive.context(),
        purpose=Purpose.TIMESTAMPING,
    )
    assert past.conclusion.sub_indication is SubIndication.CHAIN_CONSTRAINTS_FAILURE
