"""Anchors that are kept in memory.

What lives here: `KnownAnchors`, and how a certificate becomes an anchor.
Source: RFC 5914 §2; RFC 5280 §6.1.1 (d).
Not here: where they come from.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from signing.validation.certificates import find_certificate
from signing.validation.names import ComparableName, name_key
from signing.validation.paths import TrustAnchor


class KnownAnchors:
    """A `TrustAnchors` of these anchors."""

    def __init__(self, anchors: Iterable[TrustAnchor] = ()) -> None:
        self.anchors = tuple(dict.fromkeys(anchors))
        self._by_name: dict[ComparableName | bytes, list[TrustAnchor]] = defaultdict(list)
        self._by_certificate: dict[bytes, TrustAnchor] = {}
        for one in self.anchors:
            self._by_name[name_key(one.name)].append(one)
            if one.certificate is not None:
                self._by_certificate.setdefault(one.certificate, one)

    def by_subject(self, name_der: bytes) -> Sequence[TrustAnchor]:
        """The anchors of that name."""
        return tuple(self._by_name.get(name_key(name_der), ()))

    def contains(self, der: bytes) -> TrustAnchor | None:
        """The anchor that was given as this very certificate."""
        return self._by_certificate.get(der)


def anchor_of(
    der: bytes,
    *,
    source: str,
    trusted_from: datetime | None = None,
    trusted_until: datetime | None = None,
) -> TrustAnchor | None:
    """The anchor that a certificate makes, self-signed or not; None for what is no certificate.

    Takes   der: whoever calls has decided to trust it: nothing of it is verified.
    """
    found = find_certificate(der)
    if found is None:
        return None
    return TrustAnchor(
        name=found.subject,
        key=found.key,
        source=source,
        certificate=der,
        trusted_from=trusted_from,
        trusted_until=trusted_until,
    )
