"""A licensed authority: requests go out, certificates come in, nothing else does."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from structlog.testing import capture_logs

from keystore.errors import SealBroken
from keystore.log.record import log_event
from keystore.pki.csr import csr_info, finish_csr
from keystore.pki.enrolment import Enrolment, OwnEnrolment
from keystore.pki.errors import (
    CaRefused,
    CaUnknown,
    CertificateAmbiguous,
    ChainRefused,
    CsrRefused,
    EnrolmentUnknown,
)
from keystore.pki.external import ExternalEnrolment
from keystore.pki.model import CertificateState, RevocationReason
from tests.support.pki import SmallPki

_SHORT = 0x123456789
"""A serial number that looks like somebody's old identity number."""


@pytest.fixture
def foreign(now: datetime) -> SmallPki:
    return SmallPki(now)


@pytest.fixture
def external(real, foreign: SmallPki, now: datetime) -> ExternalEnrolment:
    real.authorities.add_external("licensed", foreign.chain, now=now)
    return _external(real, "licensed")


def _external(real, ca_id: str) -> ExternalEnrolment:
    return ExternalEnrolment(
        real.database,
        ca_id=ca_id,
        sealer=real.sealer,
        log=real.log,
        authorities=real.authorities,
        certificates=real.certificates,
    )


def _csr(enrolment: Enrolment, request, now: datetime, *, key=None) -> bytes:
    """A request as somebody makes it who holds the key."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    info = csr_info(name=enrolment.name_for(request, now=now), public_spki=spki)
    return finish_csr(info, algorithm="ES256", signature=key.sign(info, ec.ECDSA(hashes.SHA256())))


def _answer(foreign: SmallPki, csr: bytes, *, common: str | None = None, serial=None) -> bytes:
    """What the foreign authority makes of a request; it writes names in its own way."""
    request = x509.load_der_x509_csr(csr)
    name = common or request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(foreign.issuing.certificate.subject)
        .public_key(request.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(foreign.now - timedelta(hours=1))
        .not_valid_after(foreign.now + timedelta(days=365))
    )
    certificate = builder.sign(foreign.issuing.key, hashes.SHA256())
    return certificate.public_bytes(Encoding.PEM)


def test_an_answer_to_our_request_becomes_a_certificate_of_the_account(
    real, external, foreign: SmallPki, now: datetime
) -> None:
    request = real.request(public_spki=b"")
    waiting = external.enrol(request, csr=_csr(external, request, now), now=now)
    assert [one.enrolment_id for one in external.waiting()] == [waiting.enrolment_id]
    later = now + timedelta(days=2)
    data_key = real.data_key("acc_one")
    pem = _answer(foreign, waiting.csr)
    issued = external.import_issued(waiting.enrolment_id, pem, data_key=data_key, now=later)
    assert x509.load_der_x509_certificate(issued.der) == x509.load_pem_x509_certificate(pem)
    (stored,) = real.certificates.of_account("acc_one")
    assert (stored.ca_id, stored.kid, stored.profile) == ("licensed", "key_one", "citizen")
    assert real.certificates.open(stored, data_key=data_key) == issued.der
    assert external.waiting() == ()


def test_a_request_that_goes_out_is_on_record_with_the_request_itself(
    real, external, now: datetime
) -> None:
    request = real.request(public_spki=b"")
    waiting = external.enrol(request, csr=_csr(external, request, now), now=now)
    with real.database.read() as connection:
        rows = connection.execute(log_event.select()).mappings().all()
    (row,) = [one for one in rows if one["type"] == "pki:certificate:requested"]
    assert row["account_id"] == "acc_one"
    facts = json.loads(row["facts"])
    wanted = {"ca": "licensed", "profile": "citizen", "enrolment": waiting.enrolment_id}
    assert facts.items() >= wanted.items()
    assert hashlib.sha256(waiting.csr).hexdigest() not in row["facts"]
    refused = _external(real, "licensed")
    with pytest.raises(CsrRefused):
        refused.enrol(request, csr=b"nonsense", now=now)
    with real.database.read() as connection:
        assert len(connection.execute(log_event.select()).all()) == len(rows)


def test_an_answer_is_taken_once_and_only_for_a_request_that_waits(
    real, external, foreign: SmallPki, now: datetime
) -> None:
    request = real.request(public_spki=b"")
    waiting = external.enrol(request, csr=_csr(external, request, now), now=now)
    given = {"data_key": real.data_key("acc_one"), "now": now}
    pem = _answer(foreign, waiting.csr, serial=_SHORT)
    external.import_issued(waiting.enrolment_id, pem, **given)
    for enrolment_id in (waiting.enrolment_id, "enr_unknown"):
        with pytest.raises(EnrolmentUnknown):
            external.import_issued(enrolment_id, pem, **given)
    again = external.enrol(request, csr=_csr(external, request, now), now=now)
    with pytest.raises(ChainRefused, match="already_there"):
        external.import_issued(
            again.enrolment_id, _answer(foreign, again.csr, serial=_SHORT), **given
        )


def test_an_answer_for_another_key_or_name_or_from_another_authority_is_refused(
    real, external, foreign: SmallPki, now: datetime
) -> None:
    request = real.request(public_spki=b"")
    waiting = external.enrol(request, csr=_csr(external, request, now), now=now)
    other = external.enrol(request, csr=_csr(external, request, now), now=now)
    given = {"data_key": real.data_key("acc_one"), "now": now}
    for pem, reason in (
        (_answer(foreign, other.csr), "other_key"),
        (_answer(foreign, waiting.csr, common="Người Khác"), "other_name"),
        (_answer(SmallPki(now), waiting.csr), "signature"),
        (b"no certificate", "malformed"),
    ):
        with pytest.raises(ChainRefused) as refused:
            external.import_issued(waiting.enrolment_id, pem, **given)
        assert refused.value.reason == reason
    assert real.certificates.of_account("acc_one") == ()
    assert len(external.waiting()) == 2


def test_a_request_opens_with_its_owners_data_key_alone(
    real, external, foreign: SmallPki, now: datetime
) -> None:
    request = real.request(public_spki=b"")
    waiting = external.enrol(request, csr=_csr(external, request, now), now=now)
    with pytest.raises(SealBroken):
        external.import_issued(
            waiting.enrolment_id,
            _answer(foreign, waiting.csr),
            data_key=real.data_key("acc_two"),
            now=now,
        )


def test_an_external_authority_wants_a_request_with_a_name(real, external, now) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    nameless = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    for csr in (None, nameless, b"nonsense"):
        with pytest.raises(CsrRefused):
            external.enrol(real.request(), csr=csr, now=now)
    assert external.waiting() == ()


def test_requests_go_to_authorities_of_others_alone(real, now: datetime) -> None:
    request = real.request(public_spki=b"")
    ours = _external(real, "issuing-1")
    with pytest.raises(CaRefused, match="not_external"):
        ours.enrol(request, csr=_csr(ours, request, now), now=now)
    nobody = _external(real, "nobody")
    with pytest.raises(CaUnknown):
        nobody.enrol(request, csr=_csr(nobody, request, now), now=now)


def test_an_answer_meant_for_another_authority_is_refused(
    real, external, foreign: SmallPki, now: datetime
) -> None:
    real.authorities.add_external("second", SmallPki(now).chain, now=now)
    request = real.request(public_spki=b"")
    waiting = external.enrol(request, csr=_csr(external, request, now), now=now)
    second = _external(real, "second")
    assert second.waiting() == ()
    with pytest.raises(EnrolmentUnknown):
        second.import_issued(
            waiting.enrolment_id,
            _answer(foreign, waiting.csr),
            data_key=real.data_key("acc_one"),
            now=now,
        )


def test_our_own_authority_answers_at_once_behind_the_same_port(real, now: datetime) -> None:
    own = OwnEnrolment(real.certificates, deployment=real.deployment)
    request = real.request(public_spki=b"")
    key = ec.generate_private_key(ec.SECP256R1())
    issued = own.enrol(request, csr=_csr(own, request, now, key=key), now=now)
    certificate = x509.load_der_x509_certificate(issued.der)
    assert certificate.public_key() == key.public_key()
    assert certificate.subject == own.name_for(request, now=now)
    trusted = own.enrol(real.request(), csr=None, now=now)
    assert trusted.record.serial != issued.record.serial
    of_a_stranger = _csr(own, real.request("acc_two"), now)
    with pytest.raises(CsrRefused, match="name"):
        own.enrol(request, csr=of_a_stranger, now=now)


def _of_licensed(real, external, foreign: SmallPki, now: datetime, *, serial: int | None = None):
    """A certificate of the licensed authority for the first account."""
    request = real.request(public_spki=b"")
    waiting = external.enrol(request, csr=_csr(external, request, now), now=now)
    pem = _answer(foreign, waiting.csr, serial=serial)
    data_key = real.data_key("acc_one")
    return external.import_issued(waiting.enrolment_id, pem, data_key=data_key, now=now).record


def test_what_another_authority_says_is_not_ours_to_change(
    real, external, foreign: SmallPki, now: datetime
) -> None:
    """RFC 6960 §2.2: whoever issued says whether it holds; our word would change nothing."""
    record = _of_licensed(real, external, foreign, now)
    reason = RevocationReason.KEY_COMPROMISE
    for act in (
        lambda: real.states.suspend(record.serial, now=now),
        lambda: real.states.lift(record.serial, now=now),
        lambda: real.states.revoke(record.serial, reason=reason, now=now),
    ):
        with pytest.raises(CaRefused) as refused:
            act()
        assert (refused.value.ca_id, refused.value.reason) == ("licensed", "external")
    ours = real.certificates.issue(real.request(), now=now).record
    with capture_logs() as said, real.database.transaction() as tx:
        ended = real.states.revoke_all(tx, "acc_one", reason=reason, now=now, data_key=None)
    assert ended == 1
    assert [(one["event"], one["ca"]) for one in said] == [
        ("certificates_of_another_authority_stay", "licensed")
    ]
    assert real.certificates.get(record.serial).state is CertificateState.GOOD
    assert real.certificates.get(ours.serial).state is CertificateState.REVOKED


def test_a_number_that_two_authorities_gave_is_nobodys_until_one_is_named(
    real, external, foreign: SmallPki, now: datetime
) -> None:
    """RFC 5280 §4.1.2.2: a serial number is unique for its issuer alone."""
    ours = real.certificates.issue(real.request(), now=now).record
    _of_licensed(real, external, foreign, now, serial=ours.serial)
    with pytest.raises(CertificateAmbiguous) as refused:
        real.certificates.get(ours.serial)
    assert refused.value.ca_ids == ("issuing-1", "licensed")
    with pytest.raises(CertificateAmbiguous):
        real.states.suspend(ours.serial, now=now)
    with pytest.raises(CaRefused, match="external"):
        real.states.suspend(ours.serial, ca_id="licensed", now=now)
    real.states.suspend(ours.serial, ca_id="issuing-1", now=now)
    states = {one.ca_id: one.state for one in real.certificates.of_account("acc_one")}
    assert states == {
        "issuing-1": CertificateState.SUSPENDED,
        "licensed": CertificateState.GOOD,
    }
    real.states.lift(ours.serial, ca_id="issuing-1", now=now)
    after = real.certificates.issue(real.request(replaces=ours.serial), now=now).record
    assert after.replaces == ours.serial
