"""The person's passkeys: what they open, registering another, renaming, removing.

What lives here: `/account/passkeys`. All of it needs a sign-in with two factors that is not old,
and whose second factor did not come by message (`gate.py`): neither whoever knows a password alone,
nor whoever finds a browser that was left open, registers or ends anything. Registering asks for the
password as well: a passkey alone is two factors from then on, so a session is not enough for one,
however fresh it is. The challenge of a registration comes with the page and is taken once.
Source: architecture, J5; WebAuthn Level 3 §7.1.
Not here: what is taken (`idp/accounts/passkeys.py`), what ends with one (`idp/passkey_removal.py`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from flask import Blueprint, Response, abort, request

from idp.accounts.credentials import Passkey
from idp.accounts.errors import LastFactor
from idp.accounts.model import Account
from idp.accounts.passkeys import MOST_PASSKEYS, PasskeyRefused, read_new_credential
from idp.model import Session
from idp.services import Services
from idp.web.account.factors import PLACE as FACTORS
from idp.web.account.gate import is_without_messages
from idp.web.account.present_password import PresentPassword
from idp.web.answer import see_other
from idp.web.cookies import Cookies, make_browser_token
from idp.web.flow import CsrfFailed, page_answer
from idp.web.own_sign_in import OwnSignIn
from idp.web.pages import Page
from idp.web.passkey_pages import PasskeyRemovePage, PasskeysPage, ShownPasskey, StoppedKey
from idp.web.passkey_sentences import PASSKEY_PROBLEMS
from idp.web.request_facts import note_refusal
from idp.web.select_account import main_identifier
from idp.web.source import TrustedProxies

PLACE: Final = "/account/passkeys"
_LEVEL: Final = 2
_FRESH: Final = timedelta(minutes=10)
_FRESH_WHEN_SENT: Final = timedelta(minutes=20)
"""So that nobody who reads the page slowly is asked to sign in again by pressing its button."""


def make_passkeys(services: Services, *, cookies: Cookies, proxies: TrustedProxies) -> Blueprint:
    """The blueprint of `/account/passkeys`."""
    pages = _PasskeyPages(services, cookies=cookies, proxies=proxies)
    blueprint = Blueprint("passkeys", __name__)
    blueprint.add_url_rule(PLACE, "show", pages.show)
    blueprint.add_url_rule(PLACE, "register", pages.register, methods=["POST"])
    for name, act in (("rename", pages.rename), ("remove", pages.remove)):
        place = f"{PLACE}/<string(length=36):passkey_id>/{name}"
        blueprint.add_url_rule(place, name, act, methods=["POST"])
        # the language switch reloads by GET what a form answered
        blueprint.add_url_rule(place, f"{name}_again", pages.back)
    return blueprint


class _PasskeyPages:
    """The views."""

    def __init__(self, services: Services, *, cookies: Cookies, proxies: TrustedProxies) -> None:
        self._services = services
        self._signing = services.signing
        self._cookies = cookies
        self._present = PresentPassword(services, cookies, proxies)
        self._sign_in = OwnSignIn(services, cookies=cookies)

    def show(self) -> Response:
        """The list, and a form with a new challenge."""
        session = self._sign_in.find(level=_LEVEL, max_age=_FRESH)
        if session is None:
            return self._begin()
        if not is_without_messages(session, max_age=_FRESH, now=self._services.time()):
            return see_other(FACTORS)  # which says what is needed
        return self._page(session)

    def back(self, passkey_id: str) -> Response:  # noqa: ARG002 - in the address
        """Where a form of one passkey leads when it is loaded again."""
        return see_other(PLACE)

    def register(self) -> Response:
        """What the device made.  Raises CsrfFailed."""
        session = self._posted()
        if session is None:
            return self._begin()
        refused = self._present.refuse(self._account(session), now=self._services.time())
        if refused is not None:
            return _refused(PasskeyRefused(refused.reason))
        try:
            self._services.passkeys.finish(
                session.account_id,
                session_id=session.session_id,
                new=read_new_credential(request.form.get("credential", "")),
                name=request.form.get("name", ""),
                now=self._services.time(),
            )
        except PasskeyRefused as refusal:
            return _refused(refusal)
        return see_other(PLACE)

    def rename(self, passkey_id: str) -> Response:
        """Call one otherwise.  Raises CsrfFailed."""
        session = self._posted()
        if session is None:
            return self._begin()
        try:
            is_known = self._services.passkeys.rename(
                session.account_id, passkey_id, name=request.form.get("name", "")
            )
        except PasskeyRefused as refusal:
            return _refused(refusal)
        return see_other(PLACE) if is_known else _refused(PasskeyRefused("gone"))

    def remove(self, passkey_id: str) -> Response:
        """Ask once more, then end it.  Raises CsrfFailed."""
        session = self._posted()
        if session is None:
            return self._begin()
        now = self._services.time()
        known = self._services.passkeys.list_of(session.account_id)
        found = next((one for one in known if one.passkey_id == passkey_id), None)
        if found is None:
            return _refused(PasskeyRefused("gone"))
        if request.form.get("decision") == "remove":
            try:
                self._remove(session, found, now=now)
            except LastFactor:
                return _refused(PasskeyRefused("last"))
            return see_other(PLACE)
        browser = self._browser()
        page = PasskeyRemovePage(
            here=PLACE,
            passkey=self._shown(session, found, now=now),
            action=f"{PLACE}/{passkey_id}/remove",
            back_url=PLACE,
            is_for_signing=self._signing is not None,
            is_last=self._services.passkeys.is_last_factor(session.account_id, now=now),
            csrf_token=self._cookies.csrf_token(browser, place=PLACE),
        )
        return self._answer(page, browser=browser)

    def _remove(self, session: Session, found: Passkey, *, now: datetime) -> None:
        if self._signing is None:
            self._services.passkeys.remove(session.account_id, found.passkey_id, now=now)
        else:
            self._signing.passkey_removal.remove(session.account_id, found, now=now)

    def _posted(self) -> Session | None:
        if not self._cookies.is_csrf_token(request.form.get("csrf_token"), place=PLACE):
            raise CsrfFailed
        session = self._sign_in.find(level=_LEVEL, max_age=_FRESH_WHEN_SENT)
        now = self._services.time()
        if session is None or not is_without_messages(session, max_age=_FRESH_WHEN_SENT, now=now):
            return None
        return session

    def _begin(self) -> Response:
        return self._sign_in.begin(PLACE, level=_LEVEL, max_age=_FRESH)

    def _page(self, session: Session) -> Response:
        now, browser = self._services.time(), self._browser()
        account = self._account(session)
        passkeys = self._services.passkeys.list_of(session.account_id)
        problem = request.args.get("problem")
        page = PasskeysPage(
            here=PLACE,
            name=account.profile.name,
            passkeys=tuple(self._shown(session, one, now=now) for one in passkeys),
            action=PLACE,
            options=self._options(session, account, now=now)
            if len(passkeys) < MOST_PASSKEYS
            else "",
            csrf_token=self._cookies.csrf_token(browser, place=PLACE),
            problem=problem if problem in PASSKEY_PROBLEMS else None,
            is_for_signing=self._signing is not None,
            accepted=self._services.passkeys.accepted(account.account_id),
            asks_current=self._present.is_asked(account),
        )
        return self._answer(page, browser=browser)

    def _account(self, session: Session) -> Account:
        account = self._services.people.find_account(session.account_id)
        if account is None:
            abort(404)
        return account

    def _options(self, session: Session, account: Account, *, now: datetime) -> str:
        return self._services.passkeys.begin(
            account,
            session_id=session.session_id,
            label=f"•••{main_identifier(account)[-4:]}",
            now=now,
        )

    def _shown(self, session: Session, one: Passkey, *, now: datetime) -> ShownPasskey:
        keys: tuple[StoppedKey, ...] = ()
        alone_from = None
        if self._signing is not None:
            opened = self._signing.passkey_removal.opened_by(session.account_id, one, now=now)
            keys = tuple(
                StoppedKey(owner=key.owner, is_seal=key.is_seal, stops=key.stops) for key in opened
            )
            alone_from = self._signing.eligibility.alone_from(one)
        place = f"{PLACE}/{one.passkey_id}"
        return ShownPasskey(
            name=one.name,
            created_at=one.created_at,
            used_at=one.used_at,
            is_synced=one.is_backed_up,
            alone_from=None if alone_from is None or alone_from <= now else alone_from,
            keys=keys,
            rename_action=f"{place}/rename",
            remove_action=f"{place}/remove",
        )

    def _browser(self) -> str:
        return self._cookies.read_browser() or make_browser_token()

    def _answer(self, page: Page, *, browser: str) -> Response:
        response = page_answer(page)
        self._cookies.ensure_browser(response, browser)
        return response


def _refused(refusal: PasskeyRefused) -> Response:
    # the page that says so has another challenge, and may be loaded again
    code = f"passkey_{refusal.reason}"
    note_refusal(code)
    return see_other(f"{PLACE}?problem={code}")
