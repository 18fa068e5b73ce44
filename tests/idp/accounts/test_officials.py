"""Duties are given for an agency, end at once, and rest where an account is unfit for them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from idp.accounts.errors import AccountUnknown
from idp.accounts.lifecycle import make_account
from idp.accounts.model import AccountKind, AccountLevel, Profile
from idp.accounts.officials import Duty, NotAnOfficial, Officials, OfficialUnfit, require_duty
from idp.ids import AccountId
from keystore.log.events import EventType
from tests.support.signer import events

_HOUR = timedelta(hours=1)


@pytest.fixture
def officials(house) -> Officials:
    return Officials(house.database, house.log)


@pytest.fixture
def clerk(house) -> AccountId:
    return house.add_citizen("003091000017").account_id


def test_a_duty_is_found_for_exactly_what_it_is(house, officials, clerk) -> None:
    given = officials.add(clerk, duty=Duty.PROOFING, controller_id="agency", now=house.now)
    assert officials.find(clerk, duty=Duty.PROOFING, now=house.now) == given
    assert officials.find(clerk, duty=Duty.HELPDESK, now=house.now) is None
    assert officials.duties_of(clerk, now=house.now) == {Duty.PROOFING}
    other = house.add_citizen("003091000025").account_id
    assert officials.find(other, duty=Duty.PROOFING, now=house.now) is None
    assert officials.list_all() == (given,)


def test_it_does_not_begin_before_and_is_over_at_its_end(house, officials, clerk) -> None:
    until = house.now + _HOUR
    officials.add(clerk, duty=Duty.HELPDESK, controller_id="agency", valid_to=until, now=house.now)
    for at, is_found in ((house.now - _HOUR, False), (house.now, True), (until, False)):
        found = officials.find(clerk, duty=Duty.HELPDESK, now=at)
        assert (found is not None) is is_found


def test_ended_it_is_ended_at_once_also_in_the_act_that_is_under_way(
    house, officials, clerk
) -> None:
    given = officials.add(clerk, duty=Duty.PROOFING, controller_id="agency", now=house.now)
    with house.database.transaction() as tx:
        assert require_duty(tx, given, now=house.now).account_id == clerk
    assert officials.end(given.official_id, now=house.now)
    assert not officials.end(given.official_id, now=house.now)
    assert not officials.end("ofl_nobody", now=house.now)
    assert officials.find(clerk, duty=Duty.PROOFING, now=house.now) is None
    with house.database.transaction() as tx, pytest.raises(NotAnOfficial):
        require_duty(tx, given, now=house.now)


def test_a_duty_of_somebody_else_does_not_serve(house, officials, clerk) -> None:
    given = officials.add(clerk, duty=Duty.PROOFING, controller_id="agency", now=house.now)
    other = house.add_citizen("003091000025").account_id
    forged = replace(given, account_id=other)
    with house.database.transaction() as tx, pytest.raises(NotAnOfficial):
        require_duty(tx, forged, now=house.now)


def test_it_goes_to_people_of_level_two_alone(house, officials, now) -> None:
    """NĐ 69/2024 Art. 7: whoever vouches for others was proofed in person."""
    firm = house.add_organisation("9900000016").account_id
    weak = make_account(
        kind=AccountKind.CITIZEN,
        level=AccountLevel.ONE,
        profile=Profile("Người Mẫu"),
        identifiers=[],
        now=now,
    )
    house.lifecycle.open(weak)
    for unfit in (firm, weak.account_id):
        with pytest.raises(OfficialUnfit):
            officials.add(unfit, duty=Duty.PROOFING, controller_id="agency", now=house.now)
    with pytest.raises(AccountUnknown):
        officials.add(
            AccountId("acc_nobody"), duty=Duty.PROOFING, controller_id="agency", now=house.now
        )


def test_it_rests_while_the_account_is_locked_and_ends_with_it(house, officials, clerk) -> None:
    officials.add(clerk, duty=Duty.PROOFING, controller_id="agency", now=house.now)
    house.lifecycle.lock(clerk, reason="tests", now=house.now)
    assert officials.find(clerk, duty=Duty.PROOFING, now=house.now) is None
    house.lifecycle.unlock(clerk, reason="tests", now=house.now)
    assert officials.find(clerk, duty=Duty.PROOFING, now=house.now) is not None
    house.lifecycle.close(clerk, reason="tests", now=house.now)
    assert [one.ended_at for one in officials.list_all()] == [house.now]


def test_giving_and_ending_are_on_record(house, officials, clerk) -> None:
    given = officials.add(clerk, duty=Duty.PROOFING, controller_id="agency", now=house.now)
    officials.end(given.official_id, now=house.now)
    said = {"official_id": given.official_id, "duty": "proofing", "controller": "agency"}
    for type_ in (EventType.OFFICIAL_ADDED, EventType.OFFICIAL_ENDED):
        assert [json.loads(row["facts"]) for row in events(house.database, type_)] == [said]
