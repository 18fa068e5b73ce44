"""Notices and messages in words: both languages, one text message, and nothing to be caught by."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from idp.accounts.channels import Channel, Destination
from idp.accounts.device_words import device_in
from idp.accounts.message_texts import write_message
from idp.accounts.messages import Message, Template
from idp.accounts.notice_texts import NOT_ME, write_notice
from idp.accounts.notices import Notice
from idp.delivery.plain_text import is_seven_bit, parts_of, without_accents

ISSUER = "https://dangnhap.example.vn"
AT = datetime(2026, 11, 22, 20, 5, tzinfo=UTC)
CODES = [one for one in Template if one.value.endswith("_code")]
EVERYTHING = {
    "device": "android coccoc",
    "source": "203.0.113.7",
    "agency": "Uỷ ban nhân dân phường Mẫu",
    "organisation": "Công ty Sen Vàng",
    "case": "7KQ2-M9XD",
    "until_ms": "1795464300000",
}


def message(template: Template, **facts: str) -> Message:
    to = Destination(Channel.SMS, "+84900000017")
    return Message("msg_1", to, template, facts, expires_at=AT)


@pytest.mark.parametrize("notice", list(Notice))
@pytest.mark.parametrize("in_english", [False, True])
def test_every_notice_is_one_text_message(notice, in_english) -> None:
    """3GPP TS 23.038 §6.2.1: without its marks; with everything that may be told of it."""
    sms = without_accents(
        write_notice(notice, at=AT, facts=EVERYTHING, issuer=ISSUER, in_english=in_english).sms
    )
    assert is_seven_bit(sms)
    assert parts_of(sms) == 1, len(sms)


@pytest.mark.parametrize("notice", list(Notice))
def test_every_notice_says_when_and_what_to_do_in_both_languages(notice) -> None:
    written = write_notice(notice, at=AT, facts={}, issuer=ISSUER)
    vietnamese, english = written.mail.split("\n--\n")
    for half in (vietnamese, english):
        assert "03:05 23/11/2026" in half  # in Viet Nam
        assert f"{ISSUER}{NOT_ME}" in half
    assert "Ông/Bà" in vietnamese
    assert set(re.findall(r"https?://\S+", written.mail + written.sms)) == {f"{ISSUER}{NOT_ME}"}


def test_a_reset_is_told_with_the_link_that_stops_it_in_one_text_message() -> None:
    """NIST SP 800-63B-4 §4.2.3."""
    facts = {**EVERYTHING, "stop_path": f"/forgot/stop/{'s' * 22}"}
    written = write_notice(Notice.PASSWORD_RESET, at=AT, facts=facts, issuer=ISSUER)
    assert parts_of(without_accents(written.sms)) == 1
    found = set(re.findall(r"https?://\S+", written.mail + written.sms))
    assert found == {f"{ISSUER}/forgot/stop/{'s' * 22}"}


@pytest.mark.parametrize(
    ("notice", "facts", "path"),
    [
        (Notice.PASSWORD_RESET, {"stop_path": "/forgot/stop/abc"}, "/forgot/stop/abc"),
        (Notice.INVITED_TO_ENROL, {"stop_path": "/stop/abc-_1"}, "/stop/abc-_1"),
    ],
)
def test_what_can_be_stopped_says_where_and_until_when(notice, facts, path) -> None:
    """Architecture, decision 10: whoever lost the password to another cannot sign in to stop it."""
    facts |= {"until_ms": EVERYTHING["until_ms"]}
    written = write_notice(notice, at=AT, facts=facts, issuer=ISSUER)
    assert set(re.findall(r"https?://\S+", written.mail + written.sms)) == {f"{ISSUER}{path}"}
    assert "Có thể dừng đến: 03:05 24/11/2026" in written.mail
    assert parts_of(without_accents(written.sms)) == 1


@pytest.mark.parametrize(
    "path", ["//evil.example/", "https://evil.example", "@evil.example", "/a b"]
)
def test_a_path_that_leads_elsewhere_is_left_out(path) -> None:
    written = write_notice(Notice.INVITED_TO_ENROL, at=AT, facts={"stop_path": path}, issuer=ISSUER)
    assert "evil" not in written.mail + written.sms
    assert f"{ISSUER}{NOT_ME}" in written.mail


def test_what_is_known_stands_below_and_nothing_that_somebody_chose() -> None:
    facts = {
        "device": "android coccoc",
        "source": "203.0.113.7\r\nBcc: x",
        "name": "Gọi ngay 0900 000 017",
    }
    mail = write_notice(Notice.PASSKEY_ADDED, at=AT, facts=facts, issuer=ISSUER).mail
    assert "Thiết bị: Cốc Cốc trên thiết bị Android" in mail
    assert "Device: Cốc Cốc on an Android device" in mail
    assert "Địa chỉ mạng: 203.0.113.7Bcc: x" in mail  # one line
    assert "0900" not in mail


def test_a_device_that_nobody_knows_is_called_so() -> None:
    assert device_in("vi", "https://evil.example x") == "không rõ"
    assert device_in("en", "") == "unknown"
    assert device_in("en", "iphone unknown") == "iPhone"


@pytest.mark.parametrize("template", CODES)
def test_a_code_says_what_it_is_for_and_until_when(template) -> None:
    written = write_message(message(template, code="271828"), issuer=ISSUER)
    for text in (written.mail, written.sms):
        assert text.count("271828") >= 1
        assert "03:05" in text
    assert "271828" not in written.subject
    assert "://" not in written.sms
    assert parts_of(without_accents(written.sms)) == 1
    assert is_seven_bit(without_accents(written.sms))


def test_the_codes_of_different_acts_cannot_be_taken_for_each_other() -> None:
    subjects = {
        write_message(message(template, code="271828"), issuer=ISSUER).subject for template in CODES
    }
    assert len(subjects) == len(CODES)


def test_a_link_says_that_it_is_not_enough() -> None:
    link = f"{ISSUER}/recovery/{'a' * 43}"
    written = write_message(message(Template.RECOVERY_LINK, link=link), issuer=ISSUER)
    assert written.mail.count(link) == 2
    assert link in written.sms
    assert "not enough by itself" in written.mail


def test_words_do_not_show_in_a_repr() -> None:
    written = write_message(message(Template.SIGN_IN_CODE, code="271828"), issuer=ISSUER)
    assert "271828" not in repr(written)


@pytest.mark.parametrize("in_english", [False, True])
def test_what_can_be_stopped_with_one_press_leads_to_that_and_fits(in_english) -> None:
    facts = EVERYTHING | {"stop_path": f"/stop/{'x' * 35}"}
    written = write_notice(
        Notice.INVITED_TO_ENROL, at=AT, facts=facts, issuer=ISSUER, in_english=in_english
    )
    assert parts_of(without_accents(written.sms)) == 1
    assert set(re.findall(r"https?://\S+", written.mail + written.sms)) == {
        f"{ISSUER}/stop/{'x' * 35}"
    }
