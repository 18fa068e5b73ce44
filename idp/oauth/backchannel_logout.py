"""Back-channel logout: telling a client that a session with it is over.

What lives here: the logout token, and the delivery of one outbox row.  The token is made anew for
each attempt, because it lives two minutes and the row may wait a day.
Not here: which clients are told (`idp.sessions`), how often it is tried (`idp.work.worker`), where
the provider may call (`idp.egress`).
Source: OpenID Connect Back-Channel Logout 1.0 §2.4 (the token), §2.5 and §2.8 (the request and its
answers).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Protocol

from clients.registry.model import Client
from idp.egress import EgressAnswer, EgressFailed, EgressRefused
from idp.work.model import Done, GiveUp, Job, Outcome, Retry
from keystore.jose import sign_jwt
from keystore.keyring import Keyring

LIFETIME_S: Final = 120
"""From `iat` to `exp`; §2.4 recommends two minutes at most."""

_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
_DELIVERED: Final = frozenset({200, 204})
_MOST_REFUSALS: Final = 6
"""A 400 may mean a key set that the client has not fetched again yet; not for ever."""
_UP: Final = frozenset(range(400, 500)) - {408, 429}
"""Answers of a server that is there: what else waits for it need not rest."""


class Post(Protocol):
    """The egress door, as far as this module looks."""

    def post_form(self, url: str, form: Mapping[str, str], *, client_id: str) -> EgressAnswer:
        """Post a form and return the status."""


class LogoutTokens:
    """Makes the logout tokens of one issuer."""

    def __init__(self, keyring: Keyring, *, issuer: str) -> None:
        self._keyring = keyring
        self._issuer = issuer

    def issue(
        self,
        *,
        client_id: str,
        sub: str | None,
        sid: str | None,
        algorithm: str,
        now: datetime,
    ) -> str:
        """A logout token for one client.

        Takes   sub, sid: at least one of them; algorithm: that of the client's ID tokens.
        Source  Back-Channel Logout 1.0 §2.4: `events` names the event with an empty object, `sub`,
                `sid` or both are there, a nonce MUST NOT be; §2.4 and RFC 8725 §3.11: `typ`.
        """
        if sub is None and sid is None:
            raise ValueError("logout_of_nobody")
        issued_at = int(now.timestamp())
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": client_id,
            "iat": issued_at,
            "exp": issued_at + LIFETIME_S,
            "jti": secrets.token_urlsafe(16),
            "events": {_EVENT: {}},
        }
        if sub is not None:
            claims["sub"] = sub
        if sid is not None:
            claims["sid"] = sid
        key = self._keyring.signing_key(algorithm, now=now)
        return sign_jwt(claims, key=key, typ="logout+jwt")


class Clients(Protocol):
    """The registry, as far as this module looks."""

    def find_registered_client(self, client_id: str, *, now: datetime) -> Client | None:
        """A client whatever its status."""


class BackchannelLogout:
    """Handler of outbox rows of this kind.

    Their payload: `client_id`, `sub` and `sid` (one of the two may be null).
    """

    def __init__(self, tokens: LogoutTokens, *, clients: Clients, egress: Post) -> None:
        self._tokens = tokens
        self._clients = clients
        self._egress = egress

    def __call__(self, job: Job, *, now: datetime) -> Outcome:
        """Deliver one logout to where the client is registered now.

        200 and 204 are success (§2.8; 204 because frameworks turn an empty 200 into it).  After a
        400 a few more attempts follow.  A client that takes no logouts any more is given up.
        Everything else is tried again until the row expires.
        """
        client = self._clients.find_registered_client(job.payload["client_id"], now=now)
        if client is None or client.backchannel_logout_uri is None:
            return GiveUp("no_address")
        token = self._tokens.issue(
            client_id=client.client_id,
            sub=job.payload["sub"],
            sid=job.payload["sid"],
            algorithm=client.id_token_signed_response_alg,
            now=now,
        )
        try:
            answer = self._egress.post_form(
                client.backchannel_logout_uri, {"logout_token": token}, client_id=client.client_id
            )
        except EgressRefused as refusal:
            # an operator may open the network within the day that the row lives
            return Retry(refusal.reason)
        except EgressFailed as failure:
            return Retry(failure.reason, is_lane_down=True)
        if answer.status in _DELIVERED:
            return Done()
        if answer.status == 400 and job.attempts >= _MOST_REFUSALS:
            return GiveUp("client_refused")
        return Retry(f"status_{answer.status}", is_lane_down=answer.status not in _UP)
