"""The lines about checking documents: what was waited for, and beside whom."""

from __future__ import annotations

from bench.costs import Spent
from bench.documents import DocumentCost
from bench.validation import describe_waits, make_validation_table


def test_the_hundredth_that_waits_longest_is_told() -> None:
    said = describe_waits([0.1] * 148 + [0.5, 2.0])
    assert said == (
        "10 a second for 15 s on two cores, 200 KB: half of them within 100 ms, p99 500 ms "
        "(target: < 1 s, met)."
    )
    assert describe_waits([0.1] * 50 + [1.0] * 2).endswith("(target: < 1 s, missed).")


def test_a_line_says_both_rates() -> None:
    rounds = ((Spent(ms=25, cpu_ms=25), Spent(ms=100, cpu_ms=100)),)
    table = make_validation_table([DocumentCost("two signatures", rounds, 3.0)])
    assert table.splitlines()[-1] == "| two signatures | 40 | 25.00 | 10.0 | 4.0 × | ≥ 3 × | met |"
