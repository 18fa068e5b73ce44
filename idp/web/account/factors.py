"""The person's page of everything that is asked for beside the password.

What lives here: `/account/factors`: authenticator apps, codes by message on or off, recovery codes,
and whether a second factor is wanted always.  Who may change what is the gate's (`gate.py`).
Source: architecture, J5 and decision 10.
Not here: adding an app (`authenticators.py`), addresses (`contacts.py`), passkeys (`passkeys.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from flask import Blueprint, Response, request

from idp.accounts.authenticators import MOST_AUTHENTICATORS, NameUnusable
from idp.accounts.channels import Channel
from idp.accounts.contacts import Contact, ContactRefused
from idp.accounts.credentials import Totp
from idp.accounts.errors import FactorNotFresh, LastFactor
from idp.services import Services
from idp.web.account.gate import Changer, Gate
from idp.web.answer import see_other
from idp.web.cookies import Cookies, make_browser_token
from idp.web.factor_pages import (
    AuthenticatorRemovePage,
    FactorsPage,
    RecoveryCodesPage,
    ShownAuthenticator,
    ShownContact,
)
from idp.web.factor_sentences import FACTOR_PROBLEMS
from idp.web.flow import CsrfFailed, page_answer
from idp.web.request_facts import note_refusal

PLACE: Final = "/account/factors"
CHANNELS: Final = (Channel.SMS, Channel.EMAIL)
"""In the order of the pages."""
_HOUR_S: Final = 3600
_TOLD: Final = frozenset({"added", "removed", "changed", "recovered"})


def make_factors(services: Services, *, cookies: Cookies) -> Blueprint:
    """The blueprint of `/account/factors`."""
    pages = _FactorPages(services, cookies=cookies)
    blueprint = Blueprint("factors", __name__)
    blueprint.add_url_rule(PLACE, "show", pages.show)
    blueprint.add_url_rule(f"{PLACE}/sign-in", "sign_in_again", pages.sign_in_again)
    forms: dict[str, Callable[..., Response]] = {
        "by-message": pages.choose,
        "demand": pages.demand,
        "recovery-codes": pages.make_codes,
        "<string(length=36):totp_id>/rename": pages.rename,
        "<string(length=36):totp_id>/remove": pages.remove,
    }
    for name, act in forms.items():
        place, endpoint = f"{PLACE}/{name}", name.rpartition("/")[2]
        blueprint.add_url_rule(place, endpoint, act, methods=["POST"])
        # the language switch reloads by GET what a form answered
        blueprint.add_url_rule(place, f"{endpoint}_again", pages.back)
    return blueprint


class _FactorPages:
    """The views."""

    def __init__(self, services: Services, *, cookies: Cookies) -> None:
        self._services = services
        self._factors = services.factors
        self._cookies = cookies
        self._gate = Gate(services, cookies=cookies)

    def show(self) -> Response:
        """Everything there is."""
        found = self._gate.find(PLACE)
        if isinstance(found, Response):
            return found
        problem = request.args.get("problem")
        return self._page(found, problem=problem if problem in FACTOR_PROBLEMS else None)

    def back(self, totp_id: str = "") -> Response:  # noqa: ARG002 - in the address
        """Where a form leads when it is loaded again."""
        return see_other(PLACE)

    def rename(self, totp_id: str) -> Response:
        """Call an app otherwise.  Raises CsrfFailed."""
        found = self._changer()
        if isinstance(found, Response):
            return found
        try:
            is_there = self._factors.authenticators.rename(
                found.account.account_id, totp_id, name=request.form.get("name", "")
            )
        except NameUnusable:
            return _refused("name")
        return see_other(PLACE) if is_there else _refused("gone")

    def remove(self, totp_id: str) -> Response:
        """Ask once more, then forget an app.  Raises CsrfFailed."""
        found = self._changer()
        if isinstance(found, Response):
            return found
        account_id = found.account.account_id
        apps = self._factors.authenticators.list_of(account_id)
        app = next((one for one in apps if one.totp_id == totp_id), None)
        if app is None:
            return _refused("gone")
        if request.form.get("decision") == "remove":
            try:
                self._factors.authenticators.remove(account_id, totp_id, now=self._services.time())
            except LastFactor as refusal:
                return _refused(refusal.code)
            return see_other(f"{PLACE}?told=removed")
        held = self._services.people.second_factors(account_id)
        others = len(apps) > 1 or held.has_passkey or held.sms_from or held.email_from
        browser = self._browser()
        page = AuthenticatorRemovePage(
            here=PLACE,
            app=_shown(app),
            is_last=not others,
            action=f"{PLACE}/{totp_id}/remove",
            back_url=PLACE,
            csrf_token=self._cookies.csrf_token(browser, place=PLACE),
        )
        response = page_answer(page)
        self._cookies.ensure_browser(response, browser)
        return response

    def choose(self) -> Response:
        """Codes by message on or off, for one address.  Raises CsrfFailed."""
        found = self._changer(may_be_by_message=request.form.get("decision") == "off")
        if isinstance(found, Response):
            return found
        channel = next((one for one in Channel if one.value == request.form.get("channel")), None)
        is_factor = request.form.get("decision") == "on"
        if channel is None or (is_factor and channel not in self._services.delivery.channels):
            return see_other(PLACE)
        try:
            self._factors.contacts.choose(
                found.account.account_id,
                channel,
                is_factor=is_factor,
                mark=request.form.get("mark", ""),
                now=self._services.time(),
            )
        except ContactRefused as refusal:
            return _refused(refusal.reason)
        except LastFactor as refusal:
            return _refused(refusal.code)
        return see_other(f"{PLACE}?told=changed")

    def demand(self) -> Response:
        """A second factor at every sign-in, or where a portal wants it.  Raises CsrfFailed."""
        found = self._changer()
        if isinstance(found, Response):
            return found
        is_demanded = request.form.get("decision") == "always"
        try:
            self._factors.authenticators.demand(
                found.account.account_id, is_demanded=is_demanded, now=self._services.time()
            )
        except LastFactor:
            return _refused("no_factor")
        return see_other(f"{PLACE}?told=changed")

    def make_codes(self) -> Response:
        """Ten new recovery codes, on a page that is shown once.  Raises CsrfFailed."""
        found = self._changer()
        if isinstance(found, Response):
            return found
        now = self._services.time()
        try:
            codes = self._factors.recovery_codes.make(found.account.account_id, now=now)
        except FactorNotFresh:
            return _refused("no_factor")
        return page_answer(RecoveryCodesPage(here=PLACE, codes=codes, made_at=now, back_url=PLACE))

    def sign_in_again(self) -> Response:
        """To the sign-in pages: for a factor that did not come by message, or for the first of all.

        Whoever has none is asked there for the activation code.
        """
        found = self._gate.find(PLACE)
        if isinstance(found, Response):
            return found
        held = self._services.people.second_factors(found.account.account_id)
        return self._gate.begin_with_both(PLACE, is_anew=held.has_any)

    def _changer(self, *, may_be_by_message: bool = False) -> Changer | Response:
        """Who sent a form, with both factors given just now.  Raises CsrfFailed."""
        if not self._cookies.is_csrf_token(request.form.get("csrf_token"), place=PLACE):
            raise CsrfFailed
        found = self._gate.find(PLACE, is_sent=True)
        if isinstance(found, Response) or found.has_both_factors:
            return found
        if found.is_by_message:
            return found if may_be_by_message else see_other(PLACE)
        return self._gate.begin_with_both(PLACE)

    def _page(self, found: Changer, *, problem: str | None) -> Response:
        now, account = self._services.time(), found.account
        held = self._services.people.second_factors(account.account_id)
        apps = self._factors.authenticators.list_of(account.account_id)
        left = self._factors.recovery_codes.left(account.account_id)
        contacts = self._factors.contacts.of(account)
        browser = self._browser()
        told = request.args.get("told", "")
        page = FactorsPage(
            here=PLACE,
            name="" if problem else account.profile.name,
            action=PLACE,
            csrf_token=self._cookies.csrf_token(browser, place=PLACE),
            has_any=held.has_any,
            may_add=found.may_add,
            is_recovering=found.is_recovering,
            is_by_message=found.is_by_message,
            is_demanded=account.demands_second_factor,
            authenticators=tuple(_shown(one) for one in apps),
            can_add_app=len(apps) < MOST_AUTHENTICATORS,
            contacts=tuple(
                shown_contact(contacts[channel], reached=self._services.delivery.channels, now=now)
                for channel in CHANNELS
            ),
            passkeys=None
            if self._services.signing is None
            else len(self._services.passkeys.list_of(account.account_id)),
            codes_left=left.count,
            codes_made_at=left.made_at,
            wait_hours=self._services.settings.changed_contact_wait_s // _HOUR_S,
            is_for_signing=self._services.signing is not None,
            problem=problem,
            told=told if told in _TOLD else "",
        )
        response = page_answer(page, problem=problem)
        self._cookies.ensure_browser(response, browser)
        return response

    def _browser(self) -> str:
        return self._cookies.read_browser() or make_browser_token()


def shown_contact(contact: Contact, *, reached: frozenset[Channel], now: datetime) -> ShownContact:
    """An address as pages show it.  Takes   reached: where this service can send anything."""
    return ShownContact(
        channel=contact.channel.value,
        masked=contact.masked,
        is_verified=contact.is_verified,
        mark=contact.mark,
        serves_from=contact.serves_from,
        is_waiting=contact.serves_from is not None and not contact.serves(now),
        used_at=contact.used_at,
        action=f"{PLACE}/by-message",
        can_send=contact.channel in reached,
    )


def _shown(app: Totp) -> ShownAuthenticator:
    return ShownAuthenticator(
        name=app.name,
        created_at=app.created_at,
        used_at=app.used_at,
        rename_action=f"{PLACE}/{app.totp_id}/rename",
        remove_action=f"{PLACE}/{app.totp_id}/remove",
    )


def _refused(problem: str) -> Response:
    note_refusal(f"factor_{problem}")
    return see_other(f"{PLACE}?problem={problem}")
