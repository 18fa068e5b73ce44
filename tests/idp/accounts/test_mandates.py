"""Who may act for whom, and until when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from idp.accounts.errors import AccountUnknown
from idp.accounts.mandates import add_legal_representative
from idp.accounts.model import MandateKind, MandateStatus
from idp.ids import AccountId, MandateId
from idp.storage.accounts import find_row
from idp.storage.mandates import list_present
from keystore.log.events import EventType
from keystore.log.record import log_event
from tests.support.mandates import end_mandate

NUMBER = "003091000017"
DAY = timedelta(days=1)


@pytest.fixture
def me(house) -> AccountId:
    return house.add_citizen(NUMBER).account_id


@pytest.fixture
def firm(house) -> AccountId:
    return house.add_organisation("9900000016", name="Hợp tác xã Thử").account_id


def represent(house, holder, organisation, **options):
    return add_legal_representative(
        house.database,
        holder_id=holder,
        organisation_id=organisation,
        source="register",
        log=house.log,
        now=house.now,
        **options,
    )


def test_a_representative_finds_the_organisation(house, me, firm) -> None:
    mandate = represent(house, me, firm, valid_to=house.now + DAY)
    (found,) = house.directory.representations(me, now=house.now)
    assert found.mandate_id == mandate.mandate_id
    assert found.kind is MandateKind.LEGAL_REPRESENTATIVE
    assert found.organisation == firm
    assert found.name == "Hợp tác xã Thử"
    assert found.enterprise_code == "9900000016"
    assert found.valid_to == house.now + DAY
    one = house.directory.find_representation(me, mandate_id=mandate.mandate_id, now=house.now)
    assert one == found
    assert house.directory.find_mandate(mandate.mandate_id) == mandate


@pytest.mark.parametrize(
    ("after", "holds"),
    [(-timedelta(milliseconds=1), False), (timedelta(), True), (DAY, False)],
)
def test_a_mandate_holds_from_its_first_to_before_its_last_instant(
    house, me, firm, after, holds
) -> None:
    mandate = represent(house, me, firm, valid_to=house.now + DAY)
    at = house.now + after
    assert mandate.valid_at(at) is holds
    assert bool(house.directory.representations(me, now=at)) is holds
    one = house.directory.find_representation(me, mandate_id=mandate.mandate_id, now=at)
    assert (one is not None) is holds


def test_an_ended_mandate_is_ended_at_once_and_for_good(house, me, firm) -> None:
    mandate = represent(house, me, firm)
    assert end_mandate(house.database, mandate, log=house.log, now=house.now)
    assert not end_mandate(house.database, mandate, log=house.log, now=house.now)
    assert house.directory.representations(me, now=house.now) == ()
    kept = house.directory.find_mandate(mandate.mandate_id)
    assert kept is not None
    assert kept.status is MandateStatus.REVOKED
    with house.database.read() as connection:
        types = [
            row.type for row in connection.execute(log_event.select().order_by(log_event.c.seq))
        ]
    assert types.count(EventType.MANDATE_ADDED) == types.count(EventType.MANDATE_ENDED) == 1


def test_nobody_acts_for_a_closed_or_locked_organisation(house, me, firm) -> None:
    mandate = represent(house, me, firm)
    house.lifecycle.lock(firm, reason="x", now=house.now)
    assert house.directory.representations(me, now=house.now) == ()
    house.lifecycle.unlock(firm, reason="x", now=house.now)
    assert house.directory.representations(me, now=house.now)
    house.lifecycle.close(firm, reason="x", now=house.now)
    assert house.directory.representations(me, now=house.now) == ()
    kept = house.directory.find_mandate(mandate.mandate_id)
    assert kept is not None
    assert kept.status is MandateStatus.REVOKED


def test_a_locked_person_acts_for_nobody(house, me, firm) -> None:
    represent(house, me, firm)
    house.lifecycle.lock(me, reason="x", now=house.now)
    assert house.directory.representations(me, now=house.now) == ()


def test_the_mandate_of_another_person_is_none(house, me, firm) -> None:
    other = house.add_citizen("005091000018").account_id
    mandate = represent(house, me, firm)
    assert house.directory.representations(other, now=house.now) == ()
    found = house.directory.find_representation(other, mandate_id=mandate.mandate_id, now=house.now)
    assert found is None


def test_organisations_are_listed_by_name(house, me, firm) -> None:
    for code, name in (("9900000023", "B"), ("9900000030", "A"), ("9900000048", "C")):
        represent(house, me, house.add_organisation(code, name=name).account_id)
    names = [one.name for one in house.directory.representations(me, now=house.now)]
    assert names == ["A", "B", "C"]


def test_only_a_person_represents_and_only_an_organisation_is_represented(house, me, firm) -> None:
    """Law on Enterprises 59/2020/QH14 Art. 12."""
    nobody = AccountId("acc_nobody")
    for holder, principal in ((firm, firm), (me, me), (nobody, firm), (me, nobody)):
        with pytest.raises(AccountUnknown):
            represent(house, holder, principal)


def test_an_unknown_mandate_is_none(house, me) -> None:
    assert house.directory.find_mandate(MandateId("mdt_none")) is None


def test_the_name_of_an_organisation_does_not_show_in_a_repr(house, me, firm) -> None:
    represent(house, me, firm)
    (found,) = house.directory.representations(me, now=house.now)
    assert "Hợp tác xã" not in repr(found)


def test_more_pairs_are_asked_for_than_one_statement_takes(house, me, firm) -> None:
    represent(house, me, firm)
    with house.database.read() as connection:
        rows = [find_row(connection, one) for one in (me, firm)]
        pair = tuple(row.account_key for row in rows if row is not None)
        asked = [*((n, n) for n in range(10_000, 50_000)), pair]
        kind = MandateKind.LEGAL_REPRESENTATIVE
        assert list_present(connection, asked, kind=kind, now=house.now) == {pair}
        assert list_present(connection, (), kind=kind, now=house.now) == set()
