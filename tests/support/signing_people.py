"""People whom portals may ask to sign, and work for later, as signing sees them in its own tests.

What lives here: implementations of the Protocols of `signing/ports.py` that hold what a test says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from keystore.storage import Transaction
from signing.isolation.blob import Blob
from signing.model import DocumentKind, Role
from signing.new_request import NewDocument, NewRequest, NewSigner
from signing.ports import Seen, Signer


@dataclass
class FewPeople:
    """Knows people by portal and name; mandates end when a test says so."""

    known: dict[tuple[str, str, str | None], Signer] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)

    def add(
        self,
        client_id: str,
        sub: str,
        account_id: str,
        *,
        role: Role = Role.PERSON,
        enterprise_code: str | None = None,
        organisation_id: str | None = None,
        data_key: bytes | None = None,
    ) -> Signer:
        """Let a portal ask this person."""
        signer = Signer(
            account_id=account_id,
            role=role,
            organisation_id=organisation_id,
            data_key=data_key,
        )
        self.known[client_id, sub, enterprise_code] = signer
        return signer

    def find_signer(
        self, sub: str, *, client_id: str, role: Role, enterprise_code: str | None, now: datetime
    ) -> Signer | None:
        """See `Signers`."""
        found = self.known.get((client_id, sub, enterprise_code))
        return found if found is not None and found.role is role else None

    def refresh(
        self, signer: Signer, *, client_id: str, is_active: bool | None = None, now: datetime
    ) -> Signer | None:
        """See `Signers`."""
        return None if signer.account_id in self.ended else signer

    def get_signer(self, account_id: str, *, role: Role, organisation_id: str | None) -> Signer:
        """See `Signers`."""
        return next(
            one
            for one in self.known.values()
            if (one.account_id, one.role, one.organisation_id)
            == (account_id, role, organisation_id)
        )


@dataclass
class WorkForLater:
    """Remembers what was left for later."""

    left: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def add(
        self,
        tx: Transaction,
        kind: str,
        payload: Mapping[str, Any],
        *,
        now: datetime,
        expires: datetime,
        due: datetime | None = None,
        lane: str = "",
    ) -> object:
        """See `Deferred`."""
        tx.on_commit(lambda: self.left.append((kind, payload)))
        return None


def look_at_first_bytes(content: Blob, *, media_type: str, tenant: str = "") -> Seen:
    """Tells kinds apart by how they begin."""
    head = content.read()[:5]
    if head == b"%PDF-":
        return Seen(kind=DocumentKind.PDF, pages=1)
    if head[:1] == b"<":
        return Seen(kind=DocumentKind.XML)
    return Seen(kind=DocumentKind.FILE)


PORTAL = "portal.citizen"
PDF = b"%PDF-1.7 only its beginning"


def a_pdf(**changes: Any) -> NewDocument:
    """A PDF of the portal, with these changes."""
    return replace(NewDocument(name="Đơn.pdf", content=Blob.of(PDF)), **changes)


def a_request(**changes: Any) -> NewRequest:
    """One PDF for one person, with these changes."""
    usual = NewRequest(title="Đơn đề nghị", documents=[a_pdf()], signers=[NewSigner(sub="sub-1")])
    return replace(usual, **changes)
