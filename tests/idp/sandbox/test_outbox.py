"""The outbox of a sandbox: what was sent can be read there, and nowhere else."""

from __future__ import annotations

import os
from datetime import timedelta

from idp.accounts.channels import Channel
from idp.app import create_app
from idp.delivery.gateway import Outgoing
from idp.sandbox.outbox import make_gateways, outbox_page


def sent(number: int, **said: str) -> Outgoing:
    facts = {"address": "+84000000018", "subject": "", "text": "Mã 271828"} | said
    return Outgoing(f"msg_{number:04}", **facts)


def test_what_was_sent_can_be_read_newest_first(tmp_path, now) -> None:
    gateways = make_gateways(tmp_path)
    assert outbox_page(tmp_path).messages == ()
    [sms], [mail] = gateways[Channel.SMS], gateways[Channel.EMAIL]
    sms.send(sent(1), now=now)
    later = now + timedelta(seconds=5)
    mail.send(sent(2, address="a@sandbox.example", subject="Ấn Tín: mã"), now=later)
    for second, file in enumerate(sorted((tmp_path / "outbox").iterdir())):
        os.utime(file, (second, second))
    newest, oldest = outbox_page(tmp_path).messages
    assert (newest.address, newest.subject, newest.is_mail) == (
        "a@sandbox.example",
        "Ấn Tín: mã",
        True,
    )
    assert (oldest.text, oldest.is_mail) == ("Mã 271828", False)


def test_a_message_that_is_sent_again_stands_there_once_and_old_ones_go(tmp_path, now) -> None:
    [sms] = make_gateways(tmp_path)[Channel.SMS]
    for number in (*range(205), 204):
        sms.send(sent(number), now=now)
    assert len(list((tmp_path / "outbox").iterdir())) == 200
    assert len(outbox_page(tmp_path).messages) == 40


def test_outside_of_a_sandbox_there_is_no_such_page(provider) -> None:
    app = create_app(provider.services)
    assert app.test_client().get("/sandbox/outbox").status_code == 404


def test_the_page_shows_what_was_sent_and_runs_none_of_it(provider, tmp_path, now) -> None:
    [sms] = make_gateways(tmp_path)[Channel.SMS]
    sms.send(sent(1, text="<script>alert(1)</script> https://id.example/r/1"), now=now)
    app = create_app(
        provider.services, more_pages={"/sandbox/outbox": lambda: outbox_page(tmp_path)}
    )
    page = app.test_client().get("/sandbox/outbox").text
    assert "&lt;script&gt;" in page
    assert 'href="https://id.example/r/1"' in page
