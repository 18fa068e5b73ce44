"""Authlib's authorization server over our requests: the only file that knows both.

What lives here: a direct request in Authlib's words, and the token and revocation endpoints as
Authlib drives them: it picks the grant, authenticates through `client_auth.py` and turns errors
into answers. What it leaves open (PKCE, spending codes, rotation, resources) is ours, in
`idp/oauth`. Source: RFC 6749 §3.2, §5; RFC 7009.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload

from idp.oauth.errors import InvalidRequest
from idp.oauth.grants.adapter import OAuthClient
from idp.oauth.grants.authorization_code import AuthorizationCode
from idp.oauth.grants.client_credentials import ClientCredentials
from idp.oauth.grants.refresh_token import RefreshToken
from idp.oauth.parameters import Parameters
from idp.services import Services
from idp.web.direct import DirectAnswer, DirectRequest, json_answer
from idp.web.request_facts import note_refusal, note_tokens

_METHODS: Final = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]


class TokenRequest(OAuth2Request):  # type: ignore[misc]  # Authlib has no types
    """One request to a direct endpoint, with what our side needs of it."""

    def __init__(
        self,
        *,
        uri: str,
        headers: Mapping[str, str],
        parameters: Parameters,
        source: str,
        now: datetime,
    ) -> None:
        super().__init__("POST", uri, headers=headers)
        self.parameters = parameters
        self.source = source
        self.now = now
        self.payload = BasicOAuth2Payload({name: parameters.get(name) for name in parameters})

    @property
    def form(self) -> dict[str, Any]:
        """The body's parameters."""
        return self.payload.data  # type: ignore[no-any-return]  # Authlib has no types


class Server(AuthorizationServer):  # type: ignore[misc]  # Authlib has no types
    """Authlib's server over our services."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._client_auth_of_ours = services.client_auth
        self.code_exchange = services.code_exchange
        self.refreshing = services.refreshing
        self.access_tokens = services.access_tokens
        self.registry = services.registry
        for grant in (AuthorizationCode, RefreshToken, ClientCredentials):
            grant.TOKEN_ENDPOINT_AUTH_METHODS = _METHODS
            self.register_grant(grant)

    def authenticate_client(
        self, request: TokenRequest, _methods: Sequence[str], _endpoint: str = "token"
    ) -> OAuthClient:
        """Authenticate by our rules; Authlib's own methods are never asked."""
        client = self._client_auth_of_ours.authenticate(
            request.parameters,
            authorization=request.headers.get("Authorization"),
            source=request.source,
            now=request.now,
        )
        return OAuthClient(client)

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Authlib's signals are not used."""

    def create_oauth2_request(self, request: TokenRequest) -> TokenRequest:
        """Ours already."""
        return request

    def handle_response(
        self, status: int, body: Any, _headers: Sequence[tuple[str, str]]
    ) -> DirectAnswer:
        """Authlib's answer as ours; its headers are those that every answer here has."""
        return json_answer(status, body)

    def answer_token_request(self, request: TokenRequest) -> DirectAnswer:
        """The token endpoint.

        Raises  OAuthError of ours; Authlib's own errors are answered here.
        """
        if request.parameters.get("grant_type") is None:
            raise InvalidRequest("grant_type is missing")
        try:
            grant = self.get_token_grant(request)
            grant.validate_token_request()
            status, body, _headers = grant.create_token_response()
        except OAuth2Error as error:
            note_refusal(error.error)
            status, body, _headers = error(None)
            return json_answer(status, dict(body))
        note_tokens(grant.GRANT_TYPE)
        return json_answer(status, body)


def token_request(
    raw: DirectRequest, *, parameters: Parameters, source: str, issuer: str, now: datetime
) -> TokenRequest:
    """A request of ours in Authlib's words."""
    authorization = raw.authorization
    return TokenRequest(
        uri=issuer + raw.path,
        headers={} if authorization is None else {"Authorization": authorization},
        parameters=parameters,
        source=source,
        now=now,
    )
