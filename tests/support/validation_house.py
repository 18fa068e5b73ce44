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

from signing.formats.material import Level, ValidationMaterial
from signing.formats.table import Act, Material, Parties, finish_half, prepare_half
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.model import SignatureFormat
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


@dataclass(eq=False)
class ValidationHouse:
    """Signs and checks at an instant; `at` moves between the two."""

    pki: SigningPki
    isolation: Isolation
    signed_at: datetime = SIGNING_TIME

    def sign(
        self,
        signature_format: SignatureFormat,
        level: Level,
        *,
        hand: Hand | None = None,
        content: bytes = CONTENT,
        name: str = "quyet-dinh.txt",
        media_type: str = "text/plain",
        organisation: str = "",
    ) -> bytes:
        """A document signed in a format at a level; where it is detached, the signature alone."""
        signer = hand or self.pki.citizen
        signatory = signer.signatory
        parties = Parties.of(
            self.isolation,
            timestamps=self.pki.timestamps(now=self.signed_at),
            status=self.pki.status(),
            roots=(self.pki.root.der,),
        )
        act = Act(signatory=signatory, level=level, now=self.signed_at, organisation=organisation)
        with Blob.of(content) as document:
            material = Material(
                name=name,
                media_type=media_type,
                content=document,
                digest=document.digest(signatory.hash_name),
                hash_name=signatory.hash_name,
            )
            half = prepare_half(signature_format, {0: material}, act=act, parties=parties)
            with finish_half(
                half, [material], signature=signer.sign(half.digest), act=act, parties=parties
            ) as signed:
                return signed.read()

    def pdf(self, level: Level, *, hand: Hand | None = None, content: bytes | None = None) -> bytes:
        """A PDF of this level."""
        return self.sign(
            SignatureFormat.PADES,
            level,
            hand=hand,
            content=content or plain_document().classic(),
            name="quyet-dinh.pdf",
            media_type="application/pdf",
        )

    def cms(self, level: Level, *, is_enveloping: bool = False) -> bytes:
        """A CAdES signature of this level, detached unless it is said."""
        kind = SignatureFormat.CADES_ENVELOPING if is_enveloping else SignatureFormat.CADES_DETACHED
        return self.sign(kind, level)

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
