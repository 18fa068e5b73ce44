"""PDF signatures that are raised to a higher level, ours and those of somebody else."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from asn1crypto import keys, x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko_certvalidator.registry import SimpleCertificateStore

from signing.errors import (
    CertificateRefused,
    DocumentRefused,
    StatusUnavailable,
    TimestampUnavailable,
)
from signing.formats.material import Level, StatusSource, Timestamps, ValidationMaterial
from signing.formats.pades import PadesParties, PdfSignature, finish_pades, join, prepare_pades
from signing.formats.pades_augment import augment_pades
from signing.formats.pades_room import MeasuredTimestamps
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from tests.support.handmade_pdf import plain_document
from tests.support.own_loop import run_in_own_loop
from tests.support.pdf_checkers import Checkers, embedded
from tests.support.pdf_opinions import opinions
from tests.support.pdf_programs import MadePdf
from tests.support.signatory import Hand, SigningPki


@pytest.fixture
def parties(
    isolation: Isolation, timestamps: Timestamps, status: StatusSource, signing_pki: SigningPki
) -> PadesParties:
    """Everybody is there."""
    roots = (signing_pki.root.der,)
    return PadesParties(isolation, MeasuredTimestamps(timestamps), status, roots)


def _sign(
    content: bytes,
    hand: Hand,
    *,
    parties: PadesParties,
    level: Level,
    now: datetime,
    said: PdfSignature | None = None,
) -> bytes:
    with Blob.of(content) as document:
        prepared = prepare_pades(
            document,
            parties=parties,
            signatory=hand.signatory,
            now=now,
            level=level,
            signature=said or PdfSignature(),
        )
        value = hand.sign(prepared.to_be_signed.digest)
        increments = finish_pades(prepared, document, signature=value, parties=parties, now=now)
        with join(document, increments) as signed:
            return signed.read()


def _raise(content: bytes, *, to: Level, parties: PadesParties, now: datetime) -> list[bytes]:
    with Blob.of(content) as document:
        return list(augment_pades(document, to=to, parties=parties, now=now))


def _signed_by_another(content: bytes, hand: Hand, pki: SigningPki, **changes: object) -> bytes:
    """As a program signs that stands on pyHanko alone."""
    key = hand.issued.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    signer = signers.SimpleSigner(
        x509.Certificate.load(hand.issued.der),
        keys.PrivateKeyInfo.load(key),
        SimpleCertificateStore.from_certs([x509.Certificate.load(pki.issuing.der)]),
    )
    given = {"field_name": "Theirs", "subfilter": SigSeedSubFilter.PADES, "md_algorithm": "sha256"}
    metadata = signers.PdfSignatureMetadata(**(given | changes))
    writer = IncrementalPdfFileWriter(io.BytesIO(content), strict=False)
    made = run_in_own_loop(lambda: signers.async_sign_pdf(writer, metadata, signer))
    return bytes(made.getvalue())


def test_two_signatures_and_a_later_update_remain_valid_and_unmodified(
    pdf_programs: Mapping[str, MadePdf],
    parties: PadesParties,
    signing_pki: SigningPki,
    tmp_path: Path,
    now: datetime,
) -> None:
    """The person signs, then the organisation's seal; then both are raised to B-LTA at once."""
    root = signing_pki.write_root(tmp_path)
    checkers = Checkers(tmp_path, root, now)
    for name in ("libreoffice-form", "chromium-print", "qpdf-object-streams", "hand-hybrid"):
        content = pdf_programs[name].content
        content = _sign(content, signing_pki.citizen, parties=parties, level=Level.B, now=now)
        content = _sign(content, signing_pki.seal, parties=parties, level=Level.T, now=now)
        raised = content + b"".join(_raise(content, to=Level.LTA, parties=parties, now=now))
        given = opinions(raised, roots=[signing_pki.root.der], at=now)
        fields = [one.field for one in given]
        assert fields == ["Signature1", "Signature2", "Timestamp1", "Timestamp2"], name
        assert all(one.is_intact and one.is_trusted and one.covers_revision for one in given), name
        assert all(one.is_change_allowed for one in given), name
        # behind the first one stands a signature, behind the second evidence alone
        changed = [one.changed_behind for one in given]
        assert changed[:2] == ["FORM_FILLING", "LTA_UPDATES"], name
        file = tmp_path / f"{name}.pdf"
        file.write_bytes(raised)
        assert checkers.pdfsig(file)[:2] == ["Signature is Valid."] * 2, name
        assert checkers.complaints(file) == [], name
        for one in embedded(raised):
            if one.is_timestamp:
                assert checkers.openssl_ts(one).endswith("OK"), name
            else:
                assert checkers.openssl_cms(one).endswith("successful"), name


@pytest.mark.parametrize("certify", [1, 2, 3])
def test_evidence_behind_a_certification_is_no_change(
    certify: int, parties: PadesParties, hand: Hand, signing_pki: SigningPki, now: datetime
) -> None:
    """ISO 32000-2 Table 257: the store and document timestamps are allowed at every level."""
    said = PdfSignature(certify=certify)
    content = _sign(
        plain_document().classic(), hand, parties=parties, level=Level.LTA, now=now, said=said
    )
    content += b"".join(_raise(content, to=Level.LTA, parties=parties, now=now))
    given = opinions(content, roots=[signing_pki.root.der], at=now)
    assert len(given) == 3
    assert all(one.is_intact and one.is_trusted and one.is_change_allowed for one in given)
    assert given[0].changed_behind == "LTA_UPDATES"


@pytest.mark.parametrize(
    ("level", "to", "increments"),
    [
        (Level.B, Level.B, 0),
        (Level.B, Level.T, 1),
        (Level.B, Level.LT, 2),
        (Level.B, Level.LTA, 3),
        (Level.T, Level.T, 0),
        (Level.T, Level.LT, 1),
        (Level.T, Level.LTA, 2),
        (Level.LT, Level.LTA, 1),
    ],
)
def test_only_what_is_missing_is_added(
    level: Level,
    to: Level,
    increments: int,
    parties: PadesParties,
    hand: Hand,
    now: datetime,
) -> None:
    """ETSI EN 319 142-1 §6.3: a document timestamp does for the one that a signature lacks."""
    content = _sign(plain_document().classic(), hand, parties=parties, level=level, now=now)
    added = _raise(content, to=to, parties=parties, now=now)
    # fresh status answers are new evidence each time
    assert len(added) in {increments, increments + (level is Level.LT)}
    for increment in added:
        assert increment.endswith(b"%%EOF\n")


def test_evidence_that_is_there_is_not_added_again(
    parties: PadesParties, hand: Hand, now: datetime
) -> None:
    class Remembered:
        """Status answers that are asked for once, as a cache gives them."""

        def __init__(self, status: StatusSource) -> None:
            self._status = status
            self._known: dict[tuple[bytes, ...], ValidationMaterial] = {}

        def material(self, chain: Sequence[bytes], *, now: datetime) -> ValidationMaterial:
            if tuple(chain) not in self._known:
                self._known[tuple(chain)] = self._status.material(chain, now=now)
            return self._known[tuple(chain)]

    again = replace(parties, status=Remembered(parties.get_status()))
    content = _sign(plain_document().classic(), hand, parties=again, level=Level.LT, now=now)
    assert _raise(content, to=Level.LT, parties=again, now=now) == []
    assert len(_raise(content, to=Level.LTA, parties=again, now=now)) == 1


def test_a_signature_of_somebody_else_is_raised(
    parties: PadesParties, hand: Hand, signing_pki: SigningPki, now: datetime
) -> None:
    content = _signed_by_another(plain_document().classic(), hand, signing_pki)
    raised = content + b"".join(_raise(content, to=Level.LTA, parties=parties, now=now))
    given = opinions(raised, roots=[signing_pki.root.der], at=now)
    assert [one.field for one in given] == ["Theirs", "Timestamp1", "Timestamp2"]
    assert all(one.is_intact and one.covers_revision for one in given)
    assert given[0].changed_behind == "LTA_UPDATES"
    assert hand.issued.der in raised


def test_a_timestamp_that_is_over_something_else_is_as_good_as_none(
    parties: PadesParties, hand: Hand, timestamps: Timestamps, now: datetime
) -> None:
    """RFC 3161 §2.2; the hole is not covered by anything, so anybody can put a token there."""

    class Careless:
        def stamp(self, digest: bytes, *, hash_name: str) -> bytes:
            return timestamps.stamp(bytes(len(digest)), hash_name=hash_name)

    careless = replace(parties, timestamps=MeasuredTimestamps(Careless()))
    content = _sign(plain_document().classic(), hand, parties=careless, level=Level.T, now=now)
    assert len(_raise(content, to=Level.T, parties=parties, now=now)) == 1


def test_a_document_without_a_signature_is_not_raised(parties: PadesParties, now: datetime) -> None:
    with pytest.raises(DocumentRefused, match="not_signed"):
        _raise(plain_document().classic(), to=Level.LTA, parties=parties, now=now)


def test_a_document_that_was_changed_is_not_raised(
    parties: PadesParties, hand: Hand, now: datetime
) -> None:
    """RFC 5652 §5.4: the digest that was signed is compared before anything is stamped."""
    content = _sign(plain_document().classic(), hand, parties=parties, level=Level.B, now=now)
    changed = content.replace(b"Helvetica", b"Helvetika", 1)
    assert changed != content
    with pytest.raises(DocumentRefused, match="signature_broken"):
        _raise(changed, to=Level.LTA, parties=parties, now=now)


def test_a_signature_of_an_old_kind_is_not_raised(
    parties: PadesParties, hand: Hand, signing_pki: SigningPki, now: datetime
) -> None:
    """ETSI EN 319 142-1 §6.3: the certificate is among what is signed."""
    content = _signed_by_another(plain_document().classic(), hand, signing_pki)
    old = content.replace(b"/ETSI.CAdES.detached", b"/adbe.x509.rsa_sha1 ")
    with pytest.raises(DocumentRefused, match="not_cades"):
        _raise(old, to=Level.T, parties=parties, now=now)


def test_whoever_is_away_leaves_the_document_as_it_was(
    parties: PadesParties,
    hand: Hand,
    no_timestamps: Timestamps,
    no_status: StatusSource,
    revoked_status: StatusSource,
    now: datetime,
) -> None:
    content = _sign(plain_document().classic(), hand, parties=parties, level=Level.B, now=now)
    away = MeasuredTimestamps(no_timestamps)
    for others, error in (
        (replace(parties, timestamps=away), TimestampUnavailable),
        (replace(parties, timestamps=None), TimestampUnavailable),
        (replace(parties, status=no_status), StatusUnavailable),
        (replace(parties, status=None), StatusUnavailable),
        (replace(parties, status=revoked_status), CertificateRefused),
    ):
        with pytest.raises(error):
            _raise(content, to=Level.LTA, parties=others, now=now)
