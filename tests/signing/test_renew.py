"""Documents at B-LTA through the years: when they are renewed, and that it helps."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from signing.errors import CertificateRefused, DocumentRefused, TimestampUnavailable
from signing.formats.algorithm_lifetimes import TS_119_312, Lifetimes
from signing.formats.material import Level, StatusSource, Timestamps
from signing.formats.pades import PadesParties, finish_pades, join, prepare_pades
from signing.formats.pades_room import MeasuredTimestamps
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.renew import MARGIN, End, next_renewal, renew_pades
from tests.support.handmade_pdf import plain_document
from tests.support.lasting_pki import YEARS_20, LastingPki
from tests.support.pdf_checkers import Checkers, embedded
from tests.support.pdf_opinions import lasting_verdict, opinions
from tests.support.signatory import Hand, SigningPki

_YEARS_25 = timedelta(days=365.25 * 25)


def _sign(hand: Hand, parties: PadesParties, *, level: Level, now: datetime) -> bytes:
    with Blob.of(plain_document().classic()) as document:
        prepared = prepare_pades(
            document, parties=parties, signatory=hand.signatory, now=now, level=level
        )
        value = hand.sign(prepared.to_be_signed.digest)
        increments = finish_pades(prepared, document, signature=value, parties=parties, now=now)
        with join(document, increments) as signed:
            return signed.read()


@pytest.fixture
def parties(isolation: Isolation, timestamps: Timestamps, status: StatusSource) -> PadesParties:
    """Everybody is there."""
    return PadesParties(isolation, MeasuredTimestamps(timestamps), status)


@pytest.fixture
def archived(hand: Hand, parties: PadesParties, now: datetime) -> bytes:
    """A document at B-LTA."""
    return _sign(hand, parties, level=Level.LTA, now=now)


def test_a_document_still_validates_after_twenty_years_of_renewals(
    isolation: Isolation, now: datetime, tmp_path: Path
) -> None:
    """ETSI EN 319 102-1 §5.6.3: each authority is gone when the next one stamps."""
    # NOTE: who validates looks at the machine's clock for its first guess: the years are behind us
    start = at = now - _YEARS_25
    pki = LastingPki(at - timedelta(days=1))
    roots = (pki.root.der,)
    parties = PadesParties(
        isolation, MeasuredTimestamps(pki.timestamps(now=at)), pki.status(), roots
    )
    content = _sign(pki.citizen, parties, level=Level.LTA, now=at)
    generations = 1
    while at < start + YEARS_20:
        with Blob.of(content) as document:
            renewal = next_renewal(document, parties=parties)
            assert renewal.because is End.CERTIFICATE
            at = renewal.due_at
            pki.replace_services(at)
            parties = PadesParties(
                isolation, MeasuredTimestamps(pki.timestamps(now=at)), pki.status(), roots
            )
            increments = renew_pades(document, parties=parties, now=at)
            with join(document, increments) as renewed:
                content = renewed.read()
        generations += 1
    assert generations >= 4
    fresh = pki.status().material((pki.tsa.der, *pki.chain), now=at)
    assert lasting_verdict(content, roots=roots, at=at, fresh=fresh) == "PASSED"
    # and without the chain of timestamps it does not
    first, *_ = embedded(content)
    assert lasting_verdict(content[: first.end], roots=roots, at=at, fresh=fresh) != "PASSED"
    file = tmp_path / "renewed.pdf"
    file.write_bytes(content)
    checkers = Checkers(tmp_path, pki.write_root(tmp_path), at)
    assert checkers.complaints(file) == []
    assert checkers.pdfsig(file)[0] == "Signature is Valid."
    assert checkers.openssl_ts(embedded(content)[-1]).endswith("OK")


def test_it_is_due_a_margin_before_the_timestamps_certificate_ends(
    archived: bytes, parties: PadesParties, signing_pki: SigningPki
) -> None:
    with Blob.of(archived) as document:
        renewal = next_renewal(document, parties=parties)
    ends_at = signing_pki.tsa.certificate.not_valid_after_utc
    assert (renewal.ends_at, renewal.because) == (ends_at, End.CERTIFICATE)
    assert renewal.due_at == ends_at - MARGIN


@pytest.mark.parametrize("weak", ["hash", "signature"])
def test_it_is_due_before_an_algorithm_ends_if_that_is_sooner(
    weak: str, archived: bytes, parties: PadesParties
) -> None:
    """ETSI EN 319 102-1 §5.6.2.4: the algorithms too, of the token and of its chain."""
    end = datetime(2027, 6, 1, tzinfo=UTC)
    table = Lifetimes(
        "a later edition",
        {**TS_119_312.hashes, **({"sha256": end} if weak == "hash" else {})},
        {**TS_119_312.signatures, **({"ecdsa": ((256, end),)} if weak == "signature" else {})},
    )
    with Blob.of(archived) as document:
        renewal = next_renewal(document, parties=parties, lifetimes=table)
    assert (renewal.ends_at, renewal.because) == (end, End.ALGORITHM)
    assert renewal.due_at == end - MARGIN


def test_a_renewal_is_evidence_and_a_timestamp_and_changes_nothing(
    archived: bytes, parties: PadesParties, signing_pki: SigningPki, now: datetime
) -> None:
    later = now + timedelta(days=20)
    parties = replace(parties, timestamps=MeasuredTimestamps(signing_pki.timestamps(now=later)))
    with Blob.of(archived) as document:
        increments = renew_pades(document, parties=parties, now=later)
    assert len(increments) == 2
    content = b"".join((archived, *increments))
    given = opinions(content, roots=[signing_pki.root.der], at=later)
    assert [one.field for one in given] == ["Signature1", "Timestamp1", "Timestamp2"]
    assert all(one.is_intact and one.covers_revision for one in given)
    assert {one.changed_behind for one in given[:2]} == {"LTA_UPDATES"}


@pytest.mark.parametrize("level", [Level.B, Level.T, Level.LT])
def test_a_document_below_that_level_is_not_renewed(
    level: Level, hand: Hand, parties: PadesParties, now: datetime
) -> None:
    with Blob.of(_sign(hand, parties, level=level, now=now)) as document:
        for use in (next_renewal, lambda *args, **given: renew_pades(*args, now=now, **given)):
            with pytest.raises(DocumentRefused, match="not_archived"):
                use(document, parties=parties)


def test_a_changed_document_is_not_renewed(
    archived: bytes, parties: PadesParties, now: datetime
) -> None:
    """RFC 3161 §2.2: the imprint is compared before anything is built upon it."""
    changed = archived.replace(b"Helvetica", b"Helvetika", 1)
    assert changed != archived
    with Blob.of(changed) as document, pytest.raises(DocumentRefused, match="timestamp_broken"):
        renew_pades(document, parties=parties, now=now)


def test_a_timestamp_that_ended_is_too_late_to_be_renewed(
    archived: bytes, parties: PadesParties, signing_pki: SigningPki
) -> None:
    ended = signing_pki.tsa.certificate.not_valid_after_utc
    with Blob.of(archived) as document, pytest.raises(DocumentRefused, match="timestamp_ended"):
        renew_pades(document, parties=parties, now=ended)


def test_a_revoked_timestamp_authority_is_said_and_nothing_comes_out(
    archived: bytes, parties: PadesParties, signing_pki: SigningPki, now: datetime
) -> None:
    serial = signing_pki.tsa.certificate.serial_number
    parties = replace(parties, status=signing_pki.status(revoked=[serial]))
    with Blob.of(archived) as document, pytest.raises(CertificateRefused):
        renew_pades(document, parties=parties, now=now)


def test_without_an_authority_nothing_comes_out(
    archived: bytes, parties: PadesParties, no_timestamps: Timestamps, now: datetime
) -> None:
    parties = replace(parties, timestamps=MeasuredTimestamps(no_timestamps))
    with Blob.of(archived) as document, pytest.raises(TimestampUnavailable):
        renew_pades(document, parties=parties, now=now)
