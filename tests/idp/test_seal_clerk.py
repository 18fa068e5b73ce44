"""A clerk who was entrusted with the seal: makes its key, applies it, loses it with the mandate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from idp.accounts.delegation import Evidence, Wish
from idp.accounts.model import Account, Mandate, MandateKind
from keystore.pki.model import CertificateState
from signing.errors import CertificateRefused
from signing.model import Role
from tests.support.enrolment_house import EnrolmentHouse, open_house


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path, now: datetime) -> Iterator[EnrolmentHouse]:
    """On SQLite alone: the storage files have tests of their own on both."""
    with open_house(sqlite_url, tmp_path, now=now, passkey_waits=timedelta()) as opened:
        yield opened


@pytest.fixture
def clerk(house: EnrolmentHouse) -> Account:
    """Somebody of level 2 with an app."""
    made = house.person(name="Trần Văn Thư", number="005190001126")
    house.give_app(made)
    return made


def _entrust(house: EnrolmentHouse, clerk: Account) -> tuple[Account, Mandate]:
    """The organisation, and the mandate that its representative gave."""
    organisation, ground = house.organisation(house.person())
    given = house.services.mandates.delegations.give(
        ground.holder_id,
        under=ground.mandate_id,
        wish=Wish(
            kind=MandateKind.SEAL_CLERK,
            number="005190001126",
            name="Trần Văn Thư",
            scopes=(),
            portals=(),
            valid_from=house.now,
            valid_to=house.now + timedelta(days=90),
            evidence=Evidence("12/QĐ", date(2026, 11, 1)),
        ),
        now=house.now,
    )
    return organisation, given


def _end(house: EnrolmentHouse, given: Mandate) -> None:
    house.services.mandates.delegations.end(given.holder_id, given.mandate_id, now=house.now)


def test_the_clerk_applies_the_seal_and_signs_nothing_else(
    house: EnrolmentHouse, clerk: Account
) -> None:
    """NĐ 30/2020/NĐ-CP Art. 32–33: the seal is applied by the clerk, after who signs."""
    organisation, _given = _entrust(house, clerk)
    signer = house.signer(clerk, organisation)
    house.enrol_by_code(clerk, signer)
    (credential,) = house.held(signer)
    assert credential.owner_id == organisation.account_id
    as_person = replace(signer, role=Role.PERSON)
    assert house.signers.refresh(as_person, client_id=None, now=house.now) is None


def test_with_the_mandate_the_seal_is_out_of_reach(house: EnrolmentHouse, clerk: Account) -> None:
    organisation, given = _entrust(house, clerk)
    signer = house.signer(clerk, organisation)
    _end(house, given)
    assert house.signers.refresh(signer, client_id=None, now=house.now) is None
    with pytest.raises(CertificateRefused, match="mandate_ended"):
        house.enrolment.prepare(signer, scal=1, now=house.now)


def test_a_seal_under_the_clerks_passkey_alone_ends_with_the_mandate(
    house: EnrolmentHouse, clerk: Account
) -> None:
    """Nobody else could open it: its certificate would be of nobody."""
    organisation, given = _entrust(house, clerk)
    signer = house.signer(clerk, organisation)
    passkey = house.give_passkey(clerk, rp_id="sign.example")
    wanted = house.enrolment.prepare(
        signer, scal=2, passkeys=[passkey.credential_id], now=house.now
    )
    house.enrolment.finish_by_passkey(
        signer, evidence=passkey.confirm(wanted.challenge()), now=house.now
    )
    (record,) = house.pki.certificates.of_account(organisation.account_id)
    assert record.state is CertificateState.GOOD
    _end(house, given)
    (record,) = house.pki.certificates.of_account(organisation.account_id)
    assert record.state is CertificateState.REVOKED
