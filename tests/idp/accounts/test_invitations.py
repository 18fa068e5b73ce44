"""Two officials and seventy-two hours; the person stops it, and no official gains anything by it.

Source: architecture, decision 10; NIST SP 800-63B-4 §4.2.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from idp.accounts.activation import find_activation
from idp.accounts.errors import AccountUnknown
from idp.accounts.invitation_model import (
    Invitation,
    InvitationReason,
    InvitationRefused,
    InvitationState,
)
from idp.accounts.model import AccountLevel
from idp.accounts.official_duties import Duty, Official
from idp.accounts.officials import NotAnOfficial, OwnAccount
from idp.accounts.proofing import find_proofing
from idp.ids import AccountId
from keystore.log.events import EventType
from tests.support.provider import Provider
from tests.support.provider_browser import Browser
from tests.support.provider_seeds import ANH, BINH, CHI, DUNG
from tests.support.racing import race
from tests.support.signer import events


@dataclass(frozen=True)
class Room:
    """Two officials of a helpdesk, and Dung, who has a password and an app."""

    provider: Provider
    first: Official
    second: Official

    @property
    def desk(self):
        return self.provider.services.desks.invitations

    def ask(self, official: Official | None = None, who: AccountId | None = None) -> Invitation:
        return self.desk.ask(
            official or self.first,
            who or DUNG.account_id,
            reason=InvitationReason.LOST_DEVICE,
            now=self.provider.now,
        )

    def confirm(self, official: Official | None = None) -> Invitation:
        return self.desk.confirm(official or self.second, DUNG.account_id, now=self.provider.now)

    def take(self) -> str:
        return self.desk.take(DUNG.account_id, now=self.provider.now)

    def level(self) -> AccountLevel | None:
        found = self.provider.services.people.find_account(DUNG.account_id)
        assert found is not None
        return found.level


@pytest.fixture
def room(provider: Provider) -> Room:
    first, second = (
        provider.services.desks.officials.add(
            who.account_id, duty=Duty.HELPDESK, controller_id="agency", now=provider.now
        )
        for who in (ANH, BINH)
    )
    return Room(provider, first, second)


def test_after_two_officials_and_three_days_the_person_enrols_at_level_one(room: Room) -> None:
    room.ask()
    room.confirm()
    room.provider.clock.advance(hours=71, minutes=59)
    with pytest.raises(InvitationRefused, match="still_waiting"):
        room.take()
    assert room.level() is AccountLevel.TWO
    room.provider.clock.advance(minutes=1)
    code = room.take()
    services = room.provider.services
    assert room.level() is AccountLevel.ONE
    assert find_proofing(services.database, DUNG.account_id) is None
    assert not services.people.has_totp(DUNG.account_id)
    assert find_activation(
        services.database,
        DUNG.account_id,
        raw_code=code,
        sealer=services.sealer,
        now=room.provider.now,
    )
    with pytest.raises(InvitationRefused, match="nothing_open"):
        room.take()


def test_one_official_alone_brings_nothing_about(room: Room) -> None:
    """Neither twice, nor by waiting, nor for the own account."""
    room.ask()
    with pytest.raises(InvitationRefused, match="same_official"):
        room.confirm(room.first)
    with pytest.raises(InvitationRefused, match="already_open"):
        room.ask()
    room.provider.clock.advance(hours=71)
    with pytest.raises(InvitationRefused, match="still_waiting"):
        room.take()
    room.provider.clock.advance(hours=1)
    for act in (room.take, room.confirm):
        with pytest.raises(InvitationRefused, match="nothing_open"):
            act()
    with pytest.raises(OwnAccount):
        room.ask(room.first, ANH.account_id)
    assert room.level() is AccountLevel.TWO


def test_an_official_for_whom_a_colleague_asked_does_not_confirm(room: Room) -> None:
    room.ask(room.second, ANH.account_id)
    with pytest.raises(OwnAccount):
        room.desk.confirm(room.first, ANH.account_id, now=room.provider.now)


@pytest.mark.parametrize("is_confirmed", [False, True])
def test_the_person_stops_it_at_any_time(room: Room, *, is_confirmed: bool) -> None:
    asked = room.ask()
    if is_confirmed:
        room.confirm()
        room.provider.clock.advance(hours=80)
    assert room.desk.stop(asked.invitation_id, by="person", now=room.provider.now)
    assert not room.desk.stop(asked.invitation_id, by="person", now=room.provider.now)
    with pytest.raises(InvitationRefused, match="nothing_open"):
        room.take()
    (found,) = room.desk.list_of(DUNG.account_id)
    assert found.state is InvitationState.STOPPED


def test_the_mark_of_a_notice_stops_exactly_its_own(room: Room) -> None:
    asked = room.ask()
    mark = room.desk.stop_mark(asked.invitation_id)
    found = room.desk.find_by_mark(mark)
    assert found is not None
    assert found.invitation_id == asked.invitation_id
    assert len(mark) == 35
    last = "A" if mark[-1] != "A" else "E"
    for forged in (mark[:-1] + last, "A" + mark[1:], mark[:22], "", "é", "=" * 35):
        assert room.desk.find_by_mark(forged) is None


def test_signing_in_with_what_was_called_lost_stops_it(room: Room) -> None:
    asked = room.ask()
    room.confirm()
    own = Browser(room.provider)
    own.log_in(own.get("/account"), who=DUNG)
    assert not room.desk.was_overtaken(asked)  # whoever lost the telephone still has the password
    own.answer_all(own.get("/account/passkeys"), who=DUNG)
    assert room.desk.was_overtaken(asked)
    room.provider.clock.advance(hours=72)
    with pytest.raises(InvitationRefused, match="signed_in_meanwhile"):
        room.take()
    assert room.level() is AccountLevel.TWO


def test_it_lapses_when_nobody_uses_it(room: Room) -> None:
    room.ask()
    room.confirm()
    room.provider.clock.advance(days=17)
    with pytest.raises(InvitationRefused, match="nothing_open"):
        room.take()
    assert room.desk.find_open(DUNG.account_id, now=room.provider.now) is None


def test_a_duty_that_ended_and_nobody_are_refused(room: Room) -> None:
    room.ask()
    room.provider.services.desks.officials.end(room.second.official_id, now=room.provider.now)
    with pytest.raises(NotAnOfficial):
        room.confirm()
    with pytest.raises(AccountUnknown):
        room.ask(who=AccountId("acc_nobody"))


def test_what_somebody_asked_for_who_is_no_official_any_more_is_stopped(room: Room) -> None:
    """ADR 0039: a duty ends at once, also between the two acts; another official asks anew."""
    room.ask()
    room.provider.services.desks.officials.end(room.first.official_id, now=room.provider.now)
    with pytest.raises(InvitationRefused, match="nothing_open"):
        room.confirm()
    (stopped,) = room.desk.list_of(DUNG.account_id)
    assert stopped.state is InvitationState.STOPPED
    assert room.ask(room.second).first_id == room.second.account_id


def test_every_step_names_who_did_it_and_the_person_is_told(room: Room) -> None:
    room.ask()
    room.confirm()
    room.provider.clock.advance(hours=72)
    room.take()
    database = room.provider.services.database
    said = [
        json.loads(row["facts"])["by"]
        for type_ in (
            EventType.INVITATION_ASKED,
            EventType.INVITATION_CONFIRMED,
            EventType.INVITATION_USED,
        )
        for row in events(database, type_)
    ]
    assert said == [ANH.account_id, BINH.account_id, "person"]
    notices = [one["notice"] for one in _notices(room.provider)]
    assert notices == ["invited_to_enrol", "level_capped"]


def _notices(provider: Provider) -> list[dict[str, str]]:
    from sqlalchemy import select  # noqa: PLC0415 - one test looks behind

    from idp.accounts.notices import SEND_NOTICE  # noqa: PLC0415 - the same
    from idp.storage.outbox import outbox  # noqa: PLC0415 - the same

    with provider.services.database.read() as connection:
        rows = connection.execute(
            select(outbox.c.payload)
            .where(outbox.c.kind == SEND_NOTICE)
            .order_by(outbox.c.created_ms)
        )
        found = [json.loads(row.payload) for row in rows]
    assert all("stop_path" not in row for row in found), "what stops it is sealed"
    return [row for row in found if row["account_id"] == DUNG.account_id]


def test_somebody_without_a_second_factor_may_be_invited_too(room: Room) -> None:
    room.ask(who=CHI.account_id)
    assert room.desk.find_open(CHI.account_id, now=room.provider.now) is not None


def test_of_many_confirmations_at_once_one_counts(provider_on_both: Provider) -> None:
    officials = provider_on_both.services.desks.officials
    first, second = (
        officials.add(
            who.account_id, duty=Duty.HELPDESK, controller_id="agency", now=provider_on_both.now
        )
        for who in (ANH, BINH)
    )
    room = Room(provider_on_both, first, second)
    room.ask()

    def confirm() -> str:
        try:
            room.confirm()
        except InvitationRefused as refusal:
            return refusal.reason
        return "confirmed"

    said = race([confirm] * 4)
    assert said.count("confirmed") == 1
    database = provider_on_both.services.database
    assert len(events(database, EventType.INVITATION_CONFIRMED)) == 1
    room.provider.clock.advance(hours=72)

    def take() -> str:
        try:
            return room.take()
        except InvitationRefused as refusal:
            return refusal.reason

    taken = race([take] * 4)
    assert taken.count("nothing_open") == 3
    assert len(events(database, EventType.INVITATION_USED)) == 1
