"""Accounts that come by signing keys, with a real signer and a real verifier in the test's process.

What lives here: `EnrolmentHouse`: the provider's services, its authority, `antin signer` and
`antin verifier` without sockets; people with authenticator apps and passkeys.
Not here: documents (`signing_house.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from idp.accounts.credentials import Passkey, Totp, TotpHolder
from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.lifecycle import AccountLifecycle, make_account
from idp.accounts.mandates import add_legal_representative
from idp.accounts.model import (
    Account,
    AccountKind,
    AccountLevel,
    IdentifierKind,
    Mandate,
    Profile,
)
from idp.ids import AccountId, make_id
from idp.sandbox.trust import make_authority
from idp.second_factors import VerifierFactors
from idp.services import Services, build_services
from idp.settings import Settings
from idp.signing_certificates import SigningCertificates
from idp.signing_credentials import HeldCredentials
from idp.signing_eligibility import PASSKEY_WAITS, Eligibility
from idp.signing_enrolment import SigningEnrolment
from idp.signing_people import PortalSigners
from idp.storage.accounts import find_row, insert_accounts
from idp.storage.credentials import replace_totps
from idp.storage.database import Database
from idp.storage.passkeys import insert_passkey
from idp.verifier_registers import DatabaseRegisters
from keystore.kek import Kek, KekRing
from keystore.one_time_codes import STEP_S, code_at
from keystore.second_factor.statement_key import public_key_set
from keystore.second_factor.verifier import SecondFactorVerifier
from keystore.signer.activation import KeyEnrolment, SignatureActivation
from keystore.signer.errors import SignerError
from keystore.signer.evidence import EnrolmentEvidence, Evidence
from keystore.signer.model import MadeKey
from signing.model import Role
from signing.ports import Signer, SigningCredential
from tests.support.authenticator import Authenticator
from tests.support.provider import KEK
from tests.support.signer import SIGNER, Bench
from tests.support.verifier import VerifierBench


@dataclass
class SignerDoor:
    """The way to the signer; a test may close it or let its answers get lost."""

    bench: Bench
    now: datetime
    failure: SignerError | None = None
    is_deaf_afterwards: bool = False
    made: list[MadeKey] = field(default_factory=list)

    def make_key(self, enrolment: KeyEnrolment, evidence: EnrolmentEvidence) -> MadeKey:
        """See `SignerClient.make_key`."""
        if self.failure is not None and not self.is_deaf_afterwards:
            raise self.failure
        made = self.bench.desk.make(enrolment, evidence, now=self.now)
        self.made.append(made)
        if self.failure is not None:
            raise self.failure
        return made

    def activate(self, activation: SignatureActivation, evidence: Evidence) -> tuple[bytes, ...]:
        """See `SignerClient.activate`."""
        return self.bench.service.activate(activation, evidence, now=self.now)

    def resume_own_key(self, activation: SignatureActivation, evidence: Evidence) -> bool:
        """See `SignerClient.resume_own_key`."""
        if self.failure is not None:
            raise self.failure
        return self.bench.service.resume(activation, evidence, now=self.now)

    def suspend_key(self, key_id: str, *, reason: str) -> bool:
        """See `SignerClient.suspend_key`."""
        return self.bench.desk.suspend(key_id, reason=reason, now=self.now)

    def destroy_key(self, key_id: str, *, reason: str) -> bool:
        """See `SignerClient.destroy_key`."""
        return self.bench.desk.destroy(key_id, reason=reason, now=self.now)

    def close(self) -> None:
        """Nothing is open."""


@contextmanager
def open_house(
    database_url: str, folder: Path, *, now: datetime, **rules: timedelta
) -> Iterator[EnrolmentHouse]:
    """A house over this database, closed afterwards."""
    database = Database(database_url)
    settings = Settings(var=folder, kek=KEK)
    services = build_services(settings, time=lambda: now, database=database, is_sandbox=True)
    house = EnrolmentHouse(services, folder=folder, now=now, **rules)
    try:
        yield house
    finally:
        house.bench.ledger.close()
        house.verifier.memory.close()
        services.close()


class EnrolmentHouse:
    """Everything that a signing key takes; its clock stands at `now` until a test moves it."""

    def __init__(
        self,
        services: Services,
        *,
        folder: Path,
        now: datetime,
        passkey_waits: timedelta = PASSKEY_WAITS,
        audience: str = SIGNER,
    ) -> None:
        self.services = services
        self.now = now
        self.audience = audience
        make_authority(services, now=now)
        assert services.trust.pki is not None
        self.pki = services.trust.pki
        ring = KekRing([Kek(b"root key of personal keys, 32 b!")])
        self.bench = Bench(services.database, ring, folder / "signer", audience=audience)
        self.door = SignerDoor(self.bench, now)
        self.verifier = VerifierBench(folder / "verifier")
        self.verifier.verifier = SecondFactorVerifier(
            ring=self.verifier.ring,
            memory=self.verifier.memory,
            key=self.verifier.key,
            registers=DatabaseRegisters(services.database),
            issuer=SIGNER,
            signer=audience,
        )
        (self.bench.folder / "verifier.json").write_bytes(public_key_set(self.verifier.key))
        self.client = self.verifier.client(lambda: self.now)
        self.factors = VerifierFactors(
            services.database, sealer=services.sealer, client=self.client
        )
        self.signers = PortalSigners(
            services.database, people=services.people, clients=services.registry
        )
        self.lifecycle = AccountLifecycle(
            services.database, sealer=services.sealer, log=services.log
        )
        self.secrets: dict[str, bytes] = {}
        self.build(passkey_waits=passkey_waits)

    def build(self, *, passkey_waits: timedelta, needs_statement: bool = False) -> None:
        """Put it together, again when a test wants other rules."""
        services = self.services
        self.eligibility = Eligibility(
            services.database,
            sealer=services.sealer,
            people=services.people,
            signers=self.signers,
            factors=self.factors,
            certificates=self.pki.certificates,
            passkey_waits=passkey_waits,
        )
        self.certificates = SigningCertificates(
            services.database, certificates=self.pki.certificates, eligibility=self.eligibility
        )
        self.enrolment = SigningEnrolment(
            store=services.ephemeral,
            sealer=services.sealer,
            eligibility=self.eligibility,
            factors=self.factors,
            certificates=self.certificates,
            door=self.door,
            audience=self.audience,
            rp_id="sign.example",
            needs_statement=needs_statement,
        )
        self.credentials = HeldCredentials(
            services.database,
            certificates=self.pki.certificates,
            authorities=self.pki.authorities,
        )

    def advance(self, step: timedelta) -> datetime:
        """Move every clock on."""
        self.now += step
        self.door.now = self.now
        return self.now

    def person(
        self,
        *,
        level: AccountLevel = AccountLevel.TWO,
        name: str = "Nguyễn Thị Lấp Lánh Ánh",
        number: str = "003190001118",
        is_recorded: bool = True,
    ) -> Account:
        """Somebody with an account."""
        made = make_account(
            kind=AccountKind.CITIZEN,
            level=level,
            profile=Profile(name=name),
            identifiers=[ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, number)],
            now=self.now,
        )
        return self._open(made, is_recorded=is_recorded)

    def organisation(self, person: Account) -> tuple[Account, Mandate]:
        """An organisation that the person represents, and the mandate."""
        made = make_account(
            kind=AccountKind.ORGANISATION,
            level=None,
            profile=Profile(name="Công ty Trách nhiệm hữu hạn Sen Vàng"),
            identifiers=[ParsedIdentifier(IdentifierKind.ENTERPRISE_CODE, "9900000016")],
            now=self.now,
        )
        organisation = self._open(made)
        mandate = add_legal_representative(
            self.services.database,
            holder_id=person.account_id,
            organisation_id=organisation.account_id,
            source="test",
            log=self.services.log,
            now=self.now,
        )
        return organisation, mandate

    def signer(self, person: Account, organisation: Account | None = None) -> Signer:
        """The person as signing asks about her; with an organisation for its seal."""
        return self.signers.get_signer(
            person.account_id,
            role=Role.PERSON if organisation is None else Role.SEAL,
            organisation_id=None if organisation is None else organisation.account_id,
        )

    def give_app(self, person: Account, *, is_proofed: bool = True) -> None:
        """An authenticator app that the verifier holds."""
        totp_id, secret = make_id("otp"), hashlib.sha256(person.account_id.encode()).digest()[:20]
        keeper = self.verifier.client(lambda: self.now, is_keeper=True)
        kept = keeper.take_totp(
            totp_id,
            account_id=person.account_id,
            secret=secret,
            is_bound_at_proofing=is_proofed,
        )
        self.secrets[person.account_id] = secret
        with self.services.database.transaction() as tx:
            row = find_row(tx.connection, person.account_id)
            assert row is not None
            totp = Totp(totp_id, kept, self.now, TotpHolder.VERIFIER)
            replace_totps(tx, row, totp, sealer=self.services.sealer)

    def enrol_by_code(self, person: Account, signer: Signer) -> None:
        """A key that codes open, confirmed with one."""
        code = self.code(person)
        self.enrolment.prepare(signer, scal=1, now=self.now)
        self.enrolment.finish_by_code(signer, code=code, now=self.now)

    def held(self, signer: Signer) -> tuple[SigningCredential, ...]:
        """What can be signed with now."""
        return self.credentials.credentials_of(signer, now=self.now)

    def code(self, person: Account) -> str:
        """What the app shows; the next one at each call, as for who waits half a minute."""
        self.advance(timedelta(seconds=STEP_S))
        return code_at(self.secrets[person.account_id], now=self.now)

    def give_passkey(self, person: Account, **options: Any) -> Authenticator:
        """A passkey that was registered now."""
        made = Authenticator(**options)
        new = Passkey(
            passkey_id=make_id("pky"),
            credential_id=made.credential_id,
            public_key=made.public_key,
            sign_count=0,
            is_backup_eligible=False,
            is_backed_up=False,
            aaguid="00000000-0000-0000-0000-000000000000",
            transports=("internal",),
            name="Điện thoại",
            created_at=self.now,
        )
        with self.services.database.transaction() as tx:
            row = find_row(tx.connection, AccountId(person.account_id))
            assert row is not None
            assert insert_passkey(tx, row, new, sealer=self.services.sealer)
        return made

    def _open(self, made: Account, *, is_recorded: bool = True) -> Account:
        if is_recorded:
            self.lifecycle.open(made)
        else:
            with self.services.database.transaction() as tx:
                insert_accounts(tx, (made,), sealer=self.services.sealer)
        found = self.services.people.find_account(made.account_id)
        assert found is not None
        return found
