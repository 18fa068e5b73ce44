"""What the pages of officials show, and those on which a person meets them, as data.

What lives here: the view-models of `/counter`, `/account/proofing`, `/first-password`, `/helpdesk`,
`/account/invitations` and `/stop`.  Ids that automation may rely on: fields
`identifier`, `document`, `document_tail`, `name`, `birthdate`, `face`, `code`, `counter_code`,
`activation_code`, `new_password`; buttons `counter-find`, `counter-start`, `counter-confirm`,
`counter-stop`, `counter-open`, `proofing-confirm`, `proofing-stop`, `first-password-choose`,
`helpdesk-find`, `helpdesk-lock`, `helpdesk-unlock`, `helpdesk-invite`, `helpdesk-confirm`,
`case-close-<n>`, `invitation-stop-<n>`, `invitation-take-<n>`, `invitation-stop`; texts
`handed-code`, `activation-code`.
Must not import storage or use cases.
Source: architecture, J5 and "Pages"; WCAG 2.2 AA.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from idp.web.pages import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownStanding:
    """How an account stands; `masked_name` has first letters alone."""

    masked_name: str
    kind: str
    status: str
    level: int
    has_password: bool
    has_authenticator: bool
    has_passkey: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterPage(Page):
    """Where an official finds a person by a number, or opens an account for one."""

    template: ClassVar[str] = "counter.html"
    agency: str
    action: str
    open_url: str
    csrf_token: str
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterOpenPage(Page):
    """An account for somebody who has none; what was typed comes back with a problem."""

    template: ClassVar[str] = "counter_open.html"
    agency: str
    action: str
    back_url: str
    csrf_token: str
    kind: str = "citizen"
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterPersonPage(Page):
    """One person at the counter.

    `waiting`: empty where nothing waits, `own` for this official's, `other` for another's, which
    this official may confirm; `waits_until` is None where nothing waits.
    """

    template: ClassVar[str] = "counter_person.html"
    agency: str
    person: ShownStanding
    waiting: str
    waits_until: datetime | None
    start_action: str
    confirm_action: str
    stop_action: str
    back_url: str
    csrf_token: str
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedCodePage(Page):
    """A code, shown this once; `is_activation`: by the second act."""

    template: ClassVar[str] = "counter_code.html"
    agency: str
    code: str
    is_activation: bool
    has_password: bool
    person_url: str
    back_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofingPage(Page):
    """The person's own act; `agency` is empty where nothing waits."""

    template: ClassVar[str] = "proofing.html"
    name: str
    agency: str
    document: str
    started_at: datetime | None
    waits_until: datetime | None
    action: str
    stop_action: str
    csrf_token: str
    problem: str | None = None
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnActivationPage(Page):
    """The activation code, shown to the person alone, this once; `level` is the account's."""

    template: ClassVar[str] = "own_activation.html"
    code: str
    level: int
    next_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstPasswordPage(Page):
    """The first password of an account that was opened at a counter."""

    template: ClassVar[str] = "first_password.html"
    action: str
    csrf_token: str
    least_chars: int
    problem: str | None = None
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpdeskPage(Page):
    """Where an official of a helpdesk finds a person by a number."""

    template: ClassVar[str] = "helpdesk.html"
    agency: str
    action: str
    csrf_token: str
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCase:
    """A case that is open."""

    number: str
    kind: str
    opened_at: datetime
    close_action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownInvitation:
    """An invitation to enrol anew.

    `state`: `asked`, `confirmed`, `ready`, `used`, `stopped`, `lapsed`, `overtaken`;
    `is_own`: asked by the official who looks; the actions are empty where nothing can be done.
    """

    state: str
    reason: str
    agency: str
    asked_at: datetime
    until: datetime
    is_own: bool = False
    stop_action: str = ""
    take_action: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpdeskPersonPage(Page):
    """How the account of one person stands, and what a helpdesk may do.

    `told` is what was done just now, or nothing.
    """

    template: ClassVar[str] = "helpdesk_person.html"
    agency: str
    person: ShownStanding
    cases: tuple[ShownCase, ...]
    invitation: ShownInvitation | None
    lock_action: str
    unlock_action: str
    invite_action: str
    confirm_action: str
    back_url: str
    csrf_token: str
    told: str = ""
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationsPage(Page):
    """The person's own invitations, the newest first."""

    template: ClassVar[str] = "invitations.html"
    name: str
    invitations: tuple[ShownInvitation, ...]
    csrf_token: str
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StopInvitationPage(Page):
    """What the notice leads to: one press stops it.  `is_open`: there is something to stop."""

    template: ClassVar[str] = "stop_invitation.html"
    is_open: bool
    is_stopped: bool
    action: str
    csrf_token: str
