"""What can be signed with is what the database says at this moment, whatever was read before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Update, delete, update

from idp.accounts.model import Account, AccountLevel, AccountStatus
from idp.storage.accounts import account
from idp.storage.held_keys import read_holdings
from idp.storage.passkeys import passkey
from keystore.pki.model import CertificateState
from keystore.pki.storage.certificates import certificate
from keystore.signer.storage import personal_key
from tests.support.authenticator import Authenticator
from tests.support.enrolment_house import EnrolmentHouse, open_house


@pytest.fixture(params=["sqlite_url", "fresh_postgresql_url"])
def house(
    request: pytest.FixtureRequest, tmp_path: Path, now: datetime
) -> Iterator[EnrolmentHouse]:
    """On both databases: what is read is one statement over four tables."""
    url = request.getfixturevalue(request.param)
    with open_house(url, tmp_path, now=now, passkey_waits=timedelta(0)) as opened:
        yield opened


def _enrol(house: EnrolmentHouse, person: Account, given: Authenticator, **of: Account) -> None:
    signer = house.signer(person, **of)
    wanted = house.enrolment.prepare(signer, scal=2, passkeys=[given.credential_id], now=house.now)
    evidence = [given.confirm(wanted.challenge())]
    house.enrolment.finish_by_passkey(signer, evidence=evidence, now=house.now)


def _change(house: EnrolmentHouse, statement: Any) -> None:
    with house.services.database.transaction() as tx:
        assert tx.connection.execute(statement).rowcount > 0


def test_each_thing_that_ends_it_ends_it_at_once_and_for_the_seal_too(
    house: EnrolmentHouse,
) -> None:
    """Circular 15/2025/TT-BKHCN Art. 5: the certificate is checked before signing."""
    person = house.person()
    organisation, _mandate = house.organisation(person)
    given = house.give_passkey(person)
    _enrol(house, person, given)
    _enrol(house, person, given, organisation=organisation)
    own, seal = house.signer(person), house.signer(person, organisation)
    for signer, name in ((own, person.profile.name), (seal, organisation.profile.name)):
        (held,) = house.held(signer)
        assert (held.holder, held.passkeys) == (name, (given.credential_id,))
        assert held.owner_id == signer.key_owner
    is_hers = account.c.account_id == person.account_id
    of_person: list[tuple[Callable[[], Update], Callable[[], Update]]] = [
        (
            lambda: update(account).where(is_hers).values(level=AccountLevel.ONE),
            lambda: update(account).where(is_hers).values(level=AccountLevel.TWO),
        ),
        (
            lambda: update(account).where(is_hers).values(status=AccountStatus.LOCKED.value),
            lambda: update(account).where(is_hers).values(status=AccountStatus.ACTIVE.value),
        ),
        (
            lambda: update(personal_key).values(suspended_ms=1),
            lambda: update(personal_key).values(suspended_ms=None),
        ),
        (
            lambda: update(personal_key).values(destroyed_ms=1),
            lambda: update(personal_key).values(destroyed_ms=None),
        ),
        (
            lambda: update(certificate).values(state=CertificateState.SUSPENDED.value),
            lambda: update(certificate).values(state=CertificateState.GOOD.value),
        ),
    ]
    for ends, again in of_person:
        _change(house, ends())
        assert house.held(own) == house.held(seal) == ()
        _change(house, again())
        assert len(house.held(own)) == len(house.held(seal)) == 1
    later = house.held(own)[0].not_after + timedelta(seconds=1)
    assert house.credentials.credentials_of(own, now=later) == ()
    _change(house, delete(passkey))
    assert house.held(own) == house.held(seal) == ()


@pytest.mark.parametrize("house", ["sqlite_url"], indirect=True)
def test_rows_that_somebody_changed_offer_nothing_and_an_erased_person_has_nothing(
    house: EnrolmentHouse,
) -> None:
    """What was decoded before helps nobody."""
    person = house.person()
    _enrol(house, person, house.give_passkey(person))
    signer = house.signer(person)
    (before,) = house.held(signer)
    with house.services.database.read() as connection:
        (key,) = read_holdings(
            connection, person_id=person.account_id, owner_id=person.account_id
        ).keys
    assert key.der is None
    for column, broken, right in (
        (personal_key.c.policy, key.raw_policy + b" ", key.raw_policy),
        (personal_key.c.policy, b"{}", key.raw_policy),
        (certificate.c.der_sealed, b"x" + (key.der_sealed or b"")[1:], key.der_sealed),
        (account.c.data_key, None, house.services.people.data_key_of(person.account_id)),
    ):
        _change(house, update(column.table).values({column.name: broken}))
        assert house.held(signer) == ()
        _change(house, update(column.table).values({column.name: right}))
    assert house.held(signer) == (before,)
