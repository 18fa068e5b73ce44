"""What is done about accounts, by whoever owns them and at desks, built once.

What lives here: `AccountServices` and the function that builds it from what the process holds.
Not here: signing in (`sign_in_services.py`), and what any of it does (`idp/accounts`).
"""

from __future__ import annotations

from dataclasses import dataclass

from idp.accounts.breached_passwords import BreachedPasswords
from idp.accounts.password_change import PasswordChange
from idp.accounts.passwords import Passwords
from idp.accounts.people import People
from idp.accounts.recovery import Recovery
from idp.delivery_services import DeliveryServices
from idp.factor_services import FactorServices, build_factors
from idp.grant_services import GrantServices
from idp.ground_services import Ground
from idp.official_services import Desks, build_desks
from idp.opening_services import OpeningServices, build_opening
from idp.recovery_services import MeansOfAccounts, RecoveryServices, build_recovery
from idp.registers import PopulationRegister
from idp.rights_services import RightsServices, build_rights
from idp.settings import Settings
from idp.sign_in_services import SignInServices
from idp.trust import Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountServices:
    """All of it is safe to share between threads."""

    opening: OpeningServices
    factors: FactorServices
    password_change: PasswordChange
    makes_signing_means: MeansOfAccounts
    recovery: Recovery
    desks: Desks
    recovering: RecoveryServices
    rights: RightsServices


def build_account(
    settings: Settings,
    ground: Ground,
    *,
    people: People,
    passwords: Passwords,
    breached: BreachedPasswords,
    delivery: DeliveryServices,
    population: PopulationRegister,
    entry: SignInServices,
    grants: GrantServices,
    trust: Trust,
) -> AccountServices:
    """Build everything; nothing is connected to."""
    database, ephemeral, outbox = ground.database, ground.ephemeral, ground.outbox
    sealer, log, sign_out = ground.sealer, ground.log, grants.sessions.end_all_in
    means = MeansOfAccounts(settings, database, sealer, outbox, trust)
    recovery = Recovery(
        log,
        delivery.notices,
        clients=ground.registry,
        revocations=grants.revocations,
        states=grants.states,
        signing_means=means,
        sign_out=sign_out,
    )
    factors = build_factors(
        settings,
        database=database,
        ephemeral=ephemeral,
        sealer=sealer,
        log=log,
        delivery=delivery,
        attempts=entry.attempts,
        recovery=recovery,
    )
    return AccountServices(
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
            population=population,
        ),
        factors=factors,
        password_change=PasswordChange(
            database,
            sealer,
            log,
            passwords,
            breached=breached,
            sessions=grants.sessions,
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
            attempts=entry.attempts,
            passwords=passwords,
            breached=breached,
            population=population,
            recovery=recovery,
            sign_out=sign_out,
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
            attempts=entry.attempts,
            login=entry.login,
            passkeys=entry.passkey_sign_in,
            passwords=passwords,
            breached=breached,
            recovery=recovery,
            sign_out=sign_out,
        ),
        rights=build_rights(
            database,
            ephemeral,
            sealer,
            log,
            notices=recovery.notices,
            revoke=grants.revocations.revoke,
        ),
    )
