"""The pages of the signing journey in this process: real accounts and keys, no real authority.

What lives here: `SignDesk`, a provider whose signing is a `SigningHouse` over the same database;
its people are those of the provider, with keys and certificates that a test gives them.
Not here: the journey without pages (`signing_house.py`), a whole sandbox (`sandbox.py`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from idp.accounts.credentials import Passkey
from idp.signing import SigningServices
from idp.signing_enrolment import EnrolmentWays
from idp.web.sign.shown import decode, encode
from keystore.clock import to_ms
from keystore.pki.model import CertificateRecord
from keystore.signer.activation import KeyEnrolment, SignatureActivation, new_nonce
from keystore.signer.evidence import Evidence, WebauthnEvidence
from keystore.signer.model import PinnedCredential, Scal
from signing.blobs import DocumentStore
from signing.errors import CertificateRefused, ConfirmationRefused
from signing.formats.material import Level, StatusSource, Timestamps
from signing.intake import Intake
from signing.isolation.task import Isolation
from signing.model import SigningRequest
from signing.new_request import NewDocument, NewRequest, NewSigner
from signing.ports import Signer, SigningCredential
from tests.support.provider import Clock, Provider
from tests.support.provider_browser import Browser, Landing
from tests.support.provider_seeds import ANH, Somebody
from tests.support.signatory import SigningPki
from tests.support.signing_house import Door, SigningHouse
from tests.support.signing_house import Somebody as Holder

CLIENT = "portal"


@dataclass
class GivenCredentials:
    """What a test gave to people to sign with."""

    of: dict[str, list[SigningCredential]] = field(default_factory=dict)

    def credentials_of(self, signer: Signer, *, now: datetime) -> tuple[SigningCredential, ...]:
        """See `Credentials`."""
        return tuple(one for one in self.of.get(signer.key_owner, ()) if now < one.not_after)


@dataclass
class GivenEnrolment:
    """Makes what a test has ready, once the right code or passkey came."""

    desk: SignDesk
    reason: str = "level_too_low"
    code: str = "135790"
    passkeys: tuple[Passkey, ...] = ()
    ready: SigningCredential | None = None
    late: SigningCredential | None = None
    pending: KeyEnrolment | None = None
    given: list[WebauthnEvidence] = field(default_factory=list)

    def ways(self, signer: Signer, *, now: datetime) -> EnrolmentWays:
        """See `SigningEnrolment`."""
        if self.reason:
            return EnrolmentWays(self.reason)
        return EnrolmentWays("", by_code=True, passkeys=self.passkeys, alone=self.passkeys)

    def keep_up(self, signer: Signer, *, now: datetime) -> tuple[CertificateRecord, ...]:
        """See `SigningEnrolment`."""
        if self.late is None:
            return ()
        self.desk.credentials.of.setdefault(signer.key_owner, []).append(self.late)
        return cast("tuple[CertificateRecord, ...]", (object(),))

    def prepare(
        self, signer: Signer, *, scal: Scal, passkeys: Sequence[bytes] = (), now: datetime
    ) -> KeyEnrolment:
        """See `SigningEnrolment`."""
        if self.reason:
            raise CertificateRefused(self.reason)
        known = {one.credential_id: one for one in self.passkeys}
        if any(one not in known for one in passkeys):
            raise ConfirmationRefused("passkey_unknown")
        self.pending = KeyEnrolment(
            signer="signer",
            account_id=signer.key_owner,
            subject_kind="person",
            algorithm="ES256",
            scal=scal,
            rp_id="dang-nhap.example" if passkeys else "",
            credentials=tuple(PinnedCredential(one, known[one].public_key) for one in passkeys),
            recipient=b"r" * 32,
            expires_ms=to_ms(now + timedelta(seconds=300)),
            nonce=new_nonce(),
        )
        return self.pending

    def find(self, signer: Signer, *, now: datetime) -> KeyEnrolment | None:
        """See `SigningEnrolment`."""
        pending = self.pending
        return pending if pending is not None and to_ms(now) < pending.expires_ms else None

    def finish_by_code(self, signer: Signer, *, code: str, now: datetime) -> None:
        """See `SigningEnrolment`."""
        if code != self.code:
            raise ConfirmationRefused("wrong_code")
        self._finish(signer)

    def finish_by_passkey(
        self, signer: Signer, *, evidence: WebauthnEvidence, now: datetime
    ) -> None:
        """See `SigningEnrolment`."""
        self.given.append(evidence)
        self._finish(signer)

    def _finish(self, signer: Signer) -> None:
        assert self.ready is not None
        self.desk.credentials.of.setdefault(signer.key_owner, []).append(self.ready)
        self.pending = None


@dataclass
class DeskDoor(Door):
    """The way to a signer whose clock is the provider's."""

    clock: Clock | None = None

    def activate(self, activation: SignatureActivation, evidence: Evidence) -> tuple[bytes, ...]:
        """See `SignerDoor`."""
        assert self.clock is not None
        self.now = self.clock.now
        return super().activate(activation, evidence)


class SignDesk:
    """A provider with pages for signers; `house` is what stands behind them."""

    def __init__(
        self, provider: Provider, *, isolation: Isolation, pki: SigningPki, folder: Path
    ) -> None:
        services = provider.services
        self.house = SigningHouse(
            services.database,
            sealer=services.sealer,
            log=services.log,
            documents=DocumentStore(
                services.database, folder=folder / "documents", sealer=services.sealer
            ),
            isolation=isolation,
            pki=pki,
            folder=folder,
            now=provider.now,
        )
        self.house.door = DeskDoor(self.house.bench, provider.now, clock=provider.clock)
        self.house.look = Intake(isolation)
        self.house.build(timestamps=None, status=pki.status())
        self.credentials = GivenCredentials()
        self.enrolment = GivenEnrolment(self)
        self._folder, self._seeded = folder, provider
        self.provider = self._build()

    def use(
        self,
        *,
        status: StatusSource,
        timestamps: Timestamps | None = None,
        at_opening: StatusSource | None = None,
    ) -> None:
        """Ask another authority; before anybody opens a browser.  See `SigningHouse.build`."""
        self.house.build(timestamps=timestamps, status=status, at_opening=at_opening)
        self.provider = self._build()

    def document_files(self) -> list[Path]:
        """Documents at rest."""
        return [one for one in (self._folder / "documents").rglob("*") if one.is_file()]

    def _build(self) -> Provider:
        house = self.house
        parts: dict[str, Any] = {
            **dict.fromkeys(one.name for one in fields(SigningServices)),
            "isolation": house.isolation,
            "documents": house.documents,
            "signers": house.people,
            "credentials": self.credentials,
            "enrolment": self.enrolment,
            "requests": house.requests,
            "windows": house.windows,
            "signing": house.signing,
            "confirming": house.confirming,
        }
        signing = SigningServices(**parts)
        seeded = self._seeded
        return Provider(replace(seeded.services, signing=signing), seeded.clock, seeded.keys)

    def close(self) -> None:
        """Give back what the signer holds."""
        self.house.bench.ledger.close()

    @property
    def now(self) -> datetime:
        """The time."""
        return self.provider.now

    def pass_time(self, **step: float) -> None:
        """Let time pass."""
        self.provider.clock.advance(**step)

    def give_code_key(self, who: Somebody = ANH, *, code: str = "246810") -> Holder:
        """A key that takes that code, with a certificate."""
        return self._give(self.house.with_code(who.account_id, code=code), who)

    def give_passkey_key(self, who: Somebody = ANH) -> Holder:
        """A key that takes a passkey, with a certificate."""
        return self._give(self.house.with_passkey(who.account_id), who)

    def make_code_key(self, who: Somebody = ANH, *, code: str = "246810") -> SigningCredential:
        """A key that takes that code; nobody has it yet."""
        self.knows(who)
        return self.house.with_code(who.account_id, code=code).credential

    def knows(self, who: Somebody, **known: Any) -> Signer:
        """Let the portal ask this person."""
        return self.house.people.add(CLIENT, f"sub-{who.account_id}", who.account_id, **known)

    def ask(
        self, *documents: NewDocument, of: Sequence[NewSigner] = (), **more: Any
    ) -> SigningRequest:
        """A request of the portal to Anh, unless others are named."""
        new = NewRequest(
            title="Đơn đề nghị cấp phép",
            documents=documents,
            signers=of or [self.named(ANH)],
            **{"level": Level.B, **more},
        )
        return self.house.requests.create(new, client_id=CLIENT, now=self.now).request

    def named(self, who: Somebody, **more: Any) -> NewSigner:
        """The person as the portal names her."""
        return NewSigner(sub=f"sub-{who.account_id}", **more)

    def state(self, request: SigningRequest) -> str:
        """Where a request stands."""
        return self.house.requests.get(request.request_id).state_at(self.now).value

    def browser(self, who: Somebody | None = ANH) -> Browser:
        """A browser, in which that person is signed in."""
        browser = Browser(self.provider)
        if who is not None:
            browser.sign_in(CLIENT, who=who)
        return browser

    def _give(self, holder: Holder, who: Somebody) -> Holder:
        self.knows(who)
        self.credentials.of.setdefault(holder.credential.owner_id, []).append(holder.credential)
        return holder


def place_of(request: SigningRequest) -> str:
    """The address of its page."""
    return f"/sign/{request.request_id}"


def answer(holder: Holder, landing: Landing) -> dict[str, str]:
    """What the page's script would put into the form, from the holder's passkey."""
    challenge = re.search(r'data-challenge="([^"]+)"', landing.page)
    assert challenge is not None
    assert holder.passkey is not None
    given = holder.passkey.confirm(decode(challenge[1]))
    return {
        "credential_id": encode(given.credential_id),
        "client_data_json": encode(given.client_data_json),
        "authenticator_data": encode(given.authenticator_data),
        "signature": encode(given.signature),
    }
