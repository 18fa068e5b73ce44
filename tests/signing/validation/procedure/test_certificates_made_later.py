"""A certificate that was made after the signature does not make it somebody's."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import Encoding

from signing.formats.material import Level, ValidationMaterial
from signing.validation.found import TimestampKind, object_identity
from signing.validation.known_anchors import KnownAnchors, anchor_of
from signing.validation.procedure.signature import conclude_signature
from signing.validation.verdict import SubIndication
from tests.support.lasting_pki import LastingPki
from tests.support.signatory import SIGNING_TIME, SigningPki
from tests.support.validation_house import OWN_POLICY, ValidationHouse

_DAY = timedelta(days=1)


def test_what_is_stamped_before_its_certificate_began_has_failed(
    validation_house: ValidationHouse, found, at, stamp
) -> None:
    """ETSI EN 319 102-1 §5.5.4: also where the certificate is good now."""
    signature = found(Level.LT)
    begin = validation_house.pki.citizen.issued.certificate.not_valid_before_utc
    own = validation_house.pki.tsa.certificate.not_valid_before_utc
    old = LastingPki(min(begin, own) - 30 * _DAY)
    token = old.timestamps(now=begin - _DAY).stamp(bytes(32), hash_name="sha256")
    anchors = [anchor_of(one.root.der, source="list") for one in (old, validation_house.pki)]
    both = KnownAnchors(one for one in anchors if one is not None)
    stamped = replace(
        signature,
        timestamps=(
            stamp(
                TimestampKind.SIGNATURE,
                SIGNING_TIME,
                token=token,
                certificates=(old.tsa.der, old.issuing.der),
            ),
        ),
    )
    policy = replace(OWN_POLICY, needs_status=False)
    report = conclude_signature(stamped, context=at(stamped, anchors=both, policy=policy))
    assert report.timestamps[0].conclusion.is_passed, report.timestamps[0].conclusion
    assert report.conclusion.is_failed
    assert report.conclusion.sub_indication is SubIndication.NOT_YET_VALID


def _revoking(pki: SigningPki, *, since: datetime) -> bytes:
    """A list of the root on which the issuing authority stands."""
    entry = (
        x509.RevokedCertificateBuilder()
        .serial_number(pki.issuing.certificate.serial_number)
        .revocation_date(since)
        .add_extension(x509.CRLReason(x509.ReasonFlags.ca_compromise), critical=False)
        .build()
    )
    made = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(pki.root.certificate.subject)
        .last_update(since)
        .next_update(since + 90 * _DAY)
        .add_extension(x509.CRLNumber(9), critical=False)
        .add_revoked_certificate(entry)
        .sign(pki.root.key, SHA384())
    )
    return made.public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("is_named", "is_proved", "passes"),
    [(True, False, True), (False, False, False), (False, True, True)],
)
def test_whoever_has_the_key_of_an_authority_makes_no_signer_of_the_past(
    validation_house: ValidationHouse,
    found,
    at,
    stamp,
    *,
    is_named: bool,
    is_proved: bool,
    passes: bool,
) -> None:
    """EN 319 102-1 §5.6.2.1: a certificate counts that is proved to be older than the loss.

    One that is named among what is signed is: who signed knew its digest.
    """
    pki = validation_house.pki
    lost = SIGNING_TIME + 2 * _DAY
    signature = found(Level.LT)
    covers = {object_identity(signature.candidate)} if is_proved else set()
    stamped = replace(
        signature,
        references=signature.references if is_named else None,
        timestamps=(stamp(TimestampKind.SIGNATURE, SIGNING_TIME + _DAY, covers=frozenset(covers)),),
    )
    context = at(stamped, lost + _DAY)
    revoking = ValidationMaterial(crls=(_revoking(pki, since=lost),))
    # the timestamp's own chain is another's, so that it alone is not in question
    policy = replace(OWN_POLICY, needs_status=False)
    own = anchor_of(pki.tsa.der, source="list")
    root = anchor_of(pki.root.der, source="list")
    anchors = KnownAnchors(one for one in (own, root) if one is not None)
    context = replace(
        context, policy=policy, anchors=anchors, pool=context.pool.with_others(revoking)
    )
    report = conclude_signature(stamped, context=context)
    assert report.timestamps[0].conclusion.is_passed, report.timestamps[0].conclusion
    assert report.conclusion.is_passed is passes, report.conclusion
    if not passes:
        assert report.conclusion.sub_indication is SubIndication.REVOKED_CA_NO_POE
        assert "certificate_not_proved" in {one.code for one in report.conclusion.reasons}
