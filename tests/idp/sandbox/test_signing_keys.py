"""The sandbox's people and organisations can sign from the start, with codes that are all good."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.model import Account, IdentifierKind
from idp.accounts.totp import code_at
from idp.sandbox.invented_people import PEOPLE
from idp.sandbox.people import seed_people
from idp.sandbox.signing_keys import make_signing_keys, set_specimens
from idp.signature_images import SignatureImages
from tests.support.enrolment_house import EnrolmentHouse, open_house


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path, now: datetime) -> Iterator[EnrolmentHouse]:
    with open_house(sqlite_url, tmp_path, now=now) as opened:
        yield opened


def _person(house: EnrolmentHouse, number: str) -> Account:
    found = house.services.people.find_by_identifier(
        ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, number)
    )
    assert found is not None
    return found


def _start(house: EnrolmentHouse) -> int:
    """As the sandbox starts."""
    verifier = house.verifier.client(lambda: house.now, is_keeper=True)
    services = house.services
    signing = SimpleNamespace(
        signers=house.signers, enrolment=house.enrolment, credentials=house.credentials
    )
    seed_people(services, verifier=verifier)
    given = SimpleNamespace(people=services.people, signing=signing)
    return make_signing_keys(given, verifier=verifier, now=house.now)


def test_everybody_of_level_two_has_a_key_and_their_organisations_a_seal(
    house: EnrolmentHouse,
) -> None:
    level_two = [one for one in PEOPLE if one.level == 2]
    organisations = {one.code for person in level_two for one in person.organisations}
    assert _start(house) == len(level_two) + len(organisations)
    for one in level_two:
        person = _person(house, one.identifier)
        (credential,) = house.held(house.signer(person))
        assert credential.holder == one.name
        for role in house.services.people.representations(person.account_id, now=house.now):
            organisation = house.services.people.find_account(role.organisation)
            assert organisation is not None
            assert len(house.held(house.signer(person, organisation))) == 1


def test_a_second_start_makes_no_more(house: EnrolmentHouse) -> None:
    _start(house)
    house.advance(timedelta(days=1))
    assert _start(house) == 0


def test_the_code_of_the_moment_is_still_good(house: EnrolmentHouse) -> None:
    """`antin otp` right after the start: what made the key was another authenticator."""
    _start(house)
    one = PEOPLE[0]
    person = _person(house, one.identifier)
    code = code_at(one.totp_secret, now=house.now)
    held = house.factors._held(person.account_id)
    assert house.client.check_code(person.account_id, held, code).outcome == "right"


def test_whoever_was_locked_is_left_alone(house: EnrolmentHouse) -> None:
    _start(house)
    person = _person(house, PEOPLE[0].identifier)
    (record,) = house.pki.certificates.of_account(person.account_id)
    house.pki.states.suspend(record.serial, ca_id=record.ca_id, now=house.now)
    assert _start(house) == 0


def test_everybody_has_a_specimen_to_be_seen(house: EnrolmentHouse, isolation) -> None:
    _start(house)
    services = house.services
    images = SignatureImages(
        services.database, sealer=services.sealer, log=services.log, isolation=isolation
    )
    given = SimpleNamespace(people=services.people, signing=SimpleNamespace(images=images))
    for _ in range(2):
        set_specimens(given, now=house.now)
    person = _person(house, PEOPLE[0].identifier)
    assert images.find_image(person.account_id) is not None
    for role in services.people.representations(person.account_id, now=house.now):
        seal = images.find_image(role.organisation)
        assert seal is not None
        assert seal.width_mm is not None
