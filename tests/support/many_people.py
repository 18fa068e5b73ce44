"""Hundreds of people who sign in at a deployment, each in a browser of their own.

What lives here: making them with one password that is hashed once, and signing one of them in
through whatever happens to the servers.  Not here: what happens (`tests/resilience`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from tests.support.deployment import Deployment
from tests.support.invented import Invented
from tests.support.quick_browser import Cut, QuickBrowser

PASSWORD: Final = "mat-khau-cua-moi-nguoi-trong-kiem-thu"


def invent(deployment: Deployment, count: int) -> list[Invented]:
    """People with one password, hashed once."""
    stored = deployment.inventor.hash(PASSWORD)
    return [
        deployment.inventor.person(has_totp=False, password=PASSWORD, stored=stored)
        for _ in range(count)
    ]


@dataclass(slots=True)
class Tally:
    """What the sign-ins met with."""

    signed_in: list[tuple[QuickBrowser, dict[str, Any]]] = field(default_factory=list)
    cuts: int = 0


def sign_in(person: Invented, deployment: Deployment, tally: Tally) -> None:
    """Sign in; after a cut begin again, as a person would, in the same browser."""
    browser, client = QuickBrowser(deployment.address.port), deployment.client()
    while True:
        try:
            fields = browser.sign_in(client, identifier=person.identifier, password=person.password)
            tokens = browser.exchange(client, fields["code"])
        except Cut:
            tally.cuts += 1
            continue
        tally.signed_in.append((browser, tokens))
        return
