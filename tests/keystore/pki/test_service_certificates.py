"""The service's own keys have certificates, before they sign and for as long as they do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from cryptography import x509

from idp.errors import StorageUnavailable
from keystore.keyring import Keyring
from keystore.pki.authority import Authorities
from keystore.pki.certificates import Certificates
from keystore.pki.errors import CaUnknown, ServiceCertificateMissing
from keystore.pki.model import RevocationReason
from keystore.pki.ocsp_signers import OcspSigners
from keystore.pki.profiles import Profile
from keystore.pki.service_certificates import ServiceCertificates
from keystore.purposes import CA_ISSUING, DOCUMENTS, OCSP, TIMESTAMP, KeyPurpose


@pytest.fixture
def make_service(real):
    def make(profile: Profile = Profile.TIMESTAMP, purpose: KeyPurpose = TIMESTAMP):
        keyring = Keyring(real.database, real.sealer, log=real.log, purpose=purpose)
        return ServiceCertificates(
            real.database,
            profile=profile,
            keyring=keyring,
            authorities=real.authorities,
            certificates=real.certificates,
        )

    return make


def _kid_and_certificate(service: ServiceCertificates, now: datetime):
    key, chain = service.signer(now)
    return key.kid, x509.load_der_x509_certificate(chain[0])


def test_a_service_without_a_certificate_signs_nothing(make_service, now: datetime) -> None:
    with pytest.raises(ServiceCertificateMissing):
        make_service().signer(now)


def test_the_first_start_makes_a_key_and_its_certificate_once(real, make_service, now) -> None:
    service = make_service()
    (record,) = service.renew_due(now)
    assert service.renew_due(now) == ()
    key, chain = service.signer(now)
    assert record.kid == key.kid
    assert [x509.load_der_x509_certificate(der).issuer for der in chain] == [
        real.authorities.get("issuing-1").parsed.subject,
        real.authorities.get("root-1").parsed.subject,
    ]
    assert make_service().signer(now)[0].kid == key.kid
    again = service.signer(now + timedelta(hours=1))
    assert again[1] is chain


def test_a_key_is_chosen_by_name_while_it_is_active_and_certified(
    real, make_service, now: datetime
) -> None:
    service = make_service(Profile.SERVICE, DOCUMENTS)
    (record,) = service.renew_due(now)
    assert DOCUMENTS.rotate_after is not None
    later = now + DOCUMENTS.rotate_after
    (coming,) = service.renew_due(later)
    assert service.of_key(record.kid, now=later).key.kid == record.kid
    for name in ("nobody", coming.kid):  # the next one is published, and does not sign yet
        with pytest.raises(ServiceCertificateMissing):
            service.of_key(name, now=later)
    real.states.revoke(record.serial, reason=RevocationReason.SUPERSEDED, now=later)
    with pytest.raises(ServiceCertificateMissing):
        service.of_key(record.kid, now=later)


def test_the_next_key_has_its_certificate_before_it_signs(make_service, now: datetime) -> None:
    service = make_service()
    service.renew_due(now)
    first, _ = _kid_and_certificate(service, now)
    assert TIMESTAMP.rotate_after is not None
    due = now + TIMESTAMP.rotate_after
    (next_certificate,) = service.renew_due(due)
    assert _kid_and_certificate(service, due)[0] == first
    later = due + timedelta(hours=1)
    assert _kid_and_certificate(service, later)[0] == next_certificate.kid != first
    assert service.renew_due(later) == ()


def test_a_timestamp_key_stops_long_before_its_certificate(make_service, now: datetime) -> None:
    """ETSI EN 319 421 §7.7: the certificate outlives the use of the key."""
    service = make_service()
    service.renew_due(now)
    _, certificate = _kid_and_certificate(service, now)
    assert certificate.not_valid_after_utc > now + timedelta(days=4 * 365)
    period = certificate.extensions.get_extension_for_class(x509.PrivateKeyUsagePeriod).value
    with pytest.raises(ServiceCertificateMissing):
        service.signer(period.not_after.replace(tzinfo=now.tzinfo) + timedelta(seconds=1))


def test_a_certificate_that_ends_is_followed_in_time_for_the_same_key(make_service, now) -> None:
    service = make_service(Profile.OCSP, OCSP)
    service.renew_due(now)
    first, before = _kid_and_certificate(service, now)
    # before the key's own age: only the certificate is due when it has a month left
    assert service.renew_due(now + timedelta(days=59)) == ()
    for days in range(60, 200, 10):
        moment = now + timedelta(days=days)
        service.renew_due(moment)
        _, certificate = _kid_and_certificate(service, moment + timedelta(hours=1))
        assert certificate.not_valid_after_utc > moment + timedelta(days=20)
    assert certificate.serial_number != before.serial_number
    assert service.signer(moment)[0].kid != first


def test_a_revoked_service_certificate_is_replaced(real, make_service, now: datetime) -> None:
    service = make_service()
    (record,) = service.renew_due(now)
    real.states.revoke(record.serial, reason=RevocationReason.SUPERSEDED, now=now)
    (again,) = service.renew_due(now)
    assert again.kid == record.kid
    _, certificate = _kid_and_certificate(service, now)
    assert certificate.serial_number == again.serial


def test_each_authority_has_a_responder_of_its_own_also_when_it_is_retired(
    real, make_service, now: datetime
) -> None:
    """RFC 6960 §4.2.2.2: delegated directly by the authority that issued."""
    service = make_service(Profile.OCSP, OCSP)
    service.renew_due(now)
    real.ceremony.add_issuing("issuing-2", root_id="root-1", root_key=real.root_key, now=now)
    real.authorities.retire("issuing-1", now=now)
    service.renew_due(now)
    signers = OcspSigners(service)
    for ca_id in ("issuing-1", "issuing-2"):
        responder = signers.responder(ca_id, now=now)
        certificate = x509.load_der_x509_certificate(responder.certificate)
        certificate.verify_directly_issued_by(real.authorities.get(ca_id).parsed)
        certificate.extensions.get_extension_for_class(x509.OCSPNoCheck)
        assert signers.responder(ca_id, now=now) is responder
    with pytest.raises(ServiceCertificateMissing):
        signers.responder("root-1", now=now)
    with pytest.raises(ServiceCertificateMissing):
        make_service().signer(now)


def test_a_service_goes_over_to_the_new_authority(real, make_service, now: datetime) -> None:
    service = make_service()
    service.renew_due(now)
    real.ceremony.add_issuing("issuing-2", root_id="root-1", root_key=real.root_key, now=now)
    later = now + timedelta(seconds=10)
    (record,) = service.renew_due(later)
    assert record.ca_id == "issuing-2"
    _, certificate = _kid_and_certificate(service, later)
    assert certificate.issuer == real.authorities.get("issuing-2").parsed.subject


def test_before_there_is_an_authority_nothing_is_made(
    database, sealer, log, now: datetime, deployment
) -> None:
    keyring = Keyring(database, sealer, log=log, purpose=TIMESTAMP)
    ca_keyring = Keyring(database, sealer, log=log, purpose=CA_ISSUING)
    authorities = Authorities(database, keyring=ca_keyring, log=log, deployment=deployment)
    service = ServiceCertificates(
        database,
        profile=Profile.TIMESTAMP,
        keyring=keyring,
        authorities=authorities,
        certificates=Certificates(database, sealer=sealer, log=log, authorities=authorities),
    )
    assert service.renew_due(now) == ()
    assert keyring.records(now) == ()


def test_without_an_authority_that_can_issue_somebody_is_told(real, make_service, now) -> None:
    real.authorities.retire("issuing-1", now=now)
    with pytest.raises(CaUnknown):
        make_service().renew_due(now)


class _Away:
    """A database that can be taken away."""

    def __init__(self, database) -> None:
        self.database = database
        self.is_away = False

    def read(self):
        if self.is_away:
            raise StorageUnavailable
        return self.database.read()

    def transaction(self):
        return self.database.transaction()


def test_timestamps_go_on_while_the_database_is_away(real, make_service, now: datetime) -> None:
    make_service().renew_due(now)
    away = _Away(real.database)
    service = ServiceCertificates(
        away,
        profile=Profile.TIMESTAMP,
        keyring=Keyring(real.database, real.sealer, log=real.log, purpose=TIMESTAMP),
        authorities=real.authorities,
        certificates=real.certificates,
    )
    away.is_away = True
    with pytest.raises(StorageUnavailable):
        service.signer(now)
    away.is_away = False
    known = service.signer(now)
    away.is_away = True
    assert service.signer(now + timedelta(minutes=1)) == known
    with pytest.raises(ServiceCertificateMissing):
        service.signer(now + timedelta(days=500))


def test_a_destroyed_key_does_not_sign_and_is_followed(real, make_service, now: datetime) -> None:
    service = make_service()
    service.renew_due(now)
    kid = service.signer(now)[0].kid
    keyring = Keyring(real.database, real.sealer, log=real.log, purpose=TIMESTAMP)
    keyring.destroy(kid, now=now)
    later = now + timedelta(minutes=1)
    with pytest.raises(ServiceCertificateMissing):
        service.signer(later)
    service.renew_due(later)
    assert service.signer(later + timedelta(seconds=10))[0].kid != kid


def test_many_threads_ask_for_the_same_signer(make_service, now: datetime) -> None:
    service = make_service()
    service.renew_due(now)
    with ThreadPoolExecutor(8) as pool:
        later = [now + timedelta(seconds=10 * n) for n in range(64)]
        kids = {key.kid for key, _chain in pool.map(service.signer, later)}
    assert len(kids) == 1
