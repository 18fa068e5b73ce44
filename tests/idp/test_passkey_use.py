"""The owner of a passkey sees when it was last used."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from idp.errors import StorageUnavailable
from idp.passkey_use import NotesUse
from keystore.signer.activation import SignatureActivation
from keystore.signer.errors import SignerUnavailable
from keystore.signer.evidence import Evidence, StatementEvidence
from keystore.signer.model import MadeKey
from tests.support.enrolment_house import EnrolmentHouse, open_house
from tests.support.signer import activation_of

_KEY = MadeKey("pkey_1", "ES256", b"spki")


class Door:
    """Signs whatever it is asked for, or is away."""

    is_away = False

    def activate(self, activation: SignatureActivation, evidence: Evidence) -> tuple[bytes, ...]:
        if self.is_away:
            raise SignerUnavailable
        return (b"signature",)


class NoRoom:
    """Passkeys of a database that is away."""

    def note_use(self, credential_id: bytes, *, now: datetime) -> None:
        raise StorageUnavailable


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path, now: datetime) -> Iterator[EnrolmentHouse]:
    with open_house(sqlite_url, tmp_path, now=now) as opened:
        yield opened


def test_it_is_noted_once_it_signed_and_not_before(house: EnrolmentHouse) -> None:
    person = house.person()
    passkey = house.give_passkey(person)
    door, passkeys = Door(), house.services.passkeys
    later = house.now + timedelta(hours=1)
    noting = NotesUse(door, passkeys=passkeys, time=lambda: later)
    activation = activation_of(_KEY, passkey, now=house.now)
    door.is_away = True
    with pytest.raises(SignerUnavailable):
        noting.activate(activation, passkey.confirm(activation.challenge()))
    assert [one.used_at for one in passkeys.list_of(person.account_id)] == [None]
    door.is_away = False
    assert noting.activate(activation, passkey.confirm(activation.challenge())) == (b"signature",)
    assert [one.used_at for one in passkeys.list_of(person.account_id)] == [later]


def test_a_signature_does_not_hang_on_the_note(house: EnrolmentHouse) -> None:
    noting = NotesUse(Door(), passkeys=NoRoom(), time=lambda: house.now)
    passkey = house.give_passkey(house.person())
    activation = activation_of(_KEY, passkey, now=house.now)
    assert noting.activate(activation, passkey.confirm(activation.challenge()))
    by_code = activation_of(_KEY, None, now=house.now)
    assert noting.activate(by_code, StatementEvidence("a.b.c"))
