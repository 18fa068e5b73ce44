"""What operators say about gateways for messages, and what of it is refused at the start.

What lives here: `ANTIN_SMTP_…` and `ANTIN_SMS_…`, and the rules over them, each named by the
setting that is wrong.
Not here: reading the files that some of them name (`idp/delivery_services.py`).
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from idp.errors import SettingsInvalid
from idp.register_settings import RegisterSettings

ON_THIS_MACHINE: Final = frozenset({"localhost", "127.0.0.1", "::1"})
FILLED: Final = frozenset({"to", "text", "id", "token"})
"""What of a text message is filled in where `$` stands before it."""

_NEEDED: Final = frozenset({"to", "text"})
_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|[0-9a-f:.]{2,45}", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,253}")
_HEADER: Final = re.compile(r"[A-Za-z0-9-]{1,64}:[ -~]{1,500}")
_CALLING: Final = re.compile(r"[1-9][0-9]{0,6}", re.ASCII)
_PLACEHOLDER: Final = re.compile(r"\$\{?([A-Za-z_]+)")


class DeliverySettings(RegisterSettings, frozen=True, kw_only=True):
    """Gateways; names are lower case here, `ANTIN_…` outside."""

    source_messages_per_15min: int = 50
    """How many codes and links one network address (IPv6: /64) may have sent in 15 minutes."""
    smtp_host: str = ""
    """Mail server through which e-mail is sent, a name or an address; empty: no e-mail is sent.
    On a private network it is opened by `egress_private` under the name `smtp`."""
    smtp_port: int = 587
    """Its port: 587 with `starttls`, 465 with `implicit`."""
    smtp_tls: Literal["starttls", "implicit", "none"] = "starttls"
    """How the connection is secured; `none` only for a relay on this machine."""
    smtp_user: str = ""
    """Who logs in there; empty: nobody."""
    smtp_password_file: Path | None = None
    """The password, in a file of mode 0600 that the user of `antin work` can read."""
    smtp_password: str = ""
    """The same password in a variable."""
    smtp_from: str = ""
    """Address of the sender of e-mail, on a domain for which these servers may send (SPF, DKIM)."""
    smtp_from_name: str = "Ấn Tín"
    """Name that is shown beside it."""
    smtp2_host: str = ""
    """Mail server that is asked when the first one cannot; the following are its own."""
    smtp2_port: int = 587
    """Its port: 587 with `starttls`, 465 with `implicit`."""
    smtp2_tls: Literal["starttls", "implicit", "none"] = "starttls"
    """How the connection is secured; `none` only for a relay on this machine."""
    smtp2_user: str = ""
    """Who logs in there; empty: nobody."""
    smtp2_password_file: Path | None = None
    """The password, in a file of mode 0600 that the user of `antin work` can read."""
    smtp2_password: str = ""
    """The same password in a variable."""
    sms_url: str = ""
    """https address of the gateway for text messages; empty: none are sent. On a private network it
    is opened by `egress_private` under the name `sms`."""
    sms_body: str = '{"to": "$to", "text": "$text", "id": "$id"}'
    """JSON object that is posted; filled in are `$to`, `$text`, `$id` (the same however often one
    message is sent) and `$token`."""
    sms_token_header: str = "Authorization: Bearer $token"
    """Header that carries the token; empty: none does."""
    sms_token_file: Path | None = None
    """The token, in a file of mode 0600 that the user of `antin work` can read."""
    sms_token: str = ""
    """The same token in a variable."""
    sms_accepted: str = ""
    """`member=value` of the answer to a message that was taken, `a.b=value` for a member of a
    member; empty: every 2xx."""
    sms_number: Literal["e164", "digits", "national"] = "e164"
    """How numbers are written: `+84…`, `84…` or `0…`."""
    sms_accents: Literal["never", "when_short", "always"] = "when_short"
    """Whether Vietnamese keeps its marks in text messages; with them 70 characters fit in one
    message, without them 160. `when_short`: where they fit."""
    sms_countries: tuple[str, ...] = ("84",)
    """Where text messages are sent, through either gateway: calling codes, with further digits
    where a part of one is meant (`1` is North America and islands whose numbers cost a hundred
    times as much). People with other numbers use e-mail, an app or a passkey."""
    sms2_url: str = ""
    """Gateway that is asked when the first one cannot; the following are its own."""
    sms2_body: str = '{"to": "$to", "text": "$text", "id": "$id"}'
    """JSON object that is posted; filled in are `$to`, `$text`, `$id` (the same however often one
    message is sent) and `$token`."""
    sms2_token_header: str = "Authorization: Bearer $token"
    """Header that carries the token; empty: none does."""
    sms2_token_file: Path | None = None
    """The token, in a file of mode 0600 that the user of `antin work` can read."""
    sms2_token: str = ""
    """The same token in a variable."""
    sms2_accepted: str = ""
    """`member=value` of the answer to a message that was taken, `a.b=value` for a member of a
    member; empty: every 2xx."""
    sms2_number: Literal["e164", "digits", "national"] = "e164"
    """How numbers are written: `+84…`, `84…` or `0…`."""


def refuse_half_a_gateway(settings: DeliverySettings) -> None:
    """Refuse what could send nothing, or would send in the clear.

    Raises  SettingsInvalid with the name of the first setting that is wrong.
    """
    for number in ("", "2"):
        _refuse_mail(settings, which=f"smtp{number}")
        _refuse_sms(settings, which=f"sms{number}")
    for first, second in (("smtp_host", "smtp2_host"), ("sms_url", "sms2_url")):
        if getattr(settings, second) and not getattr(settings, first):
            raise _wrong(second, "only beside a first one")
    if not settings.sms_countries or not all(map(_CALLING.fullmatch, settings.sms_countries)):
        raise _wrong("sms_countries", "must be calling codes, such as 84,856, without a plus")
    if settings.smtp_host and not _ADDRESS.fullmatch(settings.smtp_from):
        raise _wrong("smtp_from", "must be an e-mail address")
    if not settings.smtp_from_name.isprintable():
        raise _wrong("smtp_from_name", "must be a name")


def _refuse_mail(settings: DeliverySettings, *, which: str) -> None:
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


def _refuse_sms(settings: DeliverySettings, *, which: str) -> None:
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


def _filled_in(settings: DeliverySettings, *, which: str) -> set[str]:
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


def _has(settings: DeliverySettings, *, which: str) -> bool:
    return bool(getattr(settings, which)) or getattr(settings, f"{which}_file") is not None


def _refuse_two(settings: DeliverySettings, *, which: str) -> None:
    if getattr(settings, which) and getattr(settings, f"{which}_file") is not None:
        raise _wrong(f"{which}_file", f"or ANTIN_{which.upper()}, one of the two")


def _wrong(name: str, reason: str) -> SettingsInvalid:
    return SettingsInvalid(f"ANTIN_{name.upper()}", reason=reason)
