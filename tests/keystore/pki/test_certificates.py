"""Certificates of subjects: issued, renewed, found again."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from keystore.errors import SealBroken
from keystore.log.record import find_writers, log_event, verify_chain
from keystore.pki.errors import (
    CertificateStateRefused,
    CertificateUnknown,
    CsrRefused,
    ProfileRefused,
)
from keystore.pki.model import RevocationReason
from keystore.pki.names import ServiceSubject
from keystore.pki.policies import PolicyFacts, policies_extension
from keystore.pki.profiles import PROFILES, Profile
from keystore.pki.public_key import check_public_key


def _types(real) -> list[str]:
    with real.database.read() as connection:
        rows = connection.execute(
            log_event.select().order_by(log_event.c.at_ms, log_event.c.seq)
        ).mappings()
        return [row["type"] for row in rows if row["type"].startswith("pki:")]


def test_a_certificate_says_who_proofed_how_and_under_which_control(real, now) -> None:
    issued = real.certificates.issue(real.request(), now=now)
    certificate = x509.load_der_x509_certificate(issued.der)
    policies = certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
    facts = PolicyFacts(PROFILES[Profile.CITIZEN].number, proofing_level=2, scal=2)
    assert policies == policies_extension(facts, arc=real.deployment.policy_arc)
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert name.value == "Người Mây Suối"
    certificate.verify_directly_issued_by(real.authorities.get("issuing-1").parsed)
    assert _types(real)[-1] == "pki:certificate:issued"


def test_a_persons_certificate_is_sealed_and_opens_with_the_persons_key_alone(real, now) -> None:
    issued = real.certificates.issue(real.request(), now=now)
    stored = real.certificates.get(issued.record.serial)
    assert stored == issued.record
    assert stored.der is None
    assert real.certificates.open(stored, data_key=real.data_key("acc_one")) == issued.der
    for wrong in (real.data_key("acc_two"), None):
        with pytest.raises(SealBroken):
            real.certificates.open(stored, data_key=wrong)


def test_one_person_has_one_opaque_number_and_another_another(real, now) -> None:
    def number(account_id: str) -> object:
        issued = real.certificates.issue(real.request(account_id), now=now)
        name = x509.load_der_x509_certificate(issued.der).subject
        return name.get_attributes_for_oid(NameOID.SERIAL_NUMBER)[0].value

    first, again, other = number("acc_one"), number("acc_one"), number("acc_two")
    assert first == again
    assert first != other


def test_a_batch_is_stored_whole_or_not_at_all(real, now) -> None:
    good = [real.request(f"acc_{place}") for place in range(5)]
    made = real.certificates.issue_many(good, now=now)
    assert len({one.record.serial for one in made}) == 5
    stolen = real.request("acc_thief", public_spki=good[0].public_spki)
    with pytest.raises(CsrRefused, match="key_already_certified"):
        real.certificates.issue_many([real.request("acc_six"), stolen], now=now)
    assert real.certificates.of_account("acc_six") == ()
    twice = real.request("acc_six")
    with pytest.raises(CsrRefused, match="key_already_certified"):
        real.certificates.issue_many([twice, twice], now=now)


def test_a_key_that_was_compromised_is_never_certified_again(real, now) -> None:
    request = real.request()
    issued = real.certificates.issue(request, now=now)
    reason = RevocationReason.KEY_COMPROMISE
    real.states.revoke(issued.record.serial, reason=reason, now=now)
    with pytest.raises(CsrRefused, match="key_already_certified"):
        real.certificates.issue(request, now=now)


def test_renewing_names_the_certificate_before_it(real, now: datetime) -> None:
    request = real.request()
    first = real.certificates.issue(request, now=now).record
    later = now + timedelta(days=900)
    renewed = real.certificates.issue(
        real.request(public_spki=request.public_spki, replaces=first.serial), now=later
    )
    assert renewed.record.replaces == first.serial
    assert _types(real)[-1] == "pki:certificate:renewed"
    assert real.certificates.get(first.serial).state == "good"


def test_only_a_good_certificate_of_the_same_account_is_renewed(real, now: datetime) -> None:
    first = real.certificates.issue(real.request(), now=now).record
    with pytest.raises(CertificateUnknown):
        real.certificates.issue(real.request("acc_two", replaces=first.serial), now=now)
    with pytest.raises(CertificateUnknown):
        real.certificates.issue(real.request(replaces=1), now=now)
    real.states.suspend(first.serial, now=now)
    with pytest.raises(CertificateStateRefused):
        real.certificates.issue(real.request(replaces=first.serial), now=now)


def test_a_profile_takes_its_own_kind_of_subject_alone(real, now: datetime) -> None:
    with pytest.raises(ProfileRefused):
        real.certificates.issue(real.request(profile=Profile.SEAL), now=now)
    with pytest.raises(ProfileRefused):
        real.certificates.issue(real.request(profile=Profile.ISSUING), now=now)
    with pytest.raises(ValueError, match="account_id"):
        real.certificates.issue(real.request(None), now=now)
    of_a_service = real.request(profile=Profile.SERVICE, subject=ServiceSubject("reports"))
    with pytest.raises(ValueError, match="account_id"):
        real.certificates.issue(of_a_service, now=now)


def test_no_certificate_lives_longer_than_its_profile_or_its_authority(real, now) -> None:
    """Decree 23/2025/ND-CP: three years at most for a subscriber."""
    long = real.request(lifetime=timedelta(days=9_000))
    record = real.certificates.issue(long, now=now).record
    assert record.not_after < now + timedelta(days=3 * 365)
    short = real.certificates.issue(real.request(lifetime=timedelta(days=30)), now=now).record
    assert record.not_after > short.not_after
    authority = real.authorities.get("issuing-1")
    late = authority.not_after - timedelta(days=100)
    assert real.certificates.issue(real.request(), now=late).record.not_after == authority.not_after


def test_an_organisations_seal_carries_no_opaque_number(real, now: datetime) -> None:
    issued = real.certificates.issue(real.seal_request(), now=now)
    subject = x509.load_der_x509_certificate(issued.der).subject
    (identifier,) = subject.get_attributes_for_oid(NameOID.ORGANIZATION_IDENTIFIER)
    assert identifier.value == "NTRVN-9900000013"
    assert subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER) == []


def test_the_log_of_all_this_is_whole(real, now: datetime) -> None:
    real.certificates.issue_many([real.request("acc_one"), real.seal_request()], now=now)
    with real.database.read() as connection:
        writers = find_writers(connection)
        assert writers
        for writer in writers:
            assert verify_chain(connection, writer).seq > 0


def test_a_number_given_meanwhile_is_taken_over(real, now: datetime, monkeypatch) -> None:
    """Two processes certify one newcomer at the same time."""
    given: list[str | None] = []

    def meanwhile(raw: bytes):
        if not given:
            given.append(None)
            given[0] = real.certificates.opaque_number(request, now=now)
        return check_public_key(raw)

    request = real.request()
    monkeypatch.setattr("keystore.pki.certificates.check_public_key", meanwhile)
    issued = real.certificates.issue(request, now=now)
    name = x509.load_der_x509_certificate(issued.der).subject
    assert name.get_attributes_for_oid(NameOID.SERIAL_NUMBER)[0].value == given[0]
    assert real.certificates.opaque_number(request, now=now) == given[0]
    assert real.certificates.opaque_number(real.seal_request(), now=now) is None


def test_the_operators_list_goes_by_number(real, now: datetime) -> None:
    real.certificates.issue_many([real.request() for _ in range(3)], now=now)
    listed = real.certificates.list(ca_id="issuing-1", limit=2)
    assert len(listed) == 2
    assert listed[0].serial < listed[1].serial
    with pytest.raises(CertificateUnknown):
        real.certificates.get(1)
