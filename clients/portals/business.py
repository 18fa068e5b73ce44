"""A portal for businesses: who signed in, for which organisation, and a decision with its seal.

What lives here: what this portal asks for, what it shows and what it has signed.  The way in and
out is `sign_in.py`, the way of a document `signing.py`.
The person is always a person; the organisation is in the claim `org`, and only there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import Flask, render_template

from clients.portals.claims import local_time, local_time_of
from clients.portals.sessions import PendingLogins, Session, SessionStore
from clients.portals.settings import PortalSettings
from clients.portals.sign_in import SignIn, add_sign_in
from clients.portals.signing import Form, Signing, add_signing
from clients.sdk import (
    Login,
    Portal,
    SignerWanted,
    StartedLogin,
    Transport,
    Urllib3Transport,
    VerifiedClaims,
    level_of,
)
from clients.sdk.model import text_claim
from clients.sdk.portal import utc_now


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """For whom the person acts, as the provider vouches for it."""

    name: str | None
    code: str | None
    role: str | None
    valid_to: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Representative:
    """Who acts; `organisation` None: the person chose to act for themselves."""

    name: str | None
    level: int | None
    authenticated_at: str | None
    organisation: Organisation | None


def create_business_portal(
    settings: PortalSettings,
    *,
    transport: Transport | None = None,
    now: Callable[[], datetime] = utc_now,
) -> Flask:
    """Build the portal; nothing is asked of the provider before somebody signs in."""
    app = Flask(__name__)
    sign_in = SignIn(
        name="business",
        settings=settings,
        portal=Portal(
            settings.issuer,
            client_id=settings.client_id,
            client_secret=settings.client_secret,
            token_endpoint_auth_method=settings.token_endpoint_auth_method,
            redirect_uri=settings.redirect_uri,
            id_token_alg=settings.id_token_alg,
            transport=transport or Urllib3Transport(ca_file=settings.ca_file),
            now=now,
        ),
        start=_start,
        read=_read,
        sessions=SessionStore[Representative](),
        pending=PendingLogins(),
        now=now,
    )
    add_sign_in(app, sign_in)
    add_signing(app, Signing(sign_in=sign_in, form=_DECISION))

    @app.get("/")
    def home() -> str:
        return render_template("business.html", session=sign_in.session())

    return app


def _signers(session: Session[Representative]) -> tuple[SignerWanted, ...]:
    """The person first, then the organisation's seal (Decree 30/2020/ND-CP).

    Who may use the seal is the provider's to know; here it is who signed in for the organisation.
    """
    organisation = session.person.organisation
    if organisation is None or organisation.code is None:
        return ()
    return (
        SignerWanted(subject=session.subject),
        SignerWanted(subject=session.subject, role="seal", enterprise_code=organisation.code),
    )


_DECISION = Form(
    title="Quyết định ban hành Quy chế sử dụng chữ ký số",
    file="quyet-dinh.pdf",
    name_signed="Quyết định (đã ký).pdf",
    reason="Ban hành",
    appearance=[{"kind": "person", "box": [319, 225, 553, 325]}, {"kind": "seal"}],
    signers=_signers,
)
"""The person's image below the title of the office, the seal over a third of it, on its left.

Decree 30/2020/ND-CP, Annex I; the box is in points, from the lower left corner of the page.
"""


def _start(portal: Portal, ui_locales: tuple[str, ...]) -> StartedLogin:
    return portal.start_login(
        scope=("openid", "profile", "organization"),
        capacity="organisation",
        ui_locales=ui_locales,
    )


def _read(login: Login, userinfo: VerifiedClaims) -> Representative:
    claims = {**userinfo, **login.claims}
    org = claims.get("org")
    return Representative(
        name=text_claim(claims, "name"),
        level=level_of(login.acr),
        authenticated_at=local_time(login.authenticated_at),
        organisation=_read_organisation(org) if isinstance(org, Mapping) else None,
    )


def _read_organisation(org: Mapping[str, object]) -> Organisation:
    return Organisation(
        name=text_claim(org, "name"),
        code=text_claim(org, "enterprise_code"),
        role=text_claim(org, "role"),
        valid_to=local_time_of(text_claim(org, "valid_to")),
    )
