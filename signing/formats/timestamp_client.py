"""Timestamps from an authority that somebody else reaches for us.

What lives here: `TimestampClient`, the `Timestamps` over any way to send octets and get some back.
It takes a token only from an authority under a root that was named beforehand.
Source: RFC 3161 §2.2 and §3.4 (the two content types, for whoever sends).
Not here: HTTP, and which authority is asked; the checks themselves (`timestamps.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from signing.errors import TimestampUnavailable
from signing.formats.timestamps import ask_timestamp, read_timestamp

REQUEST_TYPE: Final = "application/timestamp-query"
RESPONSE_TYPE: Final = "application/timestamp-reply"
MAX_SKEW: Final = timedelta(minutes=5)
"""How far a timestamp may be from our own clock, before one of the two is taken to be wrong."""


class TimestampClient:
    """Asks one authority; safe to share between threads if `send` is.

    Takes   send: DER of a TimeStampReq in, the answer's octets out; raises TimestampUnavailable
            when there is none; roots: DER, under one of which the authority's certificate has to
            be; policy: object identifier, dotted, or None for the authority's own;
            clock: our own time, to notice an authority whose clock is wrong; None: not compared.
    """

    def __init__(
        self,
        send: Callable[[bytes], bytes],
        *,
        roots: Sequence[bytes],
        policy: str | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self._send = send
        self._roots = tuple(roots)
        self._policy = policy
        self._clock = clock

    def stamp(self, digest: bytes, *, hash_name: str) -> bytes:
        """A token over `digest`, verified; see `Timestamps`.

        Raises  TimestampUnavailable: also for an authority that nobody named, or another time.
        """
        asked = ask_timestamp(digest, hash_name=hash_name, policy=self._policy)
        found = read_timestamp(self._send(asked.der), asked=asked, roots=self._roots)
        if found.chain[-1] not in self._roots:
            raise TimestampUnavailable("authority")
        if self._clock is not None:
            apart = abs(found.gen_time - self._clock())
            if apart > MAX_SKEW + found.accuracy:
                raise TimestampUnavailable("time")
        return found.token
