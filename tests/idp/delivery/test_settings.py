"""What operators say about gateways: refused at the start by name, read where it is needed."""

from __future__ import annotations

import json

import pytest

from idp.accounts.channels import Channel
from idp.delivery_services import open_gateways
from idp.egress import Egress
from idp.errors import SettingsInvalid
from idp.settings_loading import load_settings

MAIL = {"SMTP_HOST": "mail.example", "SMTP_FROM": "khong-tra-loi@id.example"}
SMS = {"SMS_URL": "https://sms.example/send", "SMS_TOKEN": "khoa"}


def load(**given: str):
    return load_settings({f"ANTIN_{name}": value for name, value in given.items()})


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"SMTP_HOST": "mail.example"}, "SMTP_FROM"),
        (MAIL | {"SMTP_FROM": "a@id.example\nBcc: b@id.example"}, "SMTP_FROM"),
        (MAIL | {"SMTP_HOST": "mail example"}, "SMTP_HOST"),
        (MAIL | {"SMTP_PORT": "0"}, "SMTP_PORT"),
        (MAIL | {"SMTP_TLS": "perhaps"}, "SMTP_TLS"),
        (MAIL | {"SMTP_TLS": "none"}, "SMTP_TLS"),
        (MAIL | {"SMTP_USER": "antin"}, "SMTP_USER"),
        (MAIL | {"SMTP_PASSWORD": "x"}, "SMTP_USER"),
        (
            MAIL | {"SMTP_USER": "a", "SMTP_PASSWORD": "x", "SMTP_PASSWORD_FILE": "/x"},
            "SMTP_PASSWORD_FILE",
        ),
        ({"SMTP2_HOST": "mail.example"}, "SMTP2_HOST"),
        (MAIL | {"SMTP2_HOST": "mail2.example", "SMTP2_TLS": "none"}, "SMTP2_TLS"),
        (SMS | {"SMS_URL": "http://sms.example/send"}, "SMS_URL"),
        (SMS | {"SMS_URL": "https://u:p@sms.example/send"}, "SMS_URL"),
        (SMS | {"SMS_TOKEN": ""}, "SMS_TOKEN_FILE"),
        (SMS | {"SMS_TOKEN_FILE": "/x"}, "SMS_TOKEN_FILE"),
        (SMS | {"SMS_TOKEN_HEADER": "X-Key"}, "SMS_TOKEN_HEADER"),
        (SMS | {"SMS_TOKEN_HEADER": "X-Key: 1"}, "SMS_TOKEN_HEADER"),
        (SMS | {"SMS_TOKEN_HEADER": "X-Key: $token\r\nA: b"}, "SMS_TOKEN_HEADER"),
        (SMS | {"SMS_BODY": "to=$to&text=$text"}, "SMS_BODY"),
        (SMS | {"SMS_BODY": '["$to", "$text"]'}, "SMS_BODY"),
        (SMS | {"SMS_BODY": '{"a": "$to"}'}, "SMS_BODY"),
        (SMS | {"SMS_BODY": '{"a": "$to", "b": "$text", "c": "$kek"}'}, "SMS_BODY"),
        (SMS | {"SMS_ACCEPTED": "100"}, "SMS_ACCEPTED"),
        (SMS | {"SMS_NUMBER": "local"}, "SMS_NUMBER"),
        (SMS | {"SMS_ACCENTS": "some"}, "SMS_ACCENTS"),
        ({"SMS2_URL": "https://sms.example/send", "SMS2_TOKEN": "x"}, "SMS2_URL"),
    ],
)
def test_what_could_send_nothing_or_in_the_clear_is_refused_by_name(given, name) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        load(**given)
    assert caught.value.name == f"ANTIN_{name}"
    assert "khoa" not in str(caught.value)


def test_gateways_are_asked_in_the_order_of_the_settings(tmp_path) -> None:
    password = tmp_path / "password"
    password.write_text("mat khau\n", encoding="utf-8")
    password.chmod(0o600)
    settings = load(
        **MAIL,
        **SMS,
        SMTP2_HOST="127.0.0.1",
        SMTP2_TLS="none",
        SMTP_USER="antin",
        SMTP_PASSWORD_FILE=str(password),
        SMS2_URL="https://sms2.example/",
        SMS2_TOKEN_HEADER="",
        SMS2_BODY=json.dumps({"a": ["$to"], "b": {"c": "${text}"}}),
    )
    found = open_gateways(settings, egress=Egress())
    assert [one.name for one in found[Channel.EMAIL]] == ["smtp", "smtp2"]
    assert [one.name for one in found[Channel.SMS]] == ["sms", "sms2"]
    assert "mat khau" not in repr(vars(found[Channel.EMAIL][0]))


@pytest.mark.parametrize(("mode", "content"), [(0o644, b"x"), (0o600, b"a\nb"), (0o600, b"")])
def test_a_secret_that_others_can_read_or_that_is_none_is_refused(tmp_path, mode, content) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    file.chmod(mode)
    settings = load(SMS_URL=SMS["SMS_URL"], SMS_TOKEN_FILE=str(file))
    with pytest.raises(SettingsInvalid) as caught:
        open_gateways(settings, egress=Egress())
    assert caught.value.name == "ANTIN_SMS_TOKEN_FILE"


def test_without_settings_there_is_no_gateway() -> None:
    assert open_gateways(load(), egress=Egress()) == {Channel.EMAIL: [], Channel.SMS: []}
