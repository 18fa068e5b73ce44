"""The consent step, and the information step where a law takes the place of consent.

What lives here: the forms and their page.  The words are made in `consent_text.py`.
Source: OpenID Connect Core §3.1.2.4; Law 91/2025/QH15 Art. 9.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flask import Response, request

from clients.registry.model import Controller
from idp.oauth.authorization import Decision, Gathered
from idp.oauth.errors import AccessDenied
from idp.oauth.prompts import Ask, Prompt
from idp.web.answer import see_other
from idp.web.authorize import error_fields
from idp.web.consent_evidence import write_evidence
from idp.web.consent_text import (
    controller_contact,
    controller_name,
    name_of,
    purposes_of,
)
from idp.web.flow import Flow, Visit, page_answer
from idp.web.pages import ConsentPage, InformationPage, Page


class ConsentStep:
    """What is shared."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow

    def show(self, visit: Visit, gathered: Gathered, ask: Ask) -> Response:
        """The page: agreeing, or being told."""
        client = visit.client
        controller = self._controller(visit)
        kind: Callable[..., Page] = ConsentPage
        if ask.prompt is Prompt.INFORMATION:
            kind = partial(InformationPage, cancel_action=f"{visit.place}/cancel")
        page = kind(
            display=visit.interaction.request.display,
            here=visit.place,
            client_name=name_of(client),
            controller=controller_name(controller),
            dpo_contact=controller_contact(controller),
            purposes=purposes_of(gathered.shown_on(ask.prompt), gathered=gathered, client=client),
            action=f"{visit.place}/{ask.prompt.value}",
            csrf_token=self._flow.csrf_token(visit),
            policy_url=client.policy_uri,
            shown=self._decide(visit, gathered, page=ask.prompt).text_sha256,
        )
        return page_answer(page)

    def submit(self, visit: Visit) -> Response:
        """Agree, or not.  RFC 6749 §4.1.2.1 `access_denied`."""
        if request.form.get("decision") != "accept":
            return self._flow.finish(visit, error_fields(AccessDenied("the person did not agree")))
        return self._answered(visit, page=Prompt.CONSENT)

    def informed(self, visit: Visit) -> Response:
        """The person has been told."""
        return self._answered(visit, page=Prompt.INFORMATION)

    def _answered(self, visit: Visit, *, page: Prompt) -> Response:
        gathered = self._flow.gather(visit)
        decision = self._decide(visit, gathered, page=page)
        if request.form.get("shown") != decision.text_sha256:
            # evidence is of what was read: another language or registration is shown first
            return see_other(visit.place)
        return self._flow.go_on(visit, decision=decision)

    def _decide(self, visit: Visit, gathered: Gathered, *, page: Prompt) -> Decision:
        shown = gathered.shown_on(page)
        optional = {item.key for item in shown.items if not item.is_required}
        return write_evidence(
            page=page,
            disclosure=shown,
            purposes=purposes_of(shown, gathered=gathered, client=visit.client),
            chosen=tuple(key for key in request.form.getlist("share") if key in optional),
            client=visit.client,
            controller=self._controller(visit),
        )

    def _controller(self, visit: Visit) -> Controller | None:
        return self._flow.services.registry.find_controller(
            visit.client.controller_id, now=visit.now
        )
