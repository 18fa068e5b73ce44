"""Sessions, grants and the tokens that come of them, built once.

What lives here: `GrantServices` and the function that builds it from the settings.
Not here: what any of it does (`idp/oauth`, `idp/sessions.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from idp.accounts.people import People
from idp.delivery_services import DeliveryServices
from idp.ground_services import Ground
from idp.mandate_register import PeopleInUse
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
from idp.sessions import Sessions
from idp.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantServices:
    """All of it is safe to share between threads."""

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
    states: GrantStates
    userinfo: Userinfo
    introspection: Introspection
    opaque: OpaqueTokens


def build_grants(
    settings: Settings, ground: Ground, *, people: People, delivery: DeliveryServices
) -> GrantServices:
    """Build everything; nothing is connected to."""
    database, registry, keyring = ground.database, ground.registry, ground.keyring
    sealer, log = ground.sealer, ground.log
    access_tokens = AccessTokens(
        keyring, issuer=settings.issuer, lifetime_s=settings.access_token_lifetime_s
    )
    id_tokens = IdTokens(keyring, issuer=settings.issuer, lifetime_s=settings.id_token_lifetime_s)
    states = GrantStates(
        database,
        ephemeral=ground.ephemeral,
        sealer=sealer,
        people=people,
        clients=registry,
        lifetime=timedelta(seconds=settings.grant_cache_s),
    )
    revocations = Revocations(database, states=states, log=log)
    opaque = OpaqueTokens(sealer)
    in_use = PeopleInUse(people, database, ground.ephemeral, ground.outbox)
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
        deferred=ground.outbox,
        revocations=revocations,
        data_keys=people,
        log=log,
        notices=delivery.notices,
    )
    return GrantServices(
        sessions=sessions,
        interactions=Interactions(
            ground.ephemeral,
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
            keys=ClientKeyStore(ground.egress),
            spent=ground.ephemeral,
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
        states=states,
        userinfo=Userinfo(access_tokens, states, registry, keyring, settings.issuer),
        introspection=Introspection(access_tokens, states, registry),
        opaque=opaque,
    )
