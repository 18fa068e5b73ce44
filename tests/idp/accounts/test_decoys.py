"""What nobody's number costs: like some account, the same each time."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from idp.accounts.decoys import RELOAD_AFTER, Decoys, SchemeShares
from idp.storage.credentials import password_scheme

_TOP = 2**64 - 1


def test_without_accounts_there_is_no_foreign_work() -> None:
    assert SchemeShares({}).pick(0) == SchemeShares({}).pick(_TOP) == ""


@given(
    st.dictionaries(st.sampled_from(["", "bcrypt:10", "bcrypt:12"]), st.integers(1, 10**8)),
    st.integers(0, _TOP),
)
def test_only_schemes_that_accounts_have_are_picked(counts, point) -> None:
    picked = SchemeShares(counts).pick(point)
    assert picked in counts or (picked == "" and not counts)


def test_schemes_are_picked_as_often_as_accounts_have_them() -> None:
    shares = SchemeShares({"": 50, "bcrypt:12": 30, "pbkdf2:sha256:600000:32": 20})
    points = range(0, _TOP, _TOP // 1000)
    picked = Counter(shares.pick(point) for point in points)
    assert picked[""] in range(495, 506)
    assert picked["bcrypt:12"] in range(295, 306)


def test_an_identifier_costs_the_same_each_time_and_follows_the_count(house) -> None:
    decoys = Decoys(house.database, sealer=house.sealer)
    names = [f"nobody {number}" for number in range(60)]
    assert {decoys.choose(name, now=house.now) for name in names} == {""}
    with house.database.transaction() as tx:
        tx.connection.execute(
            password_scheme.insert(),
            [{"scheme": "", "accounts": 5}, {"scheme": "bcrypt:12", "accounts": 5}],
        )
    soon = house.now + RELOAD_AFTER - timedelta(seconds=1)
    assert {decoys.choose(name, now=soon) for name in names} == {""}
    later = house.now + RELOAD_AFTER
    first = [decoys.choose(name, now=later) for name in names]
    assert set(first) == {"", "bcrypt:12"}
    assert [decoys.choose(name, now=later) for name in names] == first
