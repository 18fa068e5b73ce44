"""Two acts by two people raise an account; one alone raises nobody.

Source: NĐ 69/2024/NĐ-CP Art. 7, 10-11; architecture, decision 10.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from functools import partial

import pytest

from idp.accounts.activation import find_activation
from idp.accounts.birthdates import Birthdate
from idp.accounts.channels import Channel, Destination, verified_channels
from idp.accounts.counter import is_old_enough
from idp.accounts.counter_proofings import ProofingRefused
from idp.accounts.errors import AccountUnknown, TooManyAttempts
from idp.accounts.model import AccountLevel
from idp.accounts.notices import Notice
from idp.accounts.official_duties import Duty, Official
from idp.accounts.officials import NotAnOfficial, OwnAccount
from idp.accounts.proofing import find_proofing
from idp.ids import AccountId
from idp.registers import RegisterName
from idp.storage.account_updates import update_profile
from idp.storage.accounts import find_row
from idp.storage.contacts import ContactRow, list_contacts, put_contact
from idp.storage.level_records import OPENED_ALONE
from keystore.log.events import Event, EventType
from tests.support.counter_hall import Hall, make_hall
from tests.support.left_notices import left_destinations
from tests.support.provider import Provider
from tests.support.provider_seeds import ANH, BINH, CHI, DUNG
from tests.support.racing import race
from tests.support.signer import events


@pytest.fixture
def hall(provider: Provider) -> Hall:
    return make_hall(provider)


def test_an_official_and_the_person_raise_it_together(hall: Hall) -> None:
    code = hall.start()
    assert hall.level() is AccountLevel.ONE
    assert find_proofing(hall.provider.services.database, CHI.account_id) is None
    hall.provider.clock.advance(minutes=5)
    activation = hall.confirm(code)
    assert hall.level() is AccountLevel.TWO
    services = hall.provider.services
    assert find_proofing(services.database, CHI.account_id) == hall.now
    assert find_activation(
        services.database,
        CHI.account_id,
        raw_code=activation,
        sealer=services.sealer,
        now=hall.now,
    )
    (raised,) = (one for one in hall.facts(EventType.ACCOUNT_LEVEL_CHANGED))
    assert raised["level"] == "2"
    assert raised["official"] == ANH.account_id
    assert raised["second"] == "person"
    (done,) = hall.facts(EventType.PROOFING_COMPLETED)
    assert done["document"] == "identity_card"
    assert done["second"] == "person"


def test_whoever_opened_an_account_on_the_net_is_not_the_second_person(hall: Hall) -> None:
    """Architecture, decision 10; an official who opened it with the data of a document is alone.

    NIST SP 800-63A-4 §4.2: proofing is about the person, not about who has the password.
    """
    services = hall.provider.services
    row = services.people.find_row(CHI.account_id)
    assert row is not None
    opened = Event(
        EventType.ACCOUNT_ADDED, account_id=CHI.account_id, facts={**OPENED_ALONE, "level": "1"}
    )
    with services.database.transaction() as tx:
        services.log.record(tx, opened, data_key=row.data_key, now=hall.now)
    with pytest.raises(ProofingRefused, match="second_official_needed"):
        hall.confirm(hall.start())
    assert hall.level() is AccountLevel.ONE
    hall.confirm_second()
    assert hall.level() is AccountLevel.TWO
    assert {"source": RegisterName.POPULATION.value} == OPENED_ALONE


def test_a_second_official_stands_in_for_the_person(hall: Hall) -> None:
    hall.start()
    hall.confirm_second()
    assert hall.level() is AccountLevel.TWO
    (raised,) = hall.facts(EventType.ACCOUNT_LEVEL_CHANGED)
    assert (raised["official"], raised["second"]) == (ANH.account_id, BINH.account_id)


def test_one_official_alone_raises_nobody(hall: Hall) -> None:
    """Neither by both acts, nor on the own account, nor by guessing what the person types."""
    hall.start()
    with pytest.raises(ProofingRefused, match="same_official"):
        hall.confirm_second(hall.first)
    with pytest.raises(OwnAccount):
        hall.start(ANH.account_id)
    with pytest.raises(ProofingRefused, match="nothing_waiting"):
        hall.confirm("ABCD-EFGH", ANH.account_id)
    assert hall.level() is AccountLevel.ONE
    assert not hall.facts(EventType.TOTP_ACTIVATION_ISSUED)


def test_the_code_of_somebody_else_raises_nobody(hall: Hall) -> None:
    theirs = hall.start()
    seen = {"name": DUNG.name}
    hall.start(DUNG.account_id, **seen)
    with pytest.raises(ProofingRefused, match="code_wrong"):
        hall.confirm(theirs, DUNG.account_id)


def test_a_code_works_once_and_the_next_one_voids_it(hall: Hall) -> None:
    old = hall.start()
    new = hall.start()
    with pytest.raises(ProofingRefused, match="code_wrong"):
        hall.confirm(old)
    hall.confirm(new)
    with pytest.raises(ProofingRefused, match="nothing_waiting"):
        hall.confirm(new)


def test_it_lapses_and_is_stopped_by_either_side(hall: Hall) -> None:
    code = hall.start()
    hall.provider.clock.advance(hours=2)
    with pytest.raises(ProofingRefused, match="nothing_waiting"):
        hall.confirm(code)
    code = hall.start()
    assert hall.desks.counter.stop(CHI.account_id, by=CHI.account_id, now=hall.now)
    assert not hall.desks.counter.stop(CHI.account_id, by=CHI.account_id, now=hall.now)
    with pytest.raises(ProofingRefused, match="nothing_waiting"):
        hall.confirm(code)
    assert hall.facts(EventType.PROOFING_STOPPED) == [{"by": "person"}]


def test_guessing_the_code_is_counted(hall: Hall) -> None:
    code = hall.start()
    for _ in range(5):
        with pytest.raises(ProofingRefused, match="code_wrong"):
            hall.confirm("0000-0000")
    with pytest.raises(TooManyAttempts):
        hall.confirm(code)


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        ({"is_face_compared": False}, "face_not_compared"),
        ({"name": "Ai Đó Khác"}, "name_differs"),
        ({"birthdate": Birthdate(1980, 3, 1)}, "birthdate_differs"),
        ({"document_tail": "12345"}, "document_tail_too_long"),
    ],
)
def test_what_does_not_agree_is_refused_in_either_act(
    hall: Hall, seen: dict[str, object], reason: str
) -> None:
    with pytest.raises(ProofingRefused, match=reason):
        hall.start(**seen)
    hall.start()
    with pytest.raises(ProofingRefused, match=reason):
        hall.confirm_second(**seen)
    assert hall.level() is AccountLevel.ONE


def test_a_name_without_its_marks_agrees(hall: Hall) -> None:
    hall.start(name="VU VAN CHI MAU")
    assert hall.facts(EventType.PROOFING_STARTED)
    hall.confirm_second(name="vu van chi mau")
    assert hall.level() is AccountLevel.TWO


@pytest.mark.parametrize(
    ("born", "is_enough"),
    [
        (Birthdate(2012, 11, 22), True),
        (Birthdate(2012, 11, 23), False),
        (Birthdate(2012), False),
        (Birthdate(2011), True),
        (Birthdate(2012, 10), True),
    ],
)
def test_children_below_fourteen_need_their_guardian(born: Birthdate, *, is_enough: bool) -> None:
    """NĐ 69/2024 Art. 7, 14(2); of a date known in part the latest day counts."""
    assert is_old_enough(born, today=date(2026, 11, 22)) is is_enough


def test_a_locked_account_and_nobody_are_refused(hall: Hall) -> None:
    from idp.accounts.lifecycle import AccountLifecycle  # noqa: PLC0415 - one test locks

    services = hall.provider.services
    code = hall.start()
    AccountLifecycle(services.database, sealer=services.sealer, log=services.log).lock(
        CHI.account_id, reason="tests", now=hall.now
    )
    with pytest.raises(ProofingRefused, match="account_not_active"):
        hall.confirm(code)
    with pytest.raises(ProofingRefused, match="account_not_active"):
        hall.start()
    with pytest.raises(AccountUnknown):
        hall.start(AccountId("acc_nobody"))


def test_a_duty_that_ended_serves_no_more(hall: Hall) -> None:
    hall.start()
    for official in (hall.first, hall.second):
        hall.desks.officials.end(official.official_id, now=hall.now)
    with pytest.raises(NotAnOfficial):
        hall.start()
    with pytest.raises(NotAnOfficial):
        hall.confirm_second()


def test_a_first_official_whose_duty_ended_meanwhile_raises_nobody(hall: Hall) -> None:
    """ADR 0039: a duty ends at once, also between the two acts."""
    code = hall.start()
    hall.desks.officials.end(hall.first.official_id, now=hall.now)
    with pytest.raises(ProofingRefused, match="nothing_waiting"):
        hall.confirm(code)
    with pytest.raises(ProofingRefused, match="nothing_waiting"):
        hall.confirm_second()
    assert hall.level() is AccountLevel.ONE


def test_what_was_seen_of_the_document_is_sealed(hall: Hall) -> None:
    """Law 91/2025 Art. 3: of the document its kind, and at most its last digits, for the person."""
    hall.start()
    (row,) = events(hall.provider.services.database, EventType.PROOFING_STARTED)
    assert "3142" not in json.dumps([str(value) for value in row.values()])
    assert set(json.loads(row["facts"])) == {"proofing_id", "official", "controller", "document"}


def test_after_a_cap_everything_from_before_is_void(hall: Hall) -> None:
    """Decision 10: whoever took the account over keeps no factor through the proofing."""
    services = hall.provider.services
    with services.database.transaction() as tx:
        row = find_row(tx.connection, DUNG.account_id, is_locked=True)
        assert row is not None
        services.recovery.cap(tx, row, cause="tests", now=hall.now)
    hall.provider.clock.advance(minutes=1)
    code = hall.start(DUNG.account_id, name=DUNG.name)
    hall.provider.clock.advance(minutes=1)
    hall.confirm(code, DUNG.account_id)
    assert hall.level(DUNG.account_id) is AccountLevel.TWO
    assert not services.people.has_totp(DUNG.account_id)


@pytest.mark.parametrize("is_capped", [False, True])
def test_addresses_from_before_are_nobodys_word_once_it_begins_anew(
    hall: Hall, *, is_capped: bool
) -> None:
    """Whoever opened an account in another's place had codes sent to an address of their own."""
    services = hall.provider.services
    old = Destination(Channel.EMAIL, "ke-den-truoc@mau.example")
    with services.database.transaction() as tx:
        row = find_row(tx.connection, CHI.account_id, is_locked=True)
        held = services.people.find_account(CHI.account_id)
        assert row is not None
        assert held is not None
        profile = replace(held.profile, email=old.address, is_email_verified=True)
        update_profile(tx, row, profile, sealer=services.sealer, now=hall.now)
        put_contact(
            tx,
            row,
            ContactRow(Channel.EMAIL, bytes(32), True, since=hall.now, serves_from=hall.now),
        )
        if is_capped:
            services.recovery.cap(tx, row, cause="tests", now=hall.now)
    hall.provider.clock.advance(minutes=1)
    code = hall.start()
    hall.provider.clock.advance(minutes=1)
    if is_capped:
        hall.confirm(code)
    else:
        hall.confirm_second()
    after = services.people.find_account(CHI.account_id)
    assert after is not None
    assert (after.profile.email, verified_channels(after)) == (old.address, ())
    with services.database.read() as connection:
        assert not list_contacts(connection, row)[Channel.EMAIL].is_factor
    (changed,) = hall.facts(EventType.CONTACT_CHANGED)
    assert changed == {"channel": "email", "was": "doubted", "by": "proofing"}
    told = dict(left_destinations(services.database, services.sealer))
    assert told[Notice.CONTACT_CHANGED] == told[Notice.LEVEL_RAISED] == (old,)


def test_of_two_second_acts_at_once_one_counts(provider_on_both: Provider) -> None:
    """One activation code is given out, whoever comes first."""
    hall = make_hall(provider_on_both)
    third = hall.desks.officials.add(
        DUNG.account_id, duty=Duty.PROOFING, controller_id="agency", now=hall.now
    )
    others = (hall.second, third)
    hall.start()

    def confirm(official: Official) -> str:
        try:
            return hall.confirm_second(official)
        except ProofingRefused as refusal:
            return refusal.reason

    said = race([partial(confirm, one) for one in (*others, *others)])
    assert sorted(said)[1:] == ["nothing_waiting"] * 3
    assert len(hall.facts(EventType.PROOFING_COMPLETED)) == 1
    assert len(hall.facts(EventType.TOTP_ACTIVATION_ISSUED)) == 1
