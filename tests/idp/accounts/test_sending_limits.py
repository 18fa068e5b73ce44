"""Limits of sending: counted first, per source, address and account, never for good."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from idp.accounts.attempts import Limit
from idp.accounts.sending_limits import Admitted, NotAdmitted, SendingLimits
from idp.errors import StorageUnavailable

QUARTER = timedelta(minutes=15)


@pytest.fixture
def limits(quick_store, sealer) -> SendingLimits:
    return SendingLimits(
        quick_store,
        sealer,
        per_account=(Limit(3, QUARTER), Limit(4, timedelta(days=1))),
        per_address=(Limit(3, QUARTER),),
        per_source=6,
    )


def asked(limits, now, *, account="acc_a", address="+84900000017", source="192.0.2.7"):
    return limits.admit(account_id=account, address=address, source=source, now=now)


@pytest.mark.parametrize(
    ("varied", "admitted"),
    [(("address", "source"), 3), (("account", "source"), 3), (("account", "address"), 6)],
)
def test_of_many_at_once_no_more_than_the_limit_are_sent(limits, now, varied, admitted) -> None:
    """NIST SP 800-63B-4 §3.2.2: whichever of the three stays the same."""

    def ask(number: int) -> bool:
        other = {
            "account": f"acc_{number}",
            "address": f"+849000001{number:02}",
            "source": f"198.51.100.{number}",
        }
        return isinstance(asked(limits, now, **{name: other[name] for name in varied}), Admitted)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(24))) == admitted


def test_the_refusal_says_when_to_ask_again_and_then_it_works(limits, now) -> None:
    assert [asked(limits, now) for _ in range(3)] == [Admitted(2), Admitted(1), Admitted(0)]
    refused = asked(limits, now)
    assert isinstance(refused, NotAdmitted)
    assert now < refused.retry_at <= now + QUARTER
    just_before = refused.retry_at - timedelta(milliseconds=1)
    assert isinstance(asked(limits, just_before), NotAdmitted)
    assert asked(limits, refused.retry_at) == Admitted(0)  # the fourth of the day
    of_the_day = asked(limits, refused.retry_at)
    assert isinstance(of_the_day, NotAdmitted)
    assert of_the_day.retry_at > refused.retry_at


def test_a_source_over_its_limit_uses_up_nobody_elses(limits, now) -> None:
    for number in range(6):
        asked(limits, now, account=f"acc_{number}", address=f"+8490000010{number}")
    for _ in range(5):
        assert isinstance(asked(limits, now), NotAdmitted)
    assert asked(limits, now, source="198.51.100.9") == Admitted(2)


def test_the_whole_of_an_ipv6_network_is_one_source(limits, now) -> None:
    outcomes = [
        asked(
            limits,
            now,
            account=f"acc_{number}",
            address=f"+8490000010{number}",
            source=f"2001:db8::{number}",
        )
        for number in range(8)
    ]
    assert [isinstance(one, Admitted) for one in outcomes] == [True] * 6 + [False] * 2


def test_without_the_store_nothing_is_sent(sealer, now) -> None:
    """Limits fail closed."""

    class Down:
        def count(self, *_args, **_named):
            raise StorageUnavailable

    with pytest.raises(StorageUnavailable):
        asked(SendingLimits(Down(), sealer), now)
