"""Documents signed by our own signing, and somebody who checks them.

What lives here: `ValidationHouse` over a `SigningPki`: signed PDF and CMS of each level, and
validations that trust its root; `OnlineOf`, who tells the status of its certificates when asked.
Not here: documents of others (`tests/vectors`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import pytest
from cryptography import x509

from signing.formats.cades import Sources, finish_cades, finish_enveloping, prepare_cades
from signing.formats.material import Level, ValidationMaterial
from signing.formats.pades import PadesParties, finish_pades, join, prepare_pades
from signing.formats.pades_room import MeasuredTimestamps
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.validation.detached import Detached
from signing.validation.known_anchors import KnownAnchors, anchor_of
from signing.validation.model import DocumentReport
from signing.validation.policy import POLICY
from signing.validation.ports import OnlineStatus
from signing.validation.validate import Validation
from tests.support.handmade_pdf import plain_document
from tests.support.isolation import WithoutWalls
from tests.support.real_pki import make_deployment
from tests.support.signatory import SIGNING_TIME, Hand, RealStatus, SigningPki

CONTENT = "Quyết định số 12/QĐ-UBND".encode()
OWN_POLICY = replace(POLICY, own_arcs=frozenset({make_deployment().policy_arc}))


@dataclass(slots=True)
class OnlineOf:
    """Answers of our own authority, as if over the network; remembers who asked about what."""

    pki: SigningPki
    status: RealStatus
    asked: list[bytes] = field(default_factory=list)

    def find(self, certificate: bytes, *, issuer: bytes, now: datetime) -> ValidationMaterial:
        """See `OnlineStatus`."""
        self.asked.append(certificate)
        if issuer == self.pki.root.der:
            return ValidationMaterial(crls=(self.status.root_crl(now=now),))
        answer = self.status.ocsp(x509.load_der_x509_certificate(certificate), now=now)
        return ValidationMaterial((self.pki.ocsp.der,), (answer,))

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

    def cms(
        self,
        level: Level,
        *,
        hand: Hand | None = None,
        content: bytes = CONTENT,
        is_enveloping: bool = False,
    ) -> bytes:
        """A CAdES signature of this level, detached unless it is said."""
        signer = hand or self.pki.citizen
        sources = Sources(
            self.pki.timestamps(now=self.signed_at), self.pki.status(), (self.pki.root.der,)
        )
        with Blob.of(content) as document:
            prepared = prepare_cades(
                signer.signatory,
                content_digest=document.digest(signer.signatory.hash_name),
                signing_time=self.signed_at,
            )
            given: dict[str, Any] = {
                "signature": signer.sign(prepared.to_be_signed.digest),
                "level": level,
                "sources": sources,
                "now": self.signed_at,
            }
            if not is_enveloping:
                return finish_cades(prepared, **given)
            with finish_enveloping(prepared, content=document, **given) as signed:
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
        given: dict[str, Any] = {"anchors": self.anchors, "online": online, "policy": OWN_POLICY}
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
