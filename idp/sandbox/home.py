"""The first page of a sandbox: who can be signed in, and where.

What lives here: reading `var/sandbox.json`, in which a sandbox writes what it consists of; nothing
else is looked up.  Not here: the page's form (`idp/web/templates`), when it is shown
(`idp/web/home.py`).
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from idp.web.pages import Page, SandboxPage, SandboxPerson, SandboxPortal


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
    duties: tuple[str, ...] = ()


class _Sandbox(msgspec.Struct, frozen=True):
    issuer: str
    portals: tuple[_Portal, ...]
    people: tuple[_Person, ...]


def sandbox_page(file: Path) -> Page | None:
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
                duties=one.duties,
            )
            for one in sandbox.people
        ),
        discovery_url=f"{sandbox.issuer}/.well-known/openid-configuration",
    )
