"""The step of people who represent organisations: in which capacity.

What lives here: the form, its page, and the refusal of somebody who represents none where the
portal serves organisations only.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from flask import Response, request

from idp.oauth.authorization import Gathered
from idp.oauth.prompts import SELF, Ask, Prompt, Reason, offered_capacities
from idp.web.consent_text import name_of
from idp.web.flow import Flow, Visit, page_answer
from idp.web.i18n import local_minute
from idp.web.pages import CapacityOption, CapacityPage

_INSTANT: Final = timedelta(milliseconds=1)
"""The end of a mandate is outside of it already: the day before an end at midnight is its last."""


class CapacityStep:
    """Myself, or for whom."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow

    def show(self, visit: Visit, gathered: Gathered, ask: Ask) -> Response:  # noqa: ARG002 - a Step
        """The page."""
        organisations, may_be_self = offered_capacities(gathered.situation)
        account = gathered.situation.account
        options = [CapacityOption(value=SELF, kind="self")] if may_be_self else []
        options += [
            CapacityOption(
                value=one.mandate_id,
                kind=one.kind.value,
                organisation=one.name,
                code=one.enterprise_code,
                valid_to="" if one.valid_to is None else local_minute(one.valid_to - _INSTANT)[:10],
            )
            for one in organisations
        ]
        page = CapacityPage(
            display=visit.interaction.request.display,
            here=visit.place,
            client_name=name_of(visit.client),
            name="" if account is None else account.profile.name,
            options=tuple(options),
            action=f"{visit.place}/capacity",
            csrf_token=self._flow.csrf_token(visit),
            cancel_action=f"{visit.place}/cancel",
        )
        return page_answer(page)

    def submit(self, visit: Visit) -> Response:
        """Only what was offered is taken; a mandate that ended is not offered any more."""
        gathered = self._flow.gather(visit)
        organisations, may_be_self = offered_capacities(gathered.situation)
        chosen = request.form.get("capacity", "")
        offered = {str(one.mandate_id) for one in organisations}
        if (chosen == SELF and may_be_self) or chosen in offered:
            return self._flow.go_on(self._flow.save(visit, capacity=chosen))
        return self.show(visit, gathered, Ask(Prompt.CAPACITY, Reason.SEVERAL_CAPACITIES))
