"""What the pages of a person's certificates and of their use show, as data.

What lives here: the view-models of `/account/certificates` and `/account/signatures`.  Ids that
automation may rely on: links `certificate-new`, `certificate-<n>`, `certificate-uses`,
`certificate-pem`, `certificate-der`, `certificate-chain`, `certificate-renew`, `uses-older`,
`uses-newest`, `use-proof-<n>`; buttons `certificate-suspend`, `certificate-resume`,
`certificate-revoke`, `certificate-revoke-confirm`, `certificate-way-<n>`, `certificate-confirm`,
`certificate-passkey`; fields `reason`, `way`, `otp`.
Must not import storage or use cases.
Source: architecture, J5 and "Pages"; WCAG 2.2 AA.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from idp.web.pages import Page
from idp.web.sign_pages import EnrolWay, PasskeyAsked

ShownStanding = Literal["in_force", "suspended", "revoked", "expired"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCertificate:
    """One certificate.

    `serial` in groups of four; `scal` 2: a passkey confirms each use, 1: a one-time code, 0: the
    holder keeps the key; `passkeys` are names of the person's own; `why`: a sentence about a
    revocation; `changed_at`: since when it is on hold or revoked.
    """

    url: str
    holder: str
    is_organisation: bool
    standing: ShownStanding
    serial: str
    issuer: str
    not_before: datetime
    not_after: datetime
    scal: int
    passkeys: tuple[str, ...] = ()
    changed_at: datetime | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificatesPage(Page):
    """Every certificate of the person and of those whose seal she uses.

    `told` is what was done just now: `issued`, or nothing.
    """

    template: ClassVar[str] = "certificates.html"
    name: str
    certificates: tuple[ShownCertificate, ...]
    new_url: str
    signatures_url: str
    told: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificatePage(Page):
    """One of them, with what can be done; an address or an action that is empty is not offered.

    `is_held_by_others`: it is on hold and that is not hers to take back; `is_key_gone`: it is in
    force and its key signs no more; `told`: `suspended`, `resumed`, `revoked`, or nothing.
    """

    template: ClassVar[str] = "certificate.html"
    certificate: ShownCertificate
    pem_url: str
    der_url: str
    chain_url: str
    uses_url: str
    renew_url: str
    suspend_action: str
    resume_action: str
    revoke_url: str
    back_url: str
    csrf_token: str
    is_held_by_others: bool = False
    is_key_gone: bool = False
    told: str = ""
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateRevokePage(Page):
    """Asks why, and once more; `reasons` are submitted as `reason`.

    No name is shown: the page comes back with a problem, and pages of problems name nobody.
    """

    template: ClassVar[str] = "certificate_revoke.html"
    serial: str
    reasons: tuple[tuple[str, str], ...]
    action: str
    back_url: str
    csrf_token: str
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaysFor:
    """How a new key comes about for one owner: `ways`, or `why_none`, a sentence.

    `number` is submitted as `owner`.
    """

    number: int
    name: str
    is_organisation: bool
    ways: tuple[EnrolWay, ...]
    why_none: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateNewPage(Page):
    """To choose for whom, and what will confirm every signature.

    `replaces`: the certificate that is renewed, submitted again; `serial` of it, to be read.
    """

    template: ClassVar[str] = "certificate_new.html"
    owners: tuple[WaysFor, ...]
    action: str
    back_url: str
    passkeys_url: str
    csrf_token: str
    replaces: str = ""
    serial: str = ""
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateConfirmPage(Page):
    """To confirm that a key is made, or signs again: exactly this, until then.

    `window` comes back with the form; `passkey` None: with a one-time code.  No name is shown.
    """

    template: ClassVar[str] = "certificate_confirm.html"
    act: Literal["make", "resume"]
    is_organisation: bool
    action: str
    back_url: str
    csrf_token: str
    window: str
    expires_at: datetime
    left_s: int
    passkey: PasskeyAsked | None
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownUse:
    """One use of a key, or a refusal of one (`is_refused`, and `why`, a sentence).

    `title` and `documents` (name and digest) are there while the request is kept; `certificate`
    is the serial number, `certificate_url` empty where the key has none; `confirmed_by`: a
    sentence; `who`: the portal; `by_whom`: the person, where an organisation's key was used;
    `key`: how the log names the key.
    """

    at: datetime
    is_refused: bool
    who: str
    title: str
    documents: tuple[tuple[str, str], ...]
    count: int
    certificate: str
    certificate_url: str
    confirmed_by: str
    by_whom: str
    why: str
    unwritten: int
    proof_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyUsesPage(Page):
    """A page of uses, newest first.

    `of`: the serial number of the certificate whose uses these are, empty for all of one owner;
    `owners` name the others whose uses may be looked at: name, address, whether it is this one;
    `not_me_url` leads on from a use that was not the reader's.
    """

    template: ClassVar[str] = "key_uses.html"
    holder: str
    is_organisation: bool
    of: str
    uses: tuple[ShownUse, ...]
    owners: tuple[tuple[str, str, bool], ...]
    is_first: bool
    older_url: str
    newest_url: str
    back_url: str
    not_me_url: str = ""
    is_proof_early: bool = False
