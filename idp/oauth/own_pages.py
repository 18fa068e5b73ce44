"""Signing in for a page of our own, where the answer is a way back instead of a code to a portal.

What lives here: the reserved client that stands for our own pages, and the request that it makes.
It is asked for like any other sign-in (same questions, same limits, same browser), but nothing is
granted: there is no code, no token, no consent, and the answer leads to a path of this very server.
Source: RFC 9700 §4.11 (no open redirector); architecture, J3 and J5.
Not here: the pages that need it (`idp/web/own_sign_in.py`).
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from clients.registry.model import Capacities, Client
from idp.oauth.authorization_request import AuthorizationRequest

OWN_CLIENT_ID: Final = "~own"
"""No client can be registered under it: ids begin with a letter or a digit."""

_PATH: Final = re.compile(r"/(?:[A-Za-z0-9_-]+/)*[A-Za-z0-9_-]+\Z")
"""Paths of ours that somebody may come back to: no query, no dots, no second slash."""
_HOME: Final = "/"


def own_client(*, level: int = 1) -> Client:
    """Our own pages as a client.

    Takes   level: of the sign-in that the page needs, 1 or 2.
    """
    return Client(
        client_id=OWN_CLIENT_ID,
        name_vi="Ấn Tín",
        name_en="Ấn Tín",
        grant_types=frozenset(),
        scopes=frozenset(),
        required_level=level,
        capacities=Capacities.PERSON_ONLY,
    )


def own_request(
    path: str, *, level: int = 1, max_age: timedelta | None = None, is_anew: bool = False
) -> AuthorizationRequest:
    """A sign-in after which the browser is back at `path`.

    Takes   path: of this server, as our own code made it; max_age: what was proven longer ago is
            asked for again; is_anew: everything is, as with prompt=login.
    Raises  ValueError when it could lead anywhere else.
    """
    if _PATH.match(path) is None:
        raise ValueError("not a path of ours")
    return AuthorizationRequest(
        client_id=OWN_CLIENT_ID,
        redirect_uri=path,
        response_mode="query",
        state=None,
        nonce=None,
        scopes=(),
        code_challenge=None,
        prompts=frozenset({"login"} if is_anew else ()),
        max_age_s=None if max_age is None else int(max_age.total_seconds()),
        # kept in the request, so that the same is demanded on every page of the sign-in
        acr_values=(f"urn:vn:auth:{level}",),
        claims={},
        login_hint=None,
        expected_account=None,
        ui_locales=(),
        claims_locales=(),
        display="page",
        resource=None,
        capacity="person",
        procedure=None,
    )


def is_own(request: AuthorizationRequest) -> bool:
    """Whether a request is for a page of our own."""
    return request.client_id == OWN_CLIENT_ID


def client_of(request: AuthorizationRequest) -> Client:
    """The client of a request for a page of our own, with the level that the page demands."""
    return own_client(level=int(request.acr_values[0].rpartition(":")[2]))


def way_back(request: AuthorizationRequest, *, is_signed_in: bool) -> str:
    """Where the browser goes: to the page, or home when the person did not sign in."""
    return request.redirect_uri if is_signed_in and _PATH.match(request.redirect_uri) else _HOME
