"""Userinfo: the person's claims for a bearer of an access token.

What lives here: from a token to the answer's bytes.  Source: OpenID Connect Core §5.3; RFC 6750 §3.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import msgspec

from clients.registry.model import Client
from idp.oauth.access_token import AccessTokens
from idp.oauth.errors import InsufficientScope, InvalidToken
from idp.oauth.grant_state import GrantStates
from idp.oauth.scopes import OPENID
from keystore.jose import sign_jwt
from keystore.keyring import Keyring


class Clients(Protocol):
    """The registry, as far as this module looks."""

    def find_client(self, client_id: str, *, now: datetime) -> Client | None:
        """A client that may be used now."""


@dataclass(frozen=True, slots=True)
class UserinfoAnswer:
    """`body` in the media type `content_type`: JSON, or a JWT where the client registered so."""

    body: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Userinfo:
    """Answers userinfo requests of one issuer."""

    access_tokens: AccessTokens
    states: GrantStates
    clients: Clients
    keyring: Keyring
    issuer: str

    def answer(self, raw_token: str, *, now: datetime) -> UserinfoAnswer:
        """The claims behind an access token.

        Raises  InvalidToken when the token, its grant or its client does not hold;
                InsufficientScope without `openid`.
        Source  OpenID Connect Core §5.3.2.
        """
        token = self.access_tokens.verify(
            raw_token, expected_audience=self.access_tokens.userinfo_audience, now=now
        )
        if token.grant_id is None or OPENID not in token.scopes:
            raise InsufficientScope("the access token has no openid scope")
        body = self.states.userinfo(token.grant_id, scopes=token.scopes, now=now)
        client = self.clients.find_client(token.client_id, now=now)
        if body is None or client is None:
            raise InvalidToken("the access token was revoked")
        algorithm = client.userinfo_signed_response_alg
        if algorithm is None:
            return UserinfoAnswer(body, "application/json")
        claims = {**msgspec.json.decode(body), "iss": self.issuer, "aud": client.client_id}
        key = self.keyring.signing_key(algorithm, now=now)
        return UserinfoAnswer(
            sign_jwt(claims, key=key, typ="JWT").encode("ascii"), "application/jwt"
        )
