"""What a validation needs of the world outside, as protocols.

Source: ETSI EN 319 102-1 §5.2.5 and §5.2.6 (revocation data, from the file or from elsewhere).
Not here: how it is fetched, and for how long an answer is remembered.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, runtime_checkable

from signing.formats.material import ValidationMaterial


class OnlineStatus(Protocol):
    """Whoever can ask, over the network, about certificates that others issued."""

    def find(self, certificate: bytes, *, issuer: bytes, now: datetime) -> ValidationMaterial:
        """Answers and lists about one certificate, as they came in, **not verified**.

        Takes   certificate, issuer: DER.
        Returns DER; nothing when nothing could be had in the time that there is.  Never raises.
        """

    def find_issuers(self, certificate: bytes, *, now: datetime) -> tuple[bytes, ...]:
        """Certificates that the certificate says to have been issued by (RFC 5280 §4.2.2.1).

        Returns DER, **not verified**; nothing when there are none.  Never raises.
        """


@runtime_checkable
class Sparing(OnlineStatus, Protocol):
    """One whose questions and time are counted for each validation by itself."""

    def for_one_validation(self) -> OnlineStatus:
        """The same, for one document: after its questions or its time nothing is asked."""


def for_one_validation(online: OnlineStatus | None) -> OnlineStatus | None:
    """Whoever is asked about one document, where that is counted."""
    return online.for_one_validation() if isinstance(online, Sparing) else online


@runtime_checkable
class TellsSources(Protocol):
    """Anchors that can say where they come from."""

    def told(self) -> tuple[str, ...]:
        """Each list and folder with what it is of, for a report.  Never raises."""


def sources_of(anchors: object) -> tuple[str, ...]:
    """Where anchors come from, as far as they can say."""
    return anchors.told() if isinstance(anchors, TellsSources) else ()
