"""Status from the addresses in certificates: first the responder, then the list, never a guess."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from signing.errors import CertificateRefused, StatusUnavailable, TimestampUnavailable
from signing.formats.status_material import check_material
from signing.formats.timestamp_client import TimestampClient
from signing.sources import AskedStatus, Unreachable, asked_by
from tests.support.signatory import Hand, RealStatus, SigningPki


class Addresses:
    """Answers at the addresses of the test's certificates, from the product's own builders."""

    def __init__(self, pki: SigningPki, status: RealStatus, now: datetime) -> None:
        self.pki = pki
        self.status = status
        self.now = now
        self.asked: list[str] = []
        self.silent: set[str] = set()
        self.about: x509.Certificate | None = None

    def exchange(self, url: str, *, body: bytes | None, content_type: str) -> bytes:
        """See `Transport`."""
        kind = "crl" if body is None else url.rpartition("/")[2]
        self.asked.append(kind)
        if kind in self.silent:
            raise Unreachable
        if kind == "tsa":
            assert body is not None
            return self.pki.timestamps(now=self.now).authority.respond(body)
        if body is None:
            return self.status.root_crl(now=self.now)
        serial = ocsp.load_der_ocsp_request(body).serial_number
        assert self.about is not None
        assert serial == self.about.serial_number
        assert content_type == "application/ocsp-request"
        return self.status.ocsp(self.about, now=self.now)


@pytest.fixture
def addresses(signing_pki: SigningPki, hand: Hand, now: datetime) -> Addresses:
    """All is good, everybody answers."""
    found = Addresses(signing_pki, signing_pki.status(), now)
    found.about = hand.issued.certificate
    return found


def _chain(hand: Hand) -> tuple[bytes, ...]:
    return (hand.signatory.certificate, *hand.signatory.chain)


def test_evidence_covers_the_whole_chain(addresses: Addresses, hand: Hand, now: datetime) -> None:
    found = AskedStatus(addresses).material(_chain(hand), now=now)
    check_material(found, chain=_chain(hand), now=now)
    assert addresses.asked == ["ocsp", "crl"]
    assert addresses.pki.ocsp.certificate.public_bytes(Encoding.DER) in found.certificates


def test_the_signers_own_status_is_asked_each_time_and_an_authoritys_once(
    addresses: Addresses, hand: Hand, now: datetime
) -> None:
    status = AskedStatus(addresses)
    for minutes in (0, 1, 4):
        status.material(_chain(hand), now=now + timedelta(minutes=minutes))
    assert addresses.asked == ["ocsp", "crl", "ocsp", "ocsp"]
    status.material(_chain(hand), now=now + timedelta(minutes=5))
    assert addresses.asked[-2:] == ["ocsp", "crl"]


def test_a_revoked_certificate_is_refused(
    addresses: Addresses, signing_pki: SigningPki, hand: Hand, now: datetime
) -> None:
    addresses.status = signing_pki.status(revoked=[hand.serial])
    with pytest.raises(CertificateRefused):
        AskedStatus(addresses).material(_chain(hand), now=now)


@pytest.mark.parametrize("silent", [{"ocsp", "crl"}, {"crl"}])
def test_without_an_answer_there_is_no_evidence(
    addresses: Addresses, hand: Hand, now: datetime, silent: set[str]
) -> None:
    """Circular 15/2025/TT-BKHCN Annex II: a status that cannot be had is not taken for good."""
    addresses.silent = silent
    with pytest.raises(StatusUnavailable):
        AskedStatus(addresses).material(_chain(hand), now=now)


def test_a_timestamp_comes_from_its_address(addresses: Addresses, now: datetime) -> None:
    client = TimestampClient(
        asked_by(addresses, url="https://tsa.example/tsa"),
        roots=[addresses.pki.root.der],
        clock=lambda: now,
    )
    assert client.stamp(bytes(32), hash_name="sha256")
    addresses.silent = {"tsa"}
    with pytest.raises(TimestampUnavailable):
        client.stamp(bytes(32), hash_name="sha256")
