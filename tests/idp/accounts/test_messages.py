"""Messages that wait: sealed, whole, and gone with what they belong to."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from idp.accounts.channels import Channel, Destination
from idp.accounts.messages import (
    FACTS,
    Messages,
    Template,
    check_destination,
    open_message,
)
from idp.accounts.notices import Notice, Notices, open_along
from idp.storage import outbox
from idp.storage.accounts import find_row
from idp.work.outbox import Outbox
from keystore.errors import SealBroken

MINUTES = timedelta(minutes=10)
MAIL = Destination(Channel.EMAIL, "nguoi.thu@mail.example")
PHONE = Destination(Channel.SMS, "+84900000017")


@pytest.fixture
def messages(house) -> Messages:
    return Messages(Outbox(lambda _ids: None), house.sealer)


def queue(messages, house, *, to=PHONE, person=None, template=Template.SIGN_IN_CODE, **facts):
    with house.database.transaction() as tx:
        messages.queue(
            tx,
            to=to,
            template=template,
            facts=facts or {"code": "271828"},
            now=house.now,
            expires=house.now + MINUTES,
            person=person,
        )


def stored(house):
    with house.database.read() as connection:
        return [row.payload for row in connection.execute(outbox.outbox.select())]


def test_neither_the_address_nor_the_code_is_readable_in_the_row(messages, house) -> None:
    queue(messages, house)
    queue(messages, house, to=MAIL, person=person_of(house))
    texts = stored(house)
    assert texts
    for text in texts:
        assert "271828" not in text
        assert "900000017" not in text
        assert "mail.example" not in text


@pytest.mark.parametrize("is_somebodys", [True, False])
def test_what_was_queued_is_what_is_sent(messages, house, is_somebodys) -> None:
    person = person_of(house) if is_somebodys else None
    queue(messages, house, person=person)
    data_key = None if person is None else person.data_key
    found = open_message(json.loads(stored(house)[0]), sealer=house.sealer, data_key=data_key)
    assert (found.to, found.template, found.facts) == (
        PHONE,
        Template.SIGN_IN_CODE,
        {"code": "271828"},
    )
    assert found.expires_at == (house.now + MINUTES).replace(microsecond=0)
    assert "271828" not in repr(found)
    assert PHONE.address not in repr(found)


def test_what_is_sealed_for_one_message_opens_in_no_other(messages, house) -> None:
    queue(messages, house)
    queue(messages, house, to=MAIL)
    first, second = (json.loads(text) for text in stored(house))
    with pytest.raises(SealBroken):
        open_message(first | {"sealed": second["sealed"]}, sealer=house.sealer, data_key=None)


def test_the_message_of_a_person_opens_with_no_other_key(messages, house) -> None:
    queue(messages, house, person=person_of(house))
    payload = json.loads(stored(house)[0])
    other = person_of(house, number="003092000018")
    with pytest.raises(SealBroken):
        open_message(payload, sealer=house.sealer, data_key=other.data_key)


@pytest.mark.parametrize("template", list(Template))
def test_a_message_that_lacks_a_fact_is_not_queued(messages, house, template) -> None:
    assert FACTS[template]
    with pytest.raises(ValueError, match="facts_missing"):
        queue(messages, house, template=template, other="x")
    assert stored(house) == []


@pytest.mark.parametrize(
    ("channel", "address"),
    [
        (Channel.EMAIL, "a@mail.example\r\nBcc: b@mail.example"),
        (Channel.EMAIL, "a@mail.example,b@mail.example"),
        (Channel.EMAIL, "<a@mail.example>"),
        (Channel.EMAIL, "mail.example"),
        (Channel.EMAIL, "a b@mail.example"),
        (Channel.SMS, "0900000017"),
        (Channel.SMS, "+84 900000017"),
        (Channel.SMS, "+84900000017\n"),
        (Channel.SMS, "+٨٤٩٠٠٠٠٠٠١٧"),
    ],
)
def test_what_is_no_address_is_refused_and_not_repeated(channel, address) -> None:
    """RFC 5321 §4.1.2, ITU-T E.164 §6: one address, and nothing that begins another header."""
    with pytest.raises(ValueError, match=r"^address_malformed$"):
        check_destination(Destination(channel, address))


def test_what_goes_along_with_a_notice_is_sealed_and_comes_back(house) -> None:
    row = person_of(house)
    notices = Notices(Outbox(lambda _ids: None), house.sealer)
    with house.database.transaction() as tx:
        notices.tell(
            tx,
            row,
            Notice.CONTACT_CHANGED,
            now=house.now,
            facts={"device": "android chrome"},
            also_to=(PHONE,),
        )
    [text] = stored(house)
    assert "android" not in text
    assert "900000017" not in text
    along = open_along(json.loads(text), sealer=house.sealer, data_key=row.data_key)
    assert along.facts == {"device": "android chrome"}
    assert along.also_to == ((Channel.SMS, PHONE.address),)


def person_of(house, number="003091000017"):
    account = house.add_citizen(number)
    with house.database.read() as connection:
        return find_row(connection, account.account_id)
