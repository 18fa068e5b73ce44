"""A passkey that is removed takes with it the signing keys that nothing else opens."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from idp.accounts.credentials import Passkey
from idp.accounts.model import Account
from idp.passkey_removal import PasskeyRemoval
from idp.services import build_services
from idp.settings import Settings
from idp.storage.database import Database
from keystore.pki.model import CertificateState
from tests.support.authenticator import Authenticator
from tests.support.enrolment_house import EnrolmentHouse
from tests.support.provider import KEK


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path, now: datetime) -> Iterator[EnrolmentHouse]:
    database = Database(sqlite_url)
    settings = Settings(var=tmp_path, kek=KEK)
    services = build_services(settings, time=lambda: now, database=database, is_sandbox=True)
    made = EnrolmentHouse(services, folder=tmp_path, now=now, passkey_waits=timedelta(0))
    yield made
    made.bench.ledger.close()
    made.verifier.memory.close()
    services.clock.close()
    services.ephemeral.close()
    database.close()


@pytest.fixture
def removal(house: EnrolmentHouse) -> PasskeyRemoval:
    return PasskeyRemoval(
        house.services.database,
        passkeys=house.services.passkeys,
        people=house.services.people,
        certificates=house.pki.certificates,
        states=house.pki.states,
    )


def _key(house: EnrolmentHouse, person: Account, *passkeys: Authenticator, **of: Account) -> None:
    signer = house.signer(person, **of)
    ids = [one.credential_id for one in passkeys]
    wanted = house.enrolment.prepare(signer, scal=2, passkeys=ids, now=house.now)
    evidence = [one.confirm(wanted.challenge()) for one in passkeys]
    house.enrolment.finish_by_passkey(signer, evidence=evidence, now=house.now)


def _row(house: EnrolmentHouse, person: Account, passkey: Authenticator) -> Passkey:
    known = house.services.passkeys.list_of(person.account_id)
    return next(one for one in known if one.credential_id == passkey.credential_id)


def _states(house: EnrolmentHouse, owner: Account) -> list[CertificateState]:
    return [one.state for one in house.pki.certificates.of_account(owner.account_id)]


def test_what_it_alone_opens_is_named_and_ends_with_it(
    house: EnrolmentHouse, removal: PasskeyRemoval
) -> None:
    person = house.person()
    organisation, _mandate = house.organisation(person)
    passkey = house.give_passkey(person)
    _key(house, person, passkey)
    _key(house, person, passkey, organisation=organisation)
    row = _row(house, person, passkey)
    own, seal = removal.opened_by(person.account_id, row, now=house.now)
    assert (own.owner, own.is_seal, own.stops) == (person.profile.name, False, True)
    assert (seal.owner, seal.is_seal, seal.stops) == (organisation.profile.name, True, True)
    assert removal.remove(person.account_id, row, now=house.now)
    assert _states(house, person) == [CertificateState.REVOKED]
    assert _states(house, organisation) == [CertificateState.REVOKED]
    assert house.services.passkeys.list_of(person.account_id) == ()
    assert not removal.remove(person.account_id, row, now=house.now)


def test_what_another_passkey_opens_too_goes_on(
    house: EnrolmentHouse, removal: PasskeyRemoval
) -> None:
    person = house.person()
    first, second = house.give_passkey(person), house.give_passkey(person)
    _key(house, person, first, second)
    row = _row(house, person, first)
    assert [one.stops for one in removal.opened_by(person.account_id, row, now=house.now)] == [
        False
    ]
    removal.remove(person.account_id, row, now=house.now)
    assert _states(house, person) == [CertificateState.GOOD]
    (credential,) = house.credentials.credentials_of(house.signer(person), now=house.now)
    assert credential.passkeys == (second.credential_id,)


def test_a_passkey_that_opens_nothing_just_goes(
    house: EnrolmentHouse, removal: PasskeyRemoval
) -> None:
    person = house.person()
    row = _row(house, person, house.give_passkey(person))
    assert removal.opened_by(person.account_id, row, now=house.now) == ()
    assert removal.remove(person.account_id, row, now=house.now)
