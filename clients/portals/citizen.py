"""A portal for citizens: sign in with two factors, sign a form, sign out everywhere.

What lives here: what this portal asks for, what it shows and what it has signed.  The way in and
out is `sign_in.py`, the way of a document `signing.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flask import Flask, render_template

from clients.portals.claims import local_time, mask_number
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
class Citizen:
    """What the portal keeps of a person: what its page shows, the number already masked."""

    name: str | None
    masked_number: str | None
    level: int | None
    account_level: int | None
    authenticated_at: str | None


def create_citizen_portal(
    settings: PortalSettings,
    *,
    transport: Transport | None = None,
    now: Callable[[], datetime] = utc_now,
) -> Flask:
    """Build the portal; nothing is asked of the provider before somebody signs in."""
    app = Flask(__name__)
    sign_in = SignIn(
        name="citizen",
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
        sessions=SessionStore[Citizen](),
        pending=PendingLogins(),
        now=now,
    )
    add_sign_in(app, sign_in)
    add_signing(app, Signing(sign_in=sign_in, form=_FORM))

    @app.get("/")
    def home() -> str:
        return render_template("citizen.html", session=sign_in.session())

    return app


def _signers(session: Session[Citizen]) -> tuple[SignerWanted, ...]:
    return (SignerWanted(subject=session.subject),)


_FORM = Form(
    title="Đơn đề nghị cấp giấy phép xây dựng",
    file="don-de-nghi.pdf",
    name_signed="Đơn đề nghị cấp giấy phép xây dựng (đã ký).pdf",
    reason="Nộp đơn đề nghị",
    appearance={"kind": "general", "box": [319, 260, 553, 350]},
    signers=_signers,
)
"""The box is in points, from the lower left corner: below "NGƯỜI ĐỀ NGHỊ"."""


def _start(portal: Portal, ui_locales: tuple[str, ...]) -> StartedLogin:
    return portal.start_login(
        scope=("openid", "profile", "identity"),
        acr_values=("urn:vn:auth:2",),
        ui_locales=ui_locales,
    )


def _read(login: Login, userinfo: VerifiedClaims) -> Citizen:
    # What the ID token says of the sign-in itself wins over what userinfo says of the person.
    claims = {**userinfo, **login.claims}
    account_level = claims.get("account_level")
    return Citizen(
        name=text_claim(claims, "name"),
        masked_number=mask_number(text_claim(claims, "personal_id_number")),
        level=level_of(login.acr),
        account_level=account_level if isinstance(account_level, int) else None,
        authenticated_at=local_time(login.authenticated_at),
    )
