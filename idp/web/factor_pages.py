"""What the pages about second factors and addresses show, as data.

What lives here: the view-models of `/account/factors` and `/account/contacts`.  Ids and names that
automation may rely on: field `name`, buttons `totp-add`, `totp-rename-<n>`, `totp-remove-<n>`,
`totp-remove-confirm`, `totp-enrol-submit`; `factor-sms`, `factor-email`, `demand-always`,
`recovery-make`; links `recovery-codes-done`, `factors-activate`, `factors-passkeys`,
`factors-contacts`; fields
`phone`, `email`, `otp`, buttons `contact-send-<channel>`, `contact-confirm-<channel>`,
`contact-resend-<channel>`, `contact-give-up-<channel>`.
Must not import storage or use cases.
Source: architecture, J5 and "Pages"; WCAG 2.2 AA.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from idp.web.pages import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownAuthenticator:
    """One authenticator app; `name` is empty for one that nobody named."""

    name: str
    created_at: datetime
    used_at: datetime | None
    rename_action: str
    remove_action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownContact:
    """One address: `channel` is `sms` or `email`, `masked` empty where there is none.

    `serves_from`: when codes sent there sign in, None where the person does not want that;
    `is_waiting`: that is later than now; `mark` is submitted as it is; `can_send`: this service
    reaches anybody there.
    """

    channel: str
    masked: str
    is_verified: bool
    mark: str
    serves_from: datetime | None = None
    is_waiting: bool = False
    used_at: datetime | None = None
    action: str = ""
    can_send: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorsPage(Page):
    """Every second factor of a person.

    `may_add`: both factors, or a recovery code, were given just now; `is_recovering`: the latter,
    and nothing but adding is offered; `is_by_message`: the second factor came by message, and
    nothing is changed but that, link `factors-again`; without any second factor the link
    `factors-activate` leads to where the activation code is asked for; `is_demanded`: a second
    factor at every sign-in; `passkeys` is how many there are, None where this service takes none;
    `codes_left` and `codes_made_at` are of the recovery codes; `told` is what was done just now.
    """

    template: ClassVar[str] = "factors.html"
    name: str
    action: str
    csrf_token: str
    has_any: bool
    may_add: bool
    is_recovering: bool
    is_by_message: bool
    is_demanded: bool
    authenticators: tuple[ShownAuthenticator, ...]
    can_add_app: bool
    contacts: tuple[ShownContact, ...]
    passkeys: int | None
    codes_left: int
    codes_made_at: datetime | None
    wait_hours: int
    is_for_signing: bool = True
    problem: str | None = None
    told: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticatorRemovePage(Page):
    """Asks once more; `is_last`: no second factor is left then."""

    template: ClassVar[str] = "totp_remove.html"
    app: ShownAuthenticator
    is_last: bool
    action: str
    back_url: str
    csrf_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticatorAddPage(Page):
    """The secret of another app, as QR code and in groups, and the field for its first code."""

    template: ClassVar[str] = "totp_add.html"
    qr_svg_data_uri: str
    secret_grouped: str
    action: str
    csrf_token: str
    back_url: str
    is_for_signing: bool = True
    problem: str | None = None
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryCodesPage(Page):
    """The new codes, the only time that they are shown."""

    template: ClassVar[str] = "recovery_codes.html"
    codes: tuple[str, ...]
    made_at: datetime
    back_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPending:
    """An address that waits for its code; `is_out`: one was sent that can still be typed."""

    masked: str
    is_out: bool
    resend_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownChannel:
    """One address and how it is changed; `pending` None: nothing waits."""

    contact: ShownContact
    action: str
    pending: ShownPending | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactsPage(Page):
    """Both addresses of a person.

    `wrong` is the channel that `problem` belongs to; `told` is the one that was changed just now.
    """

    template: ClassVar[str] = "contacts.html"
    channels: tuple[ShownChannel, ...]
    csrf_token: str
    wait_hours: int
    wrong: str = ""
    problem: str | None = None
    attempts_left: int | None = None
    retry_at: datetime | None = None
    told: str = ""
