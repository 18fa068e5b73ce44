"""What the pages about passkeys show, as data.

What lives here: the view-models of `/account/passkeys`; the others are in `pages.py`.  Ids and
names that automation may rely on: button `passkey-add`, field `name`, hidden field `credential`;
buttons `passkey-rename-<n>`, `passkey-remove-<n>`, `passkey-remove-confirm`; link `passkey-back`.
Must not import storage or use cases.
Source: architecture, J5 and "Pages"; WCAG 2.2 AA.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from idp.web.pages import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class StoppedKey:
    """A signing key that a passkey opens: whose it is; `stops`: nothing else opens it."""

    owner: str
    is_seal: bool
    stops: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPasskey:
    """One passkey.

    `alone_from`: from when on it makes a signing key without a code beside it; None: already.
    """

    name: str
    created_at: datetime
    used_at: datetime | None
    is_synced: bool
    alone_from: datetime | None
    keys: tuple[StoppedKey, ...]
    rename_action: str
    remove_action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeysPage(Page):
    """The passkeys of a person, and registering another.

    `options` is what `navigator.credentials.create` takes, JSON; empty where no more are taken.
    `is_for_signing`: documents are signed here, and passkeys confirm that; `accepted` is what
    `PublicKeyCredential.signalAllAcceptedCredentials` takes, JSON: devices forget the others;
    `asks_current`: the present password is asked for with a new one (field `current_password`).
    """

    template: ClassVar[str] = "passkeys.html"
    name: str
    passkeys: tuple[ShownPasskey, ...]
    action: str
    options: str
    csrf_token: str
    problem: str | None = None
    is_for_signing: bool = True
    accepted: str = ""
    asks_current: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyRemovePage(Page):
    """Asks once more, and says which signing keys stop with it.

    `is_last`: no second factor is left then.
    """

    template: ClassVar[str] = "passkey_remove.html"
    passkey: ShownPasskey
    action: str
    back_url: str
    csrf_token: str
    is_for_signing: bool = True
    is_last: bool = False
