"""The table says what was measured: medians, ratios within a round, and whether a target is met."""

from __future__ import annotations

import pytest

from bench.load import Sample
from bench.table import Growth, Round, Row, Target, Yardstick, make_growth_table, make_table


def _sample(rate: float) -> Sample:
    return Sample(rate=rate, p50_ms=1.0, p99_ms=2.0, cpu_ms=0.5)


def _row(target: Target | None = None) -> Row:
    # the machine was three times slower in the second round, for everybody
    rounds = (
        Round(_sample(900), _sample(3000), _sample(1000)),
        Round(_sample(300), _sample(1000), _sample(330)),
        Round(_sample(1000), _sample(3200), _sample(1100)),
    )
    return Row("refresh", rounds, target)


def test_ratios_are_taken_within_a_round() -> None:
    assert _row().ratio(Yardstick.EMPTY) == pytest.approx(0.3)
    assert _row().ratio(Yardstick.PEER) == pytest.approx(0.909, abs=0.001)


def test_a_side_that_was_not_there_has_no_ratio() -> None:
    row = Row("JWKS", (Round(_sample(9), _sample(10)),), Target(1.0, Yardstick.PEER))
    assert row.ratio(Yardstick.PEER) is None
    assert row.is_met() is None
    assert "| – | – | – | ≥ 1 of peer |  |" in make_table([row])


@pytest.mark.parametrize(("least", "is_met"), [(0.9, True), (0.92, False)])
def test_a_target_is_met_or_missed(least: float, is_met: bool) -> None:
    row = _row(Target(least, Yardstick.PEER))
    assert row.is_met() is is_met
    assert make_table([row]).rstrip().endswith("| met |" if is_met else "| missed |")


def test_the_table_is_markdown_with_as_many_cells_in_every_line() -> None:
    lines = make_table([_row(), _row(Target(0.5, Yardstick.PEER))]).splitlines()
    assert {line.count("|") for line in lines} == {12}
    assert lines[2].startswith("| *empty Flask route* | 3,000 |")
    assert lines[3].startswith("| refresh | 900 | 1.0 | 2.0 | 0.50 | 0.30 | 1,000 | 0.50 | 0.91 |")


def test_a_sign_in_is_compared_with_argon2id_alone() -> None:
    rounds = (Round(_sample(40), _sample(4000), argon2id=50.0),)
    row = Row("sign-in", rounds, Target(0.8, Yardstick.ARGON2ID))
    assert row.is_met()
    assert "≥ 0.8 of argon2id alone (50.0/s): 0.80 | met |" in make_table([row])


def test_growth_compares_a_large_register_with_a_small_one() -> None:
    rounds = ((_sample(1000), _sample(900)), (_sample(500), _sample(400)))
    table = make_growth_table([Growth("refresh", rounds)], small=10_000, large=1_000_000)
    assert "| CPU ms, 10,000 | CPU ms, 1,000,000 |" in table
    assert table.splitlines()[2] == "| refresh | 0.50 | 0.50 | 1.00 | 1.18 | met |"
