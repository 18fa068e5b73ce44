"""The authorization code grant: a code becomes tokens, once.

What lives here: issuing the code with its grant, and the exchange. The exchange spends the code and
stores the refresh token in one conditional UPDATE, so of any number of simultaneous requests one is
answered, and every other one revokes what that one gave, now or an hour later. The usual code, with
which everything is right, is found and spent by that one statement (`spend`); every other one is
read (`find`), refused with a reason or spent afterwards (`redeem`). Sources: RFC 6749 §4.1.2,
§4.1.3; RFC 7636 §4.6; RFC 9700 §2.1.1, §4.5.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from authlib.oauth2.rfc6749.errors import InvalidGrantError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant as AuthlibCodeGrant

from clients.registry.model import Client, GrantType
from clients.registry.profiles import RefreshRule, profile_of
from idp.ids import GrantId
from idp.model import Code, Grant
from idp.oauth.access_token import AccessTokens
from idp.oauth.claims import Person
from idp.oauth.errors import InvalidGrant
from idp.oauth.grant_state import People, find_person, needs_person
from idp.oauth.grants.adapter import OAuthClient, PresentedCode, SpentCode
from idp.oauth.id_token import IdTokens
from idp.oauth.opaque import OpaqueKind, OpaqueToken, OpaqueTokens
from idp.oauth.pkce import make_challenge, verify_code_verifier
from idp.oauth.resources import ResourceServers, check_resources, find_audience_subject
from idp.oauth.revocation import RevocationReason, Revocations
from idp.oauth.token_response import make_token_response
from idp.storage.database import Database, Transaction
from idp.storage.grants import add_grant, find_code, spend_code
from idp.storage.redemptions import redeem_code


@dataclass(frozen=True, slots=True)
class CodeExchange:
    """The exchange without HTTP: what `AuthorizationCode` below calls at each of its steps."""

    database: Database
    opaque: OpaqueTokens
    people: People
    access_tokens: AccessTokens
    id_tokens: IdTokens
    revocations: Revocations
    resources: ResourceServers
    refresh_lifetime: timedelta

    def issue(
        self, tx: Transaction, grant: Grant, *, client: Client, redirect_uri: str,
        code_challenge: str | None, lifetime: timedelta,
    ) -> str:  # fmt: skip
        """Store a grant and return its code, 86 base64url characters, valid for `lifetime`.

        The code lives as long as the client's profile allows, `lifetime` at most.
        """
        made = self.opaque.make(grant.grant_id, kind=OpaqueKind.CODE)
        lifetime = min(lifetime, timedelta(seconds=profile_of(client).code_lifetime_s))
        code = Code(
            secret_hash=made.digest,
            redirect_uri=redirect_uri,
            code_challenge=code_challenge,
            expires_at=grant.created_at + lifetime,
        )
        add_grant(tx, grant, code=code)
        return made.text

    def spend(
        self, raw_code: str, *, client: Client, redirect_uri: str | None,
        code_verifier: str | None, resources: Sequence[str], now: datetime,
    ) -> SpentCode | None:  # fmt: skip
        """Find a code and spend it, if it is right in every respect and needs no other look.

        Takes   resources: every `resource` of the request.
        Returns None where nothing was spent: `find` tells why.
        """
        presented = self.opaque.find(raw_code, kind=OpaqueKind.CODE)
        challenge = make_challenge(code_verifier)
        if (
            presented is None
            or redirect_uri is None
            or (challenge is None and code_verifier is not None)
            or any(one != self.access_tokens.userinfo_audience for one in resources)
        ):
            return None
        made, until = self._make_refresh(presented.grant_id, client, now=now)
        with self.database.statement() as connection:
            grant = redeem_code(
                connection,
                presented.grant_id,
                client_id=client.client_id,
                code_hash=presented.digest,
                redirect_uri=redirect_uri,
                code_challenge=challenge,
                refresh_hash=None if made is None else made.digest,
                refresh_expires_at=until,
                now=now,
            )
        if grant is None:
            return None
        return SpentCode(grant, redirect_uri, None if made is None else made.text)

    def find(self, raw_code: str, *, client: Client, now: datetime) -> PresentedCode:
        """The code that a client presents.

        A code of another client is refused but not spent: whoever intercepts it cannot burn it.
        A spent one revokes its grant at once, whoever of this client presents it, and however late.
        Raises  InvalidGrant.
        Source  RFC 6749 §4.1.2: if a code is used more than once, the server MUST deny the request.
        """
        presented = self.opaque.find(raw_code, kind=OpaqueKind.CODE)
        if presented is None:
            raise InvalidGrant("the code is unknown")
        with self.database.read() as connection:
            found = find_code(connection, presented.grant_id)
        if found is None or not hmac.compare_digest(found[1].secret_hash, presented.digest):
            raise InvalidGrant("the code is unknown")
        grant, code, is_account_active = found
        if grant.client_id != client.client_id:
            raise InvalidGrant("the code was issued to another client")
        if code.spent_at is not None:
            self._punish(grant, now=now)
            raise InvalidGrant("the code was used before")
        if now >= code.expires_at:
            raise InvalidGrant("the code has expired")
        if not grant.is_live(now):
            raise InvalidGrant("the grant was revoked")
        return PresentedCode(grant, code, is_account_active)

    def redeem(self, presented: PresentedCode, *, client: Client, now: datetime) -> dict[str, Any]:
        """Spend a verified code and answer with tokens.

        Raises  InvalidGrant when another request was faster (its tokens are revoked then), or when
                the account or the mandate does not hold any more.
        """
        grant = presented.grant
        person: Person | None = None
        holds = presented.is_account_active
        if needs_person(grant):
            person = find_person(grant, people=self.people, database=self.database, now=now)
            holds = person is not None
        if not holds:
            raise InvalidGrant("the account or the mandate does not hold any more")
        audience_sub = find_audience_subject(
            grant, servers=self.resources, database=self.database, now=now
        )
        made, refresh_until = self._make_refresh(grant.grant_id, client, now=now)
        if refresh_until is not None and not grant.is_offline:
            # without offline_access it ends with the session, and so does the grant
            refresh_until = min(refresh_until, grant.expires_at)
        with self.database.statement() as connection:
            is_first = spend_code(
                connection,
                grant.grant_id,
                now=now,
                grant_expires_at=refresh_until or grant.expires_at,
                refresh_hash=None if made is None else made.digest,
                refresh_expires_at=refresh_until,
            )
        if not is_first:
            self._punish(grant, now=now)
            raise InvalidGrant("the code was used before")
        refresh_token = None if made is None else made.text
        return self._respond(
            grant,
            client=client,
            person=person,
            audience_sub=audience_sub,
            refresh_token=refresh_token,
            now=now,
        )

    def respond(self, spent: SpentCode, *, client: Client, now: datetime) -> dict[str, Any]:
        """Answer with tokens for a code that `spend` has spent."""
        grant = spent.grant
        return self._respond(
            grant,
            client=client,
            person=None,
            audience_sub=grant.sub,
            refresh_token=spent.refresh_token,
            now=now,
        )

    def _respond(
        self, grant: Grant, *, client: Client, person: Person | None, audience_sub: str,
        refresh_token: str | None, now: datetime,
    ) -> dict[str, Any]:  # fmt: skip
        return make_token_response(
            grant,
            client=client,
            person=person,
            audience_sub=audience_sub,
            scopes=grant.scopes,
            refresh_token=refresh_token,
            is_exchange=True,
            access_tokens=self.access_tokens,
            id_tokens=self.id_tokens,
            now=now,
        )

    def _make_refresh(
        self, grant_id: GrantId, client: Client, *, now: datetime
    ) -> tuple[OpaqueToken | None, datetime | None]:
        """A refresh token where the client may have one, and when its family ends at the latest."""
        if (
            GrantType.REFRESH_TOKEN not in client.grant_types
            or profile_of(client).refresh is RefreshRule.FORBIDDEN
        ):
            return None, None
        made = self.opaque.make(grant_id, kind=OpaqueKind.REFRESH_TOKEN)
        return made, now + min(self.refresh_lifetime, timedelta(seconds=client.refresh_lifetime_s))

    def _punish(self, grant: Grant, *, now: datetime) -> None:
        with self.database.transaction() as tx:
            self.revocations.revoke(tx, [grant], reason=RevocationReason.CODE_REPLAYED, now=now)


class AuthorizationCode(AuthlibCodeGrant):  # type: ignore[misc]  # Authlib has no types
    """Authlib's code grant with our storage: it authenticates, we find, verify and spend.

    Authlib's own order (look up, later save, later delete) would let two requests with one code
    both pass; here a code is spent by the statement that finds it, or `query_authorization_code`
    only reads and `create_token_response` spends.
    """

    GRANT_TYPE = GrantType.AUTHORIZATION_CODE.value

    def query_authorization_code(self, code: str, client: OAuthClient) -> PresentedCode | SpentCode:
        """Find the code; nothing is spent unless verifier, URI and resource belong to it."""
        endpoint = self.server
        parameters = self.request.parameters
        spent = endpoint.code_exchange.spend(
            code,
            client=client.registered,
            redirect_uri=parameters.get("redirect_uri"),
            code_verifier=parameters.get("code_verifier"),
            resources=parameters.all("resource"),
            now=self.request.now,
        )
        if spent is not None:
            return spent  # type: ignore[no-any-return]  # `server` is Authlib's attribute
        presented = endpoint.code_exchange.find(
            code, client=client.registered, now=self.request.now
        )
        verify_code_verifier(
            parameters.get("code_verifier"),
            expected_challenge=presented.code.code_challenge,
        )
        check_resources(
            parameters.all("resource"),
            grant=presented.grant,
            userinfo=endpoint.access_tokens.userinfo_audience,
        )
        return presented  # type: ignore[no-any-return]  # `server` is Authlib's attribute

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """Spend the code and answer."""
        presented = self.request.authorization_code
        if presented is None:
            raise InvalidGrantError
        exchange = self.server.code_exchange
        answer = exchange.respond if isinstance(presented, SpentCode) else exchange.redeem
        token = answer(presented, client=self.request.client.registered, now=self.request.now)
        return 200, token, self.TOKEN_RESPONSE_HEADER
