"""A proofing at a counter, as frozen values.

What lives here: what an official states to have seen, and one proofing with its state.  Of the
document the kind is kept, and its last digits at most: sealed in the log, never here.
Source: NĐ 69/2024/NĐ-CP Art. 10-11; Law 91/2025/QH15 Art. 3 (no more data than needed).
Not here: the acts (`counter`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from idp.accounts.birthdates import Birthdate
from idp.accounts.errors import AccountError
from idp.ids import AccountId


class DocumentKind(StrEnum):
    """What was on the table."""

    IDENTITY_CARD = "identity_card"
    IDENTITY_CERTIFICATE = "identity_certificate"
    PASSPORT = "passport"
    RESIDENCE_CARD = "residence_card"


class ProofingState(StrEnum):
    """WAITING for the second act; DONE; USED for the first password as well; STOPPED."""

    WAITING = "waiting"
    DONE = "done"
    USED = "used"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Seen:
    """What one official states to have seen, read off the document and not off the account.

    `document_tail`: the last characters of its number, four at most, or none.
    """

    document: DocumentKind
    name: str = field(repr=False)
    birthdate: Birthdate
    is_face_compared: bool
    document_tail: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class CounterProofing:
    """One proofing; `official_id` is the account of who began it.

    `second_id` is the account of the second official, None where the person did the second act.
    """

    proofing_id: str
    account_id: AccountId
    official_id: AccountId
    controller_id: str
    document: DocumentKind
    code_mac: bytes = field(repr=False)
    started_at: datetime
    expires_at: datetime
    state: ProofingState = ProofingState.WAITING
    second_id: AccountId | None = None


class ProofingRefused(AccountError):
    """Nothing was proven; `reason` is a stable word.

    `face_not_compared`, `name_differs`, `birthdate_differs`, `too_young`, `document_tail_too_long`,
    `account_not_active`, `not_a_person`, `nothing_waiting`, `same_official`, `code_wrong`.
    """

    code: ClassVar[str] = "proofing_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
