"""What chrony reports of this host, and when that is enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from keystore.time.chrony import Chrony
from keystore.time.errors import NoMajority, SourcesUnsynchronised, SourceUnavailable
from keystore.time.majority import Leap

_TRACKING = (
    "C0000201,192.0.2.1,2,1795230000.204832077,{offset},0.000015450,0.000038512,-8.396,0.001,"
    "0.055,0.010000000,0.000300000,1031.2,{leap}"
)
_SOURCE = "^,{state},{name},2,6,377,23,0.000001,0.000002,0.012"
_AUTH = "{name},{mode},1,15,256,8100,0,0,8,100"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program that prints what is in the file of a report's name, as chronyc would."""
    file = tmp_path / "chronyc"
    file.write_text(f'#!/bin/sh\n[ "$1 $2" = "-c -n" ] && exec /bin/cat "{tmp_path}/$3"\n')
    file.chmod(0o700)
    return file


def _report(
    program: Path,
    *,
    offset: str = "0.000017923",
    leap: str = "Normal",
    states: str = "*+-",
    modes: str = "---",
) -> Chrony:
    folder = program.parent
    names = [f"192.0.2.{n + 1}" for n in range(len(states))]
    (folder / "tracking").write_text(_TRACKING.format(offset=offset, leap=leap) + "\n")
    sources = [
        _SOURCE.format(state=one, name=name) for one, name in zip(states, names, strict=True)
    ]
    (folder / "sources").write_text("\n".join(sources) + "\n")
    kinds = {"n": "NTS", "s": "SK", "-": "-"}
    auth = [
        _AUTH.format(name=name, mode=kinds[one]) for one, name in zip(modes, names, strict=True)
    ]
    (folder / "authdata").write_text("\n".join(auth) + "\n")
    return Chrony(program)


def test_three_sources_that_agree_are_a_measurement(program: Path) -> None:
    measured = _report(program).measure()
    assert (measured.agreeing, measured.asked) == (3, 3)
    assert (measured.low_us, measured.high_us) == (17 - 5300, 17 + 5300)
    assert measured.leap is Leap.NONE
    assert measured.is_authenticated is False


@pytest.mark.parametrize("offset", ["2.500000000", "-2.500000000"])
def test_the_offset_is_what_chrony_has_not_yet_slewed_away(program: Path, offset: str) -> None:
    assert abs(_report(program, offset=offset).measure().offset_us) == 2_500_000


@pytest.mark.parametrize("states", ["*", "*+", "*x?", "*xx-", "*~??"])
def test_fewer_than_three_or_no_majority_is_not_enough(program: Path, states: str) -> None:
    chrony = _report(program, states=states, modes="-" * len(states))
    with pytest.raises(NoMajority):
        chrony.measure()


def test_one_source_over_nts_is_enough(program: Path) -> None:
    """RFC 8915: its answers are authenticated."""
    measured = _report(program, states="*?", modes="n-").measure()
    assert measured.is_authenticated is True
    assert (measured.agreeing, measured.asked) == (1, 2)


@pytest.mark.parametrize("modes", ["n-", "ns"])
def test_nts_counts_only_if_all_that_are_followed_have_it(program: Path, modes: str) -> None:
    chrony = _report(program, states="*+", modes=modes)
    with pytest.raises(NoMajority):
        chrony.measure()


def test_where_chrony_does_not_say_nothing_is_authenticated(program: Path) -> None:
    chrony = _report(program, states="*", modes="n")
    (program.parent / "authdata").unlink()
    with pytest.raises(NoMajority):
        chrony.measure()


@pytest.mark.parametrize(
    ("said", "leap"), [("Insert second", Leap.INSERT), ("Delete second", Leap.DELETE)]
)
def test_an_announced_leap_second_is_passed_on(program: Path, said: str, leap: Leap) -> None:
    assert _report(program, leap=said).measure().leap is leap


def test_a_chrony_that_follows_nobody_is_an_alarm(program: Path) -> None:
    chrony = _report(program, leap="Not synchronised", states="???")
    with pytest.raises(SourcesUnsynchronised):
        chrony.measure()


@pytest.mark.parametrize("tracking", ["", "a,b", _TRACKING.format(offset="fast", leap="Normal")])
def test_a_report_that_is_none_is_refused(program: Path, tracking: str) -> None:
    chrony = _report(program)
    (program.parent / "tracking").write_text(tracking)
    with pytest.raises(SourceUnavailable) as refused:
        chrony.measure()
    assert refused.value.reason == "malformed"


def test_without_chrony_there_is_no_answer(program: Path) -> None:
    _report(program)
    for wrong in (Path("/nonexistent/chronyc"), Path("/bin/false")):
        with pytest.raises(SourceUnavailable) as refused:
            Chrony(wrong).measure()
        assert refused.value.reason == "no_answer"
