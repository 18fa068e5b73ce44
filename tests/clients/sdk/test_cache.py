"""Threads that miss a document together fetch it once (RFC 9111 §4)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from clients.sdk.cache import CachedDocument, Fetched

Ask = Callable[[CachedDocument[str], datetime], str]


@pytest.mark.parametrize(
    "ask",
    [
        lambda document, now: document.get(now=now),
        lambda document, now: document.get_newer("older", now=now),
    ],
)
def test_who_waited_for_a_fetch_takes_its_result(now: datetime, ask: Ask) -> None:
    others: list[threading.Thread] = []
    taken: list[str] = []
    fetched: list[str] = []

    def fetch() -> Fetched[str]:
        fetched.append("it")
        for _ in range(8):
            is_asking = threading.Event()

            def ask_as_well(is_asking: threading.Event = is_asking) -> None:
                is_asking.set()
                taken.append(ask(document, now))

            other = threading.Thread(target=ask_as_well)
            other.start()
            others.append(other)
            assert is_asking.wait(120)
        return Fetched("newest", lifetime=timedelta(minutes=1))

    document: CachedDocument[str] = CachedDocument(fetch, cooldown=timedelta(seconds=30))
    assert document.get(now=now) == "newest"
    for other in others:
        other.join()
    assert taken == ["newest"] * 8
    assert fetched == ["it"]
