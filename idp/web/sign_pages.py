"""What the pages of the signing journey show, as data.

What lives here: the view-models of `/sign/…`; the others are in `pages.py`.  Ids and names that
automation may rely on: buttons `sign-open`, `sign-confirm`, `sign-passkey`, `sign-refuse`,
`sign-refuse-confirm`, `sign-other-account`, `sign-enrol`; fields `otp`, `credential`, `reason`,
`way`; links `sign-return`, `sign-download-<n>`, `sign-signed-<n>`.  Must not
import storage or use cases.
Source: architecture, J3 and "Pages"; WCAG 2.2 AA.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from idp.web.pages import Page

OutcomeKind = Literal[
    "under_way", "not_yet", "waiting_for_others", "signed", "refused", "expired", "failed"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignDocument:
    """One document.

    `digest` is the beginning of its hash in groups of four, `digest_whole` all of it; addresses
    without a value are not shown; `is_shown`: its page is the picture beside the list.
    """

    position: int
    name: str
    kind: Literal["pdf", "xml", "file", "digest"]
    size: str
    pages: int | None
    hash_name: str
    digest: str
    digest_whole: str
    show_url: str | None = None
    content_url: str | None = None
    signed_url: str | None = None
    is_shown: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPage:
    """A page of a document as a picture; `number` counts from 1."""

    position: int
    document: str
    number: int
    count: int
    image_url: str
    large_url: str
    previous_url: str | None
    next_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignCertificate:
    """One way to sign: a certificate, and with a passkey or with a code.

    `value` is submitted as `credential`; `number` counts passkeys of one certificate, 0: only one.
    """

    value: str
    holder: str
    issuer: str
    not_after: datetime
    is_passkey: bool
    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedToSign(Page):
    """What every page of a request that waits for its reader shows.

    `for_whom` is the organisation that is signed for; `is_seal`: with its seal; `problem` is a key
    of `sign_sentences.SIGN_PROBLEMS`.
    """

    client_name: str
    title: str
    documents: tuple[SignDocument, ...]
    shown: ShownPage | None
    for_whom: str = ""
    is_seal: bool = False
    csrf_token: str
    refuse_action: str
    problem: str | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolWay:
    """What may confirm a new signing key; `value` is submitted as `way`, `name` of a passkey."""

    value: str
    name: str = ""
    is_passkey: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SignPage(AskedToSign):
    """To read, and to choose a certificate.

    Without one: `enrol_ways` to come by one at once (button `sign-enrol`), or `why_none`, a
    sentence that says why there can be none now.  Link `sign-passkeys` to the person's passkeys.
    """

    template: ClassVar[str] = "sign.html"
    certificates: tuple[SignCertificate, ...]
    action: str
    expires_at: datetime
    window_minutes: int
    enrol_ways: tuple[EnrolWay, ...] = ()
    enrol_action: str = ""
    why_none: str = ""
    passkeys_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyAsked:
    """What `navigator.credentials.get` is called with; bytes in base64url."""

    challenge: str
    rp_id: str
    credential_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignConfirmPage(AskedToSign):
    """To confirm: exactly this, with this certificate, until then.

    `window` comes back with the form, so that it confirms nothing that was opened elsewhere;
    `passkey` None: with a one-time code; `here_url` shows the request again.
    """

    template: ClassVar[str] = "sign_confirm.html"
    certificate: SignCertificate
    action: str
    window: str
    expires_at: datetime
    left_s: int
    passkey: PasskeyAsked | None
    here_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignCertificatePage(Page):
    """What is made at first need: a signing key with its certificate, and for whom.

    Buttons `certificate-confirm`, `certificate-passkey`; field `otp`; link `sign-back`.
    """

    template: ClassVar[str] = "sign_certificate.html"
    client_name: str
    name: str
    for_whom: str
    action: str
    back_url: str
    csrf_token: str
    window: str
    expires_at: datetime
    left_s: int
    passkey: PasskeyAsked | None
    problem: str | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignRefusePage(Page):
    """Asks once more.  Buttons `sign-refuse-confirm` (`decision` = refuse), link `sign-back`."""

    template: ClassVar[str] = "sign_refuse.html"
    client_name: str
    title: str
    action: str
    back_url: str
    csrf_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOutcomePage(Page):
    """How a request stands that its reader can do nothing about now.

    `reason` is a sentence that was made for the reader: why it ended, or what it waits for; `at`
    when it ended; `turn` and `turns` count the signers; `return_url` leads back to the portal.
    """

    template: ClassVar[str] = "sign_outcome.html"
    outcome: OutcomeKind
    client_name: str
    title: str
    documents: tuple[SignDocument, ...]
    is_mine: bool = True
    at: datetime | None = None
    reason: str = ""
    signed: int = 0
    signers: int = 1
    return_url: str | None = None
    reload_url: str | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOtherAccountPage(Page):
    """Nothing at this address is for the account that is signed in."""

    template: ClassVar[str] = "sign_other_account.html"
    name: str
    action: str
    csrf_token: str
