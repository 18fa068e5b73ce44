"""Building OCSP answers: what independent readers make of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp

from keystore.pki.model import CertificateState, CertificateStatus, RevocationReason
from keystore.pki.ocsp_requests import parse_request
from keystore.pki.ocsp_responses import REFUSALS, Refusal, SingleStatus, sign_status
from tests.support.pki import ISSUING_ID, SmallPki
from tests.support.status import lint, make_request, make_responder

GOOD = CertificateState.GOOD
SUSPENDED = CertificateState.SUSPENDED
REVOKED = CertificateState.REVOKED


@pytest.fixture
def pki(now: datetime) -> SmallPki:
    return SmallPki(now)


def status_of(
    pki: SmallPki,
    state: CertificateState,
    reason: RevocationReason | None = None,
    *,
    serial: int | None = None,
) -> CertificateStatus:
    certificate = pki.citizen.certificate
    return CertificateStatus(
        ca_id=ISSUING_ID,
        serial=serial or certificate.serial_number,
        state=state,
        reason=reason,
        changed_at=None if state is GOOD else pki.now - timedelta(days=1, microseconds=7),
        not_after=certificate.not_valid_after_utc,
        shard=0,
    )


def answer(pki: SmallPki, *statuses: CertificateStatus | None, nonce: bytes | None = None) -> bytes:
    raw = make_request(pki, pki.citizen.certificate.serial_number)
    (cert_id,) = parse_request(raw).cert_ids
    responder = make_responder(pki.ocsp)
    signed = sign_status(
        [SingleStatus(cert_id.encoded, status) for status in statuses],
        responder=responder,
        this_update=pki.now,
        next_update=pki.now + timedelta(hours=12),
        nonce=nonce,
    )
    return signed.complete(responder)


@pytest.mark.parametrize(
    ("state", "reason", "expected"),
    [
        (GOOD, None, None),
        (SUSPENDED, None, x509.ReasonFlags.certificate_hold),
        (SUSPENDED, RevocationReason.CERTIFICATE_HOLD, x509.ReasonFlags.certificate_hold),
        (REVOKED, None, None),
        *((REVOKED, reason, reason.flag) for reason in RevocationReason),
    ],
)
def test_each_state_and_reason_is_read_as_it_is_meant(
    pki: SmallPki,
    state: CertificateState,
    reason: RevocationReason | None,
    expected: x509.ReasonFlags | None,
) -> None:
    """RFC 6960 §2.2, §4.2.1; RFC 5280 §5.3.1: unspecified is said by saying nothing."""
    status = status_of(pki, state, reason)
    read = ocsp.load_der_ocsp_response(answer(pki, status))
    assert read.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL
    if state is GOOD:
        assert read.certificate_status is ocsp.OCSPCertStatus.GOOD
        assert read.revocation_time_utc is None
    else:
        assert read.certificate_status is ocsp.OCSPCertStatus.REVOKED
        assert status.changed_at is not None
        assert read.revocation_time_utc == status.changed_at.replace(microsecond=0)
        assert read.revocation_reason == expected
    assert read.this_update_utc == pki.now
    assert read.next_update_utc == pki.now + timedelta(hours=12)
    assert read.serial_number == pki.citizen.certificate.serial_number


def test_a_number_that_was_never_issued_is_unknown(pki: SmallPki) -> None:
    """RFC 6960 §2.2: never good."""
    read = ocsp.load_der_ocsp_response(answer(pki, None))
    assert read.certificate_status is ocsp.OCSPCertStatus.UNKNOWN


def test_a_revocation_without_a_date_is_no_good_answer(pki: SmallPki) -> None:
    status = replace(status_of(pki, REVOKED), changed_at=None)
    read = ocsp.load_der_ocsp_response(answer(pki, status))
    assert read.certificate_status is ocsp.OCSPCertStatus.REVOKED


def test_the_signature_is_the_delegated_responders_whose_certificate_goes_along(
    pki: SmallPki,
) -> None:
    """RFC 6960 §4.2.2.2: issued by the authority itself, for OCSP signing."""
    read = ocsp.load_der_ocsp_response(answer(pki, status_of(pki, GOOD)))
    (certificate,) = read.certificates
    assert certificate == pki.ocsp.certificate
    assert read.responder_key_hash is not None
    expected = x509.SubjectKeyIdentifier.from_public_key(pki.ocsp.key.public_key())
    assert read.responder_key_hash == expected.digest
    public = pki.ocsp.key.public_key()
    public.verify(read.signature, read.tbs_response_bytes, ec.ECDSA(hashes.SHA256()))


def test_the_nonce_is_echoed_as_it_came(pki: SmallPki) -> None:
    """RFC 9654 §2.1: the same value, an OCTET STRING in the extension."""
    for size in (16, 32, 128):
        nonce = bytes(range(size))
        read = ocsp.load_der_ocsp_response(answer(pki, status_of(pki, GOOD), nonce=nonce))
        assert read.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == nonce
    assert not list(ocsp.load_der_ocsp_response(answer(pki, None)).extensions)


def test_several_certificates_are_answered_in_one_response(pki: SmallPki) -> None:
    read = ocsp.load_der_ocsp_response(answer(pki, status_of(pki, GOOD), None))
    assert [one.certificate_status for one in read.responses] == [
        ocsp.OCSPCertStatus.GOOD,
        ocsp.OCSPCertStatus.UNKNOWN,
    ]


@pytest.mark.parametrize("refusal", Refusal)
def test_a_refusal_is_five_bytes_that_say_which(refusal: Refusal) -> None:
    """RFC 6960 §4.2.1: responseStatus alone."""
    read = ocsp.load_der_ocsp_response(REFUSALS[refusal])
    assert read.response_status.value == refusal.value


def test_pkilint_finds_nothing_in_any_kind_of_answer(tmp_path: Path) -> None:
    """RFC 6960, as lint_ocsp_response reads it."""
    pki = SmallPki(datetime.now(UTC))
    kinds = [
        status_of(pki, GOOD),
        status_of(pki, SUSPENDED),
        status_of(pki, REVOKED),
        status_of(pki, REVOKED, RevocationReason.KEY_COMPROMISE),
        None,
    ]
    file = tmp_path / "answer.der"
    for kind in kinds:
        file.write_bytes(answer(pki, kind, nonce=b"n" * 32 if kind is None else None))
        assert not lint("lint_ocsp_response", file=file)
