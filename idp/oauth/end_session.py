"""RP-initiated logout: what a logout request may lead to.

What lives here: reading the request's hint and redirect, without acting.  A redirect is followed
only to a registered URI of the client that the hint or `client_id` names; anything else ends on a
page of ours.  Source: OpenID Connect RP-Initiated Logout §2, §3.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode, urlsplit

from clients.registry.model import Client
from clients.registry.redirects import is_registered_redirect
from clients.registry.registry import Registry
from idp.ids import SessionId
from idp.oauth.errors import InvalidRequest
from idp.oauth.id_token import IdTokens
from idp.oauth.parameters import Parameters
from idp.storage.database import Database
from idp.storage.sessions import find_by_sid


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """A checked logout request.

    `session_id` is the session that the hint names; `return_url` a registered URI with the state
    put in, or None; `ui_locales` as asked.
    """

    client: Client | None
    session_id: SessionId | None
    return_url: str | None
    ui_locales: tuple[str, ...]


class EndSession:
    """Reads logout requests."""

    def __init__(self, database: Database, *, registry: Registry, id_tokens: IdTokens) -> None:
        self._database = database
        self._registry = registry
        self._id_tokens = id_tokens

    def check(self, parameters: Parameters, *, now: datetime) -> LogoutRequest:
        """Check a logout request.

        1. No parameter is repeated.
        2. A hint is an ID token of ours, expired or not, signed by a live or retired key.
        3. `client_id`, if sent too, is the hint's audience.
        4. A redirect is registered for that client; without a client there is none.
        Raises  InvalidRequest, shown to the person, never redirected.
        Source  RP-Initiated Logout §2: MUST NOT redirect to an unregistered URI.
        """
        parameters.refuse_repeated()  # 1
        client_id = parameters.get("client_id")
        raw_hint = parameters.get("id_token_hint")
        session_id: SessionId | None = None
        if raw_hint is not None:
            claims = self._id_tokens.read_hint(raw_hint, expected_client=client_id, now=now)  # 2, 3
            if claims is None or not isinstance(claims["aud"], str):
                raise InvalidRequest("id_token_hint")
            client_id = claims["aud"]
            session_id = self._session_of(claims.get("sid"))
        client = None if client_id is None else self._registry.find_client(client_id, now=now)
        if client_id is not None and client is None:
            raise InvalidRequest("client_id")
        wanted = parameters.get("post_logout_redirect_uri")
        if wanted is not None and (
            client is None
            or not is_registered_redirect(
                wanted,
                registered=client.post_logout_redirect_uris,
                application_type=client.application_type,
            )
        ):
            raise InvalidRequest("post_logout_redirect_uri")  # 4
        return LogoutRequest(
            client=client,
            session_id=session_id,
            return_url=None if wanted is None else _with_state(wanted, parameters.get("state")),
            ui_locales=tuple((parameters.get("ui_locales") or "").split()[:8]),
        )

    def _session_of(self, sid: object) -> SessionId | None:
        if not isinstance(sid, str):
            return None
        with self._database.read() as connection:
            entry = find_by_sid(connection, sid)
        return None if entry is None else entry.session_id


def _with_state(uri: str, state: str | None) -> str:
    if state is None:
        return uri
    return f"{uri}{'&' if urlsplit(uri).query else '?'}{urlencode({'state': state})}"
