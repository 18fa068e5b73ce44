"""An invitation to enrol anew, as a frozen value.

What lives here: the reasons, the states, and one invitation.  Not here: the acts (`invitations`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from idp.accounts.errors import AccountError
from idp.ids import AccountId


class InvitationReason(StrEnum):
    """Why; a code, never a text."""

    LOST_DEVICE = "lost_device"
    BROKEN_DEVICE = "broken_device"
    NEW_DEVICE = "new_device"


class InvitationState(StrEnum):
    """ASKED by one official; CONFIRMED by another; USED by the person; STOPPED."""

    ASKED = "asked"
    CONFIRMED = "confirmed"
    USED = "used"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Invitation:
    """One invitation.

    Takes   first_id, second_id: accounts of the officials; ready_at: from when the person may use
            it, None before the second official; expires_at: when it lapses by itself.
    """

    invitation_id: str
    account_id: AccountId
    first_id: AccountId
    controller_id: str
    reason: InvitationReason
    asked_at: datetime
    expires_at: datetime
    state: InvitationState = InvitationState.ASKED
    second_id: AccountId | None = None
    ready_at: datetime | None = None

    def is_open(self, *, now: datetime) -> bool:
        """Whether it can still be stopped, confirmed or used."""
        is_live = self.state in {InvitationState.ASKED, InvitationState.CONFIRMED}
        return is_live and now < self.expires_at

    def is_ready(self, *, now: datetime) -> bool:
        """Whether its waiting is over; whether the person signed in meanwhile is not asked here."""
        is_confirmed = self.state is InvitationState.CONFIRMED
        return is_confirmed and self.ready_at is not None and self.ready_at <= now < self.expires_at


class InvitationRefused(AccountError):
    """Nothing was done; `reason` is a stable word.

    `account_not_active`, `not_a_person`, `already_open`, `same_official`, `nothing_open`,
    `still_waiting`, `signed_in_meanwhile`.
    """

    code: ClassVar[str] = "invitation_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
