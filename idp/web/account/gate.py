"""Who may change what somebody signs in with, and how they are reached.

What lives here: one door for all of those pages.  Three keys open it, each given within the last
minutes (`factor_change_fresh_s`):

1. both factors, the second an app or a passkey: whoever took over a telephone number beside a
   password must not bind a factor with it that signs documents three days later.  A code by message
   switches codes by message off, and opens nothing else;
2. the password and a recovery code: another factor may be added, and nothing else changed, until
   that factor was used;
3. the password alone, of somebody who has no second factor: addresses may be changed, and no factor
   added, or a stolen password would become two; and not soon after codes by message were switched
   off (`idp/accounts/contacts.py`), or a stolen number would take the addresses with it.

So neither a stolen password nor a browser that was left open changes anything of somebody who has a
second factor.
Source: architecture, decision 10; OWASP ASVS 7.5.1; NIST SP 800-63B-4 §4.1.2 (binding).
Not here: what is changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from flask import Response

from idp.accounts.model import Account
from idp.model import AuthLevel, Factor, Session
from idp.oauth.assurance import assess
from idp.services import Services
from idp.web.cookies import Cookies
from idp.web.own_sign_in import OwnSignIn

_MESSAGES: Final = frozenset({Factor.SMS_CODE, Factor.EMAIL_CODE})
_WHEN_SENT: Final = 2
"""So that nobody who reads a page slowly is asked to sign in again by pressing its button."""


@dataclass(frozen=True, slots=True)
class Changer:
    """Who is there, and what they have shown just now.

    `is_by_message`: both factors, of which the second came by message.
    """

    session: Session
    account: Account
    has_both_factors: bool
    is_recovering: bool = False
    is_by_message: bool = False

    @property
    def may_add(self) -> bool:
        """Whether another factor may be added."""
        return self.has_both_factors or self.is_recovering


class Gate:
    """For the pages of factors and addresses; safe to share between threads."""

    def __init__(self, services: Services, *, cookies: Cookies) -> None:
        self._services = services
        self._cookies = cookies
        self._sign_in = OwnSignIn(services, cookies=cookies)

    def find(self, place: str, *, is_sent: bool = False) -> Changer | Response:
        """Who is there; or the way to the sign-in pages and back to `place`.

        Takes   is_sent: a form of such a page was sent.
        """
        fresh = timedelta(seconds=self._services.settings.factor_change_fresh_s)
        max_age = _WHEN_SENT * fresh if is_sent else fresh
        session = self._sign_in.find(level=2, max_age=max_age)
        if session is not None:
            is_sure = is_without_messages(session, max_age=max_age, now=self._services.time())
            found = self._changer(session, has_both_factors=is_sure, is_by_message=not is_sure)
            return found or self._begin(place, fresh)
        session = self._find_recovering(max_age)
        if session is not None:
            found = self._changer(session, has_both_factors=False, is_recovering=True)
            return found or self._begin(place, fresh)
        session = self._sign_in.find(level=1, max_age=max_age)
        if session is None:
            anybody = self._sign_in.find(level=1)
            needs_two = anybody is not None and self._has_second_factor(anybody)
            return self._begin(place, fresh, level=2 if needs_two else 1)
        if self._has_second_factor(session):
            return self._begin(place, fresh, level=2)
        return self._changer(session, has_both_factors=False) or self._begin(place, fresh)

    def begin_with_both(self, place: str, *, is_anew: bool = False) -> Response:
        """The way to the sign-in pages, where both factors are asked for, and back.

        Takes   is_anew: also of somebody who has just given both.
        """
        fresh = timedelta(seconds=self._services.settings.factor_change_fresh_s)
        return self._sign_in.begin(place, level=2, max_age=fresh, is_anew=is_anew)

    def _begin(self, place: str, fresh: timedelta, *, level: int = 1) -> Response:
        return self._sign_in.begin(place, level=level, max_age=fresh)

    def _changer(
        self,
        session: Session,
        *,
        has_both_factors: bool,
        is_recovering: bool = False,
        is_by_message: bool = False,
    ) -> Changer | None:
        account = self._services.people.find_account(session.account_id)
        if account is None:
            return None
        return Changer(session, account, has_both_factors, is_recovering, is_by_message)

    def _has_second_factor(self, session: Session) -> bool:
        return self._services.people.second_factors(session.account_id).has_any

    def _find_recovering(self, max_age: timedelta) -> Session | None:
        """A session in which the password and a recovery code were given."""
        now = self._services.time()
        token = self._cookies.read_session()
        found = None
        if token is not None:
            found = self._services.sessions.find_with_account(token, now=now)
        if found is None or found[1] is None or not found[1].is_active:
            return None
        session = found[0]
        given = {one.factor for one in session.factors if _is_fresh(one.at, max_age, now=now)}
        return session if {Factor.PASSWORD, Factor.RECOVERY_CODE} <= given else None


def is_without_messages(session: Session, *, max_age: timedelta, now: datetime) -> bool:
    """Whether a session is at level 2 by what was given lately, codes by message left out."""
    factors = [one for one in session.factors if one.factor not in _MESSAGES]
    reached = assess(factors, now=now, max_age=max_age, started_at=now, only_since_start=False)
    return reached.level is AuthLevel.TWO


def _is_fresh(at: datetime, max_age: timedelta, *, now: datetime) -> bool:
    return now - at <= max_age
