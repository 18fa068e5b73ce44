"""Signatures that are taken out of a PDF: cut by ourselves, verified, and no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from signing.errors import DocumentRefused, ParsingFailed, SignatureForeign
from signing.formats.material import Level, StatusSource, Timestamps
from signing.formats.pades import PadesParties, finish_pades, join, prepare_pades
from signing.formats.pades_room import MeasuredTimestamps
from signing.formats.pades_signatures import (
    read_signatures,
    verify_pdf_signature,
    verify_pdf_timestamp,
)
from signing.isolation.blob import Blob
from signing.isolation.task import Answered, Asked, Isolation, Task
from signing.messages.pdf_signature import FoundSignature, SignaturesAnswered
from tests.support.handmade_pdf import plain_document
from tests.support.signatory import Hand, SigningPki


@pytest.fixture
def archived(
    isolation: Isolation, timestamps: Timestamps, status: StatusSource, hand: Hand, now: datetime
) -> bytes:
    """A document at B-LTA."""
    parties = PadesParties(isolation, MeasuredTimestamps(timestamps), status)
    with Blob.of(plain_document().classic()) as document:
        prepared = prepare_pades(
            document, parties=parties, signatory=hand.signatory, now=now, level=Level.LTA
        )
        value = hand.sign(prepared.to_be_signed.digest)
        increments = finish_pades(prepared, document, signature=value, parties=parties, now=now)
        with join(document, increments) as signed:
            return signed.read()


def test_chains_reach_the_root_with_what_the_document_brings_along(
    archived: bytes, isolation: Isolation, hand: Hand, signing_pki: SigningPki, now: datetime
) -> None:
    """ETSI EN 319 142-1 §5.4.2: the store has every certificate that a validator needs."""
    with Blob.of(archived) as document:
        read = read_signatures(document, isolation=isolation)
        (signature,), (timestamp,) = read.signatures, read.timestamps
        signed = verify_pdf_signature(document, signature, store=read.store)
        stamped = verify_pdf_timestamp(document, timestamp, store=read.store)
    assert signed.chain == (hand.issued.der, *signing_pki.chain)
    assert signed.timestamps[0].gen_time == now
    assert stamped.chain == (signing_pki.tsa.der, *signing_pki.chain)
    assert read.store.ocsp_responses
    assert read.store.crls


@dataclass(frozen=True)
class Finder:
    """Whoever reads documents, in other hands: finds a signature where we say."""

    byte_range: tuple[int, int, int, int]
    sub_filter: str = "ETSI.CAdES.detached"

    def run(
        self, task: Task[Asked, Answered], asked: Asked, *, inputs: Sequence[Blob] = ()
    ) -> tuple[Answered, Blob]:
        """See `Isolation`."""
        found = FoundSignature(
            field="x", is_timestamp=False, sub_filter=self.sub_filter, byte_range=self.byte_range
        )
        answered: Any = SignaturesAnswered(
            signatures=(found,), certificates=(), ocsp_responses=(), crls=()
        )
        return answered, Blob.of()


@pytest.mark.parametrize(
    ("content", "byte_range"),
    [
        (b"AB<30>CD", (1, 2, 6, 2)),
        (b"AB<30>CD", (0, 0, 6, 2)),
        (b"AB<30>CD", (0, 6, 2, 2)),
        (b"AB<30>CD", (0, 2, 6, 3)),
        (b"AB<30>CD", (0, 2, 6, -1)),
        (b"AB<30>CD", (0, 2, 5, 3)),
        (b"AB(30)CD", (0, 2, 6, 2)),
        (b"AB<3x>CD", (0, 2, 6, 2)),
        (b"AB<303>CD", (0, 2, 7, 2)),
        (b"AB<" + b"0" * (2 << 20) + b"00>CD", (0, 2, (2 << 20) + 6, 2)),
    ],
)
def test_a_place_where_no_signature_can_stand_is_a_contradiction(
    content: bytes, byte_range: tuple[int, int, int, int]
) -> None:
    """ISO 32000-2 §12.8.1: everything but one string of hexadecimal digits."""
    with Blob.of(content) as document, pytest.raises(ParsingFailed, match="contradiction"):
        read_signatures(document, isolation=Finder(byte_range))


@pytest.mark.parametrize("digits", [b"", b"30", b"3080", b"300130", b"3084FFFFFFFF00", b"00" * 40])
def test_what_is_no_cms_is_refused(digits: bytes) -> None:
    content = b"AB<" + digits + b">CD"
    finder = Finder((0, 2, 4 + len(digits), 2))
    with Blob.of(content) as document:
        read = read_signatures(document, isolation=finder)
        with pytest.raises(DocumentRefused, match="not_cades"):
            verify_pdf_signature(document, read.entries[0], store=read.store)
        with pytest.raises(DocumentRefused, match="timestamp_broken"):
            verify_pdf_timestamp(document, read.entries[0], store=read.store)


def test_digits_may_be_apart_and_of_either_case(archived: bytes, isolation: Isolation) -> None:
    """ISO 32000-2 §7.3.4.3."""
    with Blob.of(archived) as document:
        entry = read_signatures(document, isolation=isolation).entries[0]
    spread = b"<" + b"\r\n ".join(entry.der.hex(" ").upper().encode().split(b" ")) + b" 00>"
    with Blob.of(b"AB", spread) as document:
        read = read_signatures(document, isolation=Finder((0, 2, 2 + len(spread), 0)))
    assert read.entries[0].der == entry.der


def test_a_value_that_another_key_made_is_foreign(archived: bytes, isolation: Isolation) -> None:
    """RFC 5652 §5.4: the signature itself, not only the digest."""
    with Blob.of(archived) as document:
        der = read_signatures(document, isolation=isolation).signatures[0].der
    # the value stands behind its algorithm (ecdsa-with-SHA256), before the timestamp's attribute
    algorithm = bytes.fromhex("300a06082a8648ce3d040302")
    behind = der.rindex(algorithm, 0, der.index(b"\x09\x10\x02\x0e")) + len(algorithm)
    place = archived.index(der.hex().encode()) + 2 * (behind + 10)
    digit = b"1" if archived[place : place + 1] == b"0" else b"0"
    broken = archived[:place] + digit + archived[place + 1 :]
    with Blob.of(broken) as document:
        read = read_signatures(document, isolation=isolation)
        with pytest.raises(SignatureForeign):
            verify_pdf_signature(document, read.signatures[0], store=read.store)
