"""The pages of the forgotten password: which step has which address.

What lives here: `/forgot` and what it leads to.  An attempt belongs to the browser that began it;
another one is told so and nothing happens.  A link does nothing by being opened: mail readers and
scanners do that; its form takes it.
Source: architecture, J5; NIST SP 800-63B-4 §4.2; OWASP Cheat Sheet "Forgot Password".
Not here: what a proof is worth (`idp/accounts/password_reset.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from flask import Blueprint, Response, request

from idp.accounts.errors import PasswordUnusable, TooManyAttempts
from idp.accounts.identifiers import IdentifierProblem
from idp.accounts.login import Source
from idp.accounts.password_reset import IdentifierMalformed, ProofRefused, Second
from idp.accounts.reset_attempts import Attempt, AttemptElsewhere, AttemptGone, SentWrong, Way
from idp.errors import SecondFactorUnavailable
from idp.services import Services
from idp.web.answer import see_other
from idp.web.cookies import Cookies, make_browser_token
from idp.web.flow import CsrfFailed
from idp.web.pages import Page
from idp.web.request import source_of_attempt
from idp.web.request_facts import note_refusal
from idp.web.reset.place import PLACE
from idp.web.reset.shown import ResetShown, answer
from idp.web.source import TrustedProxies

_ATTEMPT: Final = re.compile(r"rst_[0-9a-f]{32}", re.ASCII)
_INTERACTION: Final = re.compile(r"int_[0-9a-f]{32}", re.ASCII)
_PROBLEMS: Final = {
    IdentifierProblem.MALFORMED: "identifier_format",
    IdentifierProblem.TAX_CODE_MALFORMED: "tax_format",
    IdentifierProblem.ORGANISATION: "organisation_identifier",
}


def make_reset(services: Services, *, cookies: Cookies, proxies: TrustedProxies) -> Blueprint:
    """The blueprint of `/forgot`."""
    pages = _ResetPages(services, cookies=cookies, proxies=proxies)
    blueprint = Blueprint("reset", __name__)
    one = f"{PLACE}/<string(maxlength=40):attempt_id>"
    blueprint.add_url_rule(PLACE, "begin", pages.begin)
    blueprint.add_url_rule(PLACE, "ask", pages.ask, methods=["POST"])
    blueprint.add_url_rule(f"{PLACE}/done", "done", pages.done)
    link = f"{PLACE}/link/<string(maxlength=128):token>"
    blueprint.add_url_rule(link, "link", pages.open_link)
    blueprint.add_url_rule(link, "take_link", pages.take_link, methods=["POST"])
    blueprint.add_url_rule(one, "show", pages.show)
    for name, act in (
        ("code", pages.code),
        ("app", pages.second_by(Second.APP, "otp")),
        ("passkey", pages.second_by(Second.PASSKEY, "credential")),
        ("other", pages.second_by(Second.OTHER, "otp")),
        ("recovery", pages.second_by(Second.RECOVERY, "recovery_code")),
        ("activation", pages.second_by(Second.ACTIVATION, "activation_code")),
        ("send", pages.send_other),
        ("password", pages.password),
    ):
        blueprint.add_url_rule(f"{one}/{name}", name, pages.posted(act), methods=["POST"])
        # the language switch reloads by GET what a form answered with a problem
        blueprint.add_url_rule(f"{one}/{name}", f"{name}_again", pages.show)
    return blueprint


Act = Callable[[Attempt], Response]


class _ResetPages:
    """The views."""

    def __init__(self, services: Services, *, cookies: Cookies, proxies: TrustedProxies) -> None:
        self._services = services
        self._cookies = cookies
        self._proxies = proxies
        self._reset = services.recovering.reset
        self._tries = services.recovering.tries
        self._shown = ResetShown(services, cookies=cookies)

    # -- asking ------------------------------------------------------------------------------------

    def begin(self) -> Response:
        """The form."""
        return self._form(back=_back(request.args.get("from", "")), way=self._way(""))

    def ask(self) -> Response:
        """Have the first proof sent; what is said is the same whoever was asked about."""
        self._check_form(PLACE)
        raw, back = request.form.get("identifier", ""), _back(request.form.get("from", ""))
        way = self._way(request.form.get("way", ""))
        if not self._shown.ways:
            return self._form(back=back)
        if not raw.strip():
            return self._form(back=back, way=way, problem="identifier_missing")
        try:
            attempt_id = self._reset.ask(
                raw_identifier=raw,
                way=way,
                browser=self._cookies.read_browser() or "",
                back=back,
                source=self._source(),
                now=self._services.time(),
            )
        except IdentifierMalformed as malformed:
            problem = _PROBLEMS[malformed.problem]
            return self._form(back=back, way=way, identifier=raw, problem=problem)
        except TooManyAttempts as limit:
            return self._form(
                back=back, way=way, identifier=raw, problem="too_many_attempts", limit=limit
            )
        return see_other(f"{PLACE}/{attempt_id}")

    def _form(
        self,
        *,
        back: str,
        way: Way = Way.EMAIL_LINK,
        identifier: str = "",
        problem: str | None = None,
        limit: TooManyAttempts | None = None,
    ) -> Response:
        browser = self._cookies.read_browser() or make_browser_token()
        page = self._shown.form(
            browser=browser, back=back, way=way, identifier=identifier, problem=problem,
            retry_at=None if limit is None else limit.retry_at,
        )  # fmt: skip
        response = answer(page, problem=problem)
        self._cookies.ensure_browser(response, browser)
        return response

    # -- an attempt --------------------------------------------------------------------------------

    def show(self, attempt_id: str) -> Response:
        """The step that comes next."""
        return self._with(attempt_id, lambda attempt: answer(self._step(attempt)))

    def posted(self, act: Act) -> Callable[[str], Response]:
        """A form of ours, in the browser whose attempt it is."""

        def view(attempt_id: str) -> Response:
            self._check_form(f"{PLACE}/{attempt_id}")
            return self._with(attempt_id, act)

        return view

    def code(self, attempt: Attempt) -> Response:
        """The first proof as a code."""
        return self._prove_first(attempt, request.form.get("otp", ""))

    def open_link(self, token: str) -> Response:
        """The link, opened: the form that takes it, or what to do instead."""
        attempt_id, _, _secret = token.partition(".")

        def look(attempt: Attempt) -> Response:
            if attempt.account_id:
                return answer(self._shown.gone("used", attempt))
            return answer(self._shown.link(token))

        return self._with(attempt_id, look)

    def take_link(self, token: str) -> Response:
        """The first proof as a link.  Raises CsrfFailed."""
        attempt_id, _, secret = token.partition(".")
        self._check_form(f"{PLACE}/link/{token}")

        def take(attempt: Attempt) -> Response:
            if attempt.account_id:
                return answer(self._shown.gone("used", attempt))
            if attempt.way is not Way.EMAIL_LINK:
                return answer(self._shown.gone("gone"))
            return self._prove_first(attempt, secret)

        return self._with(attempt_id, take)

    def _prove_first(self, attempt: Attempt, raw: str) -> Response:
        if attempt.account_id:
            return see_other(f"{PLACE}/{attempt.attempt_id}")
        try:
            self._reset.prove_first(attempt, raw=raw, now=self._services.time())
        except SentWrong:
            note_refusal("reset_sent_wrong")
            if attempt.way is Way.EMAIL_LINK:
                return answer(self._shown.gone("gone"))
            return answer(self._shown.sent(attempt, problem="wrong_code"), problem="wrong_code")
        return see_other(f"{PLACE}/{attempt.attempt_id}")

    def second_by(self, second: Second, field: str) -> Act:
        """The second proof, one of them."""

        def act(attempt: Attempt) -> Response:
            raw = request.form.get(field, "")
            problem, limit = None, None
            try:
                self._reset.prove_second(
                    attempt, second=second, raw=raw, source=self._source(),
                    now=self._services.time(),
                )  # fmt: skip
            except SentWrong:
                problem = f"{second}_wrong"
            except ProofRefused:
                problem = f"{second}_wrong"
            except SecondFactorUnavailable:
                problem = "away"
            except TooManyAttempts as late:
                problem, limit = "too_many_attempts", late
            if problem is None:
                return see_other(f"{PLACE}/{attempt.attempt_id}")
            note_refusal(f"reset_{problem}")
            page = self._shown.second(
                attempt,
                shown=second.value,
                problem=problem,
                retry_at=None if limit is None else limit.retry_at,
            )
            return answer(page, problem=problem)

        return _if(lambda attempt: bool(attempt.account_id) and not attempt.second, act)

    def send_other(self, attempt: Attempt) -> Response:
        """Have a code sent to the other address."""
        if not attempt.account_id or attempt.second:
            return see_other(f"{PLACE}/{attempt.attempt_id}")
        try:
            self._reset.send_other(attempt, source=self._source(), now=self._services.time())
        except TooManyAttempts as limit:
            problem = "too_many_attempts"
            page = self._shown.second(
                attempt, shown=Second.OTHER.value, problem=problem, retry_at=limit.retry_at
            )
            return answer(page, problem=problem)
        except ProofRefused as refused:
            raise AttemptGone from refused
        return see_other(f"{PLACE}/{attempt.attempt_id}")

    def password(self, attempt: Attempt) -> Response:
        """The new password."""
        if not attempt.second:
            return see_other(f"{PLACE}/{attempt.attempt_id}")
        raw_new = request.form.get("new_password", "")
        problem = None
        if not raw_new:
            problem = "new_missing"
        elif raw_new != request.form.get("new_password_again", ""):
            problem = "not_the_same"
        else:
            try:
                self._reset.set_password(attempt, raw_new=raw_new, now=self._services.time())
            except PasswordUnusable as refusal:
                problem = refusal.reason
        if problem is not None:
            note_refusal(f"password_{problem}")
            return answer(self._shown.password(attempt, problem=problem), problem=problem)
        response = see_other(f"{PLACE}/done?from={attempt.back}")
        self._cookies.drop_session(response)
        return response

    def done(self) -> Response:
        """The password was set."""
        return answer(self._shown.done(back=_back(request.args.get("from", ""))))

    # -- parts -------------------------------------------------------------------------------------

    def _step(self, attempt: Attempt) -> Page:
        if not attempt.account_id:
            return self._shown.sent(attempt)
        if not attempt.second:
            return self._shown.second(attempt)
        return self._shown.password(attempt)

    def _with(self, attempt_id: str, act: Act) -> Response:
        try:
            if not _ATTEMPT.fullmatch(attempt_id):
                raise AttemptGone
            attempt = self._tries.get(
                attempt_id, browser=self._cookies.read_browser(), now=self._services.time()
            )
            return act(attempt)
        except AttemptElsewhere:
            note_refusal("reset_elsewhere")
            return answer(self._shown.gone("elsewhere"), status=403)
        except AttemptGone:
            note_refusal("reset_gone")
            return answer(self._shown.gone("gone"), status=410)

    def _check_form(self, place: str) -> None:
        if not self._cookies.is_csrf_token(request.form.get("csrf_token"), place=place):
            raise CsrfFailed

    def _way(self, raw: str) -> Way:
        asked, ways = Way(raw) if raw in set(Way) else Way.EMAIL_LINK, self._shown.ways
        return asked if asked in ways or not ways else ways[0]

    def _source(self) -> Source:
        return source_of_attempt(self._proxies, self._cookies)


def _if(is_due: Callable[[Attempt], bool], act: Act) -> Act:
    def view(attempt: Attempt) -> Response:
        return act(attempt) if is_due(attempt) else see_other(f"{PLACE}/{attempt.attempt_id}")

    return view


def _back(raw: str) -> str:
    return raw if _INTERACTION.fullmatch(raw) else ""
