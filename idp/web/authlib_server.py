"""Authlib's authorization server on Flask: the only file that knows both.

What lives here: Flask's request in Authlib's words, and the token and revocation endpoints as
Authlib drives them: it picks the grant, authenticates through `client_auth.py` and turns errors
into answers. What it leaves open (PKCE, spending codes, rotation, resources) is ours, in
`idp/oauth`. Source: RFC 6749 §3.2, §5; RFC 7009.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from flask import Request, Response

from idp.oauth.errors import InvalidRequest, MalformedParameters, OAuthError
from idp.oauth.grants.adapter import OAuthClient
from idp.oauth.grants.authorization_code import AuthorizationCode
from idp.oauth.grants.client_credentials import ClientCredentials
from idp.oauth.grants.refresh_token import RefreshToken
from idp.oauth.parameters import Parameters
from idp.services import Services
from idp.web.request_facts import note_refusal, note_tokens

_HEADERS: Final = [
    ("Content-Type", "application/json"),
    ("Cache-Control", "no-store"),
    ("Pragma", "no-cache"),
]
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
    ) -> Response:
        """Authlib's answer as Flask's; its headers are those that every answer here has."""
        return json_answer(status, body)

    def answer_token_request(self, request: TokenRequest) -> Response:
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


def json_answer(status: int, body: Any) -> Response:
    """A JSON answer that nobody may keep.  RFC 6749 §5.1."""
    return Response(msgspec.json.encode(body), status=status, headers=_HEADERS)


def error_answer(error: OAuthError, *, used_basic: bool) -> Response:
    """An error of a direct endpoint.

    Source  RFC 6749 §5.2: 401 with WWW-Authenticate when the client used the Authorization header.
    """
    note_refusal(error.code)
    body = {"error": error.code, "error_description": error.description}
    response = json_answer(error.status, body)
    if error.status == 401 and used_basic:
        response.headers["WWW-Authenticate"] = 'Basic realm="token"'
    return response


def malformed_answer(problem: MalformedParameters) -> Response:
    """A body that could not be read."""
    note_refusal(problem.code)
    status = 413 if problem.detail == "too_large" else 400
    return json_answer(
        status, {"error": "invalid_request", "error_description": f"body: {problem.detail}"}
    )


def token_request(
    raw: Request, *, parameters: Parameters, source: str, issuer: str, now: datetime
) -> TokenRequest:
    """Flask's request in Authlib's words."""
    authorization = raw.headers.get("Authorization")
    return TokenRequest(
        uri=issuer + raw.path,
        # the one that is read; asking Werkzeug's headers whether there are any counts them all
        headers={} if authorization is None else {"Authorization": authorization},
        parameters=parameters,
        source=source,
        now=now,
    )
