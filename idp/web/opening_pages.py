"""What the pages show on which somebody opens an account, as data.

What lives here: the view-models of `/account/open` and `/account/number`.  Ids that automation may
rely on: fields `address`, `otp`, `identifier`, `full_name`, `birthdate`, `consent`, `new_password`,
`new_password_again`; buttons `opening-begin`, `opening-code`, `opening-resend`, `opening-restart`,
`opening-finish`, `number-replace`; link `opening-sign-in`.
Must not import storage or use cases.
Source: NĐ 69/2024/NĐ-CP Art. 7, 14, 19(3); Law 91/2025/QH15 Art. 9; WCAG 2.2 §3.3.7 (what was typed
once is not asked for again).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from idp.web.pages import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningStartPage(Page):
    """An address to which a code is sent; `is_offered` False: no account is opened here alone.

    `way_back` is the sign-in from which somebody came.
    """

    template: ClassVar[str] = "opening_start.html"
    action: str
    csrf_token: str
    is_offered: bool = True
    way_back: str = ""
    address: str = field(default="", repr=False)
    problem: str | None = None
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningCodePage(Page):
    """The code that was sent to `masked`."""

    template: ClassVar[str] = "opening_code.html"
    masked: str
    is_email: bool
    action: str
    resend_action: str
    restart_action: str
    csrf_token: str
    problem: str | None = None
    attempts_left: int | None = None
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningPersonPage(Page):
    """Who somebody is, their consent that it is compared, a password."""

    template: ClassVar[str] = "opening_person.html"
    action: str
    csrf_token: str
    controller: str
    least_chars: int
    identifier: str = field(default="", repr=False)
    full_name: str = field(default="", repr=False)
    birthdate: str = field(default="", repr=False)
    has_consented: bool = False
    problem: str | None = None
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningDonePage(Page):
    """There is an account; `sign_in_url` leads on."""

    template: ClassVar[str] = "opening_done.html"
    sign_in_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberPage(Page):
    """A number that took the place of the account's.

    `masked` is the account's; `is_offered` False: there is no register that could say so.
    """

    template: ClassVar[str] = "number.html"
    action: str
    csrf_token: str
    masked: str
    is_offered: bool = True
    is_done: bool = False
    identifier: str = field(default="", repr=False)
    problem: str | None = None
    retry_at: datetime | None = None
