"""What happened to an account, as values.

What lives here: a row of a history, and where it stands.  Not here: reading rows
(`idp/storage/history.py`), which of them a person is shown (`idp/own_history.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from keystore.log.events import EventType, Fact


@dataclass(frozen=True, slots=True)
class HistoryPlace:
    """Where a page ended: the row's time in milliseconds, its chain and its number there."""

    at_ms: int
    writer: str
    seq: int


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """Something that happened to an account; `facts` are codes, ids and numbers."""

    type: EventType
    at: datetime
    client_id: str | None
    facts: Mapping[str, Fact]
    place: HistoryPlace
