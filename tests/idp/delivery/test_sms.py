"""Text messages through a real HTTP gateway, as operators describe it."""

from __future__ import annotations

import json

import pytest

from idp.clock import utc_now
from idp.delivery.gateway import Failing, NotSent, Outgoing
from tests.support.gateways import TOKEN

CODE = Outgoing("msg_0123", "+84900000017", "", "Ấn Tín: 271828 là mã đăng nhập.")
LIKE_ESMS = json.dumps(
    {"ApiKey": "$token", "Phone": "$to", "Content": "$text", "RequestId": "$id", "SmsType": 2}
)


def not_sent(gateway, outgoing=CODE) -> tuple[str, Failing]:
    with pytest.raises(NotSent) as caught:
        gateway.send(outgoing, now=utc_now())
    return caught.value.reason, caught.value.failing


def test_a_message_is_posted_as_the_operator_said(sms_house) -> None:
    sms_house.gateway().send(CODE, now=utc_now())
    assert sms_house.asked == [{"to": CODE.address, "text": CODE.text, "id": CODE.message_id}]
    [headers] = sms_house.headers
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert headers["Idempotency-Key"] == CODE.message_id


def test_members_token_and_number_may_be_called_otherwise(sms_house) -> None:
    sms_house.gateway(
        body=LIKE_ESMS, token_header="", number="national", accepted="CodeResult=100"
    ).send(CODE, now=utc_now())
    assert sms_house.asked == [
        {
            "ApiKey": TOKEN,
            "Phone": "0900000017",
            "Content": CODE.text,
            "RequestId": CODE.message_id,
            "SmsType": 2,
        }
    ]
    assert "Authorization" not in sms_house.headers[0]


def test_no_text_becomes_another_member_or_is_filled_in_itself(sms_house) -> None:
    text = 'x", "to": "+84111111111", "y": "$token ${id}'
    outgoing = Outgoing("msg_1", "+84900000017", "", text)
    sms_house.gateway().send(outgoing, now=utc_now())
    assert sms_house.asked == [{"to": "+84900000017", "text": text, "id": "msg_1"}]


def test_a_text_too_long_for_one_part_with_its_marks_goes_without(sms_house) -> None:
    """3GPP TS 23.038 §6.2.1."""
    long = Outgoing("msg_1", "+84900000017", "", "Đừng đưa mã cho bất kỳ ai. " * 4)
    sms_house.gateway().send(long, now=utc_now())
    assert sms_house.asked[0]["text"] == "Dung dua ma cho bat ky ai. " * 4


@pytest.mark.parametrize(
    ("status", "answer", "reason", "failing"),
    [
        (500, b"", "answer_refused", Failing.DOWN),
        (401, b"", "answer_refused", Failing.DOWN),
        (402, b"", "answer_refused", Failing.DOWN),
        (429, b"", "answer_refused", Failing.DOWN),
        (302, b"", "answer_refused", Failing.DOWN),
        (400, b"", "refused", Failing.NEVER),
        (200, b'{"CodeResult": "101"}', "refused", Failing.NOT_NOW),
        (200, b'{"CodeResult": null}', "refused", Failing.NOT_NOW),
        (200, b"[]", "refused", Failing.NOT_NOW),
        (200, b"<html>", "answer_malformed", Failing.DOWN),
        (200, b'"' + b"x" * 70_000, "answer_too_large", Failing.DOWN),
    ],
)
def test_what_the_gateway_says_tells_whether_to_try_again(
    sms_house, status, answer, reason, failing
) -> None:
    """RFC 9110 §15: a gateway that answers 200 may still say no."""
    sms_house.status, sms_house.answer = status, answer
    assert not_sent(sms_house.gateway(accepted="CodeResult=100")) == (reason, failing)


def test_a_member_of_a_member_and_a_number_can_say_yes(sms_house) -> None:
    sms_house.answer = b'{"result": {"code": 0}}'
    sms_house.gateway(accepted="result.code=0").send(CODE, now=utc_now())
    assert not_sent(sms_house.gateway(accepted="result.state.code=0"))[0] == "refused"


def test_a_gateway_that_hangs_up_or_says_nothing_is_down(sms_house) -> None:
    sms_house.dies = True
    assert not_sent(sms_house.gateway())[1] is Failing.DOWN
    sms_house.dies, sms_house.is_silent = False, True
    assert not_sent(sms_house.gateway(timeout_s=0.3)) == ("timed_out", Failing.DOWN)
