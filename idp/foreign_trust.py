"""Whom we trust besides ourselves, put together: anchors, and whoever asks about certificates.

What lives here: `ForeignTrust` and the one function that builds it.  Cheap to make: sources are
read, and addresses asked, when the first document is checked.
Not here: what any of it does (`signing/validation`), when lists are fetched (`idp/duties.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from idp.egress import Egress
from idp.errors import StorageUnavailable
from idp.pki import Pki
from idp.settings import Settings
from idp.signing import SigningServices
from idp.signing_format_services import find_roots
from idp.signing_transport import SigningTransport
from idp.trust import Trust
from idp.verification_transport import VerificationTransport
from idp.walls import make_walls
from idp.work.model import Duty
from signing.isolation.pool import IsolationPool
from signing.validation.online_status import AskedOnline
from signing.validation.trust_sources import SourceState, TrustPlaces, TrustSources

_REFRESH_EVERY: Final = timedelta(hours=1)

_log = structlog.get_logger("antin.trust")


@dataclass(frozen=True, slots=True)
class ForeignTrust:
    """Whom we trust, and who is asked; safe to share between threads.

    Takes   online: None where nobody is asked over the network.
    """

    anchors: TrustSources
    online: AskedOnline | None
    transport: VerificationTransport
    own_isolation: IsolationPool | None = None

    def refresh(self) -> tuple[SourceState, ...]:
        """Fetch the trusted lists that have addresses; each and what came of it."""
        states = self.anchors.refresh(self.transport.fetch_list)
        for one in states:
            if one.problem:
                _log.warning("trusted_list_not_taken", source=one.name, reason=one.problem)
        return states

    def duties(self) -> tuple[Duty, ...]:
        """Fetching lists, again and again."""
        return (Duty("refresh_trusted_lists", _REFRESH_EVERY, lambda _now: self.refresh()),)

    def close(self) -> None:
        """End the processes that read lists, where they are not those of signing."""
        if self.own_isolation is not None:
            self.own_isolation.close()


class _OwnRoots:
    """The roots of our own authority; those of before while the database does not answer."""

    def __init__(self, settings: Settings, pki: Pki | None) -> None:
        self._settings = settings
        self._pki = pki
        self._known: tuple[bytes, ...] | None = None if pki is not None else ()

    def __call__(self) -> tuple[bytes, ...]:
        try:
            if self._pki is not None:
                self._known = find_roots(self._settings, pki=self._pki)
        except StorageUnavailable:
            if self._known is None:
                raise
        return self._known or ()


def build_foreign_trust(
    settings: Settings,
    *,
    egress: Egress,
    trust: Trust,
    signing: SigningServices | None,
    time: Callable[[], datetime],
) -> ForeignTrust:
    """Put it together."""
    own = None
    if signing is None:
        own = IsolationPool(make_walls(settings))
    pool = own or (signing.isolation if signing is not None else IsolationPool())
    pki = trust.pki
    ourselves, origins = None, frozenset[str]()
    if pki is not None:
        origins = frozenset({settings.issuer, pki.deployment.addresses.base_url})
        ourselves = SigningTransport(
            origins=origins, endpoints=trust.endpoints, egress=egress, time=time
        )
    transport = VerificationTransport(egress, origins=origins, ourselves=ourselves)
    folder = settings.effective_trust_folder
    return ForeignTrust(
        anchors=TrustSources(
            TrustPlaces(
                folder,
                folder / "lists",
                lists=settings.trust_lists,
                signers=settings.trust_list_signers,
            ),
            own=_OwnRoots(settings, pki),
            isolation=pool.for_tenant("trusted-lists"),
            time=time,
        ),
        online=AskedOnline(transport) if settings.verify_online else None,
        transport=transport,
        own_isolation=own,
    )
