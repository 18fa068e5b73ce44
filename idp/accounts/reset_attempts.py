"""A password that somebody wants to reset: what is known of it between two pages.

What lives here: `ResetAttempts`, over the ephemeral store.  An attempt exists whether or not
anybody has the number that was typed, and belongs to the browser that asked: its cookie is in a
keyed hash.  A step is taken by exchanging exactly what was read, so of two requests one takes it;
the last step consumes the attempt.  What is sent is kept as a keyed hash, for 15 minutes and five
tries.
Source: NIST SP 800-63B-4 §3.1.3, §4.2; OWASP Cheat Sheet "Forgot Password".
Not here: what proves what (`password_reset.py`).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Final

import msgspec

from idp.accounts.channels import Channel
from idp.accounts.errors import AccountError
from idp.ids import make_id
from idp.storage.ephemeral import EphemeralStore
from keystore.clock import from_ms, to_ms
from keystore.errors import SealBroken
from keystore.purposes import MacPurpose, SealPurpose
from keystore.sealing import Sealer

SENT_LIFETIME: Final = timedelta(minutes=15)
LIFETIME: Final = timedelta(minutes=30)
MOST_TRIES: Final = 5
CODE_DIGITS: Final = 8
_PREFIX: Final = "rst"


class Way(StrEnum):
    """How the first proof is sent."""

    EMAIL_LINK = "email_link"
    EMAIL_CODE = "email_code"
    SMS_CODE = "sms_code"

    @property
    def channel(self) -> Channel:
        """Over which channel."""
        return Channel.SMS if self is Way.SMS_CODE else Channel.EMAIL


class AttemptGone(AccountError):
    """There is none of that name, or its time is over, or another request was quicker."""

    code: ClassVar[str] = "reset_gone"


class AttemptElsewhere(AccountError):
    """Another browser asked for it; nothing was done, and it goes on there."""

    code: ClassVar[str] = "reset_elsewhere"


class SentWrong(AccountError):
    """The code or link is not the one that was sent, or too late; `left` tries are left."""

    code: ClassVar[str] = "reset_sent_wrong"

    def __init__(self, left: int) -> None:
        super().__init__("wrong")
        self.left = left


class _Kept(msgspec.Struct, frozen=True):
    browser: bytes
    typed: str
    way: Way
    begun_ms: int
    sent: bytes
    sent_ms: int
    back: str = ""
    account_id: str = ""
    second: str = ""
    other: bytes = b""
    other_ms: int = 0

    def __repr__(self) -> str:
        return "_Kept(…)"


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Kept).decode


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt as it was read: `kept` and its sealed form, which the next step exchanges."""

    attempt_id: str
    kept: _Kept
    sealed: bytes

    @property
    def typed(self) -> str:
        """The number that was typed, normalised."""
        return self.kept.typed

    @property
    def way(self) -> Way:
        """How the first proof was sent."""
        return self.kept.way

    @property
    def account_id(self) -> str:
        """Whose it is, once the first proof was given; empty before."""
        return self.kept.account_id

    @property
    def second(self) -> str:
        """The second proof, once it was given; empty before."""
        return self.kept.second

    @property
    def back(self) -> str:
        """The sign-in under way in which it was asked; may be empty."""
        return self.kept.back

    @property
    def is_other_sent(self) -> bool:
        """Whether a code went to the other channel."""
        return bool(self.kept.other)

    @property
    def begun_at(self) -> datetime:
        """When it was asked for."""
        return from_ms(self.kept.begun_ms)

    @property
    def until(self) -> datetime:
        """Until when it lives."""
        return self.begun_at + LIFETIME


class ResetAttempts:
    """Safe for any number of threads.  Raises  StorageUnavailable from every method."""

    def __init__(self, store: EphemeralStore, *, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer

    def begin(
        self, *, typed: str, way: Way, browser: str, back: str, now: datetime
    ) -> tuple[str, str]:
        """A new attempt: its id, and what is to be sent (a code, or the secret of a link)."""
        attempt_id = make_id(_PREFIX)
        sent = secrets.token_hex(32) if way is Way.EMAIL_LINK else _make_code()
        kept = _Kept(
            browser=self._mac("browser", attempt_id, browser),
            typed=typed,
            way=way,
            begun_ms=to_ms(now),
            sent=self._mac("sent", attempt_id, sent),
            sent_ms=to_ms(now),
            back=back,
        )
        self._store.put(_key(attempt_id), self._seal(attempt_id, kept), lifetime=LIFETIME, now=now)
        return attempt_id, sent

    def get(self, attempt_id: str, *, browser: str | None, now: datetime) -> Attempt:
        """An attempt of this browser.  Raises  AttemptGone, AttemptElsewhere."""
        sealed = self._store.get(_key(attempt_id), now=now)
        if sealed is None:
            raise AttemptGone
        try:
            kept = _decode(
                self._sealer.unseal(SealPurpose.INTERACTION, sealed, context=_key(attempt_id))
            )
        except SealBroken as broken:
            raise AttemptGone from broken
        message = _message("browser", attempt_id, browser or "")
        if browser is None or not self._sealer.is_mac(
            MacPurpose.TOKEN, message, raw_mac=kept.browser
        ):
            raise AttemptElsewhere
        return Attempt(attempt_id, kept, sealed)

    def check_sent(self, attempt: Attempt, *, raw: str, now: datetime) -> None:
        """Whether this was sent as the first proof.  Raises  SentWrong, AttemptGone."""
        self._check(attempt, "sent", raw, attempt.kept.sent, attempt.kept.sent_ms, now=now)

    def check_other(self, attempt: Attempt, *, raw: str, now: datetime) -> None:
        """Whether this was sent to the other channel.  Raises  SentWrong, AttemptGone."""
        self._check(attempt, "other", raw, attempt.kept.other, attempt.kept.other_ms, now=now)

    def send_other(self, attempt: Attempt, *, now: datetime) -> tuple[Attempt, str]:
        """A code for the other channel, in the place of one before.  Raises  AttemptGone."""
        code = _make_code()
        mac = self._mac("other", attempt.attempt_id, code)
        return self._exchange(attempt, now=now, other=mac, other_ms=to_ms(now)), code

    def first_given(self, attempt: Attempt, *, account_id: str, now: datetime) -> Attempt:
        """The first proof was given; what was sent for it is spent.  Raises  AttemptGone."""
        return self._exchange(attempt, now=now, account_id=account_id, sent=b"")

    def second_given(self, attempt: Attempt, *, second: str, now: datetime) -> Attempt:
        """The second proof was given.  Raises  AttemptGone."""
        return self._exchange(attempt, now=now, second=second, other=b"")

    def consume(self, attempt: Attempt, *, now: datetime) -> None:
        """End it, once.  Raises  AttemptGone."""
        if self._store.consume(_key(attempt.attempt_id), now=now) is None:
            raise AttemptGone

    def _check(
        self, attempt: Attempt, what: str, raw: str, mac: bytes, sent_ms: int, *, now: datetime
    ) -> None:
        tries = f"reset_tries:{what}:{attempt.attempt_id}"
        tried = self._store.count(tries, window=LIFETIME, now=now)
        if tried > MOST_TRIES:
            self._store.delete(_key(attempt.attempt_id))
            raise AttemptGone
        message = _message(what, attempt.attempt_id, raw)
        is_it = bool(mac) and self._sealer.is_mac(MacPurpose.TOKEN, message, raw_mac=mac)
        if not is_it or now >= from_ms(sent_ms) + SENT_LIFETIME:
            raise SentWrong(MOST_TRIES - tried)

    def _exchange(self, attempt: Attempt, *, now: datetime, **changes: object) -> Attempt:
        kept = msgspec.structs.replace(attempt.kept, **changes)
        sealed = self._seal(attempt.attempt_id, kept)
        is_taken = self._store.replace(
            _key(attempt.attempt_id),
            attempt.sealed,
            sealed,
            lifetime=attempt.until - now,
            now=now,
        )
        if not is_taken:
            raise AttemptGone
        return Attempt(attempt.attempt_id, kept, sealed)

    def _seal(self, attempt_id: str, kept: _Kept) -> bytes:
        return self._sealer.seal(SealPurpose.INTERACTION, _encode(kept), context=_key(attempt_id))

    def _mac(self, what: str, attempt_id: str, value: str) -> bytes:
        return self._sealer.mac(MacPurpose.TOKEN, _message(what, attempt_id, value))


def normalise_sent(raw: str) -> str:
    """A code as it was typed, without spaces and hyphens."""
    return "".join(raw[:64].split()).replace("-", "")


def _make_code() -> str:
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"


def _message(what: str, attempt_id: str, value: str) -> bytes:
    return f"reset\x00{what}\x00{attempt_id}\x00{value}".encode("utf-8", "replace")


def _key(attempt_id: str) -> str:
    return f"reset:{attempt_id}"
