"""What signing needs of whoever runs it: people, their keys, their second factors, work for later.

What lives here: Protocols and the plain data that go through them.  The provider fulfils them and
puts them together, so that signing can run on hosts of its own and knows no account's table.
Source: architecture §2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from keystore.signer.activation import SignatureActivation
from keystore.signer.evidence import Evidence, StatementEvidence
from keystore.storage import Transaction
from signing.formats.material import Signatory
from signing.isolation.blob import Blob
from signing.messages.pdf_intake import PdfFacts
from signing.model import DocumentKind, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Somebody who may sign what a portal asks for: a person, and for whom.

    `mandate_id`: under which she acts for the organisation, as it was found this time;
    `data_key`: the person's, as stored with the account, for rows of the log.
    """

    account_id: str
    role: Role
    organisation_id: str | None = None
    mandate_id: str = ""
    data_key: bytes | None = field(default=None, repr=False)

    @property
    def key_owner(self) -> str:
        """The account whose key signs: a seal is the organisation's, a signature the person's."""
        if self.role is Role.SEAL and self.organisation_id is not None:
            return self.organisation_id
        return self.account_id


class Signers(Protocol):
    """Who the people are that portals name."""

    def find_signer(
        self, sub: str, *, client_id: str, role: Role, enterprise_code: str | None, now: datetime
    ) -> Signer | None:
        """The person whom that portal knows by that name, and whom she may sign for now.

        Takes   sub: the pairwise subject in the portal's sector; enterprise_code: of the
                organisation whose seal it is, or in whose office she signs.
        Returns None where there is no such person, she is not active, or there is no mandate: the
        three look alike to a portal.
        """

    def refresh(
        self, signer: Signer, *, client_id: str, is_active: bool | None = None, now: datetime
    ) -> Signer | None:
        """The same person with the mandate that holds at this moment.

        Takes   is_active: whether the person may act at all, where that has just been read.
        Returns None when she may not sign: account or mandate have ended.
        """

    def get_signer(self, account_id: str, *, role: Role, organisation_id: str | None) -> Signer:
        """The same person again, from what was stored, whether or not she may still sign."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningCredential:
    """A personal key with its certificate, ready to be used.

    `scal`: 2 for a key that passkeys open, 1 for one that statements open; `passkeys`: ids of the
    passkeys that are pinned to it; `holder` and `issuer` as a person reads them.
    """

    key_id: str
    owner_id: str
    scal: Literal[1, 2]
    signatory: Signatory
    passkeys: tuple[bytes, ...] = field(default=(), repr=False)
    rp_id: str = ""
    holder: str = field(default="", repr=False)
    issuer: str = ""
    not_after: datetime


class Credentials(Protocol):
    """What somebody can sign with."""

    def credentials_of(self, signer: Signer, *, now: datetime) -> tuple[SigningCredential, ...]:
        """Those that sign now, the one that is offered first in front; none where there is none."""


class SecondFactors(Protocol):
    """Whoever sees a one-time code and says so to the signer."""

    def confirm(
        self, activation: SignatureActivation, *, code: str, signer: Signer, now: datetime
    ) -> StatementEvidence:
        """A statement that the person gave a code for exactly this; the code is spent.

        Raises  ConfirmationRefused (wrong, used, too many); SecondFactorUnavailable.
        """


@dataclass(frozen=True, slots=True)
class ShownImage:
    """What a signature or a seal looks like: PNG; `width_mm` of the real seal."""

    png: bytes = field(repr=False)
    width_mm: float | None = None


class Images(Protocol):
    """What people's signatures and organisations' seals look like."""

    def find_image(self, owner_id: str) -> ShownImage | None:
        """The image of an account; None where it has none."""


class SignerDoor(Protocol):
    """`antin signer`, as `keystore.signer.client.SignerClient` reaches it."""

    def activate(self, activation: SignatureActivation, evidence: Evidence) -> tuple[bytes, ...]:
        """The signatures over the digests of the activation, in their order.

        Raises  keystore.signer.errors.SignerError.
        """


class Deferred(Protocol):
    """Work that is done later, written in the transaction of the act that causes it."""

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
        """Have it done at least once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What intake made out about a document.

    Takes   no_enveloped: why no enveloped signature can be put into an XML document, or empty;
            nodes: of its canonical form, where that is known; pdf: facts, where it is one.
    """

    kind: DocumentKind
    pages: int | None = None
    no_enveloped: str = ""
    nodes: int = 0
    pdf: PdfFacts | None = None


class LooksAt(Protocol):
    """Recognises documents, and refuses those that are not signed."""

    def __call__(self, content: Blob, *, media_type: str, tenant: str = "") -> Seen:
        """What it is.

        Takes   tenant: whose document it is; whoever read it reads nobody else's.
        Raises  DocumentRefused (its reason says what is wrong), ParsingFailed.
        """


NewId = Callable[[str], str]
"""Makes an id of 128 random bits behind a prefix."""

Chain = Sequence[bytes]
"""Certificates, DER, the nearest first."""
