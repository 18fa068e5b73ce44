"""The consent step, and the information step where a law takes the place of consent.

What lives here: the forms and their page.  The words are made in `consent_text.py`.
Source: OpenID Connect Core §3.1.2.4; Law 91/2025/QH15 Art. 9.
"""

from __future__ import annotations

from flask import Response, request

from idp.oauth.authorization import Gathered
from idp.oauth.errors import AccessDenied
from idp.oauth.prompts import Ask, Prompt
from idp.web.authorize import error_fields
from idp.web.consent_evidence import write_evidence
from idp.web.consent_text import (
    controller_contact,
    controller_name,
    name_of,
    purposes_of,
)
from idp.web.flow import Flow, Visit, page_answer
from idp.web.pages import ConsentPage, InformationPage


class ConsentStep:
    """What is shared."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow

    def show(self, visit: Visit, gathered: Gathered, ask: Ask) -> Response:
        """The page: agreeing, or being told."""
        client = visit.client
        controller = self._flow.services.registry.find_controller(
            client.controller_id, now=visit.now
        )
        kind = ConsentPage if ask.prompt is Prompt.CONSENT else InformationPage
        page = kind(
            display=visit.interaction.request.display,
            here=visit.place,
            client_name=name_of(client),
            controller=controller_name(controller),
            dpo_contact=controller_contact(controller),
            purposes=purposes_of(gathered.disclosure, gathered=gathered, client=client),
            action=f"{visit.place}/{ask.prompt.value}",
            csrf_token=self._flow.csrf_token(visit),
            policy_url=client.policy_uri,
        )
        return page_answer(page)

    def submit(self, visit: Visit) -> Response:
        """Agree, or not.  RFC 6749 §4.1.2.1 `access_denied`."""
        if request.form.get("decision") != "accept":
            return self._flow.finish(visit, error_fields(AccessDenied("the person did not agree")))
        return self._agreed(visit, kind="consent")

    def informed(self, visit: Visit) -> Response:
        """The person has been told."""
        return self._agreed(visit, kind="information")

    def _agreed(self, visit: Visit, *, kind: str) -> Response:
        gathered = self._flow.gather(visit)
        client = visit.client
        optional = {item.scope for item in gathered.disclosure.items if not item.is_required}
        decision = write_evidence(
            kind=kind,
            purposes=purposes_of(gathered.disclosure, gathered=gathered, client=client),
            chosen=tuple(key for key in request.form.getlist("share") if key in optional),
            client=client,
            controller=self._flow.services.registry.find_controller(
                client.controller_id, now=visit.now
            ),
        )
        return self._flow.go_on(visit, decision=decision)
