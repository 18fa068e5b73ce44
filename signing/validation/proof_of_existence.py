"""Since when things are proved to have existed.

What lives here: proofs of existence, by the identity of a certificate, a list, an answer, a token
or a signature value.  What is not known is proved by this validation alone: it exists now.
Source: ETSI EN 319 102-1 §5.6.2.3 (POE extraction) and §3.1 (the term).
Not here: which timestamp proves what (the readers say it in `FoundTimestamp.covers`), and whether
it is to be believed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from signing.validation.found import object_identity


class ProofsOfExistence:
    """Of one signature; grows as timestamps are found to be good.

    Takes   now: the time of the validation, aware, at which everything that is there exists.
    """

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._since: dict[str, datetime] = {}

    def prove(self, identities: Iterable[str], *, at: datetime) -> None:
        """Remember that these existed at a time; an earlier proof stays."""
        for identity in identities:
            self._since[identity] = min(at, self._since.get(identity, self._now))

    def since(self, identity: str) -> datetime:
        """The earliest time at which it is proved to have existed; now when nothing says more."""
        return self._since.get(identity, self._now)

    def octets_since(self, octets: bytes) -> datetime:
        """The same for a thing itself."""
        return self._since.get(object_identity(octets), self._now) if self._since else self._now

    def find_since(self, octets: bytes) -> datetime | None:
        """The same; None when there is no proof but this validation."""
        return self._since.get(object_identity(octets)) if self._since else None
