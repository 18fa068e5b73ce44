"""What an identifier that nobody has costs to refuse.

Checking an imported password takes the old algorithm once more than checking one of ours.  If
unknown identifiers always cost one argon2id alone, the extra time would say "this account exists".
So an unknown identifier (and an account without a password) behaves like some account: by a keyed
hash of the identifier it gets one of the foreign schemes in the database, or none, in the
proportion in which accounts have them, and the same one each time.  As accounts move to our own
hash the proportions follow: imports and the periodic work of `antin work` count them
(`idp.storage.credentials.recount_schemes`), every process reads the count again after ten minutes.
Not here: doing the work (`passwords.Passwords.check`).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from idp.storage.credentials import list_schemes
from idp.storage.database import Database
from keystore.purposes import MacPurpose
from keystore.sealing import Sealer

RELOAD_AFTER: Final = timedelta(minutes=10)
_SCALE: Final = 1 << 64
_CONTEXT: Final = "nobody:password"
_HASH_BYTES: Final = 150
"""About what a stored hash of ours takes, sealed with its form."""


@dataclass(frozen=True, slots=True)
class SchemeShares:
    """How many accounts cost which foreign scheme; the empty name stands for none."""

    counts: Mapping[str, int]

    def pick(self, point: int) -> str:
        """The scheme at a point in 0 … 2^64 - 1; empty for none."""
        position = point * sum(self.counts.values()) // _SCALE
        for scheme in sorted(self.counts):
            if position < self.counts[scheme]:
                return scheme
            position -= self.counts[scheme]
        return ""


class Decoys:
    """Chooses the decoy scheme of an identifier; shared by all threads of a process."""

    def __init__(self, database: Database, *, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer
        self._data_key = sealer.make_data_key(context=_CONTEXT)
        self._sealed = sealer.seal_personal(self._data_key, bytes(_HASH_BYTES), context=_CONTEXT)
        self._loading = threading.Lock()
        self._shares: SchemeShares | None = None
        self._loaded_at: datetime | None = None

    def open_nothing(self) -> None:
        """Open a sealed hash that is nobody's: the work that opening somebody's would have been."""
        self._sealer.unseal_personal(self._data_key, self._sealed, context=_CONTEXT)

    def choose(self, identifier: str, *, now: datetime) -> str:
        """The scheme to spend on a typed identifier that leads to no password.

        It is called for every sign-in, before anything is known, so that it takes no part in a
        difference.
        """
        mac = self._sealer.mac(MacPurpose.SOURCE, f"decoy\x00{identifier}".encode())
        return self._current(now).pick(int.from_bytes(mac[:8], "big"))

    def _current(self, now: datetime) -> SchemeShares:
        shares, loaded_at = self._shares, self._loaded_at
        if shares is not None and loaded_at is not None and now - loaded_at < RELOAD_AFTER:
            return shares
        if not self._loading.acquire(blocking=shares is None):
            # somebody else is reading: the old proportions do for this one
            return shares or SchemeShares({})
        try:
            if self._shares is None or self._loaded_at == loaded_at:
                with self._database.read() as connection:
                    counts = list_schemes(connection)
                self._shares, self._loaded_at = SchemeShares(counts), now
            return self._shares
        finally:
            self._loading.release()
