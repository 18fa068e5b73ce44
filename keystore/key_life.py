"""Where keys are in their lives, judged from their instants alone.

What lives here: pure questions over stored keys: which algorithms have none that signs, which need
a next one.  Source: NIST SP 800-57 part 1 §5.3 and §7.  Not here: acting on the answers
(`keystore/keyring.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from keystore.errors import KeyUnavailable
from keystore.signing_keys import KeyRecord


def find_without_key(
    records: Sequence[KeyRecord], *, algorithms: Sequence[str], now: datetime
) -> list[str]:
    """The algorithms that have no key whose turn it is."""
    able = {
        record.algorithm
        for record in records
        if record.destroyed_at is None and record.is_active(now)
    }
    return [algorithm for algorithm in algorithms if algorithm not in able]


def find_due(
    records: Sequence[KeyRecord],
    *,
    algorithms: Sequence[str],
    now: datetime,
    older_than: timedelta | None,
) -> list[str]:
    """The algorithms whose newest key is to be followed by another.

    Takes   older_than: the age of the newest at which it is; None: at any age.
    """
    return [
        algorithm
        for algorithm in algorithms
        if _is_due(records, algorithm=algorithm, now=now, older_than=older_than)
    ]


def predecessors(records: Sequence[KeyRecord], *, of: KeyRecord) -> list[KeyRecord]:
    """The keys that were to be followed by `of`."""
    return [
        record
        for record in records
        if record.algorithm == of.algorithm
        and record.retired_at == of.active_from
        and record.destroyed_at is None
    ]


def get_record(records: Sequence[KeyRecord], kid: str) -> KeyRecord:
    """The key of that name.

    Raises  KeyUnavailable.
    """
    for record in records:
        if record.kid == kid:
            return record
    raise KeyUnavailable(kid)


def take_out(drafts: dict[str, KeyRecord], algorithms: Sequence[str]) -> None:
    """Drafts that were stored are drafts no more."""
    for algorithm in algorithms:
        del drafts[algorithm]


def _is_due(
    records: Sequence[KeyRecord],
    *,
    algorithm: str,
    now: datetime,
    older_than: timedelta | None,
) -> bool:
    starts = [
        record.active_from
        for record in records
        if record.algorithm == algorithm and record.destroyed_at is None
    ]
    if not starts or max(starts) > now:
        return False  # nothing to follow, or the next key is already waiting
    return older_than is None or max(starts) + older_than <= now
