"""The step of `prompt=select_account`: go on as the person who is signed in, or as another."""

from __future__ import annotations

from flask import Response, request

from idp.accounts.model import Account, IdentifierKind
from idp.oauth.authorization import Gathered
from idp.oauth.prompts import Ask
from idp.web.consent_text import name_of
from idp.web.flow import Flow, Visit, page_answer
from idp.web.pages import SelectAccountPage, mask_number


class SelectAccountStep:
    """Whose account."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow

    def show(self, visit: Visit, gathered: Gathered, ask: Ask) -> Response:  # noqa: ARG002 - a Step
        """The page."""
        account = gathered.situation.account
        page = SelectAccountPage(
            display=visit.interaction.request.display,
            here=visit.place,
            client_name=name_of(visit.client),
            name="" if account is None else account.profile.name,
            identifier_masked="" if account is None else mask_number(main_identifier(account)),
            action=f"{visit.place}/account",
            csrf_token=self._flow.csrf_token(visit),
        )
        return page_answer(page)

    def submit(self, visit: Visit) -> Response:
        """Only `continue` goes on as the same person."""
        if request.form.get("decision") == "continue":
            return self._flow.go_on(self._flow.save(visit, account_selected=True))
        return self._flow.go_on(self._flow.save(visit, refuses_session=True))


def main_identifier(account: Account) -> str:
    """The number that a person knows themselves by; empty when there is none."""
    for kind in IdentifierKind:
        value = account.find_identifier(kind)
        if value is not None:
            return value
    return ""
