"""Asking NTP servers what time it is.

What lives here: one client exchange with one server, and `NtpMajority` over several.  We ask as one
who wants to check a clock, not to set it: nothing of our own time is in the question, and the 64
random bits in its place must come back, so that only who saw the question can answer it.
Source: RFC 5905 §7.3 (packet), §8 (offset and delay), §7.4 (kiss-o'-death); RFC 4330 §5 (what a
simple client checks); RFC 8633 §3.2 (at least four servers are better).
**One host, one voice.**  A majority means something as long as those asked are different servers.
Names that lead to one address, whatever the port, and answers that come from one clock and agree,
count once.
What is not seen: a host that answers each of its addresses as if it were another server, and
servers that all follow the same wrong clock.  Name servers of different operators.

Not here: authenticated time, which chrony brings (`keystore/time/chrony.py`).
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
import struct
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Final

from keystore.time.errors import ReferenceInvalid, SourceUnavailable
from keystore.time.machine import MachineClock
from keystore.time.majority import Leap, Measurement, Reading, find_majority

FEWEST_SOURCES: Final = 3
NTP_PORT: Final = 123
_MOST_SOURCES: Final = 16
_PACKET: Final = struct.Struct("!BBbbII4s8s8s8s8s")
_QUESTION_HEAD: Final = bytes((0b00_100_011,)) + bytes(39)
"""Leap 0, version 4, mode 3 (client), and nothing about us."""
_SET_AT: Final = slice(16, 24)
"""The reference timestamp."""
_SERVER: Final = 4
_UNSYNCHRONISED_STRATUM: Final = 16
_LONGEST_ANSWER: Final = 512
_AT: Final = "at "
_MICROSECONDS: Final = 1_000_000
_ERA_1970: Final = 2_208_988_800
"""Seconds from 1900 to 1970."""


@dataclass(frozen=True, slots=True)
class NtpSource:
    """One server.

    Takes   host: a name or an address; timeout_s: for the whole exchange.
    """

    host: str
    port: int = NTP_PORT
    clock: MachineClock = field(default_factory=MachineClock, repr=False)
    timeout_s: float = 2.0

    @property
    def name(self) -> str:
        """How an operator knows it."""
        return self.host if self.port == NTP_PORT else f"{self.host}:{self.port}"

    def read(self) -> Reading:
        """Ask once.

        Returns a reading; `leap` is ALARM when the server says that it does not know.
        Raises  SourceUnavailable (no_answer, unresolvable, malformed, refused, unsynchronised).
        """
        random = secrets.token_bytes(8)
        try:
            family, _, _, _, address = socket.getaddrinfo(
                self.host, self.port, type=socket.SOCK_DGRAM
            )[0]
        except (OSError, UnicodeError) as failure:  # a label too long for a name
            raise SourceUnavailable(self.name, reason="unresolvable") from failure
        with socket.socket(family, socket.SOCK_DGRAM) as udp:
            try:
                udp.connect(address)  # answers of anybody else are dropped by the kernel
                asked = self.clock.sample()
                udp.send(_QUESTION_HEAD + random)
                answer = self._receive(udp, random=random)
                answered_ns = self.clock.ticks_ns()
            except OSError as failure:
                raise SourceUnavailable(self.name, reason="no_answer") from failure
        reading = self._judge(answer, asked_ns=asked.wall_ns, took_ns=answered_ns - asked.ticks_ns)
        return replace(reading, voice=_voice(str(address[0]), answer))

    def _receive(self, udp: socket.socket, *, random: bytes) -> bytes:
        """The answer to our question; whatever else arrives is passed over until time is up."""
        until_ns = self.clock.ticks_ns() + int(self.timeout_s * 1_000_000_000)
        while (left_ns := until_ns - self.clock.ticks_ns()) > 0:
            udp.settimeout(left_ns / 1_000_000_000)
            answer = udp.recv(_LONGEST_ANSWER)
            if answer[24:32] == random:
                return answer
        raise TimeoutError

    def _judge(self, answer: bytes, *, asked_ns: int, took_ns: int) -> Reading:
        if len(answer) < _PACKET.size:
            raise SourceUnavailable(self.name, reason="malformed")
        head, stratum, _, _, root_delay, root_dispersion, _, _, _, received, sent = (
            _PACKET.unpack_from(answer)
        )
        if head & 0b111 != _SERVER or sent == bytes(8):
            raise SourceUnavailable(self.name, reason="malformed")
        if stratum == 0:
            raise SourceUnavailable(self.name, reason="refused")  # a kiss-o'-death
        leap = Leap(head >> 6)
        if leap is Leap.ALARM or stratum >= _UNSYNCHRONISED_STRATUM:
            return Reading(self.name, offset_us=0, uncertainty_us=0, leap=Leap.ALARM)
        # differences modulo 2^64, so that an era of 136 years may end in between
        there = _difference_us(_fixed_point(asked_ns), received)
        back = _difference_us(_fixed_point(asked_ns + took_ns), sent)
        delay_us = took_ns // 1000 - _difference_us(received, sent)
        distance_us = (root_delay / 2 + root_dispersion) * _MICROSECONDS / (1 << 16)
        return Reading(
            self.name,
            offset_us=(there + back) // 2,
            uncertainty_us=max(delay_us, 0) // 2 + int(distance_us) + 1,
            leap=leap,
        )


class NtpMajority:
    """Several servers, asked at once.

    Raises  ReferenceInvalid: fewer than three, one named twice, or more than makes sense.
    """

    def __init__(self, sources: Sequence[NtpSource]) -> None:
        names = {source.name for source in sources}
        if not FEWEST_SOURCES <= len(names) == len(sources) <= _MOST_SOURCES:
            raise ReferenceInvalid("sources")
        self._sources = tuple(sources)

    def measure(self) -> Measurement:
        """What more than half of them say; names of one server have one voice together.

        Raises  NoMajority, SourcesUnsynchronised.
        """
        heard: list[Reading] = []
        voices = []
        for one in self.read_each():
            if isinstance(one, Reading):
                if not any(_is_one_voice(one, other) for other in heard):
                    voices.append(one)
                heard.append(one)
        return find_majority(voices, asked=len(self._sources))

    def read_each(self) -> tuple[Reading | SourceUnavailable, ...]:
        """What each of them says, in their order; for the operator."""
        with ThreadPoolExecutor(len(self._sources)) as threads:
            return tuple(threads.map(_read, self._sources))


def parse_source(text: str, *, clock: MachineClock | None = None) -> NtpSource:
    """`name`, `address`, `name:port` or `[IPv6]:port`.

    Raises  ReferenceInvalid.
    """
    host, port = text, NTP_PORT
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = _port(rest[1:]) if rest.startswith(":") else NTP_PORT
    elif text.count(":") == 1:
        host, _, number = text.partition(":")
        port = _port(number)
    if not host or any(letter in host for letter in " /[]@"):
        raise ReferenceInvalid("source_name")
    return NtpSource(host, port, clock=clock or MachineClock())


def _port(number: str) -> int:
    if not (number.isascii() and number.isdigit() and 0 < int(number) < 1 << 16):
        raise ReferenceInvalid("source_port")
    return int(number)


def _read(source: NtpSource) -> Reading | SourceUnavailable:
    try:
        return source.read()
    except SourceUnavailable as failure:
        return failure


def _is_one_voice(one: Reading, other: Reading) -> bool:
    """Whether two readings are of one server.

    Anybody can say that his clock was set when another's was, and so take its voice away; but one
    clock shows one time.  An address is nobody's to choose.
    """
    shared = one.voice & other.voice
    if any(name.startswith(_AT) for name in shared):
        return True
    is_alike = (one.leap is Leap.ALARM) == (other.leap is Leap.ALARM)
    apart_us = abs(one.offset_us - other.offset_us)
    return bool(shared) and is_alike and apart_us <= one.uncertainty_us + other.uncertainty_us


def _voice(address: str, answer: bytes) -> frozenset[str]:
    """What two names of one server have in common: its address, or the state of its clock.

    The instant at which a server last set its clock, to the fraction of a nanosecond, together with
    stratum, precision, distance and reference, is the same over IPv4 and IPv6, on every port and
    every interface, and of no two servers at once.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    found = {f"{_AT}{mapped or ip}"}
    if any(answer[_SET_AT]):
        found.add(f"clock {(answer[1:2] + answer[3:8] + answer[12:24]).hex()}")
    return frozenset(found)


def _fixed_point(epoch_ns: int) -> bytes:
    seconds, rest = divmod(epoch_ns, 1_000_000_000)
    value = ((seconds + _ERA_1970) << 32) + (rest << 32) // 1_000_000_000
    return (value % (1 << 64)).to_bytes(8, "big")


def _difference_us(before: bytes, after: bytes) -> int:
    """`after` − `before` of two NTP timestamps, in microseconds."""
    difference = (int.from_bytes(after, "big") - int.from_bytes(before, "big")) % (1 << 64)
    if difference >= 1 << 63:
        difference -= 1 << 64
    return difference * _MICROSECONDS >> 32
