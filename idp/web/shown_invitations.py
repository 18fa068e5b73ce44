"""An invitation to enrol anew, as pages show it to either side.

What lives here: which word its state has now.  Not here: what may be done (`idp.accounts`).
"""

from __future__ import annotations

from datetime import datetime

from idp.accounts.invitation_model import Invitation, InvitationState
from idp.ids import AccountId
from idp.services import Services
from idp.web.official_door import agency_name
from idp.web.official_pages import ShownInvitation


def shown_invitation(
    services: Services,
    one: Invitation,
    *,
    now: datetime,
    stop_action: str = "",
    take_action: str = "",
    seen_by: AccountId | None = None,
) -> ShownInvitation:
    """One invitation; the actions are kept only where they can be done."""
    state = _state(services, one, now=now)
    is_open = one.is_open(now=now)
    return ShownInvitation(
        state=state,
        reason=one.reason.value,
        agency=agency_name(services, one.controller_id),
        asked_at=one.asked_at,
        until=one.ready_at if one.ready_at is not None and state == "confirmed" else one.expires_at,
        is_own=one.first_id == seen_by,
        stop_action=stop_action if is_open else "",
        take_action=take_action if state == "ready" else "",
    )


def _state(services: Services, one: Invitation, *, now: datetime) -> str:
    if one.state in {InvitationState.USED, InvitationState.STOPPED}:
        return one.state.value
    if not one.is_open(now=now):
        return "lapsed"
    if services.desks.invitations.was_overtaken(one):
        return "overtaken"
    return "ready" if one.is_ready(now=now) else one.state.value
