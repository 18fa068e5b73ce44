"""The pages of officials, and those on which a person meets them, as the gallery shows them.

What lives here: one specimen of each, with the longest texts that fit.  Not here: the gallery
(`pages.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from idp.web.official_pages import (
    CounterOpenPage,
    CounterPage,
    CounterPersonPage,
    FirstPasswordPage,
    HandedCodePage,
    HelpdeskPage,
    HelpdeskPersonPage,
    InvitationsPage,
    OwnActivationPage,
    ProofingPage,
    ShownCase,
    ShownInvitation,
    ShownStanding,
    StopInvitationPage,
)
from idp.web.pages import Page

_AGENCY: Final = "Trung tâm Phục vụ hành chính công phường Tưởng Tượng, tỉnh Lấp Lánh"
_NAME: Final = "Nguyễn Thị Lấp Lánh Ánh"
_AT: Final = datetime(2026, 11, 21, 8, 41, 30, tzinfo=UTC)
_FORM: Final[dict[str, Any]] = {"csrf_token": "csrf-of-the-gallery"}
_STANDING: Final = ShownStanding(
    masked_name="N… T… L… L… Á…",
    kind="citizen",
    status="active",
    level=1,
    has_password=True,
    has_authenticator=True,
    has_passkey=False,
)
_INVITATION: Final = ShownInvitation(
    state="asked", reason="lost_device", agency=_AGENCY, asked_at=_AT, until=_AT
)
_PERSON: Final[dict[str, Any]] = {**_FORM, "agency": _AGENCY, "back_url": "/sent"}
_COUNTER: Final[dict[str, Any]] = {
    **_PERSON,
    "person": _STANDING,
    "waits_until": _AT,
    "start_action": "/sent",
    "confirm_action": "/sent",
    "stop_action": "/sent",
}

OFFICIAL_SPECIMENS: Final[Mapping[str, Page]] = {
    "counter": CounterPage(
        **_FORM, agency=_AGENCY, action="/sent", open_url="/sent", problem="nobody"
    ),
    "counter_open": CounterOpenPage(**_PERSON, action="/sent"),
    "counter_person": CounterPersonPage(**_COUNTER, waiting="own", problem="name_differs"),
    "counter_code": HandedCodePage(
        agency=_AGENCY,
        code="7K3M-9QXT-04VB",
        is_activation=True,
        has_password=False,
        person_url="/sent",
        back_url="/sent",
    ),
    "proofing": ProofingPage(
        **_FORM,
        name=_NAME,
        agency=_AGENCY,
        document="residence_card",
        started_at=_AT,
        waits_until=_AT,
        action="/sent",
        stop_action="/sent",
        problem="code_wrong",
    ),
    "own_activation": OwnActivationPage(code="7K3M-9QXT-04VB", level=1, next_url="/sent"),
    "first_password": FirstPasswordPage(
        **_FORM, action="/sent", least_chars=8, problem="first_password_refused"
    ),
    "helpdesk": HelpdeskPage(**_FORM, agency=_AGENCY, action="/sent"),
    "helpdesk_person": HelpdeskPersonPage(
        **_PERSON,
        person=_STANDING,
        cases=(ShownCase(number="7K3M-9QXT", kind="not_me", opened_at=_AT, close_action="/sent"),),
        invitation=_INVITATION,
        lock_action="/sent",
        unlock_action="/sent",
        invite_action="/sent",
        confirm_action="/sent",
        told="lock",
    ),
    "invitations": InvitationsPage(
        **_FORM,
        name=_NAME,
        invitations=(
            ShownInvitation(
                state="ready",
                reason="broken_device",
                agency=_AGENCY,
                asked_at=_AT,
                until=_AT,
                stop_action="/sent",
                take_action="/sent",
            ),
            ShownInvitation(
                state="overtaken", reason="new_device", agency=_AGENCY, asked_at=_AT, until=_AT
            ),
        ),
    ),
    "stop_invitation": StopInvitationPage(**_FORM, is_open=True, is_stopped=False, action="/sent"),
}
