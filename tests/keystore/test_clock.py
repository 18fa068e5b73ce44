"""Instants survive the way into a column and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystore.clock import from_ms, to_ms


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_comes_back_rounded_down_to_the_millisecond(instant: datetime) -> None:
    returned = from_ms(to_ms(instant))
    assert returned.tzinfo is UTC
    assert timedelta(0) <= instant - returned < timedelta(milliseconds=1)


def test_the_zone_of_an_instant_does_not_matter() -> None:
    hanoi = datetime(2026, 11, 21, 10, 4, 5, tzinfo=timezone(timedelta(hours=7)))
    assert to_ms(hanoi) == to_ms(datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC))


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        to_ms(datetime(2026, 11, 21, tzinfo=UTC).replace(tzinfo=None))
