"""What the pages of a person's own account show, as data.

What lives here: the view-models of `/account` and of what it leads to; consents and receipts are in
`pages.py`, passkeys in `passkey_pages.py`. Ids that automation may rely on: links
`account-sessions`, `account-factors`, `account-contacts`, `account-history`, `account-password`,
`account-consents`, `account-passkeys`, `account-logout`, `history-older`, `history-newest`,
`proof-<n>-<day>`; buttons `session-end-<n>`, `sessions-end-others`, `sessions-end-all`; fields
`current_password`, `new_password`, `new_password_again`, button `password-change`.
Must not import storage or use cases.
Source: architecture, J5 and "Pages"; WCAG 2.2 AA.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from idp.web.pages import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPage(Page):
    """Where everything of an account is found.

    `level` is that of the proofing, 0 where there is none; `passkeys` is None where this service
    takes none; `has_second_factor`: of whatever kind; `has_number`: of a citizen, which may be
    replaced by another; `duties` of an official: `proofing`, `helpdesk`;
    `told` is what was done just now: `password`, or nothing.
    """

    template: ClassVar[str] = "account.html"
    name: str
    level: int
    sessions: int
    has_second_factor: bool
    passkeys: int | None
    has_number: bool = False
    duties: frozenset[str] = frozenset()
    told: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSession:
    """One browser in which the person is signed in.

    `portals` names those that were signed in from it; `is_level_two`: a second factor was given.
    """

    device: str
    is_here: bool
    is_level_two: bool
    started_at: datetime
    used_at: datetime
    expires_at: datetime
    portals: tuple[str, ...]
    end_action: str
    not_me_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsPage(Page):
    """Every session, the one in hand first; `ended` says that something was ended just now."""

    template: ClassVar[str] = "sessions.html"
    name: str
    sessions: tuple[ShownSession, ...]
    others_action: str
    all_action: str
    csrf_token: str
    ended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordPage(Page):
    """Another password in the place of the one there is.

    `asks_current`: there is one, which is asked for.
    No name is shown: the page comes back with a problem, and pages of problems name nobody.
    """

    template: ClassVar[str] = "password.html"
    action: str
    csrf_token: str
    asks_current: bool
    least_chars: int
    problem: str | None = None
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownEvent:
    """Something that happened: `who` got `fields` for `purposes`, or a `detail`; all may be empty.

    `at` is the time of day in Viet Nam; `not_me_url` is set where it happened in a session.
    """

    at: str
    title: str
    is_warning: bool
    who: str
    fields: tuple[str, ...]
    purposes: tuple[str, ...]
    detail: str
    proof_url: str
    not_me_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryDay:
    """What happened on one day in Viet Nam, newest first."""

    name: str
    events: tuple[ShownEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPage(Page):
    """A page of the history, newest first; `older_url` is empty on the last one."""

    template: ClassVar[str] = "history.html"
    name: str
    days: tuple[HistoryDay, ...]
    is_first: bool
    older_url: str
    newest_url: str
    is_proof_early: bool = False
