"""Introspection: what a resource server may learn of an access token.

What lives here: the answer.  Only a resource server that is in the token's `aud` gets one; to
everybody else, and for everything that is not a live access token, the token is inactive.
Source: RFC 7662 §2.2, §4; RFC 9068 §5; architecture, "Tokens".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from clients.registry.model import Client
from idp.oauth.access_token import AccessTokens
from idp.oauth.errors import InvalidToken
from idp.oauth.grant_state import GrantStates

_SHOWN: Final = (
    "iss", "sub", "aud", "client_id", "scope", "exp", "iat", "jti", "auth_time", "acr", "org",
)  # fmt: skip
_INACTIVE: Final[dict[str, Any]] = {"active": False}


class Audiences(Protocol):
    """The registry, as far as this module looks."""

    def find_client(self, client_id: str, *, now: datetime) -> Client | None:
        """A client that may be used now."""

    def audiences_of(self, client_id: str, *, now: datetime) -> frozenset[str]:
        """The identifiers in whose name a client may introspect."""


@dataclass(frozen=True, slots=True)
class Introspection:
    """Answers introspection requests."""

    access_tokens: AccessTokens
    states: GrantStates
    registry: Audiences

    def introspect(self, raw_token: str, *, caller: Client, now: datetime) -> dict[str, Any]:
        """The members of the answer; `{"active": false}` for any reason not to say more.

        Source  RFC 7662 §2.2: no other information about an inactive token.
        """
        try:
            token = self.access_tokens.verify(raw_token, expected_audience=None, now=now)
        except InvalidToken:
            return dict(_INACTIVE)
        if token.audience not in self.registry.audiences_of(caller.client_id, now=now):
            return dict(_INACTIVE)
        if token.grant_id is None:
            if self.registry.find_client(token.client_id, now=now) is None:
                return dict(_INACTIVE)
        elif self.states.read(token.grant_id, now=now).userinfo is None:
            return dict(_INACTIVE)
        answer: dict[str, Any] = {"active": True, "token_type": "Bearer"}
        for name in _SHOWN:
            if name in token.claims:
                answer[name] = token.claims[name]
        return answer
