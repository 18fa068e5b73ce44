"""The password that somebody has now, asked for once more beside an act.

What lives here: whoever binds or changes what signs in gives it in the form itself.  A session that
was stolen a minute after its owner signed in is as fresh as can be, and still knows no password.
Tries are counted like those of a sign-in.
Source: architecture, J5; OWASP ASVS 6.2.3, 7.5.1; NIST SP 800-63B-4 §4.1.2 (binding).
Not here: which acts ask for it (the pages).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import request

from idp.accounts.login import LoginRefused, RefusalReason
from idp.accounts.model import Account
from idp.model import Factor
from idp.services import Services
from idp.web.cookies import Cookies
from idp.web.request import source_of_attempt
from idp.web.request_facts import note_factor
from idp.web.select_account import main_identifier
from idp.web.source import TrustedProxies

FIELD = "current_password"


@dataclass(frozen=True, slots=True)
class RefusedPassword:
    """Why it is not taken: current_missing, current_wrong or too_many_attempts."""

    reason: str
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PresentPassword:
    """For pages of ours; safe to share between threads."""

    services: Services
    cookies: Cookies
    proxies: TrustedProxies

    def is_asked(self, account: Account) -> bool:
        """Whether there is one to ask for."""
        return self.services.password_change.has_password(account.account_id)

    def refuse(self, account: Account, *, now: datetime) -> RefusedPassword | None:
        """Why the form that was sent goes no further; None: it is right, or there is none to give.

        Raises  StorageUnavailable.
        """
        if not self.is_asked(account):
            return None
        raw_password = request.form.get(FIELD, "")
        if not raw_password:
            return RefusedPassword("current_missing")
        result = self.services.login.check_password(
            raw_identifier=main_identifier(account),
            raw_password=raw_password,
            source=source_of_attempt(self.proxies, self.cookies),
            now=now,
        )
        outcome = result.reason if isinstance(result, LoginRefused) else "accepted"
        note_factor(Factor.PASSWORD, outcome=outcome)
        if isinstance(result, LoginRefused):
            is_late = result.reason is RefusalReason.TOO_MANY
            reason = "too_many_attempts" if is_late else "current_wrong"
            return RefusedPassword(reason, retry_at=result.retry_at)
        if result.account_id != account.account_id:
            return RefusedPassword("current_wrong")
        return None
