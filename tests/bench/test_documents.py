"""The table of signed documents: medians, ratios within a round, targets met or missed."""

from __future__ import annotations

import pytest

from bench.costs import Spent
from bench.documents import DocumentCost, make_document_table


def _cost(*, theirs_ms: float, least_ratio: float | None = 8.0) -> DocumentCost:
    # the machine was slow for both in the second round
    rounds = tuple(
        (Spent(ms=ms, cpu_ms=ms), Spent(ms=ms * theirs_ms / 2, cpu_ms=ms)) for ms in (2.0, 6.0, 2.0)
    )
    return DocumentCost("PAdES B-B", rounds, least_ratio)


def test_ratios_are_within_a_round() -> None:
    assert _cost(theirs_ms=20).ratio == pytest.approx(10)


@pytest.mark.parametrize(("theirs_ms", "verdict"), [(20, "met"), (15, "missed")])
def test_a_target_is_met_or_missed(theirs_ms: float, verdict: str) -> None:
    assert _cost(theirs_ms=theirs_ms).line().endswith(f"| ≥ 8 × | {verdict} |")


def test_what_has_no_target_has_no_verdict() -> None:
    table = make_document_table([_cost(theirs_ms=20, least_ratio=None)])
    assert table.splitlines()[-1] == "| PAdES B-B | 500 | 2.00 | 50.0 | 10.0 × |  |  |"
