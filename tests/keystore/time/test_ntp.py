"""Real servers over UDP, honest and lying: the majority is believed, nobody is trusted alone."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from keystore.time.errors import (
    NoMajority,
    ReferenceInvalid,
    SourcesUnsynchronised,
    SourceUnavailable,
)
from keystore.time.machine import MachineClock
from keystore.time.majority import Leap, Reading
from keystore.time.ntp import NtpMajority, NtpSource, parse_source
from tests.support.clocks import MovableMachine, NtpServer

_HOUR = timedelta(hours=1)
_QUICK_S = 0.2  # where nothing comes
_PATIENT_S = 60.0  # where something comes, at once or from a busy machine


def _majority(stack: ExitStack, *servers: NtpServer) -> NtpMajority:
    for server in servers:
        stack.enter_context(server)
    return NtpMajority(
        [server.source(timeout_s=_QUICK_S if server.spoil else _PATIENT_S) for server in servers]
    )


def _servers(stack: ExitStack, *offsets: timedelta) -> NtpMajority:
    return _majority(stack, *(NtpServer(offset) for offset in offsets))


def _reason(server: NtpServer, *, timeout_s: float = _PATIENT_S) -> str:
    with server, pytest.raises(SourceUnavailable) as refused:
        server.source(timeout_s=timeout_s).read()
    return refused.value.reason


def test_a_right_server_says_that_our_clock_is_right() -> None:
    with NtpServer() as server:
        reading = server.source().read()
    assert abs(reading.offset_us) <= reading.uncertainty_us
    assert reading.leap is Leap.NONE


@pytest.mark.parametrize("offset", [timedelta(seconds=90), -_HOUR, timedelta(days=3_000)])
def test_what_a_server_is_ahead_is_what_we_are_behind(offset: timedelta) -> None:
    with NtpServer(offset) as server:
        reading = server.source().read()
    assert abs(reading.offset_us - offset // timedelta(microseconds=1)) <= reading.uncertainty_us


def test_the_distance_of_a_server_from_its_own_sources_counts() -> None:
    """RFC 5905 §11.2.1: the root distance is half of the interval."""
    no_time_passes = MachineClock(MachineClock().wall_ns, lambda: 0)
    with NtpServer(root_dispersion_s=0.25) as server:
        reading = NtpSource(server.address, server.port, clock=no_time_passes).read()
    assert 250_000 <= reading.uncertainty_us < 260_000


def test_an_era_may_end_between_our_clock_and_the_servers() -> None:
    """RFC 5905 §6: timestamps begin again in 2036; only differences matter."""
    real = MachineClock()
    to_2040_ns = 14 * 31_557_600 * 1_000_000_000
    ahead = MachineClock(lambda: real.wall_ns() + to_2040_ns, real.ticks_ns)
    with NtpServer() as server:
        reading = NtpSource(server.address, server.port, clock=ahead).read()
    assert abs(reading.offset_us + to_2040_ns // 1000) <= reading.uncertainty_us


def test_the_question_says_nothing_about_us_and_is_never_the_same() -> None:
    with NtpServer() as server:
        server.source().read()
        server.source().read()
        first, second = server.asked
    assert first[0] == 0x23
    assert first[1:40] == bytes(39)
    assert first[40:] != second[40:]


def test_only_the_answer_to_our_question_is_read() -> None:
    """RFC 5905 §8: the origin timestamp must be the one that was sent."""
    with NtpServer(spoil=lambda right: [b"", right[:24] + bytes(8) + right[32:], right]) as server:
        assert server.source().read().leap is Leap.NONE
    guessing = NtpServer(spoil=lambda right: [right[:24] + b"guessing" + right[32:]])
    assert _reason(guessing, timeout_s=_QUICK_S) == "no_answer"


@pytest.mark.parametrize("mode", [1, 2, 3, 5, 6])
def test_only_a_server_answers(mode: int) -> None:
    """RFC 4330 §5: the mode of an answer must be 4."""
    assert _reason(NtpServer(mode=mode)) == "malformed"


@pytest.mark.parametrize(
    ("spoil", "reason", "timeout_s"),
    [
        (lambda right: [right[:47]], "malformed", _PATIENT_S),
        (lambda right: [right[:40] + bytes(8)], "malformed", _PATIENT_S),  # RFC 4330 §5: not zero
        (lambda _: [], "no_answer", _QUICK_S),
        (lambda _: [b"x" * 400], "no_answer", _QUICK_S),
    ],
)
def test_a_broken_answer_is_no_reading(spoil: object, reason: str, timeout_s: float) -> None:
    assert _reason(NtpServer(spoil=spoil), timeout_s=timeout_s) == reason


def test_a_kiss_of_death_is_a_refusal() -> None:
    """RFC 5905 §7.4: stratum 0."""
    assert _reason(NtpServer(stratum=0)) == "refused"


@pytest.mark.parametrize("server", [NtpServer(leap=Leap.ALARM), NtpServer(stratum=16)])
def test_a_server_that_does_not_know_says_so(server: NtpServer) -> None:
    """RFC 5905 §7.3: leap indicator 3; stratum 16 is unsynchronised."""
    with server:
        assert server.source().read().leap is Leap.ALARM


def test_nobody_there_is_no_answer() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    with pytest.raises(SourceUnavailable) as refused:
        NtpSource("127.0.0.1", port, timeout_s=_QUICK_S).read()
    assert refused.value.reason == "no_answer"


def test_a_name_that_is_none_is_unresolvable() -> None:
    with pytest.raises(SourceUnavailable) as refused:
        NtpSource(f"{'x' * 64}.localhost").read()
    assert refused.value.reason == "unresolvable"


def test_answers_that_are_not_ours_do_not_make_us_wait_longer() -> None:
    with NtpServer(spoil=lambda _: [b"x" * 48] * 200) as server:
        began = time.monotonic()
        with pytest.raises(SourceUnavailable) as refused:
            server.source(timeout_s=_QUICK_S).read()
        assert time.monotonic() - began < 100 * _QUICK_S  # otherwise two hundred times as long
    assert refused.value.reason == "no_answer"


def test_one_liar_among_three_is_outvoted() -> None:
    with ExitStack() as stack:
        servers = _servers(stack, timedelta(0), _HOUR, timedelta(0))
        measured = servers.measure()
    assert (measured.agreeing, measured.asked) == (2, 3)
    assert measured.worst_us < 60_000_000


def test_two_liars_among_five_are_outvoted_also_if_they_agree() -> None:
    with ExitStack() as stack:
        right = timedelta(0)
        measured = _servers(stack, _HOUR, right, right, _HOUR, right).measure()
    assert (measured.agreeing, measured.asked) == (3, 5)
    assert measured.worst_us < 60_000_000


def test_three_that_agree_that_we_are_wrong_are_believed() -> None:
    with ExitStack() as stack:
        measured = _servers(stack, _HOUR, _HOUR, _HOUR).measure()
    assert abs(measured.offset_us - 3_600_000_000) < 60_000_000


def test_two_liars_among_three_that_differ_leave_nobody_to_believe() -> None:
    with ExitStack() as stack, pytest.raises(NoMajority) as refused:
        _servers(stack, timedelta(0), _HOUR, -_HOUR).measure()
    assert (refused.value.agreeing, refused.value.asked) == (1, 3)


def test_silent_servers_count_against_a_majority() -> None:
    with ExitStack() as stack:
        measured = _majority(stack, NtpServer(), _silent(), NtpServer()).measure()
        assert (measured.agreeing, measured.asked) == (2, 3)
        reference = _majority(stack, NtpServer(), _silent(), _silent())
        with pytest.raises(NoMajority):
            reference.measure()


def _silent() -> NtpServer:
    return NtpServer(spoil=lambda _: [])


def test_most_servers_that_do_not_know_are_an_alarm_of_their_own() -> None:
    lost = [NtpServer(leap=Leap.ALARM) for _ in range(2)]
    with ExitStack() as stack:
        reference = _majority(stack, NtpServer(), *lost)
        with pytest.raises(SourcesUnsynchronised) as alarm:
            reference.measure()
    assert (alarm.value.alarms, alarm.value.asked) == (2, 3)


@pytest.mark.parametrize(("count", "leap"), [(1, Leap.NONE), (2, Leap.INSERT)])
def test_a_leap_second_is_announced_by_a_majority_or_not_at_all(count: int, leap: Leap) -> None:
    with ExitStack() as stack:
        servers = [NtpServer(leap=Leap.INSERT if n < count else Leap.NONE) for n in range(3)]
        assert _majority(stack, *servers).measure().leap is leap


def test_each_source_is_shown_to_the_operator() -> None:
    with ExitStack() as stack:
        read = _majority(stack, NtpServer(), NtpServer(stratum=0), NtpServer()).read_each()
    assert [type(one) for one in read] == [Reading, SourceUnavailable, Reading]


def test_fewer_than_three_sources_or_one_named_twice_are_refused() -> None:
    sources = [NtpSource(f"time{n}.example") for n in range(3)]
    NtpMajority(sources)
    for wrong in (sources[:2], [*sources, sources[0]], sources[:2] + sources[:1]):
        with pytest.raises(ReferenceInvalid):
            NtpMajority(wrong)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("time.example", "time.example", 123),
        ("192.0.2.1:1123", "192.0.2.1", 1123),
        ("2001:db8::1", "2001:db8::1", 123),
        ("[2001:db8::1]:1123", "2001:db8::1", 1123),
    ],
)
def test_a_source_is_named_by_host_and_port(text: str, host: str, port: int) -> None:
    source = parse_source(text, clock=MovableMachine(datetime(2026, 1, 1, tzinfo=UTC)).clock)
    assert (source.host, source.port) == (host, port)


@pytest.mark.parametrize("text", ["", ":123", "a:0", "a:65536", "a:x", "a b", "http://a", "a@b"])
def test_what_names_no_source_is_refused(text: str) -> None:
    with pytest.raises(ReferenceInvalid):
        parse_source(text)


def test_names_of_one_address_have_one_voice_together() -> None:
    """RFC 5905 §11.2.1: a majority of sources, and one server under three names is one source."""
    with NtpServer(address="127.0.0.1") as alone:
        named = [
            NtpSource(host, alone.port, timeout_s=_QUICK_S)
            for host in ("127.0.0.1", "localhost", "::1")
        ]
        with pytest.raises(NoMajority):
            NtpMajority(named).measure()


def test_ports_of_one_address_have_one_voice_together() -> None:
    with ExitStack() as stack, pytest.raises(NoMajority) as refused:
        _majority(stack, *(NtpServer(address="127.0.0.1") for _ in range(3))).measure()
    assert (refused.value.agreeing, refused.value.asked) == (1, 3)


def test_addresses_of_one_clock_have_one_voice_together() -> None:
    """As the IPv4 and the IPv6 address of one host, which tell of one reference timestamp."""
    with ExitStack() as stack:
        twice = [NtpServer(set_at=b"one when") for _ in range(2)]
        with pytest.raises(NoMajority):
            _majority(stack, *twice, _silent()).measure()
    with ExitStack() as stack:
        twice = [NtpServer(set_at=b"one when") for _ in range(2)]
        measured = _majority(stack, *twice, NtpServer()).measure()
        assert (measured.agreeing, measured.asked) == (2, 3)


@pytest.mark.parametrize(("offset", "leap"), [(_HOUR, Leap.NONE), (timedelta(0), Leap.ALARM)])
def test_who_copies_the_clock_of_another_does_not_take_its_voice(
    offset: timedelta, leap: Leap
) -> None:
    """He is asked first and shows another time, or none; two that agree are two of three."""
    with ExitStack() as stack:
        copied = NtpServer(offset, leap=leap, set_at=b"one when")
        honest = NtpServer(set_at=b"one when")
        measured = _majority(stack, copied, honest, NtpServer()).measure()
        assert (measured.agreeing, measured.asked) == (2, 3)
        assert measured.worst_us < 1_000_000


def test_clocks_that_do_not_say_when_they_were_set_are_told_apart_by_address() -> None:
    """RFC 5905 §7.3: zero means that the clock was never set."""
    with ExitStack() as stack:
        measured = _majority(stack, *(NtpServer(set_at=bytes(8)) for _ in range(3))).measure()
        assert measured.agreeing == 3


def test_an_ipv4_address_is_the_same_in_an_ipv6_address() -> None:
    with NtpServer(address="127.0.0.1") as alone:
        mapped = NtpSource("::ffff:127.0.0.1", alone.port, timeout_s=_PATIENT_S)
        assert "at 127.0.0.1" in alone.source().read().voice & mapped.read().voice
