"""The status of one chain, asked for once in one act.

What lives here: `StatusOnce`, for an act that signs many documents with one certificate: what held
a second ago holds for the next document too.
Source: ETSI EN 319 102-1 §5.2.5 (freshness is counted in hours).
Not here: asking (`signing/sources`), judging the answers (`signing/formats/status_material`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from signing.formats.material import StatusSource, ValidationMaterial


class StatusOnce:
    """Remembers for as long as it lives; made for one act, used by one thread."""

    def __init__(self, status: StatusSource) -> None:
        self._status = status
        self._known: dict[tuple[bytes, ...], ValidationMaterial] = {}

    def material(self, chain: Sequence[bytes], *, now: datetime) -> ValidationMaterial:
        """See `StatusSource`."""
        key = tuple(chain)
        if key not in self._known:
            self._known[key] = self._status.material(chain, now=now)
        return self._known[key]
