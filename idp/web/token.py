"""The direct endpoints of OAuth: token, revocation, introspection.

What lives here: HTTP around the use cases; Authlib drives the token endpoint.
Source: RFC 6749 §3.2, §5; RFC 7009; RFC 7662.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from idp.oauth.errors import (
    InvalidRequest,
    InvalidToken,
    MalformedParameters,
    OAuthError,
    UnsupportedTokenType,
)
from idp.oauth.opaque import OpaqueKind
from idp.services import Services
from idp.web.authlib_server import Server, TokenRequest, token_request
from idp.web.direct import (
    DirectAnswer,
    DirectEndpoint,
    DirectRequest,
    Handle,
    error_answer,
    json_answer,
    malformed_answer,
)
from idp.web.source import TrustedProxies

_POST: Final = frozenset({"POST"})


def make_token(services: Services, *, proxies: TrustedProxies) -> Mapping[str, DirectEndpoint]:
    """`/token`, `/revoke` and `/introspect`."""
    server = Server(services)
    issuer = services.settings.issuer

    def direct(act: Callable[[TokenRequest], DirectAnswer]) -> Handle:
        """Read a direct request strictly and answer errors in the protocol's way."""

        def handle(request: DirectRequest) -> DirectAnswer:
            try:
                parameters = request.form()
                parameters.refuse_repeated()
                return act(
                    token_request(
                        request,
                        parameters=parameters,
                        source=request.source(proxies),
                        issuer=issuer,
                        now=services.time(),
                    )
                )
            except MalformedParameters as problem:
                return malformed_answer(problem)
            except OAuthError as error:
                return error_answer(error, used_basic=request.authorization is not None)

        return handle

    def revoke_token(asked: TokenRequest) -> DirectAnswer:
        """End the grant behind a token of the caller.

        An access token ends its grant as well: what is left of one would be a token that nobody
        may use.  RFC 7009 §2.1, §2.2: unknown tokens are answered with 200 too; §2.2.1: a token
        that cannot be revoked is said to be one.
        """
        client = server.authenticate_client(asked, ()).registered
        raw = asked.parameters.get("token")
        if raw is None:
            raise InvalidRequest("token is missing")
        found = services.opaque.find(raw, kind=OpaqueKind.REFRESH_TOKEN)
        grant_id = None if found is None else found.grant_id
        if grant_id is None:
            try:
                token = services.access_tokens.verify(raw, expected_audience=None, now=asked.now)
            except InvalidToken:
                return json_answer(200, {})
            if token.grant_id is None:
                # nothing is stored of it: saying 200 would promise what does not happen
                raise UnsupportedTokenType("tokens of client credentials end by themselves")
            grant_id = token.grant_id
        services.revocations.revoke_for_client(grant_id, client_id=client.client_id, now=asked.now)
        return json_answer(200, {})

    def introspect_token(asked: TokenRequest) -> DirectAnswer:
        client = server.authenticate_client(asked, ()).registered
        if client.is_public:
            raise InvalidRequest("public clients do not introspect")
        raw = asked.parameters.get("token")
        if raw is None:
            raise InvalidRequest("token is missing")
        answer = services.introspection.introspect(raw, caller=client, now=asked.now)
        return json_answer(200, answer)

    return {
        "/token": DirectEndpoint(_POST, direct(server.answer_token_request)),
        "/revoke": DirectEndpoint(_POST, direct(revoke_token)),
        "/introspect": DirectEndpoint(_POST, direct(introspect_token)),
    }
