"""View-models of the pages on which people act for organisations and let others do so.

What lives here: frozen dataclasses, as in `account_pages.py`.  Not here: who may see or do what.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from idp.web.pages import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownMandate:
    """A mandate, written out; an empty text has no line, and an empty address no button.

    `until` is its last day, `decide_by` the last day on which others may agree.
    """

    title: str
    code: str
    role: str
    state: str
    is_waiting: bool
    scopes: tuple[str, ...]
    portals: tuple[str, ...]
    since: str
    until: str
    giver: str
    reference: str
    sha256: str
    agreed: tuple[str, ...]
    decide_by: str
    ended: str
    end_action: str = ""
    agree_action: str = ""
    decline_action: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownOrganisation:
    """An organisation that the person represents, and what was given in its name.

    `agreements`: how many others have to agree, -1 for all, 0 for nobody.
    """

    name: str
    code: str
    representatives: tuple[str, ...]
    agreements: int
    until: str
    checked_at: datetime | None
    give_url: str
    given: tuple[ShownMandate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MandatesPage(Page):
    """What the person holds, whom they represent, and what has ended.

    `told`: what was done just now: `given`, `asked`, `agreed`, `waits`, `declined`, `ended`,
    `represented` or nothing; `represent_url` is empty where no register is asked.
    """

    template: ClassVar[str] = "mandates.html"
    name: str
    held: tuple[ShownMandate, ...]
    organisations: tuple[ShownOrganisation, ...]
    over: tuple[ShownMandate, ...]
    csrf_token: str
    represent_url: str = ""
    told: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MandateDecisionPage(Page):
    """Sure?  `act` is `end`, `renounce`, `agree` or `decline`."""

    template: ClassVar[str] = "mandate_decision.html"
    act: str
    organisation: str
    mandate: ShownMandate
    action: str
    back_url: str
    csrf_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A box to tick."""

    value: str
    label: str
    is_chosen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalGroup:
    """The portals of one agency."""

    agency: str
    portals: tuple[Choice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DelegatePage(Page):
    """The form with which a representative gives a mandate.

    What was typed stands in it again, but for the person: pages of problems name nobody.
    `longest`: the last day that may be chosen, `first`: the first one, both as YYYY-MM-DD.
    """

    template: ClassVar[str] = "delegate.html"
    organisation: str
    code: str
    agreements: int
    action: str
    csrf_token: str
    kind: str
    scopes: tuple[Choice, ...]
    is_everywhere: bool
    groups: tuple[PortalGroup, ...]
    valid_from: str
    valid_to: str
    reference: str
    dated: str
    sha256: str
    first: str
    longest: str
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RepresentPage(Page):
    """The form with which a person has the business register asked for whom they represent."""

    template: ClassVar[str] = "represent.html"
    action: str
    csrf_token: str
    code: str = ""
    problem: str | None = None
