"""The people of the sandbox."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from idp.accounts.code_holders import held
from idp.accounts.credentials import TotpHolder
from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.lifecycle import AccountLifecycle
from idp.accounts.model import IdentifierKind
from idp.accounts.officials import Officials
from idp.accounts.people import People
from idp.accounts.totp import code_at
from idp.sandbox.invented_people import PEOPLE
from idp.sandbox.people import seed_people
from idp.storage.credentials import list_totps
from idp.storage.database import Database
from idp.storage.ephemeral_sql import SqlEphemeralStore
from idp.storage.second_factors import find_second_factors
from keystore.log.record import LogWriter
from keystore.sealing import Sealer, load_kek
from tests.support.factor_house import factors_over
from tests.support.verifier import VerifierBench


@pytest.fixture
def services(database: Database, tmp_path: Path, now: datetime) -> Iterator[SimpleNamespace]:
    value = base64.urlsafe_b64encode(bytes(range(32))).decode()
    sealer = Sealer.open(database, kek=load_kek(file=None, value=value), now=now)
    log = LogWriter(sealer, writer_id="test")
    store = SqlEphemeralStore(f"sqlite:///{tmp_path / 'ephemeral.db'}")
    yield SimpleNamespace(
        database=database,
        sealer=sealer,
        log=log,
        factors=factors_over(database, store, sealer=sealer, log=log),
        people=People(database, sealer=sealer),
        time=lambda: now,
    )
    store.close()


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


def test_where_there_is_a_verifier_their_apps_confirm_at_once(services, tmp_path, now) -> None:
    """The sandbox's secrets are public; what counts is who checks their codes."""
    bench = VerifierBench(tmp_path / "verifier")
    verifier = bench.client(lambda: now, is_keeper=True)
    seed_people(services, verifier=verifier)
    seed_people(services, verifier=verifier)
    for person in PEOPLE:
        number = ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, person.identifier)
        account_id = services.people.find_by_identifier(number).account_id
        with services.database.read() as connection:
            totps = list_totps(connection, account_id, sealer=services.sealer)
        assert len(totps) == int(person.has_totp)
        for totp in totps:
            assert totp.holder is TotpHolder.VERIFIER
            assert verifier.describe_totp(held(totp), account_id=account_id).is_bound_at_proofing
            code = code_at(person.totp_secret, now=now)
            assert verifier.check_code(account_id, [held(totp)], code).outcome == "right"
    bench.memory.close()


def test_officials_have_their_duties_once(services) -> None:
    for _ in range(2):
        seed_people(services)
    given = Officials(services.database, services.log).list_all()
    assert sorted(one.duty.value for one in given) == [
        *("helpdesk", "helpdesk", "proofing", "proofing")
    ]
    assert len({one.account_id for one in given}) == 3


def test_somebody_gets_codes_by_message_and_may_switch_them_off(services, now) -> None:
    seed_people(services)
    (person,) = [one for one in PEOPLE if one.has_codes_by_message]
    number = ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, person.identifier)
    account = services.people.find_by_identifier(number)
    for channel, contact in services.factors.contacts.of(account).items():
        assert contact.serves(now)
        services.factors.contacts.choose(
            account.account_id, channel, is_factor=False, mark=contact.mark, now=now
        )
    seed_people(services)
    with services.database.read() as connection:
        assert find_second_factors(connection, account.account_id).channels(now) == ()
