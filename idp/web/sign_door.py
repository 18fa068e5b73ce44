"""The door of the signing API: which portal calls, and which addresses are its own.

What lives here: `PortalDoor` over access tokens and the registry, and the blueprint behind it.  A
portal calls with a token of its own (client credentials) for this deployment's signing resource;
what a person allowed it to do in her name opens nothing here.
Source: RFC 6750 §3; RFC 8707; architecture, "Client profiles" (`legacy` signs nothing).
Not here: the API (`signing/web/api.py`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from flask import Blueprint, Response

from clients.registry.model import ProfileName
from clients.registry.redirects import find_redirect_problem, origin_of
from idp.errors import StorageUnavailable
from idp.oauth.errors import InvalidToken
from idp.services import Services
from idp.settings import Settings
from idp.signing import SigningServices
from idp.web.request_facts import note_refusal
from signing.errors import LimitsUnavailable, RequestRefused, SigningError
from signing.web.api import SCOPE, make_sign_api, refusal
from signing.web.ports import CallerRefused, PortalCaller

PORTAL_API: Final = "/sign/requests"
"""Where portals bring documents: the one path that takes large bodies."""

_MIB: Final = 1 << 20
_MINUTE: Final = timedelta(minutes=1)
_WORDS_MIB: Final = 16
"""What a request may say beside its documents, and documents in base64 within it."""


def resource_of(settings: Settings) -> str:
    """The resource that a portal's token has to be for."""
    return f"{settings.issuer}/sign"


def most_bytes_of_request(settings: Settings) -> int:
    """How large a request with all its documents may be."""
    return (max(settings.request_mib, settings.document_mib) + _WORDS_MIB) * _MIB


class RegisteredPortals:
    """`PortalDoor` over the registry; safe to share between threads."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._audience = resource_of(services.settings)

    def authenticate(self, authorization: str | None, *, now: datetime) -> PortalCaller:
        """See `PortalDoor`.

        1. There is one token, sent in the header.
        2. It is ours, holds now, and is for this resource.
        3. It is the portal's own, not one that a person's grant stands behind.
        4. The portal may be used, and its profile may sign.
        5. The token allows signing.

        Source  RFC 6750 §2.1, §3.1.
        """
        # 1
        if authorization is None:
            raise CallerRefused(401, error="invalid_token", challenge=_challenge())
        scheme, _, raw = authorization.partition(" ")
        if scheme.lower() != "bearer" or not raw.strip():
            raise _refused("invalid_token")
        # 2
        try:
            token = self._services.access_tokens.verify(
                raw.strip(), expected_audience=self._audience, now=now
            )
        except InvalidToken as problem:
            raise _refused("invalid_token") from problem
        # 3
        if token.grant_id is not None or token.sub != token.client_id:
            raise _refused("invalid_token")
        # 4
        client = self._services.registry.find_client(token.client_id, now=now)
        if client is None or client.profile is ProfileName.LEGACY:
            raise _refused("invalid_token")
        # 5
        if SCOPE not in token.scopes:
            raise _refused("insufficient_scope", status=403)
        return PortalCaller(client.client_id)

    def admit(self, caller: PortalCaller, *, now: datetime) -> None:
        """See `PortalDoor`; the window is fixed, and begins with its first request."""
        try:
            number = self._services.ephemeral.count(
                f"sign:requests:{caller.client_id}", window=_MINUTE, now=now
            )
        except StorageUnavailable as away:
            raise LimitsUnavailable from away
        if number > self._services.settings.signing_requests_per_minute:
            raise RequestRefused("too_many_requests")

    def is_own_address(self, uri: str, *, client_id: str, now: datetime) -> bool:
        """See `PortalDoor`: of the same origin as a redirect URI of the client."""
        client = self._services.registry.find_client(client_id, now=now)
        if client is None or not uri.startswith(("https://", "http://")):
            return False
        if find_redirect_problem(uri, application_type=client.application_type) is not None:
            return False
        return origin_of(uri) in {origin_of(one) for one in client.redirect_uris}


def make_portal_api(services: Services, signing: SigningServices) -> Blueprint:
    """The blueprint of `/sign/requests`; what is refused is counted."""
    settings = services.settings
    blueprint = make_sign_api(
        requests=signing.requests,
        documents=signing.documents,
        door=RegisteredPortals(services),
        origin=settings.issuer,
        max_bytes=most_bytes_of_request(settings),
        now=services.time,
        may_be_told=services.egress.may_be_called,
    )

    def refused(error: SigningError) -> Response:
        note_refusal(getattr(error, "reason", "") or error.code)
        return refusal(error)

    blueprint.register_error_handler(SigningError, refused)
    return blueprint


def _refused(error: str, *, status: int = 401) -> CallerRefused:
    return CallerRefused(status, error=error, challenge=_challenge(error))


def _challenge(error: str = "") -> str:
    parts = ['Bearer realm="sign"']
    if error:
        parts.append(f'error="{error}"')
    if error == "insufficient_scope":
        parts.append(f'scope="{SCOPE}"')
    return ", ".join(parts)
