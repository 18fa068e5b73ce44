"""A code on its way through real gateways: it arrives, in time or not at all, and works once."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from idp.accounts.channels import Channel
from idp.delivery.gateway import Failing, NotSent
from tests.support.delivery_house import CODE, MAIL, PHONE
from tests.support.gateways import MailHouse, SmsHouse
from tests.support.log_lines import log_lines

LEASE = timedelta(minutes=1)


class Recorded:
    """A gateway that takes everything, or says what it is told to say."""

    def __init__(self, name: str = "sms", *, failure: NotSent | None = None) -> None:
        self.name = name
        self.failure = failure
        self.taken: list[str] = []
        self.asked = 0

    def send(self, outgoing, *, now) -> None:
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        self.taken.append(outgoing.text)


def down(name: str) -> Recorded:
    return Recorded(name, failure=NotSent("timed_out", failing=Failing.DOWN))


@pytest.mark.parametrize("dies", ["rcpt", "before_answer"])
def test_the_first_mail_server_dies_in_the_middle_and_the_code_still_arrives(
    gateway_tls, mail_house, house, dies
) -> None:
    house.queue(to=Channel.EMAIL)
    with MailHouse(gateway_tls, dies=dies) as dying:
        house.worker(mail=[dying.gateway("smtp"), mail_house.gateway("smtp2")]).run_due()
    [letter] = mail_house.letters
    assert CODE in letter.get_content()
    assert letter["To"] == MAIL
    # also where nobody can know whether the first one carries it on, both are one message
    heard = [raw for raw in dying.heard if letter["Message-ID"].encode() in raw]
    assert len(heard) == (1 if dies == "before_answer" else 0)
    [row] = house.rows()
    assert (row.state, row.payload) == ("done", "{}")


def test_the_first_gateway_of_text_messages_dies_and_the_code_still_arrives(
    gateway_tls, sms_house, house
) -> None:
    house.queue()
    with SmsHouse(gateway_tls, dies=True) as dying:
        house.worker(sms=[dying.gateway("sms"), sms_house.gateway("sms2")]).run_due()
    [asked] = sms_house.asked
    assert asked["to"] == PHONE
    assert CODE in asked["text"]
    assert [one["id"] for one in dying.asked] == [asked["id"]]
    assert house.counted[-1] == ("sms2", "sent")


def test_a_worker_that_dies_after_the_answer_sends_no_second_message(house, clock) -> None:
    house.queue()
    gateway = Recorded()
    dying = house.worker(sms=[gateway])
    dying._settle = lambda *_arguments, **_named: None  # the row is never settled
    dying.run_due()
    clock.now += LEASE
    house.worker(sms=[gateway]).run_due()
    assert gateway.asked == 1
    assert [row.state for row in house.rows()] == ["done"]


def test_while_no_gateway_answers_it_waits_and_then_it_arrives(house, clock) -> None:
    house.queue()
    first, second = down("sms"), down("sms2")
    worker = house.worker(sms=[first, second])
    worker.run_due()
    [row] = house.rows()
    assert (row.state, row.last_error) == ("waiting", "timed_out")
    worker.run_due()
    assert (first.asked, second.asked) == (1, 1)  # both rest, and so does their lane
    second.failure = None
    clock.now += timedelta(seconds=7)
    worker.run_due()
    assert len(second.taken) == 1


def test_one_that_is_down_is_not_asked_with_every_message(house, clock) -> None:
    first, second = down("sms"), Recorded("sms2")
    worker = house.worker(sms=[first, second])
    for _ in range(5):
        house.queue()
    worker.run_due()
    assert (first.asked, len(second.taken)) == (1, 5)
    first.failure = None
    clock.now += timedelta(seconds=5)
    house.queue()
    worker.run_due()
    assert len(first.taken) == 1


def test_a_long_outage_does_not_outlive_itself_by_a_minute(house, clock) -> None:
    house.queue()
    gateway = down("sms")
    worker = house.worker(sms=[gateway])
    for _ in range(20):
        worker.run_due()
        clock.now += timedelta(seconds=20)
    gateway.failure = None
    house.queue()
    for _ in range(3):
        worker.run_due()
        clock.now += timedelta(seconds=20)
    assert gateway.taken


def test_a_code_whose_time_is_over_is_not_sent_any_more(house, clock) -> None:
    """NIST SP 800-63B-4 §3.1.3.1: ten minutes at most."""
    house.queue()
    gateway = Recorded()
    clock.now += timedelta(minutes=10)
    house.worker(sms=[gateway]).run_due()
    assert gateway.asked == 0
    [row] = house.rows()
    assert (row.state, row.last_error) == ("failed", "expired")
    assert "sealed" not in json.loads(row.payload)


def test_a_gateway_that_is_slow_leaves_no_second_one_a_code_without_time(house, clock) -> None:
    class Slow(Recorded):
        def send(self, outgoing, *, now) -> None:
            clock.now += timedelta(minutes=10)
            super().send(outgoing, now=now)

    house.queue()
    second = Recorded("sms2")
    slow = Slow("sms", failure=NotSent("timed_out", failing=Failing.DOWN))
    house.worker(sms=[slow, second]).run_due()
    assert (slow.asked, second.asked) == (1, 0)
    assert [row.last_error for row in house.rows()] == ["expired"]


def test_what_every_gateway_refuses_for_good_is_given_up(house) -> None:
    house.queue()
    refusing = [
        Recorded(name, failure=NotSent("refused", failing=Failing.NEVER)) for name in ("a", "b")
    ]
    house.worker(sms=refusing).run_due()
    assert [one.asked for one in refusing] == [1, 1]
    [row] = house.rows()
    assert (row.state, row.last_error) == ("failed", "refused")


def test_nothing_of_a_message_is_in_logs_errors_or_rows(gateway_tls, house, pii_alarm) -> None:
    """What a gateway says may hold the number and the text: nobody repeats it."""
    row = house.person()
    house.queue(to=Channel.EMAIL, person=row)
    house.queue(person=row)
    answer = f"550 no such user {MAIL} {CODE}"
    with (
        MailHouse(gateway_tls, answers={"rcpt": answer}) as mail,
        SmsHouse(gateway_tls, status=400, answer=f"{PHONE} {CODE}".encode()) as sms,
        log_lines("DEBUG") as lines,
    ):
        house.worker(mail=[mail.gateway()], sms=[sms.gateway()]).run_due()
    said = json.dumps([lines(), house.counted, [tuple(row) for row in house.rows()]], default=str)
    assert "refused" in said
    for secret in (CODE, MAIL, PHONE, PHONE.removeprefix("+84")):
        assert secret not in said


def test_the_message_of_somebody_who_was_erased_is_not_sent(house) -> None:
    row = house.person()
    house.queue(person=row)
    house.lifecycle.erase(row.account_id, reason="test", now=house.time())
    gateway = Recorded()
    house.worker(sms=[gateway]).run_due()
    assert gateway.asked == 0
    assert [row.state for row in house.rows()] == ["done"]


def test_a_payload_that_was_changed_is_given_up(house) -> None:
    house.queue()
    with house.database.transaction() as tx:
        table = type(house).rows.__globals__["outbox"]
        [row] = tx.connection.execute(table.select()).all()
        payload = json.loads(row.payload) | {"message_id": "msg_other"}
        tx.connection.execute(table.update().values(payload=json.dumps(payload)))
    gateway = Recorded()
    house.worker(sms=[gateway]).run_due()
    assert gateway.asked == 0
    assert [row.last_error for row in house.rows()] == ["seal_broken"]


def test_without_a_gateway_of_the_channel_it_waits(house) -> None:
    house.queue()
    house.worker().run_due()
    assert [(row.state, row.last_error) for row in house.rows()] == [("waiting", "no_gateway")]
