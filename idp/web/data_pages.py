"""What the pages about a person's data and rights show, as data.

What lives here: the view-models of `/account/data` and of what it leads to.  Ids that automation
may rely on: buttons `data-json`, `data-pdf`, links `data-requests`, `data-consents`.
Must not import storage or use cases.
Source: architecture, J5 and "Pages"; WCAG 2.2 AA.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from idp.web.pages import Page

DataProblem = Literal["too_many_exports"]


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
