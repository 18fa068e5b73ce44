"""Documents signed by our own signing, and somebody who checks them.

What lives here: `ValidationHouse` over a `SigningPki`: signed PDF and CMS of each level, and
validations that trust its root; `OnlineOf`, who tells the status of its certificates when asked.
Not here: documents of others (`tests/vectors`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import pytest

from signing.errors import SigningError
from signing.formats.material import Level, StatusSource, ValidationMaterial
from signing.formats.pades import PadesParties, finish_pades, join, prepare_pades
from signing.formats.pades_room import MeasuredTimestamps
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.validation.detached import Detached
from signing.validation.known_anchors import KnownAnchors, anchor_of
from signing.validation.model import DocumentReport
from signing.validation.ports import OnlineStatus
from signing.validation.validate import Validation
from tests.support.handmade_pdf import plain_document
from tests.support.isolation import WithoutWalls
from tests.support.signatory import SIGNING_TIME, Hand, SigningPki

CONTENT = "Quyết định số 12/QĐ-UBND".encode()


@dataclass(slots=True)
class OnlineOf:
    """Answers of a `StatusSource`, as if over the network; remembers who asked about what."""

    pki: SigningPki
    status: StatusSource
    asked: list[bytes] = field(default_factory=list)

    def find(self, certificate: bytes, *, issuer: bytes, now: datetime) -> ValidationMaterial:
        """See `OnlineStatus`."""
        self.asked.append(certificate)
        chain = (certificate, *(() if issuer == self.pki.root.der else (issuer,)))
        try:
            return self.status.material((*chain, self.pki.root.der), now=now)
        except SigningError:
            return ValidationMaterial()

    def find_issuers(self, certificate: bytes, *, now: datetime) -> tuple[bytes, ...]:
        """See `OnlineStatus`."""
        del certificate, now
        return ()


@dataclass
class ValidationHouse:
    """Signs and checks at an instant; `at` moves between the two."""

    pki: SigningPki
    isolation: Isolation
    signed_at: datetime = SIGNING_TIME

    def pdf(self, level: Level, *, hand: Hand | None = None, content: bytes | None = None) -> bytes:
        """A PDF of this level."""
        signer = hand or self.pki.citizen
        parties = PadesParties(
            self.isolation,
            MeasuredTimestamps(self.pki.timestamps(now=self.signed_at)),
            self.pki.status(),
            (self.pki.root.der,),
        )
        with Blob.of(content or plain_document().classic()) as document:
            prepared = prepare_pades(
                document,
                parties=parties,
                signatory=signer.signatory,
                now=self.signed_at,
                level=level,
            )
            value = signer.sign(prepared.to_be_signed.digest)
            increments = finish_pades(
                prepared, document, signature=value, parties=parties, now=self.signed_at
            )
            with join(document, increments) as signed:
                return signed.read()

    @cached_property
    def anchors(self) -> KnownAnchors:
        """The root of the authority, alone."""
        anchor = anchor_of(self.pki.root.der, source="folder:test-root")
        assert anchor is not None
        return KnownAnchors([anchor])

    def online(self, *, revoked: Sequence[int] = ()) -> OnlineOf:
        """Who tells the status of its certificates over the network."""
        return OnlineOf(self.pki, self.pki.status(revoked=revoked))

    def validation(self, *, online: OnlineStatus | None = None, **changes: Any) -> Validation:
        """Whoever checks, without a network unless it is said."""
        given: dict[str, Any] = {"anchors": self.anchors, "online": online}
        return Validation(self.isolation, **(given | changes))

    def validate(
        self,
        content: bytes,
        *,
        online: OnlineStatus | None = None,
        now: datetime | None = None,
        detached: Sequence[Detached] = (),
        **changes: Any,
    ) -> DocumentReport:
        """The report about a file."""
        with Blob.of(content) as document:
            return self.validation(online=online, **changes).validate(
                document, name="quyết định", now=now or self.signed_at, detached=detached
            )


@pytest.fixture(scope="session")
def validation_house(signing_pki: SigningPki) -> ValidationHouse:
    """Without walls: what is wrong can be looked at, and tests are quick."""
    return ValidationHouse(signing_pki, WithoutWalls())
