"""A notice reaches every verified channel, once each, whatever happens to the others."""

from __future__ import annotations

from datetime import timedelta

from idp.accounts.channels import Channel, Destination
from idp.accounts.model import AccountKind
from idp.accounts.notices import Notice
from idp.delivery.gateway import Failing, NotSent
from idp.delivery.telling import NEW_DEVICES_BY_SMS
from tests.support.delivery_house import ISSUER, MAIL, PHONE


class Recorded:
    """A gateway that keeps what it got."""

    name = "recorded"

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        self.failure: NotSent | None = None

    def send(self, outgoing, *, now) -> None:
        if self.failure is not None:
            raise self.failure
        self.taken.append((outgoing.address, outgoing.text))

    @property
    def addresses(self) -> list[str]:
        return [address for address, _text in self.taken]


def tell_all(house) -> tuple[Recorded, Recorded]:
    mail, sms = Recorded(), Recorded()
    worker = house.worker(mail=[mail], sms=[sms])
    worker.run_due()
    worker.run_due()
    return mail, sms


def test_every_verified_channel_is_told(house) -> None:
    """NIST SP 800-63B-4 §4.6."""
    house.tell(house.person(), Notice.PASSWORD_CHANGED)
    mail, sms = tell_all(house)
    assert (mail.addresses, sms.addresses) == ([MAIL], [PHONE])
    assert f"{ISSUER}/account/not-me" in mail.taken[0][1]
    assert {row.payload for row in house.rows()} == {"{}"}


def test_an_address_that_was_never_verified_is_not_told(house) -> None:
    row = house.person(is_email_verified=False)
    house.tell(row, Notice.PASSWORD_CHANGED)
    mail, sms = tell_all(house)
    assert (mail.addresses, sms.addresses) == ([], [PHONE])


def test_the_former_number_is_told_too_and_nobody_twice(house) -> None:
    former = Destination(Channel.SMS, "+84900000099")
    row = house.person()
    house.tell(row, Notice.CONTACT_CHANGED, also_to=[former, Destination(Channel.SMS, PHONE)])
    mail, sms = tell_all(house)
    assert sorted(sms.addresses) == [PHONE, former.address]
    assert mail.addresses == [MAIL]


def test_a_number_of_another_country_is_told_by_mail_alone(house) -> None:
    """It was verified before the operator chose countries, or came with a register."""
    house.tell(house.person(phone="+88213000017"), Notice.PASSWORD_CHANGED)
    mail, sms = tell_all(house)
    assert (mail.addresses, sms.addresses) == ([MAIL], [])


def test_the_channels_are_those_of_the_time_of_sending(house) -> None:
    """Whoever was told a wrong address corrected it before anything went out."""
    row = house.person(is_phone_verified=False)
    house.tell(row, Notice.TOTP_ENROLLED)
    _mail, sms = tell_all(house)
    assert sms.taken == []


def test_one_channel_that_is_down_keeps_no_other_waiting(house, clock) -> None:
    house.tell(house.person(), Notice.PASSKEY_ADDED)
    mail, sms = Recorded(), Recorded()
    sms.failure = NotSent("timed_out", failing=Failing.DOWN)
    worker = house.worker(mail=[mail], sms=[sms])
    worker.run_due()
    worker.run_due()
    assert (mail.addresses, sms.addresses) == ([MAIL], [])
    sms.failure = None
    clock.now += timedelta(minutes=1)
    worker.run_due()
    assert (mail.addresses, sms.addresses) == ([MAIL], [PHONE])


def test_a_notice_that_is_handled_twice_is_told_once(house, clock) -> None:
    house.tell(house.person(), Notice.ACCOUNT_LOCKED)
    mail, sms = Recorded(), Recorded()
    dying = house.worker(mail=[mail], sms=[sms])
    dying._settle = lambda *_arguments, **_named: None
    dying.run_due()
    clock.now += timedelta(minutes=1)
    worker = house.worker(mail=[mail], sms=[sms])
    for _ in range(3):
        worker.run_due()
    assert (mail.addresses, sms.addresses) == ([MAIL], [PHONE])


def test_new_devices_without_end_cost_no_text_messages_without_end(house, clock) -> None:
    row = house.person()
    for _ in range(NEW_DEVICES_BY_SMS + 2):
        house.tell(row, Notice.NEW_DEVICE)
    house.tell(row, Notice.PASSWORD_CHANGED)
    clock.now += timedelta(seconds=1)
    mail, sms = tell_all(house)
    assert len(mail.taken) == NEW_DEVICES_BY_SMS + 3
    assert len(sms.taken) == NEW_DEVICES_BY_SMS + 1


def test_the_text_message_of_a_foreigner_is_in_english(house) -> None:
    house.tell(house.person(kind=AccountKind.FOREIGNER), Notice.PASSWORD_CHANGED)
    mail, sms = tell_all(house)
    assert "Not you?" in sms.taken[0][1]
    assert "Kính gửi Ông/Bà" in mail.taken[0][1]


def test_somebody_who_was_erased_is_told_nothing(house) -> None:
    row = house.person()
    house.tell(row, Notice.DATA_EXPORTED, facts={"device": "android chrome"})
    house.lifecycle.erase(row.account_id, reason="test", now=house.time())
    mail, sms = tell_all(house)
    assert (mail.taken, sms.taken) == ([], [])


def test_an_address_of_a_register_that_is_none_stops_nothing(house) -> None:
    house.tell(house.person(phone="không rõ"), Notice.PASSWORD_CHANGED)
    mail, sms = tell_all(house)
    assert (mail.addresses, sms.addresses) == ([MAIL], [])
