"""How many files one source may have checked: counted without keeping who it was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from idp.validation_limits import ValidationLimits
from tests.support.provider import Provider

NOW = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def limits(provider: Provider) -> ValidationLimits:
    return ValidationLimits(provider.services.ephemeral, provider.services.sealer, 3)


def test_files_are_counted_not_requests(limits):
    assert limits.admit("192.0.2.1", files=3, now=NOW) == 0
    assert limits.admit("192.0.2.1", files=1, now=NOW) == 55
    assert limits.admit("192.0.2.2", files=3, now=NOW) == 0
    assert limits.admit("192.0.2.1", files=3, now=NOW + timedelta(seconds=55)) == 0


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2", True),
        ("unreadable", "", True),
    ],
)
def test_a_network_of_ipv6_is_one_source(limits, one, other, is_same):
    """Architecture, decision 6: /64 for IPv6."""
    limits.admit(one, files=3, now=NOW)
    assert (limits.admit(other, files=1, now=NOW) > 0) is is_same


def test_an_operator_may_let_everybody_in(provider):
    open_door = ValidationLimits(provider.services.ephemeral, provider.services.sealer, 0)
    assert open_door.admit("192.0.2.1", files=10_000, now=NOW) == 0
