"""Evidence lasts as long as the level promises, and longer where a deployment says so."""

from __future__ import annotations

from datetime import timedelta

import pytest

from signing.formats.material import Level
from signing.retention import evidence_kept_for


@pytest.mark.parametrize(
    ("level", "years", "kept"),
    [
        (Level.B, 0, 10),
        (Level.LT, 10, 10),
        (Level.LT, 15, 15),
        (Level.LTA, 10, 20),
        (Level.LTA, 30, 30),
    ],
)
def test_a_setting_prolongs_and_never_shortens(level: Level, years: int, kept: int) -> None:
    assert evidence_kept_for(level, at_least_years=years) == timedelta(days=366 * kept)
