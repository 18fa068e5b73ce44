"""Addresses as people type them, and as they are kept, compared and shown.

What lives here: reading an e-mail address and a telephone number by their form, and what of one is
shown to whom it belongs.  Not here: whether anybody is reached there (`contacts`).
Source: RFC 5321 §2.3.11, §4.5.3.1 (local part, length); ITU-T E.164.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from idp.accounts.channels import Channel, Destination
from idp.accounts.messages import check_destination

_EMAIL: Final = re.compile(r"[^@\s\x00-\x1f]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
_PHONE: Final = re.compile(r"\+[1-9][0-9]{7,14}", re.ASCII)
_DOMESTIC_PHONE: Final = re.compile(r"0[1-9][0-9]{8,9}", re.ASCII)
_MOST_EMAIL: Final = 254
_MOST_RAW: Final = 300
_SHOWN_OF_PHONE: Final = 3
_HIDDEN: Final = "•••"


def parse_email(raw: str) -> str | None:
    """An e-mail address with its domain in small letters; None for what is none."""
    if len(raw) > _MOST_EMAIL or _EMAIL.fullmatch(raw) is None:
        return None
    local, _, domain = raw.rpartition("@")
    return f"{local}@{domain.lower()}"


def parse_phone(raw: str) -> str | None:
    """A telephone number in E.164, with 0 in front one of Viet Nam; None for what is none."""
    digits = re.sub(r"[ .()-]", "", raw)
    if _DOMESTIC_PHONE.fullmatch(digits):
        digits = f"+84{digits[1:]}"
    return digits if _PHONE.fullmatch(digits) else None


def parse_address(raw: str, *, channel: Channel) -> str | None:
    """What somebody typed into the field of a channel; None for what is no such address."""
    text = unicodedata.normalize("NFKC", raw[:_MOST_RAW]).strip()
    found = parse_phone(text) if channel is Channel.SMS else parse_email(text)
    if found is None:
        return None
    try:
        check_destination(Destination(channel, found))
    except ValueError:
        return None  # nothing could be sent there
    return found


def mask_address(address: str, *, channel: Channel) -> str:
    """Enough for its owner to know it, and for nobody else to use it."""
    if channel is Channel.SMS:
        return f"{_HIDDEN}{address[-_SHOWN_OF_PHONE:]}"
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}{_HIDDEN}@{domain}"
