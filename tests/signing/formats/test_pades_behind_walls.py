"""PAdES behind real walls: nothing is opened or imported late, and a refusal comes through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import pytest

from signing.errors import DocumentRefused
from signing.formats.material import Level, StatusSource, Timestamps
from signing.formats.pades import PadesParties, PdfSignature, finish_pades, join, prepare_pades
from signing.formats.pades_augment import augment_pades
from signing.formats.pades_room import MeasuredTimestamps
from signing.isolation.blob import Blob
from signing.isolation.pool import IsolationPool, Walls
from signing.messages.pdf_signature import Appearance
from signing.renew import renew_pades
from tests.support.handmade_pdf import plain_document
from tests.support.pdf_opinions import opinions
from tests.support.pdf_programs import MadePdf
from tests.support.signatory import Hand, SigningPki

_TASKS = ("signing.messages.pdf_signature",)
_OF_EACH_KIND = (
    "libreoffice-archive",
    "chromium-print",
    "pillow-scan",
    "reportlab-form",
    "qpdf-linearized",
    "qpdf-object-streams",
    "hand-hybrid",
    "hand-cropped",
)
_PLACE = Appearance(page=-1, rectangle=(100, 100, 200, 150))


@pytest.fixture(scope="module")
def walls() -> Iterator[IsolationPool]:
    """One process that knows how to write signatures."""
    with IsolationPool(Walls(processes=1, seconds=120, start_s=120, modules=_TASKS)) as pool:
        yield pool


@pytest.fixture
def parties(
    walls: IsolationPool, timestamps: Timestamps, status: StatusSource, signing_pki: SigningPki
) -> PadesParties:
    """Everybody is there."""
    roots = (signing_pki.root.der,)
    return PadesParties(walls, MeasuredTimestamps(timestamps), status, roots)


@pytest.mark.parametrize("name", _OF_EACH_KIND)
def test_every_kind_of_file_is_signed_raised_and_renewed(
    name: str,
    pdf_programs: Mapping[str, MadePdf],
    parties: PadesParties,
    hand: Hand,
    signing_pki: SigningPki,
    now: datetime,
) -> None:
    """What is drawn comes from another program, with fonts that go along."""
    drawn = pdf_programs["libreoffice-letter"].content
    with Blob.of(pdf_programs[name].content) as document, Blob.of(drawn) as seen:
        prepared = prepare_pades(
            document,
            parties=parties,
            signatory=hand.signatory,
            now=now,
            level=Level.LT,
            signature=PdfSignature(name="Nguyễn Thị Mây", place=_PLACE),
            drawn=seen,
        )
        value = hand.sign(prepared.to_be_signed.digest)
        increments = finish_pades(prepared, document, signature=value, parties=parties, now=now)
        with join(document, increments) as signed:
            more = augment_pades(signed, to=Level.LTA, parties=parties, now=now)
            with join(signed, more) as archived:
                content = archived.read() + b"".join(
                    renew_pades(archived, parties=parties, now=now)
                )
    given = opinions(content, roots=[signing_pki.root.der], at=now)
    assert [one.field for one in given] == ["Signature1", "Timestamp1", "Timestamp2"]
    assert all(one.is_intact and one.is_trusted and one.covers_revision for one in given)
    assert {one.changed_behind for one in given[:2]} == {"LTA_UPDATES"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"nothing of the kind", "damaged"),
        (plain_document().classic("/Encrypt 9 0 R"), "encrypted"),
        (plain_document(box="0 0 90 90").classic(), "appearance_off_page"),
    ],
)
def test_a_refusal_comes_through_the_walls(
    content: bytes, reason: str, parties: PadesParties, hand: Hand, now: datetime
) -> None:
    with (
        Blob.of(content) as document,
        Blob.of(plain_document().classic()) as drawn,
        pytest.raises(DocumentRefused, match=reason),
    ):
        prepare_pades(
            document,
            parties=parties,
            signatory=hand.signatory,
            now=now,
            signature=PdfSignature(place=_PLACE),
            drawn=drawn,
        )
