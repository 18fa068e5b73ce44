"""How many files one source may have checked: an open door costs seconds of a processor each time.

What lives here: a count per source and minute in the ephemeral store, under a keyed hash, so that
no address is kept.  Portals that show who they are do not come here.
Source: architecture, decision 6 (limits fail closed; addresses from listed proxies only, /64).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from idp.storage.ephemeral import EphemeralStore
from keystore.clock import to_ms
from keystore.purposes import MacPurpose
from keystore.sealing import Sealer

_WINDOW: Final = timedelta(minutes=1)
_WINDOW_MS: Final = 60_000
_IPV6_PREFIX: Final = 64


@dataclass(frozen=True, slots=True)
class ValidationLimits:
    """Counts files per source; `per_minute` 0: any number."""

    store: EphemeralStore
    sealer: Sealer
    per_minute: int

    def admit(self, address: str, *, files: int, now: datetime) -> int:
        """Count these; 0, or after how many seconds to come back.

        Raises  StorageUnavailable.
        """
        if self.per_minute <= 0:
            return 0
        minute, passed_ms = divmod(to_ms(now), _WINDOW_MS)
        name = self.sealer.mac(MacPurpose.SOURCE, f"check\x00{_network(address)}".encode()).hex()
        counted = self.store.count(f"check:{name}:{minute}", window=_WINDOW, now=now, by=files)
        return 0 if counted <= self.per_minute else -(-(_WINDOW_MS - passed_ms) // 1000)


def _network(raw: str) -> str:
    try:
        address = ipaddress.ip_address(raw.partition("%")[0])
    except ValueError:
        return "unreadable"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return str(ipaddress.ip_network((address, _IPV6_PREFIX), strict=False))
        address = address.ipv4_mapped
    return str(address)
