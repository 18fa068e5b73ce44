"""An archive whose timestamps end soon, and the authority that follows the one that gave them.

What lives here: `ArchiveHouse`: a document at B-LTA, everybody who renews it, and files that are
not what they seem.  Not here: what renewing does (`signing/archives`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from keystore.pki.names import ServiceSubject
from keystore.pki.profiles import Profile
from signing.formats.material import Level
from signing.formats.pades import PadesParties, finish_pades, join, prepare_pades
from signing.formats.pades_room import MeasuredTimestamps
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from tests.support.handmade_pdf import plain_document
from tests.support.signatory import SigningPki

LIFETIME = timedelta(days=60)
"""Of the first authority's certificate: less than the margin."""


class ArchiveHouse:
    """Documents of `now`; `archived` is at B-LTA.

    `as_before`: with the authority whose timestamps end soon; `parties`: with the one after it,
    a month later.
    """

    def __init__(self, isolation: Isolation, *, now: datetime) -> None:
        self.now = now
        self.later = now + timedelta(days=30)
        self._isolation = isolation
        self.pki = SigningPki(now - timedelta(days=1), tsa_lifetime=LIFETIME)
        self._at_first = self._parties(now)
        self.archived = self.sign(Level.LTA)
        self.as_before = self._parties(self.later)
        self.pki.since = self.later - timedelta(days=1)
        self.pki.tsa = self.pki.issue(Profile.TIMESTAMP, subject=ServiceSubject("Timestamps 2"))
        self.parties = self._parties(self.later)

    def sign(self, level: Level) -> bytes:
        """A signed document."""
        hand = self.pki.citizen
        with Blob.of(plain_document().classic()) as document:
            prepared = prepare_pades(
                document,
                parties=self._at_first,
                signatory=hand.signatory,
                now=self.now,
                level=level,
            )
            made = finish_pades(
                prepared,
                document,
                signature=hand.sign(prepared.to_be_signed.digest),
                parties=self._at_first,
                now=self.now,
            )
            with join(document, made) as signed:
                return signed.read()

    def _parties(self, at: datetime) -> PadesParties:
        stamps = MeasuredTimestamps(self.pki.timestamps(now=at))
        return PadesParties(self._isolation, stamps, self.pki.status(), (self.pki.root.der,))
