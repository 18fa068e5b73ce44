"""The table of costs says what was measured: medians, multiples within a round, targets met."""

from __future__ import annotations

import pytest

from bench.costs import Bound, Cost, Measure, Spent, Stopwatch, make_cost_table, take_turns


def _cost(bound: Bound | None = None) -> Cost:
    # others had half of the processor in the second round: the clock ran, processor time did not
    return Cost(
        "signature",
        (
            (Spent(ms=0.05, cpu_ms=0.05), Spent(ms=0.02, cpu_ms=0.02)),
            (Spent(ms=0.10, cpu_ms=0.06), Spent(ms=0.04, cpu_ms=0.02)),
            (Spent(ms=0.05, cpu_ms=0.04), Spent(ms=0.02, cpu_ms=0.02)),
        ),
        bound,
    )


def test_multiples_are_of_processor_time_and_within_a_round() -> None:
    assert _cost().value(Measure.TIMES) == pytest.approx(2.5)


def test_rates_and_milliseconds_are_medians_by_the_clock() -> None:
    assert _cost().value(Measure.MS) == pytest.approx(0.05)
    assert _cost().value(Measure.RATE) == pytest.approx(20_000)


@pytest.mark.parametrize(
    ("bound", "said", "is_met"),
    [
        (Bound(2.5, Measure.TIMES), "≤ 2.5 × raw", True),
        (Bound(2.4, Measure.TIMES), "≤ 2.4 × raw", False),
        (Bound(20_000, Measure.RATE), "≥ 20,000/s", True),
        (Bound(20_001, Measure.RATE), "≥ 20,001/s", False),
        (Bound(0.2, Measure.MS), "< 0.2 ms", True),
        (Bound(0.04, Measure.MS), "< 0.04 ms", False),
        (Bound(0.05, Measure.MS), "< 0.05 ms", False),
    ],
)
def test_a_target_is_met_or_missed(bound: Bound, said: str, is_met: bool) -> None:
    cost = _cost(bound)
    assert cost.is_met() is is_met
    verdict = "met" if is_met else "missed"
    assert make_cost_table([cost]).splitlines()[2].endswith(f"| {said} | {verdict} |")


def test_what_has_no_target_is_neither_met_nor_missed() -> None:
    assert _cost().is_met() is None
    assert make_cost_table([_cost()]).splitlines()[2] == (
        "| signature | 20,000 | 0.05 | 0.05 | 2.50 |  |  |"
    )


def test_the_table_is_markdown_with_as_many_cells_in_every_line() -> None:
    table = make_cost_table([_cost(), _cost(Bound(5_000, Measure.RATE))])
    lines = [line for line in table.splitlines() if line.startswith("|")]
    assert len(lines) == 4
    assert {line.count("|") for line in lines} == {8}


def test_the_reader_learns_how_busy_the_machine_was() -> None:
    raw = Spent(ms=0.05, cpu_ms=0.02)
    table = make_cost_table([Cost("signature", ((Spent(1, 1), raw),))])
    assert "had 40% of its core" in table


def test_calls_take_turns_and_the_last_result_of_each_stretch_is_looked_at() -> None:
    order: list[str] = []
    looked_at: list[str] = []

    def call(name: str) -> str:
        order.append(name)
        return name

    spent = take_turns(
        {"one": lambda: call("one"), "two": lambda: call("two")},
        seconds=0.01,
        check={"one": looked_at.append, "two": looked_at.append},
    )
    assert looked_at[:4] == ["one", "two", "one", "two"]
    assert set(order) == {"one", "two"}
    assert all(one.ms > 0 and one.cpu_ms > 0 for one in spent.values())


def test_one_wrong_result_spoils_the_measurement() -> None:
    def refuse(result: object) -> None:
        raise ValueError(result)

    with pytest.raises(ValueError, match="wrong"):
        take_turns({"one": lambda: "wrong"}, seconds=0.001, check={"one": refuse})


def test_a_stopwatch_shares_its_time_among_what_was_done() -> None:
    watch = Stopwatch()
    for _ in range(2):
        with watch:
            sum(range(20_000))
    watch.count(1)
    of_one = watch.spent()
    watch.count(1)
    assert watch.spent().ms == pytest.approx(of_one.ms / 2)
    assert watch.spent().rate == pytest.approx(of_one.rate * 2)
