"""Somebody who signs a PDF, and looks at what was done to it since.

What lives here: `Desk`.  What was signed for one test serves the others.
Not here: what is done to it (`pdf_attacks`, `pdf_tricks`).
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final

from signing.formats.material import Level
from signing.formats.pades import PadesParties, PdfSignature, finish_pades, join, prepare_pades
from signing.formats.pades_augment import augment_pades
from signing.isolation.blob import Blob
from signing.messages.pdf_signature import TimestampAsked
from signing.parsing.pdf_timestamp import add_timestamp
from signing.validation.pdf import FoundPdf, read_pdf
from signing.validation.pdf_changes import PdfChanges, find_changes
from tests.support.pdf_increments import write
from tests.support.signatory import Hand

_STAMP_BYTES: Final = 8_000


class Desk:
    """Signs, and looks at what came of it."""

    def __init__(
        self,
        parties: PadesParties,
        hand: Hand,
        now: datetime,
        signed: dict[tuple[object, ...], bytes],
    ) -> None:
        self.parties, self.hand, self.now = parties, hand, now
        self._signed = signed

    def sign(
        self,
        content: bytes,
        *,
        level: Level = Level.B,
        hand: Hand | None = None,
        certify: int | None = None,
        field_name: str | None = None,
    ) -> bytes:
        """The document with one more signature."""
        key = (content, level, None if hand is None else hand.serial, certify, field_name)
        if key not in self._signed:
            said = PdfSignature(certify=certify, field_name=field_name)
            self._signed[key] = self._sign(content, level, hand or self.hand, said)
        return self._signed[key]

    def _sign(self, content: bytes, level: Level, hand: Hand, said: PdfSignature) -> bytes:
        with Blob.of(content) as document:
            prepared = prepare_pades(
                document,
                parties=self.parties,
                signatory=hand.signatory,
                now=self.now,
                level=level,
                signature=said,
            )
            value = hand.sign(prepared.to_be_signed.digest)
            increments = finish_pades(
                prepared, document, signature=value, parties=self.parties, now=self.now
            )
            with join(document, increments) as signed:
                return signed.read()

    def stamp(self, content: bytes) -> bytes:
        """The document with a timestamp over all of it, and no signature."""
        added = write(add_timestamp, TimestampAsked(hole_bytes=_STAMP_BYTES), content)
        start, end = (len(content) + at for at in (added.answered.start, added.answered.end))
        digest = hashlib.sha256(added.content[:start] + added.content[end:]).digest()
        assert self.parties.timestamps is not None
        token = self.parties.timestamps.stamp(digest, hash_name="sha256").hex().encode()
        filled = token.ljust(end - start - 2, b"0")
        return added.content[: start + 1] + filled + added.content[end - 1 :]

    def raise_to(self, content: bytes, level: Level) -> bytes:
        """The document with what that level demands."""
        with Blob.of(content) as document:
            more = augment_pades(document, to=level, parties=self.parties, now=self.now)
            return content + b"".join(more)

    def read(self, content: bytes) -> FoundPdf:
        """Its signatures."""
        with Blob.of(content) as document:
            return read_pdf(document, isolation=self.parties.isolation)

    def changes(self, content: bytes) -> dict[str, PdfChanges]:
        """What stands behind each."""
        isolation = self.parties.isolation
        with Blob.of(content) as document:
            found = read_pdf(document, isolation=isolation)
            return dict(find_changes(document, found, isolation=isolation))
