"""The pages of certificates in this process: real accounts, a real authority, a real signer.

What lives here: `CertificateDesk`, a provider whose signing keys are those of an `EnrolmentHouse`
over the same database, with one clock.
Not here: documents and their pages (`sign_desk.py`).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from idp.own_key_jobs import END_OWN_KEY, HOLD_OWN_KEY, OwnKeyEnd, OwnKeyHold
from idp.passkey_removal import PasskeyRemoval
from idp.signature_images import SignatureImages
from idp.signing import SigningServices
from idp.storage.outbox import lease
from idp.work.model import Handler, Outcome
from keystore.clock import to_ms
from keystore.signer.activation import SignatureActivation, new_nonce
from keystore.signer.log_sealing import make_log_key, open_log_key, public_log_key
from signing.ports import SigningCredential
from tests.support.authenticator import Authenticator
from tests.support.enrolment_house import EnrolmentHouse
from tests.support.provider import ISSUER, Provider
from tests.support.provider_browser import Browser, Landing
from tests.support.provider_seeds import ANH, Somebody
from tests.support.signer import digests_of

PLACE = "/account/certificates"
_NOBODY: Any = None
_AUTHORITY: Mapping[str, str] = MappingProxyType(
    {
        "pki_organisation": "Trung tâm Ấn Tín",
        "pki_organisation_identifier": "NTRVN-9900000016",
        "pki_policy_arc": "1.3.6.1.4.1.99999.1",
    }
)


def authority_settings(folder: Path) -> dict[str, Any]:
    """Settings of a deployment with an authority, and with the signer in that folder."""
    signer = folder / "signer"
    signer.mkdir(mode=0o700)
    make_log_key(signer)
    marks = (public_log_key(open_log_key(signer)),)
    return {**_AUTHORITY, "signer_log_keys": marks}


class CertificateDesk:
    """A provider with the pages; `house` makes keys; the clock is the provider's."""

    def __init__(self, seeded: Provider, *, folder: Path) -> None:
        self.house = EnrolmentHouse(
            seeded.services,
            folder=folder,
            now=seeded.now,
            passkey_waits=timedelta(0),
            audience=ISSUER,
        )
        house = self.house
        parts: dict[str, Any] = {
            **dict.fromkeys(one.name for one in fields(SigningServices)),
            "door": house.door,
            "signers": house.signers,
            "credentials": house.credentials,
            "eligibility": house.eligibility,
            "enrolment": house.enrolment,
            "second_factors": house.factors,
            "images": SignatureImages(
                seeded.services.database,
                sealer=seeded.services.sealer,
                log=seeded.services.log,
                isolation=_NOBODY,  # no photograph is read here
            ),
            "passkey_removal": PasskeyRemoval(
                seeded.services.database,
                passkeys=seeded.services.passkeys,
                people=seeded.services.people,
                certificates=house.pki.certificates,
                states=house.pki.states,
            ),
        }
        signing = SigningServices(**parts)
        self.provider = Provider(
            replace(seeded.services, signing=signing), seeded.clock, seeded.keys
        )
        self.services = self.provider.services
        self._handlers: dict[str, Handler] = {
            HOLD_OWN_KEY: OwnKeyHold(self.services.database, lambda: house.door),  # type: ignore[return-value]  # the door has what is asked of a client
            END_OWN_KEY: OwnKeyEnd(self.services.database, lambda: house.door),  # type: ignore[return-value]  # as above
        }

    def close(self) -> None:
        """Give back what signer and verifier hold."""
        self.house.bench.ledger.close()
        self.house.verifier.memory.close()

    def follow_clock(self) -> None:
        """Let the signer see the provider's time."""
        self.house.now = self.house.door.now = self.provider.now

    def browser(self, who: Somebody = ANH, *, is_sure: bool = True) -> Browser:
        """Somebody who is signed in, with two factors just given."""
        browser = Browser(self.provider)
        browser.answer_all(browser.get("/account/certificates/new" if is_sure else PLACE), who=who)
        self.follow_clock()
        return browser

    def give_key(
        self, who: Somebody = ANH, *, organisation_id: str | None = None
    ) -> tuple[Authenticator, str]:
        """A passkey, and a key with a certificate that it opens; the key's id."""
        self.follow_clock()
        account = self.services.people.find_account(who.account_id)
        assert account is not None
        owner = None
        if organisation_id is not None:
            owner = next(
                found
                for one in self.services.people.representations(who.account_id, now=self.house.now)
                if (found := self.services.people.find_account(one.organisation)) is not None
            )
        passkey = self.house.give_passkey(account)
        signer = self.house.signer(account, owner)
        wanted = self.house.enrolment.prepare(
            signer, scal=2, passkeys=[passkey.credential_id], now=self.house.now
        )
        evidence = passkey.confirm(wanted.challenge())
        made = self.house.enrolment.finish_by_passkey(signer, evidence=evidence, now=self.house.now)
        assert made.kid is not None
        return passkey, made.kid

    def held(self, who: Somebody = ANH) -> tuple[SigningCredential, ...]:
        """What the person can sign with now."""
        account = self.services.people.find_account(who.account_id)
        assert account is not None
        self.follow_clock()
        return self.house.held(self.house.signer(account))

    def sign(self, passkey: Authenticator, key_id: str, *, owner: str, **changes: Any) -> None:
        """Use a key for a document of the portal."""
        self.follow_clock()
        wanted = SignatureActivation(
            signer=ISSUER,
            purpose="document",
            request_id="req_1",
            account_id=owner,
            key_id=key_id,
            credential_id=passkey.credential_id,
            client_id="portal",
            hash_name="sha256",
            digests=digests_of(),
            expires_ms=to_ms(self.house.now + timedelta(seconds=120)),
            nonce=new_nonce(),
        )
        wanted = replace(wanted, **changes)
        self.house.door.activate(wanted, passkey.confirm(wanted.challenge()))

    def work(self) -> list[Outcome]:
        """Do what was deferred for the signer, the oldest first."""
        self.follow_clock()
        found = lease(
            self.services.database,
            now=self.provider.now,
            duration=timedelta(minutes=1),
            limit=100,
        )
        return [
            self._handlers[job.kind](job, now=self.provider.now)
            for job in found
            if job.kind in self._handlers
        ]


def confirmed_by(passkey: Authenticator, landing: Landing) -> dict[str, str]:
    """What the page's script would put into the form."""
    challenge = re.search(r'data-challenge="([^"]+)"', landing.page)
    assert challenge is not None
    raw = challenge[1] + "=" * (-len(challenge[1]) % 4)
    given = passkey.confirm(base64.urlsafe_b64decode(raw))
    return {
        name: base64.urlsafe_b64encode(getattr(given, name)).rstrip(b"=").decode()
        for name in ("credential_id", "client_data_json", "authenticator_data", "signature")
    }
