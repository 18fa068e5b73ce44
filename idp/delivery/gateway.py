"""Gateways of one channel, asked one after the other.

What lives here: what a gateway is, what it may answer, and `Gateways`: the first that is not
resting is asked first, and the next when it cannot.  One that is down rests, for 5 s at first and
twice as long each time, so that nobody waits for it with every message.
A gateway that took a message ends the matter.  Where nobody can know whether it did, because the
connection ended before its answer, the next one is asked: a code that arrives twice works once, one
that does not arrive keeps somebody out.
Not here: any protocol (`mail.py`, `sms.py`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import ClassVar, Final, Protocol

from idp.accounts.channels import Channel
from idp.errors import AntinError

TIMEOUT_S: Final = 5.0
"""What one gateway may take for one message."""
_FIRST_REST: Final = timedelta(seconds=5)
LONGEST_REST: Final = timedelta(seconds=40)
"""Codes live for minutes: whoever waits longer for a gateway that is back would lose them."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message as a gateway gets it.

    Takes   message_id: stays with it however often it is tried; subject: empty for text messages.
    """

    message_id: str
    address: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)


class Failing(Enum):
    """What a failure says about other messages, and other times."""

    DOWN = "down"
    """Whatever else it got now would fail as well."""
    NOT_NOW = "not_now"
    """This message, at this time."""
    NEVER = "never"
    """This message, at any time."""


class NotSent(AntinError):
    """A gateway, or all of them, did not take a message.

    `reason` is a stable code of ours; nothing that a gateway said is in it.
    """

    code: ClassVar[str] = "message_not_sent"

    def __init__(self, reason: str, *, failing: Failing) -> None:
        super().__init__(reason)
        self.reason = reason
        self.failing = failing


class Gateway(Protocol):
    """Hands messages to whoever carries them further; safe to share between threads."""

    @property
    def name(self) -> str:
        """How metrics call it: one of a few words of ours."""

    def send(self, outgoing: Outgoing, *, now: datetime) -> None:
        """Have the message taken, within `TIMEOUT_S`.

        Raises  NotSent.
        """


CountSent = Callable[[str, str], None]
"""Told the name of a gateway and `sent` or the code of why not."""


@dataclass(frozen=True, slots=True)
class _Rest:
    failures: int
    until: datetime


class Gateways:
    """Safe to share between threads.

    Takes   by_channel: the gateways of each channel, the usual one first; time: the time now.
    """

    def __init__(
        self,
        by_channel: Mapping[Channel, Sequence[Gateway]],
        *,
        time: Callable[[], datetime],
        count: CountSent | None = None,
    ) -> None:
        self._by_channel = {channel: tuple(ones) for channel, ones in by_channel.items()}
        self._time = time
        self._count = count
        self._rests: dict[str, _Rest] = {}
        self._lock = threading.Lock()

    def has(self, channel: Channel) -> bool:
        """Whether anything can be sent on a channel."""
        return bool(self._by_channel.get(channel))

    def send(self, channel: Channel, outgoing: Outgoing, *, before: datetime) -> None:
        """Have one of the gateways take the message, if one does before `before`.

        Raises  NotSent: DOWN when none of them works; NEVER when each that was asked refuses it and
                none is resting.
        """
        if not self.has(channel):
            raise NotSent("no_gateway", failing=Failing.DOWN)
        failures: list[NotSent] = []
        for gateway in self._by_channel[channel]:
            now = self._time()
            if now >= before:
                raise NotSent("expired", failing=Failing.NEVER)
            if self._is_resting(gateway, now=now):
                failures.append(NotSent("resting", failing=Failing.DOWN))
                continue
            try:
                gateway.send(outgoing, now=now)
            except NotSent as failure:
                failures.append(failure)
                self._settle(gateway, failure)
            else:
                self._settle(gateway, None)
                return
        # one that was asked tells more than one that rests
        last = min(failures, key=lambda one: one.reason == "resting")
        kinds = {one.failing for one in failures}
        failing = Failing.NOT_NOW if len(kinds) > 1 else last.failing
        raise NotSent(last.reason, failing=failing) from last

    def _is_resting(self, gateway: Gateway, *, now: datetime) -> bool:
        with self._lock:
            rest = self._rests.get(gateway.name)
            return rest is not None and now < rest.until

    def _settle(self, gateway: Gateway, failure: NotSent | None) -> None:
        if self._count is not None:
            self._count(gateway.name, "sent" if failure is None else failure.reason)
        now = self._time()
        with self._lock:
            before = self._rests.get(gateway.name)
            if failure is None or failure.failing is not Failing.DOWN:
                self._rests.pop(gateway.name, None)
            elif before is None or now >= before.until:  # beside another: one failure, not two
                failures = 1 if before is None else before.failures + 1
                rest = min(LONGEST_REST, _FIRST_REST * 2 ** min(failures - 1, 10))
                self._rests[gateway.name] = _Rest(failures, now + rest)
