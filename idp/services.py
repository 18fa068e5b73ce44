"""Everything a process of the provider holds, built once from the settings.

What lives here: `Services` and the one function that builds it, area by area: each has a file
`<area>_services.py` with `build_<area>`.  No globals, nothing at import; the web application, the
worker and the commands all take what they need from here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from clients.registry.registry import Registry
from idp.account_services import build_account
from idp.accounts.breached_passwords import BreachedPasswords
from idp.accounts.enrolment import TotpEnrolment
from idp.accounts.login import Login
from idp.accounts.passkey_sign_in import PasskeySignIn
from idp.accounts.passkeys import Passkeys
from idp.accounts.password_change import PasswordChange
from idp.accounts.passwords import Argon2Costs, Hashing, Passwords
from idp.accounts.people import People
from idp.accounts.recovery import Recovery
from idp.clock import utc_now
from idp.delivery_services import DeliveryServices, build_delivery
from idp.egress import Egress
from idp.factor_services import FactorServices
from idp.foreign_trust import ForeignTrust, build_foreign_trust
from idp.grant_services import build_grants
from idp.ground_services import build_ground
from idp.keyrings import Keyrings
from idp.mandate_services import MandateServices, build_mandates
from idp.oauth.access_token import AccessTokens
from idp.oauth.authorization import Authorizations
from idp.oauth.client_auth import ClientAuthentication
from idp.oauth.consent_withdrawal import ConsentWithdrawal
from idp.oauth.grant_state import GrantStates
from idp.oauth.grants.authorization_code import CodeExchange
from idp.oauth.grants.refresh_token import Refreshing
from idp.oauth.hints import Hints
from idp.oauth.id_token import IdTokens
from idp.oauth.interaction import Interactions
from idp.oauth.introspection import Introspection
from idp.oauth.opaque import OpaqueTokens
from idp.oauth.revocation import Revocations
from idp.oauth.userinfo import Userinfo
from idp.official_services import Desks
from idp.opening_services import OpeningServices
from idp.recovery_services import MeansOfAccounts, RecoveryServices
from idp.register_services import Registers, build_registers
from idp.registers.transport import Exchange
from idp.rights_services import RightsServices
from idp.sessions import Sessions
from idp.settings import Settings
from idp.sign_in_services import build_sign_in
from idp.signing import SigningServices, build_signing
from idp.signing_means import SigningMeans
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from idp.trust import Trust, build_trust
from idp.validation import ValidationServices, build_validation
from idp.work.clock import Clock
from idp.work.outbox import Outbox
from keystore.keyring import Keyring
from keystore.log.record import LogWriter
from keystore.sealing import Sealer
from keystore.second_factor.client import VerifierClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What a process holds; all of it is safe to share between threads."""

    settings: Settings
    is_sandbox: bool
    time: Callable[[], datetime]
    database: Database
    ephemeral: EphemeralStore
    sealer: Sealer
    log: LogWriter
    keyring: Keyring
    keyrings: Keyrings
    trust: Trust
    signing: SigningServices | None
    foreign_trust: ForeignTrust
    validation: ValidationServices
    registry: Registry
    egress: Egress
    registers: Registers
    opening: OpeningServices
    clock: Clock
    outbox: Outbox
    delivery: DeliveryServices
    factors: FactorServices
    people: People
    passkeys: Passkeys
    passkey_sign_in: PasskeySignIn
    login: Login
    enrolment: TotpEnrolment
    password_change: PasswordChange
    makes_signing_means: MeansOfAccounts
    recovery: Recovery
    desks: Desks
    recovering: RecoveryServices
    rights: RightsServices
    verifier: VerifierClient | None
    sessions: Sessions
    interactions: Interactions
    authorizations: Authorizations
    hints: Hints
    client_auth: ClientAuthentication
    access_tokens: AccessTokens
    id_tokens: IdTokens
    code_exchange: CodeExchange
    refreshing: Refreshing
    revocations: Revocations
    consent_withdrawal: ConsentWithdrawal
    mandates: MandateServices
    states: GrantStates
    userinfo: Userinfo
    introspection: Introspection
    opaque: OpaqueTokens

    def signing_means(self, *, log: LogWriter) -> SigningMeans:
        """What accounts sign with, for acts that are recorded by `log`."""
        return self.makes_signing_means(log=log)

    def close(self) -> None:
        """Close every connection, and end what reads documents."""
        self.foreign_trust.close()
        if self.signing is not None:
            self.signing.close()
        if self.verifier is not None:
            self.verifier.close()
        self.clock.close()
        self.ephemeral.close()
        self.database.close()


def build_services(
    settings: Settings,
    *,
    time: Callable[[], datetime] = utc_now,
    database: Database | None = None,
    ephemeral: EphemeralStore | None = None,
    passwords: Passwords | None = None,
    register_door: Exchange | None = None,
    is_sandbox: bool = False,
) -> Services:
    """Build everything; the database has its tables already.

    Takes   time: what tells the time; database and ephemeral: open ones to use instead of those
            that the settings name; passwords: with other costs than today's; register_door: the way
            to registers, in place of the one door; is_sandbox: what the stamp in the database says;
            portals on this machine may then be called.
    Raises  StorageUnavailable; KeystoreError when the KEK is missing or wrong;
            BreachListUnusable.
    """
    passwords = passwords or Passwords(Hashing(Argon2Costs()))
    breached = BreachedPasswords(settings.breached_passwords_file)
    ground = build_ground(
        settings, database=database, ephemeral=ephemeral, is_sandbox=is_sandbox, now=time()
    )
    database, ephemeral, sealer, log = ground.database, ground.ephemeral, ground.sealer, ground.log
    registry, egress, outbox = ground.registry, ground.egress, ground.outbox
    delivery = build_delivery(
        settings, outbox=outbox, sealer=sealer, ephemeral=ephemeral, is_sandbox=is_sandbox
    )
    people = People(database, sealer=sealer)
    registers = build_registers(
        settings,
        database=database,
        ephemeral=ephemeral,
        sealer=sealer,
        log=log,
        door=register_door or egress,
    )
    entry = build_sign_in(
        settings,
        database=database,
        ephemeral=ephemeral,
        sealer=sealer,
        log=log,
        passwords=passwords,
        delivery=delivery,
    )
    grants = build_grants(settings, ground, people=people, delivery=delivery)
    trust = build_trust(settings, keyrings=ground.keyrings, egress=egress, is_sandbox=is_sandbox)
    signing = build_signing(
        settings,
        ground,
        people=people,
        passkeys=entry.passkeys,
        trust=trust,
        time=time,
        is_sandbox=is_sandbox,
    )
    account = build_account(
        settings,
        ground,
        people=people,
        passwords=passwords,
        breached=breached,
        delivery=delivery,
        population=registers.population,
        entry=entry,
        grants=grants,
        trust=trust,
    )
    foreign = build_foreign_trust(settings, egress=egress, trust=trust, signing=signing, time=time)
    return Services(
        settings=settings,
        is_sandbox=is_sandbox,
        time=time,
        database=database,
        ephemeral=ephemeral,
        sealer=sealer,
        log=log,
        keyring=ground.keyring,
        keyrings=ground.keyrings,
        trust=trust,
        signing=signing,
        foreign_trust=foreign,
        validation=build_validation(
            settings,
            database=database,
            ephemeral=ephemeral,
            sealer=sealer,
            log=log,
            trust=trust,
            foreign=foreign,
            signing=signing,
        ),
        registry=registry,
        egress=egress,
        registers=registers,
        clock=ground.clock,
        outbox=outbox,
        delivery=delivery,
        people=people,
        mandates=build_mandates(
            settings,
            database=database,
            ephemeral=ephemeral,
            sealer=sealer,
            log=log,
            registry=registry,
            business=registers.business,
            people=people,
            outbox=outbox,
            revocations=grants.revocations,
            states=None if trust.pki is None else trust.pki.states,
        ),
        passkeys=entry.passkeys,
        passkey_sign_in=entry.passkey_sign_in,
        login=entry.login,
        enrolment=entry.enrolment,
        verifier=entry.verifier,
        opening=account.opening,
        factors=account.factors,
        password_change=account.password_change,
        makes_signing_means=account.makes_signing_means,
        recovery=account.recovery,
        desks=account.desks,
        recovering=account.recovering,
        rights=account.rights,
        sessions=grants.sessions,
        interactions=grants.interactions,
        authorizations=grants.authorizations,
        hints=grants.hints,
        client_auth=grants.client_auth,
        access_tokens=grants.access_tokens,
        id_tokens=grants.id_tokens,
        code_exchange=grants.code_exchange,
        refreshing=grants.refreshing,
        revocations=grants.revocations,
        consent_withdrawal=grants.consent_withdrawal,
        states=grants.states,
        userinfo=grants.userinfo,
        introspection=grants.introspection,
        opaque=grants.opaque,
    )
