"""Whether the person must be asked for something before a code may be issued, and why.

What lives here: one ordered list of questions over the request, the session and what was already
answered in this interaction; each reason is a named value.  Not here: pages, storage.
Source: OpenID Connect Core §3.1.2.3, §3.1.2.4, §3.1.2.6.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from clients.registry.model import Capacities, Client
from clients.registry.profiles import profile_of
from idp.accounts.model import Account, Representation
from idp.ids import MandateId
from idp.model import AuthLevel, Factor, Session
from idp.oauth.assurance import HIGHEST, Assurance, DemandedLevel, assess, demanded_level
from idp.oauth.authorization_request import AuthorizationRequest
from idp.oauth.claims import admitted_by
from idp.oauth.errors import (
    AccessDenied,
    AccountSelectionRequired,
    ConsentRequired,
    InteractionRequired,
    LoginRequired,
    OAuthError,
    UnmetAuthenticationRequirements,
)
from idp.oauth.scopes import ORGANIZATION


class Prompt(StrEnum):
    """What the person is asked."""

    SELECT_ACCOUNT = "select_account"
    LOGIN = "login"
    OTP = "otp"
    TOTP_ENROLMENT = "totp_enrolment"
    ACCOUNT_LEVEL = "account_level"
    CAPACITY = "capacity"
    NO_ORGANISATION = "no_organisation"
    RESTRICTION = "restriction"
    CONSENT = "consent"
    INFORMATION = "information"


class Reason(StrEnum):
    """Why."""

    PROMPT_SELECT_ACCOUNT = "prompt_select_account"
    NO_SESSION = "no_session"
    ANOTHER_PERSON_EXPECTED = "another_person_expected"
    ANOTHER_ACCOUNT_WANTED = "another_account_wanted"
    PROMPT_LOGIN = "prompt_login"
    MAX_AGE = "max_age"
    PASSWORD_NOT_FRESH = "password_not_fresh"
    LEVEL = "level"
    NO_SECOND_FACTOR = "no_second_factor"
    ACCOUNT_LEVEL = "account_level"
    SEVERAL_CAPACITIES = "several_capacities"
    NO_ORGANISATION = "no_organisation"
    SHARING_RESTRICTED = "sharing_restricted"
    NOT_AGREED = "not_agreed"
    PROMPT_CONSENT = "prompt_consent"
    NOT_INFORMED = "not_informed"


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing that the person must be asked, and why."""

    prompt: Prompt
    reason: Reason


SELF: Final = "self"
_FIRST_FACTORS: Final = frozenset({Factor.PASSWORD, Factor.VERIFIED_PASSKEY})
"""Those by which somebody says who they are."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What was answered in this interaction so far.

    `started_at` bounds what prompt=login accepts; `capacity` is None, `self` or a mandate id;
    `refuses_session` is set when the person wants another account.
    """

    started_at: datetime
    account_selected: bool = False
    refuses_session: bool = False
    capacity: str | None = None
    consent_given: bool = False


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that the questions look at."""

    request: AuthorizationRequest
    client: Client
    progress: Progress
    session: Session | None
    account: Account | None
    has_second_factor: bool
    """One that can be asked for now."""
    demands_second_factor: bool
    representations: Sequence[Representation]
    consent_prompt: Prompt | None
    """CONSENT or INFORMATION when the final claims are not covered yet, else None."""
    is_by_law_alone: bool
    """Whether everything that is handed over rests on a law: there is nothing to agree to."""
    password_fresh: timedelta
    now: datetime
    is_restricted: bool = False
    """The person had the sharing of data restricted that rests on their consent, as this does."""

    @property
    def demanded(self) -> DemandedLevel:
        """What the request, the client and the person demand together."""
        demanded = demanded_level(
            acr_values=self.request.acr_values,
            acr_claim=self.request.acr_claim,
            client_level=self.client.required_level,
            own_level=2 if self.demands_second_factor else 1,
        )
        # nobody is asked for what the client could not be told of
        wish = min(demanded.wish, profile_of(self.client).level_cap)
        return replace(demanded, wish=max(demanded.must, wish))

    @property
    def assurance(self) -> Assurance:
        """What the session's factors amount to for this request."""
        factors = () if self.session is None else self.session.factors
        max_age = self.request.max_age_s
        return assess(
            factors,
            now=self.now,
            max_age=None if max_age is None else timedelta(seconds=max_age),
            started_at=self.progress.started_at,
            only_since_start="login" in self.request.prompts,
        )

    @property
    def chosen_capacity(self) -> str | None:
        """`self` or a mandate id, chosen or without alternative; None: the person must choose."""
        return chosen_capacity(self)


def _signed_in_here(at: Situation) -> bool:
    """Whether somebody said in this interaction who they are, whoever it was."""
    return at.session is not None and any(
        proven.factor in _FIRST_FACTORS and proven.at >= at.progress.started_at
        for proven in at.session.factors
    )


def _select_account(at: Situation) -> Ask | None:
    if at.session is None or at.progress.account_selected or at.progress.refuses_session:
        return None
    if _signed_in_here(at):
        return None  # signed in within this interaction: that was the choice
    if "select_account" in at.request.prompts:
        return Ask(Prompt.SELECT_ACCOUNT, Reason.PROMPT_SELECT_ACCOUNT)
    return None


def _login(at: Situation) -> Ask | None:
    if at.session is None or at.account is None:
        return Ask(Prompt.LOGIN, Reason.NO_SESSION)
    if at.progress.refuses_session and not _signed_in_here(at):
        return Ask(Prompt.LOGIN, Reason.ANOTHER_ACCOUNT_WANTED)
    expected = at.request.expected_account
    if expected is not None and expected != at.account.account_id:
        if _signed_in_here(at):
            # asking again would show the same page for ever without saying why
            raise LoginRequired("another person signed in than the one who was expected")
        return Ask(Prompt.LOGIN, Reason.ANOTHER_PERSON_EXPECTED)
    if at.assurance.level is None:
        if "login" in at.request.prompts:
            return Ask(Prompt.LOGIN, Reason.PROMPT_LOGIN)
        return Ask(Prompt.LOGIN, Reason.MAX_AGE)
    return None


def _second_factor(at: Situation) -> Ask | None:
    demanded, assurance = at.demanded, at.assurance
    if assurance.level is AuthLevel.TWO or demanded.wish < AuthLevel.TWO:
        return None
    if "none" in at.request.prompts and demanded.must < AuthLevel.TWO:
        return None  # wished only, and nobody may be asked: go on and tell the truth
    if not at.has_second_factor:
        if demanded.must < AuthLevel.TWO:
            return None  # wished only: go on and tell the truth
        return Ask(Prompt.TOTP_ENROLMENT, Reason.NO_SECOND_FACTOR)
    password_at = assurance.auth_time
    if password_at is None or at.now - password_at > at.password_fresh:
        return Ask(Prompt.LOGIN, Reason.PASSWORD_NOT_FRESH)
    return Ask(Prompt.OTP, Reason.LEVEL)


def _account_level(at: Situation) -> Ask | None:
    needed = at.client.required_account_level
    level = None if at.account is None else at.account.level
    if needed is None or (level is not None and level >= needed):
        return None
    return Ask(Prompt.ACCOUNT_LEVEL, Reason.ACCOUNT_LEVEL)


def _capacity(at: Situation) -> Ask | None:
    if at.chosen_capacity is not None:
        return None
    if not _offered(at):
        return Ask(Prompt.NO_ORGANISATION, Reason.NO_ORGANISATION)
    return Ask(Prompt.CAPACITY, Reason.SEVERAL_CAPACITIES)


def _restriction(at: Situation) -> Ask | None:
    if at.is_restricted:
        return Ask(Prompt.RESTRICTION, Reason.SHARING_RESTRICTED)
    return None


def _consent(at: Situation) -> Ask | None:
    """One page at most: the one that asks for agreement also says what rests on law."""
    if at.progress.consent_given:
        return None
    if at.consent_prompt is Prompt.CONSENT:
        return Ask(Prompt.CONSENT, Reason.NOT_AGREED)
    is_wanted = "consent" in at.request.prompts
    if is_wanted and not at.is_by_law_alone:
        return Ask(Prompt.CONSENT, Reason.PROMPT_CONSENT)
    if at.consent_prompt is Prompt.INFORMATION:
        return Ask(Prompt.INFORMATION, Reason.NOT_INFORMED)
    if is_wanted:
        return Ask(Prompt.INFORMATION, Reason.PROMPT_CONSENT)
    return None


QUESTIONS: Final[tuple[Callable[[Situation], Ask | None], ...]] = (
    _select_account,
    _login,
    _second_factor,
    _account_level,
    _capacity,
    _restriction,
    _consent,
)
"""In order; the first that wants an answer is shown."""

_REFUSED_SILENTLY: Final[dict[Prompt, tuple[type[OAuthError], str]]] = {
    Prompt.SELECT_ACCOUNT: (AccountSelectionRequired, "the person must choose an account"),
    Prompt.LOGIN: (LoginRequired, "the person must sign in"),
    Prompt.OTP: (LoginRequired, "the person must give a second factor"),
    Prompt.TOTP_ENROLMENT: (UnmetAuthenticationRequirements, "the person has no second factor"),
    Prompt.ACCOUNT_LEVEL: (AccessDenied, "the account's level is too low for this client"),
    Prompt.CAPACITY: (InteractionRequired, "the person must choose a capacity"),
    Prompt.NO_ORGANISATION: (AccessDenied, "the person represents no organisation"),
    Prompt.RESTRICTION: (AccessDenied, "the person has restricted the sharing of their data"),
    Prompt.CONSENT: (ConsentRequired, "the person must agree"),
    Prompt.INFORMATION: (InteractionRequired, "the person must be informed"),
}


def next_ask(at: Situation) -> Ask | None:
    """The first thing the person must be asked, or None: a code may be issued.

    Raises  UnmetAuthenticationRequirements when a level is demanded that nobody can reach here, or
            that this client's profile may not rely on; LoginRequired when somebody else signed in
            here than the person whom the request names.
    Source  OpenID Connect Core §3.1.2.1 `id_token_hint`, §3.1.2.3, §5.5.1.
    """
    if at.demanded.must > min(HIGHEST, profile_of(at.client).level_cap):
        raise UnmetAuthenticationRequirements("the demanded acr cannot be reached")
    for question in QUESTIONS:
        ask = question(at)
        if ask is not None:
            return ask
    return None


def refuse_silently(ask: Ask) -> OAuthError:
    """What prompt=none answers when the person would have to be asked.  Core §3.1.2.6."""
    error, description = _REFUSED_SILENTLY[ask.prompt]
    return error(description)


def _offered(at: Situation) -> tuple[Representation, ...]:
    """Organisations that the person may act for at this client under this request.

    A mandate for some kinds of business alone is for portals that are told which these are.
    """
    usable = tuple(
        one
        for one in at.representations
        if one.is_for(at.client.client_id) and (not one.scopes or _is_told_of_scopes(at))
    )
    wish = at.request.capacity
    if wish == "person" or at.client.capacities is Capacities.PERSON_ONLY:
        return ()
    if wish in {None, "organisation"}:
        return usable
    return tuple(one for one in usable if one.enterprise_code == wish)


def _is_told_of_scopes(at: Situation) -> bool:
    return ORGANIZATION in at.request.scopes and admitted_by(at.client)("org")


def offered_capacities(at: Situation) -> tuple[tuple[Representation, ...], bool]:
    """The organisations to choose from, and whether "myself" is offered beside them."""
    may_be_self = at.request.capacity is None and at.client.capacities is Capacities.ANY
    return _offered(at), may_be_self


def chosen_capacity(at: Situation) -> str | None:
    """`self`, a mandate id, or None when the person must choose (or has nothing to choose)."""
    organisations, may_be_self = offered_capacities(at)
    if at.request.capacity == "person":
        return SELF
    chosen = at.progress.capacity
    if chosen == SELF and may_be_self:
        return SELF
    if chosen is not None and any(one.mandate_id == MandateId(chosen) for one in organisations):
        return chosen
    if may_be_self:
        return None if organisations else SELF
    # the portal serves organisations only: one is no choice
    return organisations[0].mandate_id if len(organisations) == 1 else None
