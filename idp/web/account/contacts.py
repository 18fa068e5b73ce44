"""The person's e-mail address and telephone number, and changing them.

What lives here: `/account/contacts`.  An address counts once a code that was sent there was typed;
who may is the gate's (`gate.py`).  Who came with a recovery code changes no address before another
factor was bound and used.
Source: architecture, J5; NIST SP 800-63B-4 §4.6.
Not here: what an address is good for (`factors.py`), the rules (`idp/accounts/contacts.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from flask import Blueprint, Response, abort, request

from idp.accounts.channels import Channel
from idp.accounts.contacts import ContactRefused
from idp.accounts.countries import CountryNotServed
from idp.accounts.errors import FactorNotFresh, LastFactor, TooManyAttempts
from idp.accounts.message_codes import SendingRefused
from idp.services import Services
from idp.web.account.factors import CHANNELS, shown_contact
from idp.web.account.factors import PLACE as FACTORS
from idp.web.account.gate import Changer, Gate
from idp.web.answer import see_other
from idp.web.cookies import Cookies, make_browser_token
from idp.web.factor_pages import ContactsPage, ShownChannel, ShownPending
from idp.web.flow import CsrfFailed, page_answer
from idp.web.request import source_of_attempt
from idp.web.request_facts import note_refusal
from idp.web.source import TrustedProxies

PLACE: Final = "/account/contacts"
_HOUR_S: Final = 3600
_FIELDS: Final = {Channel.SMS: "phone", Channel.EMAIL: "email"}


def make_contacts(services: Services, *, cookies: Cookies, proxies: TrustedProxies) -> Blueprint:
    """The blueprint of `/account/contacts`."""
    pages = _ContactPages(services, cookies=cookies, proxies=proxies)
    blueprint = Blueprint("contacts", __name__)
    blueprint.add_url_rule(PLACE, "show", pages.show)
    for name, act in (("change", pages.change), ("confirm", pages.confirm)):
        place = f"{PLACE}/<channel>/{name}"
        blueprint.add_url_rule(place, name, act, methods=["POST"])
        # the language switch reloads by GET what a form answered
        blueprint.add_url_rule(place, f"{name}_again", pages.back)
    return blueprint


class _ContactPages:
    """The views."""

    def __init__(self, services: Services, *, cookies: Cookies, proxies: TrustedProxies) -> None:
        self._services = services
        self._contacts = services.factors.contacts
        self._cookies = cookies
        self._proxies = proxies
        self._gate = Gate(services, cookies=cookies)

    def show(self) -> Response:
        """Both addresses, and what waits for a code."""
        found = self._found(is_sent=False)
        return found if isinstance(found, Response) else self._page(found)

    def back(self, channel: str) -> Response:  # noqa: ARG002 - in the address
        """Where a form leads when it is loaded again."""
        return see_other(PLACE)

    def change(self, channel: str) -> Response:
        """Send a code to a new address, or another one, or forget what waits.

        Raises  CsrfFailed.
        """
        which, found = _channel(channel), self._posted()
        if isinstance(found, Response):
            return found
        decision = request.form.get("decision", "")
        if decision == "give_up":
            self._contacts.give_up(which, session_id=found.session.session_id)
            return see_other(PLACE)
        if which not in self._services.delivery.channels:
            return see_other(PLACE)
        return self._try(found, which, lambda: self._send(found, which, decision=decision))

    def confirm(self, channel: str) -> Response:
        """The code that came.  Raises CsrfFailed."""
        which, found = _channel(channel), self._posted()
        if isinstance(found, Response):
            return found
        raw_code = request.form.get("otp", "")
        if not raw_code.strip():
            return self._page(found, wrong=which, problem="code_missing")

        def act() -> Response:
            self._contacts.confirm(
                found.account.account_id,
                which,
                raw_code=raw_code,
                session_id=found.session.session_id,
                has_both_factors=found.has_both_factors,
                source=source_of_attempt(self._proxies, self._cookies),
                now=self._services.time(),
            )
            return see_other(f"{PLACE}?told={which.value}")

        return self._try(found, which, act)

    def _send(self, found: Changer, which: Channel, *, decision: str) -> Response:
        source, now = source_of_attempt(self._proxies, self._cookies), self._services.time()
        if decision == "resend":
            self._contacts.resend(
                found.account.account_id,
                which,
                session_id=found.session.session_id,
                source=source,
                now=now,
            )
        else:
            self._contacts.begin(
                found.account,
                which,
                raw_address=request.form.get(_FIELDS[which], ""),
                session_id=found.session.session_id,
                has_both_factors=found.has_both_factors,
                source=source,
                now=now,
            )
        return see_other(PLACE)

    def _try(self, found: Changer, which: Channel, act: Callable[[], Response]) -> Response:
        """Act, or say at its place what is wrong."""
        try:
            return act()
        except ContactRefused as refusal:
            problem = _PROBLEMS.get(refusal.reason, refusal.reason)
            if problem == "malformed":
                problem = f"malformed_{which.value}"
            return self._page(
                found,
                wrong=which,
                problem=problem,
                attempts_left=refusal.attempts_left,
                retry_at=refusal.retry_at,
            )
        except CountryNotServed:
            return self._page(found, wrong=which, problem="country_not_served")
        except SendingRefused as refusal:
            return self._page(
                found, wrong=which, problem="sending_refused", retry_at=refusal.retry_at
            )
        except TooManyAttempts as refusal:
            at = refusal.retry_at
            return self._page(found, wrong=which, problem="too_many_attempts", retry_at=at)
        except LastFactor:
            return self._page(found, wrong=which, problem="last_factor")
        except FactorNotFresh:
            return self._gate.begin_with_both(PLACE)

    def _posted(self) -> Changer | Response:
        if not self._cookies.is_csrf_token(request.form.get("csrf_token"), place=PLACE):
            raise CsrfFailed
        return self._found(is_sent=True)

    def _found(self, *, is_sent: bool) -> Changer | Response:
        found = self._gate.find(PLACE, is_sent=is_sent)
        if isinstance(found, Response):
            return found
        if found.is_by_message:
            return see_other(FACTORS)  # which says what is needed
        if not found.is_recovering:
            return found
        return self._gate.begin_with_both(PLACE)

    def _page(
        self,
        found: Changer,
        *,
        wrong: Channel | None = None,
        problem: str | None = None,
        attempts_left: int | None = None,
        retry_at: datetime | None = None,
    ) -> Response:
        if problem is not None:
            note_refusal(f"contact_{problem}")
        # read again: it may be what was changed meanwhile
        account = self._services.people.find_account(found.account.account_id)
        if account is None:
            abort(404)
        now, contacts = self._services.time(), self._contacts.of(account)
        browser = self._cookies.read_browser() or make_browser_token()
        told = request.args.get("told", "")
        page = ContactsPage(
            here=PLACE,
            channels=tuple(
                ShownChannel(
                    contact=shown_contact(
                        contacts[channel], reached=self._services.delivery.channels, now=now
                    ),
                    action=f"{PLACE}/{channel.value}",
                    pending=self._pending(found, channel, now=now),
                )
                for channel in CHANNELS
            ),
            csrf_token=self._cookies.csrf_token(browser, place=PLACE),
            wait_hours=self._services.settings.changed_contact_wait_s // _HOUR_S,
            wrong="" if wrong is None else wrong.value,
            problem=problem,
            attempts_left=attempts_left,
            retry_at=retry_at,
            told=told if told in {"sms", "email"} else "",
        )
        response = page_answer(page, problem=problem)
        self._cookies.ensure_browser(response, browser)
        return response

    def _pending(self, found: Changer, channel: Channel, *, now: datetime) -> ShownPending | None:
        waiting = self._contacts.find_pending(
            found.account.account_id, channel, session_id=found.session.session_id, now=now
        )
        if waiting is None:
            return None
        sent = waiting.sent
        resend_s = 0 if sent is None else int((sent.resend_at - now).total_seconds())
        return ShownPending(
            masked=waiting.masked, is_out=sent is not None, resend_s=max(0, resend_s)
        )


_PROBLEMS: Final = {"wrong_code": "wrong_sent_code"}


def _channel(raw: str) -> Channel:
    found = next((one for one in Channel if one.value == raw), None)
    return abort(404) if found is None else found
