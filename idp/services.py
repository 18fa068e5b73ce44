"""Everything a process of the provider holds, built once from the settings.

What lives here: `Services` and the one function that builds it.  No globals, nothing at import; the
web application, the worker and the commands all take what they need from here.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from clients.registry.registry import Registry
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
from idp.factor_services import FactorServices, build_factors
from idp.foreign_trust import ForeignTrust, build_foreign_trust
from idp.keks import open_service_ring
from idp.keyrings import Keyrings, open_keyrings
from idp.mandate_register import PeopleInUse
from idp.mandate_services import MandateServices, build_mandates
from idp.oauth.access_token import AccessTokens
from idp.oauth.authorization import Authorizations
from idp.oauth.client_auth import ClientAuthentication
from idp.oauth.client_keys import ClientKeyStore
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
from idp.official_services import Desks, build_desks
from idp.opening_services import OpeningServices, build_opening
from idp.recovery_services import MeansOfAccounts, RecoveryServices, build_recovery
from idp.register_services import Registers, build_registers
from idp.registers.transport import Exchange
from idp.rights_services import RightsServices, build_rights
from idp.sessions import Sessions
from idp.settings import Settings
from idp.sign_in_services import build_sign_in
from idp.signing import SigningServices, build_signing
from idp.signing_means import SigningMeans
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from idp.storage.ephemeral_redis import RedisEphemeralStore
from idp.storage.ephemeral_sql import SqlEphemeralStore
from idp.trust import Trust, build_trust
from idp.validation import ValidationServices, build_validation
from idp.work.clock import Clock, open_clock
from idp.work.outbox import Outbox
from keystore.keyring import Keyring
from keystore.log.record import LogWriter
from keystore.purposes import TOKENS
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


def open_ephemeral(settings: Settings) -> EphemeralStore:
    """The ephemeral store that the settings name."""
    url = settings.effective_ephemeral_url
    if url.startswith(("redis://", "rediss://", "unix://")):
        return RedisEphemeralStore(url, pool_size=settings.threads)
    return SqlEphemeralStore(url, pool_size=settings.threads)


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
    now = time()
    passwords = passwords or Passwords(Hashing(Argon2Costs()))
    breached = BreachedPasswords(settings.breached_passwords_file)
    database = database or Database(settings.effective_database_url, pool_size=settings.threads)
    ephemeral = ephemeral or open_ephemeral(settings)
    sealer = Sealer.open(database, kek=open_service_ring(settings), now=now)
    log = LogWriter(sealer, writer_id=f"{socket.gethostname()[:40]}-{os.getpid()}")
    keyrings = open_keyrings(settings, database=database, sealer=sealer, log=log)
    keyring = keyrings.of(TOKENS)
    keyring.ensure(now)
    registry = Registry(database)
    egress = Egress(
        allow_private=settings.egress_private,
        allow_insecure=is_sandbox,
        ca_file=None if settings.egress_ca_file is None else str(settings.egress_ca_file),
    )
    clock = open_clock(settings.queue_url or f"sqlite:///{settings.var.absolute() / 'queue.db'}")
    outbox = Outbox(clock.wake)
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
    attempts, login = entry.attempts, entry.login
    access_tokens = AccessTokens(
        keyring, issuer=settings.issuer, lifetime_s=settings.access_token_lifetime_s
    )
    id_tokens = IdTokens(keyring, issuer=settings.issuer, lifetime_s=settings.id_token_lifetime_s)
    states = GrantStates(
        database,
        ephemeral=ephemeral,
        sealer=sealer,
        people=people,
        clients=registry,
        lifetime=timedelta(seconds=settings.grant_cache_s),
    )
    revocations = Revocations(database, states=states, log=log)
    opaque = OpaqueTokens(sealer)
    in_use = PeopleInUse(people, database, ephemeral, outbox)
    exchange = CodeExchange(
        database=database,
        opaque=opaque,
        people=in_use,
        access_tokens=access_tokens,
        id_tokens=id_tokens,
        revocations=revocations,
        resources=registry,
        refresh_lifetime=timedelta(seconds=settings.refresh_lifetime_s),
    )
    sessions = Sessions(
        database,
        clients=registry,
        deferred=outbox,
        revocations=revocations,
        data_keys=people,
        log=log,
        notices=delivery.notices,
    )
    trust = build_trust(settings, keyrings=keyrings, egress=egress, is_sandbox=is_sandbox)
    signing = build_signing(
        settings,
        database=database,
        ephemeral=ephemeral,
        sealer=sealer,
        log=log,
        people=people,
        passkeys=entry.passkeys,
        registry=registry,
        outbox=outbox,
        egress=egress,
        trust=trust,
        time=time,
        is_sandbox=is_sandbox,
    )
    means = MeansOfAccounts(settings, database, sealer, outbox, trust)
    recovery = Recovery(
        log,
        delivery.notices,
        clients=registry,
        revocations=revocations,
        states=states,
        signing_means=means,
        sign_out=sessions.end_all_in,
    )
    factors = build_factors(
        settings,
        database=database,
        ephemeral=ephemeral,
        sealer=sealer,
        log=log,
        delivery=delivery,
        attempts=attempts,
        recovery=recovery,
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
        keyring=keyring,
        keyrings=keyrings,
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
        opening=build_opening(
            settings,
            database=database,
            ephemeral=ephemeral,
            sealer=sealer,
            log=log,
            people=people,
            passwords=passwords,
            breached=breached,
            delivery=delivery,
            population=registers.population,
        ),
        clock=clock,
        outbox=outbox,
        delivery=delivery,
        factors=factors,
        people=people,
        passkeys=entry.passkeys,
        passkey_sign_in=entry.passkey_sign_in,
        login=login,
        enrolment=entry.enrolment,
        password_change=PasswordChange(
            database,
            sealer,
            log,
            passwords,
            breached=breached,
            sessions=sessions,
            notices=delivery.notices,
        ),
        makes_signing_means=means,
        recovery=recovery,
        desks=build_desks(
            database=database,
            ephemeral=ephemeral,
            sealer=sealer,
            log=log,
            outbox=outbox,
            people=people,
            attempts=attempts,
            passwords=passwords,
            breached=breached,
            population=registers.population,
            recovery=recovery,
            sign_out=sessions.end_all_in,
            signing_means=means,
        ),
        recovering=build_recovery(
            settings,
            database=database,
            ephemeral=ephemeral,
            sealer=sealer,
            log=log,
            people=people,
            outbox=outbox,
            delivery=delivery,
            factors=factors,
            attempts=attempts,
            login=login,
            passkeys=entry.passkey_sign_in,
            passwords=passwords,
            breached=breached,
            recovery=recovery,
            sign_out=sessions.end_all_in,
        ),
        rights=build_rights(
            database, ephemeral, sealer, log, notices=recovery.notices, revoke=revocations.revoke
        ),
        verifier=entry.verifier,
        sessions=sessions,
        interactions=Interactions(
            ephemeral,
            sealer=sealer,
            lifetime=timedelta(seconds=settings.interaction_lifetime_s),
        ),
        authorizations=Authorizations(
            database,
            people=people,
            bases=registry,
            sessions=sessions,
            exchange=exchange,
            sealer=sealer,
            log=log,
            code_lifetime=timedelta(seconds=settings.code_lifetime_s),
            password_fresh=timedelta(seconds=settings.password_fresh_s),
            resources=registry,
        ),
        hints=Hints(database, registry=registry, id_tokens=id_tokens),
        client_auth=ClientAuthentication(
            registry,
            keys=ClientKeyStore(egress),
            spent=ephemeral,
            issuer=settings.issuer,
            token_endpoint=f"{settings.issuer}/token",
        ),
        access_tokens=access_tokens,
        id_tokens=id_tokens,
        code_exchange=exchange,
        refreshing=Refreshing(
            database=database,
            opaque=opaque,
            sealer=sealer,
            people=in_use,
            access_tokens=access_tokens,
            id_tokens=id_tokens,
            revocations=revocations,
            resources=registry,
            grace=timedelta(seconds=settings.refresh_grace_s),
        ),
        revocations=revocations,
        consent_withdrawal=ConsentWithdrawal(
            database=database, revocations=revocations, data_keys=people, log=log
        ),
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
            revocations=revocations,
            states=None if trust.pki is None else trust.pki.states,
        ),
        states=states,
        userinfo=Userinfo(access_tokens, states, registry, keyring, settings.issuer),
        introspection=Introspection(access_tokens, states, registry),
        opaque=opaque,
    )
