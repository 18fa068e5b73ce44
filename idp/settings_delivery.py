"""What is refused at the start of what operators say about gateways for messages.

What lives here: the rules over `ANTIN_SMTP_…` and `ANTIN_SMS_…`, each named by the setting that is
wrong.  Not here: the settings (`settings.py`), reading the files that some of them name.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final
from urllib.parse import urlsplit

from idp.errors import SettingsInvalid
from idp.settings import Settings

ON_THIS_MACHINE: Final = frozenset({"localhost", "127.0.0.1", "::1"})
FILLED: Final = frozenset({"to", "text", "id", "token"})
"""What of a text message is filled in where `$` stands before it."""

_NEEDED: Final = frozenset({"to", "text"})
_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|[0-9a-f:.]{2,45}", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,253}")
_HEADER: Final = re.compile(r"[A-Za-z0-9-]{1,64}:[ -~]{1,500}")
_PLACEHOLDER: Final = re.compile(r"\$\{?([A-Za-z_]+)")


def refuse_half_a_gateway(settings: Settings) -> None:
    """Refuse what could send nothing, or would send in the clear.

    Raises  SettingsInvalid with the name of the first setting that is wrong.
    """
    for number in ("", "2"):
        _refuse_mail(settings, which=f"smtp{number}")
        _refuse_sms(settings, which=f"sms{number}")
    for first, second in (("smtp_host", "smtp2_host"), ("sms_url", "sms2_url")):
        if getattr(settings, second) and not getattr(settings, first):
            raise _wrong(second, "only beside a first one")
    if settings.smtp_host and not _ADDRESS.fullmatch(settings.smtp_from):
        raise _wrong("smtp_from", "must be an e-mail address")
    if not settings.smtp_from_name.isprintable():
        raise _wrong("smtp_from_name", "must be a name")


def _refuse_mail(settings: Settings, *, which: str) -> None:
    host, tls = getattr(settings, f"{which}_host"), getattr(settings, f"{which}_tls")
    if not host:
        return
    if not _HOST.fullmatch(host):
        raise _wrong(f"{which}_host", "must be the name or address of a host")
    if tls == "none" and host not in ON_THIS_MACHINE:
        raise _wrong(f"{which}_tls", "must be starttls or implicit beyond this machine")
    _refuse_two(settings, which=f"{which}_password")
    has_password = _has(settings, which=f"{which}_password")
    if has_password != bool(getattr(settings, f"{which}_user")):
        raise _wrong(f"{which}_user", "user and password go together")


def _refuse_sms(settings: Settings, *, which: str) -> None:
    url, header = getattr(settings, f"{which}_url"), getattr(settings, f"{which}_token_header")
    if not url:
        return
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc or parts.fragment:
        raise _wrong(f"{which}_url", "must be an https address")
    filled = _filled_in(settings, which=which)
    if not _NEEDED <= filled <= FILLED:
        raise _wrong(f"{which}_body", "must hold $to and $text, and of others only $id and $token")
    if header and (not _HEADER.fullmatch(header) or "$token" not in header):
        raise _wrong(f"{which}_token_header", "must be Name: value, with $token in it")
    _refuse_two(settings, which=f"{which}_token")
    if not _has(settings, which=f"{which}_token") and (header or "token" in filled):
        raise _wrong(f"{which}_token_file", "the token that is to be sent")
    accepted = getattr(settings, f"{which}_accepted")
    if accepted and not all(accepted.partition("=")):
        raise _wrong(f"{which}_accepted", "must be member=value")


def _filled_in(settings: Settings, *, which: str) -> set[str]:
    try:
        members = json.loads(getattr(settings, f"{which}_body"))
    except ValueError as problem:
        raise _wrong(f"{which}_body", "must be a JSON object") from problem
    if not isinstance(members, dict):
        raise _wrong(f"{which}_body", "must be a JSON object")
    return set(_PLACEHOLDER.findall(" ".join(_texts(members))))


def _texts(value: Any) -> list[str]:
    match value:
        case str():
            return [value]
        case dict():
            return [text for one in value.values() for text in _texts(one)]
        case list():
            return [text for one in value for text in _texts(one)]
        case _:
            return []


def _has(settings: Settings, *, which: str) -> bool:
    return bool(getattr(settings, which)) or getattr(settings, f"{which}_file") is not None


def _refuse_two(settings: Settings, *, which: str) -> None:
    if getattr(settings, which) and getattr(settings, f"{which}_file") is not None:
        raise _wrong(f"{which}_file", f"or ANTIN_{which.upper()}, one of the two")


def _wrong(name: str, reason: str) -> SettingsInvalid:
    return SettingsInvalid(f"ANTIN_{name.upper()}", reason=reason)
