"""What the pages of the forgotten password show, put together.

What lives here: one function per page.  Not here: what a form does (`blueprint.py`), templates.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Response

from idp.accounts.addresses import mask_address
from idp.accounts.password_reset import Second
from idp.accounts.passwords import MIN_NEW_PASSWORD_CHARS
from idp.accounts.reset_attempts import CODE_DIGITS, SENT_LIFETIME, Attempt, Way
from idp.services import Services
from idp.web.cookies import Cookies
from idp.web.flow import page_answer
from idp.web.pages import Page
from idp.web.recovery_pages import (
    ForgotPage,
    NewPasswordPage,
    ResetDonePage,
    ResetGonePage,
    ResetLinkPage,
    SecondProofPage,
    SentPage,
)
from idp.web.reset.place import PLACE

_DAY = timedelta(days=1)


class ResetShown:
    """Safe to share between threads."""

    def __init__(self, services: Services, *, cookies: Cookies) -> None:
        self._services = services
        self._cookies = cookies
        self._reset = services.recovering.reset

    @property
    def ways(self) -> tuple[Way, ...]:
        """How the first proof can be sent here."""
        return tuple(one for one in Way if one.channel in self._services.delivery.channels)

    def form(
        self, *, browser: str, back: str, way: Way, identifier: str, problem: str | None,
        retry_at: datetime | None,
    ) -> ForgotPage:  # fmt: skip
        """Whose password it is."""
        return ForgotPage(
            here=f"{PLACE}?from={back}" if back else PLACE,
            action=PLACE,
            csrf_token=self._cookies.csrf_token(browser, place=PLACE),
            back=back,
            identifier=identifier[:64],
            way=way.value,
            ways=tuple(one.value for one in self.ways),
            problem=problem,
            retry_at=retry_at,
        )

    def sent(self, attempt: Attempt, *, problem: str | None = None) -> SentPage:
        """What was sent."""
        place = _place(attempt)
        return SentPage(
            here=place,
            action=f"{place}/code",
            csrf_token=self._token(place),
            way=attempt.way.value,
            digits=CODE_DIGITS,
            minutes=SENT_LIFETIME // timedelta(minutes=1),
            again_url=f"{PLACE}?from={attempt.back}" if attempt.back else PLACE,
            problem=problem,
        )

    def link(self, token: str) -> ResetLinkPage:
        """A link that was opened where it was asked for."""
        place = f"{PLACE}/link/{token}"
        return ResetLinkPage(here=place, action=place, csrf_token=self._token(place))

    def second(
        self,
        attempt: Attempt,
        *,
        shown: str = "",
        problem: str | None = None,
        retry_at: datetime | None = None,
    ) -> SecondProofPage:
        """The second proof."""
        place, can = _place(attempt), self._reset.seconds(attempt, now=self._services.time())
        return SecondProofPage(
            here=place,
            csrf_token=self._token(place),
            app_action=f"{place}/app",
            activation_action=f"{place}/activation",
            other_action=f"{place}/other",
            other_send_action=f"{place}/send",
            passkey_action=f"{place}/passkey",
            passkey_options=self._reset.ask_passkey(attempt, now=self._services.time()),
            has_app=can.has_app,
            recovery_action=f"{place}/recovery" if can.has_recovery_codes else "",
            other=""
            if can.other is None
            else mask_address(can.other.address, channel=can.other.channel),
            is_other_sent=attempt.is_other_sent,
            digits=CODE_DIGITS,
            shown=shown,
            problem=problem,
            retry_at=retry_at,
        )

    def password(self, attempt: Attempt, *, problem: str | None = None) -> NewPasswordPage:
        """The new password."""
        place = _place(attempt)
        return NewPasswordPage(
            here=place,
            action=f"{place}/password",
            csrf_token=self._token(place),
            least_chars=MIN_NEW_PASSWORD_CHARS,
            caps=attempt.second != Second.ACTIVATION,
            problem=problem,
        )

    def done(self, *, back: str) -> ResetDonePage:
        """The password was set."""
        return ResetDonePage(
            here=f"{PLACE}/done?from={back}",
            continue_url=f"/interaction/{back}" if back else "/account",
            days=max(1, timedelta(seconds=self._services.settings.recovery_wait_s) // _DAY),
        )

    def gone(self, kind: str, attempt: Attempt | None = None) -> ResetGonePage:
        """Nothing was done, and what to do."""
        goes_on = "" if attempt is None else _place(attempt)
        return ResetGonePage(here=PLACE, kind=kind, again_url=PLACE, continue_url=goes_on)

    def _token(self, place: str) -> str:
        return self._cookies.csrf_token(self._cookies.read_browser() or "", place=place)


def answer(page: Page, *, problem: str | None = None, status: int = 200) -> Response:
    """A page, with what it says in its status."""
    return page_answer(page, problem=problem, status=status)


def _place(attempt: Attempt) -> str:
    return f"{PLACE}/{attempt.attempt_id}"
