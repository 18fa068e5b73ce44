"""E-mail through a real mail server: what arrives, and what is never said in the clear."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from idp.clock import utc_now
from idp.delivery.gateway import Failing, NotSent, Outgoing
from idp.delivery.mail import MailGateway
from idp.egress.mail import MailServer
from idp.sandbox.certificate import make_certificate
from tests.support.gateways import PASSWORD, SENDER, USER, MailHouse, Tls

TEXT = "Kính gửi Ông/Bà,\n\n.một dòng bắt đầu bằng dấu chấm\n" + "dài " * 300 + "\n.\nhết\n"
LETTER = Outgoing("msg_0123", "nguoi.thu@mail.example", "Ấn Tín: mã đăng nhập / code", TEXT)


def not_sent(gateway, letter=LETTER) -> tuple[str, Failing]:
    with pytest.raises(NotSent) as caught:
        gateway.send(letter, now=utc_now())
    return caught.value.reason, caught.value.failing


@pytest.mark.parametrize("way", ["starttls", "implicit"])
def test_a_message_arrives_as_it_was_written(gateway_tls, way) -> None:
    """RFC 5321 §4.5.2 (full stops), RFC 2045 §6.7 (what is not ASCII)."""
    with MailHouse(gateway_tls, way) as house:
        house.gateway().send(LETTER, now=utc_now())
        [letter] = house.letters
    assert letter.get_content().replace("\r\n", "\n") == TEXT
    assert letter["Subject"] == LETTER.subject
    assert letter["To"] == "nguoi.thu@mail.example"
    assert letter["From"].addresses[0].addr_spec == SENDER
    assert letter["From"].addresses[0].display_name == "Ấn Tín"
    assert letter["Message-ID"] == "<msg_0123@id.example>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert house.recipients == ["nguoi.thu@mail.example"]
    assert house.taken[0].isascii()
    assert max(map(len, house.taken[0].splitlines())) <= 78


def test_a_domain_in_vietnamese_is_written_as_dns_has_it(mail_house) -> None:
    """RFC 3490 §4: the envelope is ASCII."""
    mail_house.gateway().send(replace(LETTER, address="a@thư.example"), now=utc_now())
    assert mail_house.recipients == ["a@xn--th-e0a.example"]


def test_without_tls_neither_password_nor_message_is_said(gateway_tls) -> None:
    """RFC 3207 §6, RFC 8314 §4.1: a server that leaves STARTTLS out gets nothing."""
    with MailHouse(gateway_tls, "none") as house:
        server = MailServer("localhost", house.port, "starttls", USER, PASSWORD)
        gateway = MailGateway(
            "smtp",
            server,
            egress=gateway_tls.egress(),
            sender=SENDER,
            sender_name="Ấn Tín",
            our_name="id.example",
        )
        assert not_sent(gateway) == ("tls_failed", Failing.DOWN)
        assert (house.logins, house.heard, house.recipients) == ([], [], [])


@pytest.mark.parametrize("way", ["starttls", "implicit"])
def test_a_certificate_of_somebody_else_ends_it(gateway_tls, tmp_path, way) -> None:
    """RFC 3207 §4.1: whose server it is comes before anything is said."""
    stranger = Tls(*make_certificate(tmp_path, now=utc_now()))
    with MailHouse(stranger, way) as house:
        gateway = house.gateway(egress=gateway_tls.egress())
        assert not_sent(gateway) == ("certificate_refused", Failing.DOWN)
        assert (house.logins, house.heard) == ([], [])


def test_a_private_network_that_nobody_opened_is_not_called(mail_house) -> None:
    """RFC 6890: the same rules as for every other call out."""
    gateway = mail_house.gateway(egress=mail_house.tls.egress(opened=False))
    assert not_sent(gateway) == ("address_refused", Failing.DOWN)
    assert mail_house.logins == []


@pytest.mark.parametrize(
    ("answers", "reason", "failing"),
    [
        ({"rcpt": "550 no such user a@mail.example"}, "refused", Failing.NEVER),
        ({"rcpt": "450 later"}, "refused", Failing.NOT_NOW),
        ({"data": "554 not wanted"}, "refused", Failing.NEVER),
        ({"data": "452 full"}, "refused", Failing.NOT_NOW),
        ({"rcpt": "421 closing"}, "answer_refused", Failing.DOWN),
    ],
)
def test_what_the_server_says_tells_whether_to_try_again(
    gateway_tls, answers, reason, failing
) -> None:
    """RFC 5321 §4.2.1: 4 is for now, 5 for good."""
    with MailHouse(gateway_tls, answers=answers) as house:
        assert not_sent(house.gateway()) == (reason, failing)
        assert house.taken == []


def test_a_password_that_is_wrong_is_about_the_gateway(mail_house) -> None:
    gateway = mail_house.gateway()
    gateway._server = replace(gateway._server, password="sai")
    assert not_sent(gateway) == ("answer_refused", Failing.DOWN)
    assert mail_house.heard == []


@pytest.mark.parametrize(
    ("dies", "reason"), [("rcpt", "unreachable"), ("before_answer", "answer_lost")]
)
def test_a_server_that_dies_in_the_middle(gateway_tls, dies, reason) -> None:
    with MailHouse(gateway_tls, dies=dies) as house:
        assert not_sent(house.gateway()) == (reason, Failing.DOWN)


def test_a_server_that_says_nothing_is_left_in_time(gateway_tls) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        gateway = MailGateway(
            "smtp",
            MailServer("localhost", silent.getsockname()[1]),
            egress=gateway_tls.egress(),
            sender=SENDER,
            sender_name="Ấn Tín",
            our_name="id.example",
            timeout_s=0.2,
        )
        assert not_sent(gateway) == ("timed_out", Failing.DOWN)


@pytest.mark.parametrize("address", ["a@mail.example\r\nDATA", "a@" + "ơ" * 70 + ".example", "a@"])
def test_what_is_no_address_reaches_no_server(mail_house, address) -> None:
    """RFC 5321 §4.1.2."""
    reason, _failing = not_sent(mail_house.gateway(), replace(LETTER, address=address))
    assert reason == "address_malformed"
    assert mail_house.logins == []
