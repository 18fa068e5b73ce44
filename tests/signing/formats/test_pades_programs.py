"""PDF files of many programs, signed at every level, before the eyes of other programs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pytest

from signing.formats.material import Level, StatusSource, Timestamps
from signing.formats.pades import PadesParties, PdfSignature, finish_pades, join, prepare_pades
from signing.formats.pades_room import MeasuredTimestamps
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from tests.support.pdf_checkers import Checkers, embedded
from tests.support.pdf_programs import MadePdf
from tests.support.signatory import Hand, SigningPki

_SAID = PdfSignature(name="Nguyễn Thị Lấp Lánh Ánh", reason="Tôi đồng ý", location="Hà Nội")


@pytest.fixture(scope="session")
def made_by_programs(pdf_programs: Mapping[str, MadePdf]) -> Mapping[str, MadePdf]:
    """Fourteen files at least, of six programs at least."""
    programs = {one.program.split(",")[0].split(" ")[0] for one in pdf_programs.values()}
    assert len(pdf_programs) >= 14
    assert len(programs) >= 6
    return pdf_programs


@pytest.mark.parametrize("level", list(Level))
def test_files_of_many_programs_are_signed_at_every_level(
    level: Level,
    made_by_programs: Mapping[str, MadePdf],
    isolation: Isolation,
    hand: Hand,
    timestamps: Timestamps,
    status: StatusSource,
    signing_pki: SigningPki,
    tmp_path: Path,
    now: datetime,
) -> None:
    """pdfsig, `openssl cms`, `openssl ts`, qpdf and mutool agree; LibreOffice opens them."""
    parties = PadesParties(isolation, MeasuredTimestamps(timestamps), status)
    checkers = Checkers(tmp_path, signing_pki.write_root(tmp_path), now)
    files = []
    for name, made in made_by_programs.items():
        original = made.content
        with Blob.of(original) as document:
            prepared = prepare_pades(
                document,
                parties=parties,
                signatory=hand.signatory,
                now=now,
                level=level,
                signature=_SAID,
            )
            value = hand.sign(prepared.to_be_signed.digest)
            increments = finish_pades(prepared, document, signature=value, parties=parties, now=now)
            with join(document, increments) as signed:
                content = signed.read()
        assert content.startswith(original), name
        file = tmp_path / f"{name}.pdf"
        file.write_bytes(content)
        files.append(file)
        signature, *later = embedded(content)
        assert checkers.pdfsig(file)[0] == "Signature is Valid.", name
        assert checkers.openssl_cms(signature).endswith("successful"), name
        assert [one.is_timestamp for one in later] == [True] * (level is Level.LTA), name
        if level is Level.LTA:
            assert checkers.openssl_ts(later[0]).endswith("OK"), name
            assert later[0].end == len(content)
        if level is not Level.T:  # the same increments as at B-B, with more in the hole
            assert checkers.complaints(file) == [], name
    if level in {Level.B, Level.LTA}:
        assert checkers.libreoffice(files) == []
