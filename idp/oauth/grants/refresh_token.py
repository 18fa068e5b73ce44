"""The refresh token grant: rotation that survives a lost answer and notices theft.

What lives here: one decision, made by one conditional UPDATE.  The live token gets a successor; the
one before it, within the grace and as long as the successor has not been used, gets that same
successor again; everything else is a replay and ends the family.  There is never a second branch.
Sources: RFC 6749 §6; RFC 9700 §4.14.2; architecture §5.8.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from authlib.oauth2.rfc6749.grants import RefreshTokenGrant as AuthlibRefreshGrant

from clients.registry.model import Client, GrantType
from clients.registry.profiles import RefreshRule, profile_of
from idp.ids import GrantId
from idp.model import Grant, RefreshFamily
from idp.oauth.access_token import AccessTokens
from idp.oauth.claims import Person
from idp.oauth.errors import InvalidGrant, InvalidRequest, InvalidScope, UnauthorizedClient
from idp.oauth.grant_state import People, find_person, needs_person
from idp.oauth.grants.adapter import OAuthClient
from idp.oauth.id_token import IdTokens
from idp.oauth.opaque import OpaqueKind, OpaqueToken, OpaqueTokens
from idp.oauth.resources import ResourceServers, check_resources, find_audience_subject
from idp.oauth.revocation import RevocationReason, Revocations
from idp.oauth.token_response import make_token_response
from idp.storage.database import Database
from idp.storage.grants import find_refresh, rotate_refresh
from idp.storage.redemptions import redeem_refresh
from keystore.purposes import SealPurpose
from keystore.sealing import Sealer


@dataclass(frozen=True, slots=True)
class _Held:
    """What is stored behind a refresh token at one instant."""

    grant: Grant
    family: RefreshFamily
    is_account_active: bool


@dataclass(frozen=True, slots=True)
class Refreshing:
    """The refresh without HTTP."""

    database: Database
    opaque: OpaqueTokens
    sealer: Sealer
    people: People
    access_tokens: AccessTokens
    id_tokens: IdTokens
    revocations: Revocations
    resources: ResourceServers
    grace: timedelta

    def redeem(
        self,
        raw_token: str,
        *,
        client: Client,
        scope: str | None,
        resources: Sequence[str],
        now: datetime,
    ) -> dict[str, Any]:
        """Answer a refresh request.

        Whether the person and the mandate hold is looked at first: a refusal for that reason must
        not use the token up, since an account that is unlocked goes on where it was.
        Takes   scope: fewer scopes than granted, space-separated, or None for all of them;
                resources: every `resource` of the request.
        Raises  InvalidGrant; InvalidScope when more is asked for than was granted; InvalidTarget.
        Source  RFC 6749 §6; RFC 8707 §2.2.
        """
        presented = self.opaque.find(raw_token, kind=OpaqueKind.REFRESH_TOKEN)
        if presented is None:
            raise InvalidGrant("the refresh token is unknown")
        answered = self._redeem_at_once(
            presented, client=client, scope=scope, resources=resources, now=now
        )
        if answered is not None:
            return answered
        held = self._find(presented)
        grant = held.grant
        if grant.client_id != client.client_id:
            raise InvalidGrant("the refresh token was issued to another client")
        person: Person | None = None
        holds = held.is_account_active
        if needs_person(grant):
            person = find_person(grant, people=self.people, database=self.database, now=now)
            holds = person is not None
        if not holds:
            raise InvalidGrant("the account or the mandate does not hold any more")
        check_resources(resources, grant=grant, userinfo=self.access_tokens.userinfo_audience)
        audience_sub = find_audience_subject(
            grant, servers=self.resources, database=self.database, now=now
        )
        refresh_token = self._rotate(held, presented, client=client, scope=scope, now=now)
        return self._respond(
            grant,
            client=client,
            person=person,
            audience_sub=audience_sub,
            scopes=_narrow(grant, scope),
            refresh_token=refresh_token,
            now=now,
        )

    def _redeem_at_once(
        self, presented: OpaqueToken, *, client: Client, scope: str | None,
        resources: Sequence[str], now: datetime,
    ) -> dict[str, Any] | None:  # fmt: skip
        """The answer to the usual request, found and rotated in one statement.

        Returns None where nothing was changed: something is wrong, or has to be looked at.
        """
        if (
            scope is not None
            or any(one != self.access_tokens.userinfo_audience for one in resources)
            or profile_of(client).refresh is RefreshRule.BOUND_TO_KEY
        ):
            return None
        made = self.opaque.make(presented.grant_id, kind=OpaqueKind.REFRESH_TOKEN)
        with self.database.statement() as connection:
            grant = redeem_refresh(
                connection,
                presented.grant_id,
                client_id=client.client_id,
                presented_hash=presented.digest,
                successor_hash=made.digest,
                sealed_successor=self._seal(made, previous_hash=presented.digest),
                now=now,
            )
        if grant is None:
            return None
        return self._respond(
            grant,
            client=client,
            person=None,
            audience_sub=grant.sub,
            scopes=grant.scopes,
            refresh_token=made.text,
            now=now,
        )

    def _respond(
        self, grant: Grant, *, client: Client, person: Person | None, audience_sub: str,
        scopes: tuple[str, ...], refresh_token: str, now: datetime,
    ) -> dict[str, Any]:  # fmt: skip
        return make_token_response(
            grant,
            client=client,
            person=person,
            audience_sub=audience_sub,
            scopes=scopes,
            refresh_token=refresh_token,
            is_exchange=False,
            access_tokens=self.access_tokens,
            id_tokens=self.id_tokens,
            now=now,
        )

    def _find(self, presented: OpaqueToken) -> _Held:
        with self.database.read() as connection:
            found = find_refresh(connection, presented.grant_id)
        if found is None:
            raise InvalidGrant("the refresh token is unknown")
        return _Held(*found)

    def _rotate(
        self,
        held: _Held,
        presented: OpaqueToken,
        *,
        client: Client,
        scope: str | None,
        now: datetime,
    ) -> str:
        """The refresh token to hand out.

        1. The grant holds, and gives what is asked for.
        2. The live token: replace it, unless the profile binds tokens to the client's key instead.
           Whoever loses the race for that looks again, and finds the winner's successor.
        3. The one before, within the grace: the same successor, unsealed.
        4. Anything else was live once (its MAC says so): a replay, and the family ends.

        Nothing is locked: a token that is not the live one never becomes it again.
        """
        grant, family = held.grant, held.family
        if not grant.is_live(now) or now >= family.expires_at:  # 1
            raise InvalidGrant("the refresh token has expired or was revoked")
        _narrow(grant, scope)
        if hmac.compare_digest(family.current_hash, presented.digest):  # 2
            if profile_of(client).refresh is RefreshRule.BOUND_TO_KEY:
                # FAPI 2.0 §5.3.2.1: no rotation, only the holder of the client's key can use it
                return presented.text
            successor = self._replace(grant, family, now=now)
            if successor is not None:
                return successor
            again = self._find(presented)
            return self._rotate(again, presented, client=client, scope=scope, now=now)
        is_previous = family.previous_hash is not None and hmac.compare_digest(
            family.previous_hash, presented.digest
        )
        if is_previous and self._is_in_grace(family, now=now):  # 3
            return self._successor_again(grant, family)
        with self.database.transaction() as tx:  # 4
            self.revocations.revoke(tx, [grant], reason=RevocationReason.REFRESH_REPLAYED, now=now)
        raise InvalidGrant("the refresh token was used before")

    def _replace(self, grant: Grant, family: RefreshFamily, *, now: datetime) -> str | None:
        """A successor of the live token; None when another request was faster, or a revocation."""
        made = self.opaque.make(grant.grant_id, kind=OpaqueKind.REFRESH_TOKEN)
        sealed = self._seal(made, previous_hash=family.current_hash)
        with self.database.statement() as connection:
            is_first = rotate_refresh(
                connection,
                grant.grant_id,
                previous_hash=family.current_hash,
                current_hash=made.digest,
                sealed_current=sealed,
                generation=family.generation + 1,
                now=now,
            )
        return made.text if is_first else None

    def _seal(self, successor: OpaqueToken, *, previous_hash: bytes) -> bytes:
        return self.sealer.seal(
            SealPurpose.REFRESH,
            successor.text.encode("ascii"),
            context=_context(successor.grant_id, previous_hash),
        )

    def _is_in_grace(self, family: RefreshFamily, *, now: datetime) -> bool:
        return (
            family.rotated_at is not None
            and family.sealed_current is not None
            and now - family.rotated_at <= self.grace
        )

    def _successor_again(self, grant: Grant, family: RefreshFamily) -> str:
        opened = self.sealer.unseal(
            SealPurpose.REFRESH,
            family.sealed_current or b"",
            context=_context(grant.grant_id, family.previous_hash or b""),
        )
        return opened.decode("ascii")


def _context(grant_id: GrantId, previous_hash: bytes) -> str:
    """A sealed successor opens for the token that it replaced, and for no other."""
    return f"{grant_id}:{previous_hash.hex()}"


def _narrow(grant: Grant, scope: str | None) -> tuple[str, ...]:
    """The granted scopes, or the subset that was asked for.  RFC 6749 §6."""
    if scope is None:
        return grant.scopes
    asked = set(scope.split())
    if not asked <= set(grant.scopes):
        raise InvalidScope("more scopes than were granted")
    return tuple(one for one in grant.scopes if one in asked)


class RefreshToken(AuthlibRefreshGrant):  # type: ignore[misc]  # Authlib has no types
    """Authlib's refresh grant with our rotation."""

    GRANT_TYPE = GrantType.REFRESH_TOKEN.value

    def validate_token_request(self) -> None:
        """Authenticate the client and see that it may refresh; the token is judged later, once."""
        client: OAuthClient = self.authenticate_token_endpoint_client()
        if not client.check_grant_type(self.GRANT_TYPE):
            raise UnauthorizedClient("the client is not registered for refresh_token")
        if self.request.parameters.get("refresh_token") is None:
            raise InvalidRequest("refresh_token is missing")
        self.request.client = client

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """Rotate and answer."""
        parameters = self.request.parameters
        token = self.server.refreshing.redeem(
            parameters.get("refresh_token"),
            client=self.request.client.registered,
            scope=parameters.get("scope"),
            resources=parameters.all("resource"),
            now=self.request.now,
        )
        return 200, token, self.TOKEN_RESPONSE_HEADER
