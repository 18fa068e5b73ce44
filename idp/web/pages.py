"""What every page shows, as data: one frozen view-model per page, and `render`.

What lives here: the view-models (plain strings, tuples and aware instants; nothing is looked up
while rendering).  `idp.web.theme.install_pages` makes `render` work in an application.  Ids, field
names and submitted values that automation may rely on are named per page.  Every form carries
`csrf_token` and works without scripts.  Must not import storage, use cases or sessions.

Source  architecture, "Pages" and "Consent"; WCAG 2.2 AA.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from idp.web.i18n import language
from idp.web.spoken_templates import find_template

LoginProblem = Literal[
    "wrong_credentials",
    "too_many_attempts",
    "identifier_missing",
    "password_missing",
    "identifier_format",
    "tax_format",
    "organisation_identifier",
    "session_expired",
    "passkey_refused",
]
OtpProblem = Literal[
    "wrong_code",
    "wrong_sent_code",
    "wrong_recovery_code",
    "code_missing",
    "code_used",
    "code_gone",
    "sending_refused",
    "country_not_served",
    "too_many_attempts",
    "passkey_refused",
]
OtpWay = Literal["app", "sms", "email", "recovery"]
ActivationProblem = Literal["wrong_activation_code", "activation_code_expired", "too_many_attempts"]
CapacityKind = Literal["self", "legal_representative", "delegation", "seal_clerk", "guardian"]
ErrorKind = Literal[
    "unknown_client",
    "redirect_uri_mismatch",
    "interaction_expired",
    "other_browser",
    "invalid_request",
    "access_denied_level",
    "account_level_too_low",
    "capacity_unavailable",
    "sharing_restricted",
    "csrf_failed",
    "rate_limited",
    "storage_unavailable",
    "not_found",
    "method_not_allowed",
    "too_large",
    "server_error",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What all pages share.

    `display` is the OpenID Connect value (`popup` gets a compact layout); `here` is the address
    that the language switch reloads by GET, by default the address of the request.
    """

    template: ClassVar[str]
    display: str = "page"
    here: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginPage(Page):
    """Identifier and password, or a passkey.

    Fields `identifier`, `password`; button `login-submit`.  Where scripts run, button
    `login-passkey` sends the hidden field `credential`; `passkey_options` is what
    `navigator.credentials.get` takes, JSON, also for the list under `identifier`.  `vneid_url`,
    `forgot_url` and `open_url` show their button or link only when given.  `cancel_action` (POST,
    `login-cancel`) goes back to the portal with nothing.  `step_up`: the portal wants a fresh or
    stronger sign-in.
    """

    template: ClassVar[str] = "login.html"
    client_name: str
    action: str
    csrf_token: str
    identifier: str = ""
    problem: LoginProblem | None = None
    retry_at: datetime | None = None
    step_up: bool = False
    forgot_url: str | None = None
    open_url: str | None = None
    vneid_url: str | None = None
    cancel_action: str | None = None
    passkey_action: str = ""
    passkey_options: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtpPage(Page):
    """The one-time code, or a passkey.  Field `otp`; buttons `otp-submit`, `otp-cancel`.

    `way` is where the code comes from, None for somebody who has to choose first; `others` are the
    further ways, buttons `otp-way-<way>` submit `way`.  Of a code by message: `sent_to` is the
    address, masked; `is_out`: one was sent that can still be typed; `resend_s`: seconds until
    another one is sent; button `otp-resend`.  `passkey_options` as on the sign-in page, empty for
    somebody without any; button `otp-passkey`.
    `name` is the person's name; `enrol_url` shows a link for somebody without an application yet.
    """

    template: ClassVar[str] = "otp.html"
    client_name: str
    action: str
    csrf_token: str
    name: str = ""
    problem: OtpProblem | None = None
    attempts_left: int | None = None
    retry_at: datetime | None = None
    step_up: bool = False
    enrol_url: str | None = None
    cancel_action: str | None = None
    way: OtpWay | None = "app"
    others: tuple[OtpWay, ...] = ()
    way_action: str = ""
    sent_to: str = ""
    is_out: bool = False
    resend_s: int = 0
    passkey_action: str = ""
    passkey_options: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TotpActivationPage(Page):
    """Asks for the activation code.  Field `activation_code`; button `activation-submit`."""

    template: ClassVar[str] = "totp_activation.html"
    action: str
    csrf_token: str
    problem: ActivationProblem | None = None
    retry_at: datetime | None = None
    cancel_action: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TotpEnrolPage(Page):
    """The secret as QR code and in groups.  Field `otp`; button `totp-enrol-submit`."""

    template: ClassVar[str] = "totp_enrol.html"
    qr_svg_data_uri: str
    secret_grouped: str
    action: str
    csrf_token: str
    problem: OtpProblem | None = None
    attempts_left: int | None = None
    retry_at: datetime | None = None
    cancel_action: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectAccountPage(Page):
    """Who goes on.  Buttons `account-continue`, `account-other`: `decision` = continue, other."""

    template: ClassVar[str] = "select_account.html"
    client_name: str
    name: str
    identifier_masked: str
    action: str
    csrf_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityOption:
    """One capacity: `value` is what is submitted, `valid_to` a date already written out."""

    value: str
    kind: CapacityKind
    organisation: str = ""
    code: str = ""
    valid_to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityPage(Page):
    """In which capacity.  Buttons `capacity-0`, `capacity-1` …, each submits `capacity`."""

    template: ClassVar[str] = "capacity.html"
    client_name: str
    name: str
    options: tuple[CapacityOption, ...]
    action: str
    csrf_token: str
    problem: Literal["capacity_ended"] | None = None
    cancel_action: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedRow:
    """One piece of data.  `value` is already masked where it need not be read (`mask_number`).

    `key` is submitted as `share` when the row is optional and ticked; an optional row without a
    key goes with the box of the row before it.
    """

    label: str
    value: str
    key: str = ""
    is_sensitive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedPurpose:
    """Why some rows are shared, and for how long they are kept.

    `legal_ref` is the statutory basis; such a purpose asks for no consent.
    """

    purpose: str
    retention: str
    rows: tuple[SharedRow, ...]
    is_required: bool = True
    legal_ref: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentPage(Page):
    """What is shared and why.

    Buttons `consent-accept`, `consent-deny` submit `decision` = accept, deny; ticked optional rows
    submit `share` = their key, once per row.  Nothing is ticked beforehand.  `shown` is submitted
    as it is: the SHA-256 of the sentences, so that evidence is kept of what was read.
    """

    template: ClassVar[str] = "consent.html"
    client_name: str
    controller: str
    dpo_contact: str
    purposes: tuple[SharedPurpose, ...]
    action: str
    csrf_token: str
    policy_url: str | None = None
    shown: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InformationPage(Page):
    """What is shared on a statutory basis: no consent asked.  Button `information-continue`.

    `shown` as on the consent page.
    """

    template: ClassVar[str] = "information.html"
    client_name: str
    controller: str
    dpo_contact: str
    purposes: tuple[SharedPurpose, ...]
    action: str
    csrf_token: str
    policy_url: str | None = None
    cancel_action: str | None = None
    shown: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptPage(Page):
    """A receipt, to be printed: what was shown, when, in which words.

    `is_by_law`: the person was told of a law, and there was nothing to agree to.
    """

    template: ClassVar[str] = "receipt.html"
    number: str
    name: str
    client_name: str
    controller: str
    dpo_contact: str
    given_at: datetime
    withdrawn_at: datetime | None = None
    purposes: tuple[SharedPurpose, ...]
    text_shown: tuple[str, ...]
    text_language: Literal["vi", "en"]
    text_version: str
    text_sha256: str
    is_by_law: bool = False
    return_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenConsent:
    """One consent, or information on ground of a law.  `withdraw_action` None: nothing to undo."""

    client_name: str
    shared: tuple[str, ...]
    given_at: datetime
    withdrawn_at: datetime | None = None
    is_by_law: bool = False
    receipt_url: str
    withdraw_action: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentsPage(Page):
    """What a person agreed to.  Buttons `consent-withdraw-<n>`, links `consent-receipt-<n>`.

    `passkeys_url` leads to the person's passkeys; `told`: what was done just now, `withdrawn`.
    """

    template: ClassVar[str] = "consents.html"
    name: str
    consents: tuple[GivenConsent, ...]
    csrf_token: str
    passkeys_url: str = ""
    told: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutPage(Page):
    """Sign out, or stay.  Buttons `logout-confirm`, `logout-stay`: `decision` = logout, stay.

    `portals` names the other portals that will be signed out too.
    """

    template: ClassVar[str] = "logout.html"
    client_name: str | None
    action: str
    csrf_token: str
    name: str = ""
    portals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedOutPage(Page):
    """Signed out.  `partial`: some portal has not confirmed yet."""

    template: ClassVar[str] = "logged_out.html"
    partial: bool = False
    return_url: str | None = None
    return_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorPage(Page):
    """What happened and what to do next.

    `detail` is a safe code such as `redirect_uri` or `scope_missing`, never what was sent;
    `reference` finds the request in the logs; `return_url` must be a validated address;
    `restriction_url` is the page of ours on which the person lifts their restriction.
    """

    template: ClassVar[str] = "error.html"
    kind: ErrorKind
    reference: str
    detail: str = ""
    return_url: str | None = None
    restriction_url: str | None = None
    client_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FormPostPage(Page):
    """The answer to a portal as a form (OAuth 2.0 Form Post Response Mode).

    Button `form-post-continue` for readers without scripts.
    """

    template: ClassVar[str] = "form_post.html"
    action: str
    fields: tuple[tuple[str, str], ...]
    client_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxPortal:
    """A portal to try."""

    name: str
    url: str
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxPerson:
    """An invented person to sign in as; `otp_command` prints the present one-time code.

    `duties` of an official: `proofing`, `helpdesk`.
    """

    name: str
    identifier: str
    password: str
    account_level: str
    otp_command: str = ""
    organisations: tuple[str, ...] = ()
    duties: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxPage(Page):
    """The home page of a sandbox."""

    template: ClassVar[str] = "sandbox.html"
    portals: tuple[SandboxPortal, ...]
    people: tuple[SandboxPerson, ...]
    discovery_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HomePage(Page):
    """What this service is; `account_url` links to the reader's own account, when there is one."""

    template: ClassVar[str] = "home.html"
    account_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpPage(Page):
    """Answers to what people ask."""

    template: ClassVar[str] = "help.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessibilityPage(Page):
    """How accessible the service is, and what has not been tried."""

    template: ClassVar[str] = "accessibility.html"


def render(page: Page) -> str:
    """The page as HTML, in the language of the current request."""
    return find_template(page.template, language=language()).render(page=page)


def mask_number(value: str, *, head: int = 3, tail: int = 2) -> str:
    """A number with its middle hidden: `003•••••••18`.  A short one is hidden entirely."""
    hidden = len(value) - head - tail
    if hidden < head + tail:
        return "•" * len(value)
    return f"{value[:head]}{'•' * hidden}{value[-tail:]}"
