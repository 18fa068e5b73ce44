"""What the pages of recovery show, as data: "this was not me", cases, and the forgotten password.

What lives here: view-models.  Ids that automation may rely on: links `account-not-me`,
`account-cases`, `session-not-me-<n>`; button `not-me-confirm`; elements `case-number`, `case-<n>`;
fields `identifier`, `way`, `otp`, `activation_code`, `new_password`, `new_password_again`; buttons
`forgot-submit`, `reset-code-submit`, `reset-link-submit`, `reset-app-submit`, `reset-other-send`,
`reset-other-submit`, `reset-recovery-submit`, `reset-activation-submit`, `reset-passkey`,
`reset-password-submit`, `stop-confirm`; links `reset-continue`, `reset-again`.
Must not import storage or use cases.
Source: architecture, J5 and "Pages"; WCAG 2.2 AA.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from idp.web.pages import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class NotMePage(Page):
    """What will be locked, before it is: a form that asks once.

    `device` and `since` name the session that was somebody else's; empty and None: all of them.
    `reported` is its id, which the form carries; `back_url` leads away with nothing done.
    """

    template: ClassVar[str] = "not_me.html"
    action: str
    csrf_token: str
    reported: str
    device: str
    since: datetime | None
    back_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedPage(Page):
    """What was locked, and what to do next; nobody is signed in any more.

    `number` is the case's; `is_stopped_reset`: it was a reset that was stopped, so the account is
    locked until an official unlocks it; `forgot_url` leads to a new password.
    """

    template: ClassVar[str] = "locked.html"
    number: str
    is_stopped_reset: bool
    forgot_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCase:
    """One case: `kind` and `outcome` are words of `CaseKind` and of whoever closed it."""

    number: str
    kind: str
    opened_at: datetime
    closed_at: datetime | None
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CasesPage(Page):
    """Every case of the person, the newest first."""

    template: ClassVar[str] = "cases.html"
    name: str
    cases: tuple[ShownCase, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgotPage(Page):
    """Whose password it is, and how the first proof comes.

    `ways`: those by which this service reaches anybody; without one there is no form.
    """

    template: ClassVar[str] = "forgot.html"
    action: str
    csrf_token: str
    back: str
    identifier: str = ""
    way: str = "email_link"
    ways: tuple[str, ...] = ("email_link", "email_code", "sms_code")
    problem: str | None = None
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SentPage(Page):
    """What was sent, if there was anybody: a link to open here, or a code to type.

    `way` is how; `minutes` how long it counts.
    """

    template: ClassVar[str] = "forgot_sent.html"
    action: str
    csrf_token: str
    way: str
    digits: int
    minutes: int
    again_url: str
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetLinkPage(Page):
    """The link was opened in the right browser; a form takes it, since mail readers open links."""

    template: ClassVar[str] = "forgot_link.html"
    action: str
    csrf_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondProofPage(Page):
    """The second proof: what the person has, and where to go without any.

    `recovery_action` is empty without recovery codes, `other` without another address, of which
    it shows the ends; `is_other_sent`: a code went there; `passkey_options` as on the sign-in
    pages; `shown` is the form that a problem belongs to.
    """

    template: ClassVar[str] = "forgot_second.html"
    csrf_token: str
    app_action: str
    activation_action: str
    other_action: str
    other_send_action: str
    passkey_action: str
    passkey_options: str
    has_app: bool
    recovery_action: str
    other: str
    is_other_sent: bool
    digits: int
    shown: str = ""
    problem: str | None = None
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPasswordPage(Page):
    """Both proofs were given: the new password.  `caps`: the account falls to level 1 by it."""

    template: ClassVar[str] = "forgot_password.html"
    action: str
    csrf_token: str
    least_chars: int
    caps: bool
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetDonePage(Page):
    """The password was set; nobody is signed in by that.  `days`: how long it can be stopped."""

    template: ClassVar[str] = "forgot_done.html"
    continue_url: str
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetGonePage(Page):
    """Nothing was done, and what to do: `kind` is gone, elsewhere, used or stop_gone."""

    template: ClassVar[str] = "forgot_gone.html"
    kind: str
    again_url: str
    continue_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopPage(Page):
    """A reset that somebody was told of: what stopping it locks, before it does."""

    template: ClassVar[str] = "forgot_stop.html"
    action: str
    csrf_token: str
    done_at: datetime
    until: datetime
