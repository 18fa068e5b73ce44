"""The people of the sandbox."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import datetime
from types import SimpleNamespace

import pytest

from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.lifecycle import AccountLifecycle
from idp.accounts.model import IdentifierKind
from idp.accounts.people import People
from idp.sandbox.people import PEOPLE, seed_people
from idp.storage.database import Database
from keystore.log.record import LogWriter
from keystore.sealing import Sealer, load_kek


@pytest.fixture
def services(database: Database, now: datetime) -> SimpleNamespace:
    value = base64.urlsafe_b64encode(bytes(range(32))).decode()
    sealer = Sealer.open(database, kek=load_kek(file=None, value=value), now=now)
    return SimpleNamespace(
        database=database,
        sealer=sealer,
        log=LogWriter(sealer, writer_id="test"),
        people=People(database, sealer=sealer),
        time=lambda: now,
    )


def _everybody(services: SimpleNamespace) -> Iterator[tuple[str, bool, tuple[str, ...]]]:
    for person in PEOPLE:
        number = ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, person.identifier)
        found = services.people.find_by_identifier(number)
        roles = services.people.representations(found.account_id, now=services.time())
        yield (
            found.profile.name,
            services.people.has_totp(found.account_id),
            tuple(sorted(role.enterprise_code for role in roles)),
        )


def _as_they_should_be() -> list[tuple[str, bool, tuple[str, ...]]]:
    return [
        (person.name, person.has_totp, tuple(sorted(one.code for one in person.organisations)))
        for person in PEOPLE
    ]


def test_everybody_is_there_once_however_often_it_starts(services) -> None:
    seed_people(services)
    seed_people(services)
    assert list(_everybody(services)) == _as_they_should_be()


@pytest.mark.parametrize("interrupted_at", range(1, 7))
def test_a_first_start_that_was_interrupted_is_made_up_for(
    services, monkeypatch, interrupted_at
) -> None:
    """Ctrl-C in the first seconds must not leave a sandbox that never starts again."""
    opened = []
    real = AccountLifecycle.open

    def interrupt(self: AccountLifecycle, *arguments: object, **named: object) -> object:
        opened.append(1)
        if len(opened) == interrupted_at:
            raise KeyboardInterrupt
        return real(self, *arguments, **named)

    monkeypatch.setattr(AccountLifecycle, "open", interrupt)
    with pytest.raises(KeyboardInterrupt):
        seed_people(services)
    monkeypatch.setattr(AccountLifecycle, "open", real)
    seed_people(services)
    assert list(_everybody(services)) == _as_they_should_be()
