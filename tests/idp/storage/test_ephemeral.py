"""The contract of the ephemeral store, on a SQLite file, on PostgreSQL and on Redis."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Final

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from idp.storage.ephemeral import EphemeralStore

MINUTE: Final = timedelta(minutes=1)
MILLISECOND: Final = timedelta(milliseconds=1)
RACERS: Final = 16


def test_what_was_put_is_there_as_often_as_one_asks(store: EphemeralStore, now: datetime) -> None:
    store.put("code:a", b"\x00\xff value", lifetime=MINUTE, now=now)
    assert store.get("code:a", now=now) == b"\x00\xff value"
    assert store.get("code:a", now=now) == b"\x00\xff value"


def test_what_was_never_put_is_absent(store: EphemeralStore, now: datetime) -> None:
    assert store.get("code:a", now=now) is None
    assert store.consume("code:a", now=now) is None


def test_an_empty_value_is_a_value(store: EphemeralStore, now: datetime) -> None:
    store.put("code:a", b"", lifetime=MINUTE, now=now)
    assert store.get("code:a", now=now) == b""
    assert store.consume("code:a", now=now) == b""


def test_a_value_of_a_megabyte_comes_back_whole(store: EphemeralStore, now: datetime) -> None:
    value = bytes(range(256)) * 4096
    store.put("interaction:a", value, lifetime=MINUTE, now=now)
    assert store.get("interaction:a", now=now) == value


def test_put_takes_the_place_and_the_lifetime_of_what_was_there(
    store: EphemeralStore, now: datetime
) -> None:
    store.put("code:a", b"old", lifetime=timedelta(hours=1), now=now)
    store.put("code:a", b"new", lifetime=MINUTE, now=now)
    assert store.get("code:a", now=now) == b"new"
    assert store.get("code:a", now=now + MINUTE) is None


def test_the_callers_clock_decides_about_expiry_to_the_millisecond(
    store: EphemeralStore, now: datetime
) -> None:
    store.put("code:a", b"value", lifetime=MINUTE, now=now)
    assert store.get("code:a", now=now + MINUTE - MILLISECOND) == b"value"
    assert store.get("code:a", now=now + MINUTE) is None
    assert store.consume("code:a", now=now + MINUTE) is None


def test_consume_succeeds_once(store: EphemeralStore, now: datetime) -> None:
    store.put("code:a", b"value", lifetime=MINUTE, now=now)
    assert store.consume("code:a", now=now) == b"value"
    assert store.consume("code:a", now=now) is None
    assert store.get("code:a", now=now) is None


def test_of_sixteen_racers_for_each_of_500_codes_one_receives_it(
    store: EphemeralStore, now: datetime
) -> None:
    """A code MUST NOT be used more than once (RFC 6749 §4.1.2)."""
    for number in range(500):
        store.put(f"code:{number}", b"%d" % number, lifetime=MINUTE, now=now)
    won = _race(lambda number: store.consume(f"code:{number}", now=now), keys=500)
    assert Counter(won) == Counter(b"%d" % number for number in range(500))


def test_of_sixteen_racers_for_each_of_500_marks_one_is_first(
    store: EphemeralStore, now: datetime
) -> None:
    """The same code MUST NOT be accepted twice (RFC 6238 §5.2)."""

    def try_once(number: int) -> bytes | None:
        is_first = store.first_use(f"otp:{number}", lifetime=MINUTE, now=now)
        return b"%d" % number if is_first else None

    won = _race(try_once, keys=500)
    assert Counter(won) == Counter(b"%d" % number for number in range(500))


def test_no_count_is_lost_among_sixteen_racers(store: EphemeralStore, now: datetime) -> None:
    seen = _race(
        lambda number: b"%d" % store.count("attempts:a", window=MINUTE, now=now),
        keys=100,
    )
    assert sorted(int(one) for one in seen) == list(range(1, 100 * RACERS + 1))


def test_of_sixteen_racers_one_replaces(store: EphemeralStore, now: datetime) -> None:
    for number in range(100):
        store.put(f"interaction:{number}", b"before", lifetime=MINUTE, now=now)

    def try_once(number: int) -> bytes | None:
        done = store.replace(f"interaction:{number}", b"before", b"after", lifetime=MINUTE, now=now)
        return b"won" if done else None

    assert len(_race(try_once, keys=100)) == 100


def test_a_mark_is_free_again_after_its_lifetime(store: EphemeralStore, now: datetime) -> None:
    assert store.first_use("jti:a", lifetime=MINUTE, now=now)
    assert not store.first_use("jti:a", lifetime=MINUTE, now=now + MINUTE - MILLISECOND)
    assert store.first_use("jti:a", lifetime=MINUTE, now=now + MINUTE)
    assert not store.first_use("jti:a", lifetime=MINUTE, now=now + MINUTE + MILLISECOND)


def test_a_refused_use_does_not_lengthen_the_mark(store: EphemeralStore, now: datetime) -> None:
    assert store.first_use("jti:a", lifetime=MINUTE, now=now)
    assert not store.first_use("jti:a", lifetime=timedelta(hours=1), now=now)
    assert store.first_use("jti:a", lifetime=MINUTE, now=now + MINUTE)


def test_counting_includes_this_one_and_starts_again_when_the_window_closes(
    store: EphemeralStore, now: datetime
) -> None:
    assert store.count("attempts:a", window=MINUTE, now=now) == 1
    assert store.count("attempts:a", window=MINUTE, now=now + MINUTE - MILLISECOND) == 2
    assert store.count("attempts:a", window=MINUTE, now=now + MINUTE) == 1


def test_the_window_opens_with_the_first_count_and_does_not_slide(
    store: EphemeralStore, now: datetime
) -> None:
    for second in range(60):
        store.count("attempts:a", window=MINUTE, now=now + timedelta(seconds=second))
    assert store.count("attempts:a", window=MINUTE, now=now + MINUTE) == 1


def test_counting_by_nothing_only_reads(store: EphemeralStore, now: datetime) -> None:
    assert store.count("attempts:a", window=MINUTE, now=now, by=0) == 0
    assert store.count("attempts:a", window=MINUTE, now=now, by=3) == 3
    assert store.count("attempts:a", window=MINUTE, now=now, by=0) == 3
    assert store.count("attempts:a", window=MINUTE, now=now + MINUTE, by=0) == 0


def test_counts_of_different_keys_do_not_meet(store: EphemeralStore, now: datetime) -> None:
    store.count("attempts:a", window=MINUTE, now=now, by=5)
    assert store.count("attempts:b", window=MINUTE, now=now) == 1


def test_replace_wants_exactly_what_is_there(store: EphemeralStore, now: datetime) -> None:
    store.put("interaction:a", b"one", lifetime=MINUTE, now=now)
    assert not store.replace("interaction:a", b"on", b"x", lifetime=MINUTE, now=now)
    assert not store.replace("interaction:b", b"one", b"x", lifetime=MINUTE, now=now)
    assert store.replace("interaction:a", b"one", b"two", lifetime=2 * MINUTE, now=now)
    assert not store.replace("interaction:a", b"one", b"x", lifetime=MINUTE, now=now)
    assert store.get("interaction:a", now=now + MINUTE) == b"two"
    assert store.get("interaction:a", now=now + 2 * MINUTE) is None


def test_replace_does_not_revive_what_has_expired(store: EphemeralStore, now: datetime) -> None:
    store.put("interaction:a", b"one", lifetime=MINUTE, now=now)
    assert not store.replace("interaction:a", b"one", b"x", lifetime=MINUTE, now=now + MINUTE)


def test_delete_forgets_values_marks_and_counts(store: EphemeralStore, now: datetime) -> None:
    store.put("code:a", b"value", lifetime=MINUTE, now=now)
    store.first_use("jti:a", lifetime=MINUTE, now=now)
    store.count("attempts:a", window=MINUTE, now=now, by=7)
    store.delete("code:a", "jti:a", "attempts:a", "never:there")
    store.delete()
    assert store.get("code:a", now=now) is None
    assert store.first_use("jti:a", lifetime=MINUTE, now=now)
    assert store.count("attempts:a", window=MINUTE, now=now) == 1


def test_a_purge_takes_nothing_that_somebody_can_still_see(
    store: EphemeralStore, now: datetime
) -> None:
    for number in range(20):
        store.put(f"code:{number}", b"old", lifetime=MINUTE, now=now)
    store.put("code:live", b"live", lifetime=2 * MINUTE, now=now)
    while store.purge(now=now + MINUTE, limit=6):
        pass
    assert store.get("code:live", now=now + MINUTE) == b"live"
    assert all(store.get(f"code:{number}", now=now + MINUTE) is None for number in range(20))


@pytest.mark.parametrize("key", ["khóa:đặc biệt", "a" * 500, "with'quote", "with:%s?and*glob"])
def test_any_text_is_a_key(store: EphemeralStore, now: datetime, key: str) -> None:
    store.put(key, b"value", lifetime=MINUTE, now=now)
    assert store.consume(key, now=now) == b"value"


def test_a_store_that_answers_is_up(store: EphemeralStore) -> None:
    assert store.is_up()


def test_any_order_of_operations_gives_what_a_dictionary_gives(
    store: EphemeralStore, now: datetime
) -> None:
    class Run(_Model):
        subject = store
        start = now

    run_state_machine_as_test(Run, settings=settings(max_examples=12, stateful_step_count=40))


_KEYS: Final = st.sampled_from(["a", "b"])
_VALUES: Final = st.sampled_from([b"", b"1", b"two", b"\x00\xff"])
_LIFETIMES: Final = st.sampled_from([MILLISECOND, timedelta(seconds=1), MINUTE])


class _Model(RuleBasedStateMachine):
    """The store beside a dictionary from key to what is held and when it expires."""

    subject: EphemeralStore
    start: datetime

    @initialize()
    def begin(self) -> None:
        self.now = self.start
        self.held: dict[str, tuple[bytes | int, datetime]] = {}
        self.subject.delete(*(f"{kind}:{key}" for kind in ("v", "m", "c") for key in ("a", "b")))

    def _live(self, key: str) -> bytes | int | None:
        value, expires = self.held.get(key, (None, self.now))
        return value if expires > self.now else None

    @rule(key=_KEYS, value=_VALUES, lifetime=_LIFETIMES)
    def put(self, key: str, value: bytes, lifetime: timedelta) -> None:
        self.subject.put(f"v:{key}", value, lifetime=lifetime, now=self.now)
        self.held[f"v:{key}"] = (value, self.now + lifetime)

    @rule(key=_KEYS)
    def get(self, key: str) -> None:
        assert self.subject.get(f"v:{key}", now=self.now) == self._live(f"v:{key}")

    @rule(key=_KEYS)
    def consume(self, key: str) -> None:
        assert self.subject.consume(f"v:{key}", now=self.now) == self._live(f"v:{key}")
        self.held.pop(f"v:{key}", None)

    @rule(key=_KEYS, expected=_VALUES, value=_VALUES, lifetime=_LIFETIMES)
    def replace(self, key: str, expected: bytes, value: bytes, lifetime: timedelta) -> None:
        done = self.subject.replace(f"v:{key}", expected, value, lifetime=lifetime, now=self.now)
        assert done == (self._live(f"v:{key}") == expected)
        if done:
            self.held[f"v:{key}"] = (value, self.now + lifetime)

    @rule(key=_KEYS, lifetime=_LIFETIMES)
    def first_use(self, key: str, lifetime: timedelta) -> None:
        is_first = self.subject.first_use(f"m:{key}", lifetime=lifetime, now=self.now)
        assert is_first == (self._live(f"m:{key}") is None)
        if is_first:
            self.held[f"m:{key}"] = (b"", self.now + lifetime)

    @rule(key=_KEYS, by=st.integers(0, 3), window=_LIFETIMES)
    def count(self, key: str, by: int, window: timedelta) -> None:
        total = self.subject.count(f"c:{key}", window=window, now=self.now, by=by)
        before = self._live(f"c:{key}")
        assert total == int(before or 0) + by
        if before is not None:
            self.held[f"c:{key}"] = (total, self.held[f"c:{key}"][1])
        elif by:
            self.held[f"c:{key}"] = (total, self.now + window)

    @rule(key=_KEYS, kind=st.sampled_from(["v", "m", "c"]))
    def delete(self, key: str, kind: str) -> None:
        self.subject.delete(f"{kind}:{key}")
        self.held.pop(f"{kind}:{key}", None)

    @rule(step=st.sampled_from([MILLISECOND, timedelta(milliseconds=999), MINUTE]))
    def wait(self, step: timedelta) -> None:
        self.now += step

    @precondition(lambda self: self.held)
    @rule(limit=st.integers(1, 3))
    def purge(self, limit: int) -> None:
        assert self.subject.purge(now=self.now, limit=limit) <= limit


def _race(act: Callable[[int], bytes | None], *, keys: int) -> list[bytes]:
    """Let sixteen threads act on every key at the same time; what was not None."""
    together = threading.Barrier(RACERS)

    def run(_: int) -> list[bytes]:
        together.wait()
        return [won for number in range(keys) if (won := act(number)) is not None]

    with ThreadPoolExecutor(RACERS) as pool:
        return [one for won in pool.map(run, range(RACERS)) for one in won]
