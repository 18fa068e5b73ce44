"""Known devices: a browser that has signed in before is counted apart from strangers.

What lives here: the value of the device cookie.  It names no person: a random number, and for each
identifier or account that was proven on the browser a keyed tag with the day on which it lapses.
Because of it somebody who is under attack can still sign in from their own browser.  A tag for the
password and one for the one-time code are apart: otherwise whoever knows the password could sign in
again and again for a fresh counter of codes.  A third tag says that an account was signed in to on
the browser, whichever way: where there is none, its owner is told of a new device.  Marks from up
to the day on which somebody said "this was not me" say nothing of that any more: they may be those
of whoever it was.
Not here: setting the cookie.
Source: the device cookie of OWASP's guidance on slow-down against online guessing.
"""

from __future__ import annotations

import base64
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from idp.ids import AccountId
from idp.model import Factor
from keystore.purposes import MacPurpose
from keystore.sealing import Sealer

LIFETIME: Final = timedelta(days=180)
MAX_TAGS: Final = 12
"""Families and clerks share browsers; the oldest tag goes first."""

_TAG_BYTES: Final = 16
_FORM: Final = re.compile(r"1\.([A-Za-z0-9_-]{22})((?:\.[0-9]{5}~[A-Za-z0-9_-]{22}){1,12})")
_ACCOUNT: Final = "account"


@dataclass(frozen=True, slots=True)
class _Tag:
    day: int
    raw_mac: bytes


class Devices:
    """Reads and writes device cookies."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def find_known(
        self, raw_device: str | None, *, subject: str, factor: Factor, now: datetime
    ) -> str | None:
        """The name of the device in counters, if `factor` was proven on it for `subject`.

        Takes   raw_device: the cookie, unverified; subject: a typed identifier or an account id.
        """
        return self._find(raw_device, subject=subject, proven=factor, now=now)

    def _find(
        self,
        raw_device: str | None,
        *,
        subject: str,
        proven: str,
        now: datetime,
        doubted_at: datetime | None = None,
    ) -> str | None:
        parsed = _parse(raw_device)
        if parsed is None:
            return None
        nonce, tags = parsed
        today = _day(now)
        # a tag counts from its day on, which hides the hour: those of that day are doubted too
        least = today if doubted_at is None else max(today, _day(doubted_at) + LIFETIME.days)
        is_known = False
        for tag in tags:
            mac = self._mac(nonce, subject=subject, proven=proven, day=tag.day)
            is_known |= secrets.compare_digest(mac, tag.raw_mac) and least < tag.day
        return nonce if is_known else None

    def remember(
        self, raw_device: str | None, *, subject: str, factor: Factor, now: datetime
    ) -> str:
        """The cookie to set now that `factor` has been proven for `subject` on this browser."""
        return self._remember(raw_device, subject=subject, proven=factor, now=now)

    def _remember(self, raw_device: str | None, *, subject: str, proven: str, now: datetime) -> str:
        parsed = _parse(raw_device)
        nonce, tags = parsed or (_text(secrets.token_bytes(_TAG_BYTES)), ())
        today = _day(now)
        day = today + LIFETIME.days
        kept = [
            tag
            for tag in tags
            if today < tag.day
            and not secrets.compare_digest(
                tag.raw_mac, self._mac(nonce, subject=subject, proven=proven, day=tag.day)
            )
        ]
        kept.append(_Tag(day, self._mac(nonce, subject=subject, proven=proven, day=day)))
        written = "".join(f".{tag.day}~{_text(tag.raw_mac)}" for tag in kept[-MAX_TAGS:])
        return f"1.{nonce}{written}"

    def knows_account(
        self,
        raw_device: str | None,
        account_id: AccountId,
        *,
        by: tuple[str, Factor],
        now: datetime,
        doubted_at: datetime | None,
    ) -> bool:
        """Whether the account was signed in to on this browser.

        Takes   by: what was typed and is proven now: a browser of before the mark of accounts has
                that one alone; doubted_at: when its owner last said "this was not me".
        """
        subject, factor = by
        return any(
            self._find(raw_device, subject=one, proven=proven, now=now, doubted_at=doubted_at)
            for one, proven in ((account_id, _ACCOUNT), (subject, factor.value))
        )

    def remember_account(
        self, raw_device: str | None, account_id: AccountId, *, now: datetime
    ) -> str:
        """The cookie to set now that the account is signed in to on this browser."""
        return self._remember(raw_device, subject=account_id, proven=_ACCOUNT, now=now)

    def _mac(self, nonce: str, *, subject: str, proven: str, day: int) -> bytes:
        message = f"device\x00{nonce}\x00{proven}\x00{day}\x00{subject}".encode()
        return self._sealer.mac(MacPurpose.COOKIE, message)[:_TAG_BYTES]


def _parse(raw_device: str | None) -> tuple[str, tuple[_Tag, ...]] | None:
    match = _FORM.fullmatch(raw_device) if raw_device else None
    if match is None:
        return None
    parts = (part.split("~") for part in match[2][1:].split("."))
    tags = tuple(_Tag(int(day), base64.urlsafe_b64decode(mac + "==")) for day, mac in parts)
    return match[1], tags


def _day(now: datetime) -> int:
    return (now - datetime(1970, 1, 1, tzinfo=UTC)).days


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
