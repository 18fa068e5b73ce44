"""What the pages about a person's data and rights show, as data.

What lives here: the view-models of `/account/data` and of what it leads to.  Ids that automation
may rely on: buttons `data-json`, `data-pdf`; link `data-requests`; links `ask-<kind>`, field
`wish`, button `request-send`; buttons `request-stop-<n>`, `restriction-lift`.
Must not import storage or use cases.
Source: architecture, J5 and "Pages"; WCAG 2.2 AA.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from idp.web.pages import Page

DataProblem = Literal["too_many_exports"]
AskProblem = Literal[
    "already_open", "too_many", "wish_missing", "wish_too_long", "not_open", "not_confirmed"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPage(Page):
    """Taking one's data along; `is_confirmed`: the person comes from signing in for it.

    No name is shown: the page comes back with a problem, and pages of problems name nobody.
    """

    template: ClassVar[str] = "data.html"
    action: str
    csrf_token: str
    most_a_day: int
    has_second_factor: bool
    is_confirmed: bool = False
    problem: DataProblem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownStep:
    """Something that happened to a request, or has to happen until then (`is_due`)."""

    at: datetime
    title: str
    text: str = ""
    is_due: bool = False
    is_late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRequest:
    """One request with all its steps; `stop_action` is empty when there is nothing to stop."""

    number: str
    title: str
    state: str
    is_open: bool
    wish: str
    legal: str
    steps: tuple[ShownStep, ...]
    stop_action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedKind:
    """Something that may be asked for."""

    kind: str
    title: str
    says: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRequestsPage(Page):
    """What was asked for, newest first, and what may be asked for.

    `restricted_since`: nothing that rests on consent is shared since then; `told`: what was done
    just now: `asked`, `stopped`, `lifted`, or nothing.
    """

    template: ClassVar[str] = "data_requests.html"
    csrf_token: str
    requests: tuple[ShownRequest, ...]
    offered: tuple[OfferedKind, ...]
    restricted_since: datetime | None
    lift_action: str
    told: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptThing:
    """What stays of a person who is deleted: by which law, until when."""

    what: str
    legal: str
    until: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DataAskPage(Page):
    """Asking for one thing; `kept` is what stays after a deletion, told before it is asked for.

    No name is shown: the page comes back with a problem, and pages of problems name nobody.
    """

    template: ClassVar[str] = "data_ask.html"
    kind: str
    title: str
    says: str
    clock: str
    legal: str
    label: str
    is_wish_needed: bool
    most_chars: int
    waiting_days: int
    kept: tuple[KeptThing, ...]
    action: str
    back_url: str
    csrf_token: str
    problem: AskProblem | None = None
