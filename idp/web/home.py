"""The first page of the service's own address.

What lives here: what the service is, and in a sandbox who can be signed in and where.  A sandbox
writes what it consists of into `var/sandbox.json`; nothing else is looked up.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from flask import Blueprint, Response

from idp.services import Services
from idp.web.account.consents import PLACE as CONSENTS
from idp.web.cookies import Cookies
from idp.web.flow import page_answer
from idp.web.pages import HomePage, Page, SandboxPage, SandboxPerson, SandboxPortal


class _Portal(msgspec.Struct, frozen=True):
    name: str
    url: str


class _Organisation(msgspec.Struct, frozen=True):
    name: str


class _Person(msgspec.Struct, frozen=True):
    identifier: str
    password: str
    name: str
    account_level: int
    totp_secret: str | None
    organizations: tuple[_Organisation, ...]


class _Sandbox(msgspec.Struct, frozen=True):
    issuer: str
    portals: tuple[_Portal, ...]
    people: tuple[_Person, ...]


def make_home(services: Services, *, cookies: Cookies) -> Blueprint:
    """The blueprint of `/`."""
    blueprint = Blueprint("home", __name__)

    @blueprint.get("/")
    def home() -> Response:
        page: Page | None = None
        if services.is_sandbox:
            page = _sandbox_page(services.settings.var / "sandbox.json")
        token = cookies.read_session()
        is_signed_in = (
            token is not None and services.sessions.find(token, now=services.time()) is not None
        )
        return page_answer(page or HomePage(account_url=CONSENTS if is_signed_in else None))

    return blueprint


def _sandbox_page(file: Path) -> Page | None:
    """The page of a sandbox; None while it is being set up."""
    try:
        sandbox = msgspec.json.decode(file.read_bytes(), type=_Sandbox)
    except (OSError, msgspec.DecodeError):
        return None
    return SandboxPage(
        portals=tuple(SandboxPortal(name=one.name, url=one.url) for one in sandbox.portals),
        people=tuple(
            SandboxPerson(
                name=one.name,
                identifier=one.identifier,
                password=one.password,
                account_level=str(one.account_level),
                otp_command="" if one.totp_secret is None else f"antin otp {one.identifier}",
                organisations=tuple(organisation.name for organisation in one.organizations),
            )
            for one in sandbox.people
        ),
        discovery_url=f"{sandbox.issuer}/.well-known/openid-configuration",
    )
