"""Building CRLs: what independent readers make of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from keystore.pki.crl import CONTENT, issue_crl
from keystore.pki.model import CertificateState, CertificateStatus, RevocationReason
from tests.support.pki import ISSUING_ID, SmallPki
from tests.support.status import PlainKey, lint, run_openssl

REVOKED = CertificateState.REVOKED
POINT = "http://pki.example/crl/test-issuing/3.crl"


@pytest.fixture
def pki(now: datetime) -> SmallPki:
    return SmallPki(now)


def status(
    serial: int,
    *,
    at: datetime,
    state: CertificateState = REVOKED,
    reason: RevocationReason | None = None,
) -> CertificateStatus:
    return CertificateStatus(ISSUING_ID, serial, state, reason, at, at + timedelta(days=9), 0)


def build(
    pki: SmallPki,
    *revoked: CertificateStatus,
    point: str | None = None,
    at: datetime | None = None,
    key: PlainKey | None = None,
) -> bytes:
    at = at or pki.now
    return issue_crl(
        revoked,
        issuer=pki.issuing.certificate,
        key=key or PlainKey(pki.issuing.key),
        number=7,
        this_update=at,
        next_update=at + timedelta(days=1),
        distribution_point=point,
    )


def entry(crl: x509.CertificateRevocationList, serial: int) -> x509.RevokedCertificate:
    found = crl.get_revoked_certificate_by_serial_number(serial)
    assert found is not None
    return found


def test_an_empty_list_is_signed_and_says_whose_it_is(pki: SmallPki) -> None:
    """RFC 5280 §5.1.2.6: the list of revoked certificates is absent, not empty; §5.2.1, §5.2.3."""
    key = PlainKey(pki.issuing.key)
    crl = x509.load_der_x509_crl(build(pki, key=key))
    assert len(crl) == 0
    assert crl.is_signature_valid(pki.issuing.key.public_key())
    assert crl.issuer == pki.issuing.certificate.subject
    assert crl.last_update_utc == pki.now
    assert crl.next_update_utc == pki.now + timedelta(days=1)
    extensions = crl.extensions
    assert extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 7
    own = pki.issuing.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    theirs = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    assert theirs.value.key_identifier == own.value.digest
    assert len(extensions) == 2
    assert key.contents == {CONTENT}


@pytest.mark.parametrize("reason", [None, *RevocationReason])
def test_an_entry_has_its_date_and_its_reason(
    pki: SmallPki, reason: RevocationReason | None
) -> None:
    """RFC 5280 §5.3.1: unspecified is left out."""
    at = pki.now - timedelta(days=3)
    found = entry(x509.load_der_x509_crl(build(pki, status(5, at=at, reason=reason))), 5)
    assert found.revocation_date_utc == at
    flag = None if reason is None else reason.flag
    if flag is None:
        assert not list(found.extensions)
    else:
        (extension,) = found.extensions
        assert extension.value == x509.CRLReason(flag)
        assert not extension.critical


def test_a_suspended_certificate_is_on_hold(pki: SmallPki) -> None:
    one = status(5, at=pki.now, state=CertificateState.SUSPENDED)
    found = entry(x509.load_der_x509_crl(build(pki, one)), 5)
    reason = found.extensions.get_extension_for_class(x509.CRLReason).value.reason
    assert reason is x509.ReasonFlags.certificate_hold


def test_a_partition_says_so_in_a_critical_extension(pki: SmallPki) -> None:
    """RFC 5280 §5.2.5: the name is one of those in the certificates' CDP; MUST be critical."""
    crl = x509.load_der_x509_crl(build(pki, point=POINT))
    extension = crl.extensions.get_extension_for_class(x509.IssuingDistributionPoint)
    assert extension.critical
    assert extension.value.full_name == [x509.UniformResourceIdentifier(POINT)]
    assert not extension.value.only_contains_user_certs
    assert not extension.value.indirect_crl


def test_dates_from_2050_on_are_written_in_full(pki: SmallPki) -> None:
    """RFC 5280 §5.1.2.4: UTCTime through 2049, GeneralizedTime from 2050."""
    at = datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)
    der = build(pki, at=at)
    assert b"\x17\x0d491231235959Z" in der
    assert b"\x18\x0f20500101235959Z" in der


def test_openssl_reads_and_verifies_a_list(pki: SmallPki, tmp_path: Path) -> None:
    (tmp_path / "issuing.pem").write_bytes(pki.issuing.pem)
    (tmp_path / "list.crl").write_bytes(build(pki, status(255, at=pki.now)))
    arguments = ("crl", "-inform", "DER", "-in", "list.crl", "-CAfile", "issuing.pem")
    done = run_openssl(*arguments, "-noout", "-text", folder=tmp_path)
    assert "verify OK" in done.stderr
    assert "Serial Number: FF" in done.stdout


@pytest.mark.parametrize("point", [None, POINT])
def test_pkilint_finds_nothing(pki: SmallPki, tmp_path: Path, point: str | None) -> None:
    """RFC 5280, as lint_crl reads it."""
    file = tmp_path / "list.crl"
    listed = [
        status(serial, at=pki.now, reason=reason)
        for serial, reason in enumerate(RevocationReason, start=1)
    ]
    for revoked in ([], listed):
        file.write_bytes(build(pki, *revoked, point=point))
        assert not lint("lint_crl", "-t", "CRL", "-p", "PKIX", file=file)


def test_pkilint_would_find_something(pki: SmallPki, tmp_path: Path) -> None:
    """What finds nothing must be able to: a list without a number."""
    file = tmp_path / "list.crl"
    file.write_bytes(build(pki).replace(bytes.fromhex("0603551d14"), bytes.fromhex("0603551d7f")))
    assert lint("lint_crl", "-t", "CRL", "-p", "PKIX", file=file)
