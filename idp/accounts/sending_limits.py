"""How many codes and links may be sent: per account, per address, per source.

What lives here: the limits and the order of counting.  Rules:

1. A sending is counted first, atomically, and done afterwards: no race gets past a limit.
2. The source is counted first, then the address, then the account: whoever is over a limit of
   their own cannot use up that of somebody else.
3. Accounts and addresses are counted whether or not there are any, so that a refusal tells nobody
   whether somebody is known.
4. No limit lasts: every window is fixed and ends by itself; a refusal says when.
5. When the store of counters does not answer, StorageUnavailable is raised and nothing is sent.

Keys of counters are keyed hashes: they hold no account, number or address.
Source: NIST SP 800-63B-4 §3.1.3.2, §3.2.2 (rate limiting); the cost of text messages that somebody
else has sent (toll fraud).
Not here: how often a code may be tried (`attempts.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from idp.accounts.attempts import SOURCE_WINDOW, Limit, NotAdmitted, network_of
from idp.storage.ephemeral import EphemeralStore
from keystore.clock import from_ms, to_ms
from keystore.purposes import MacPurpose
from keystore.sealing import Sealer

__all__ = ["Admitted", "NotAdmitted", "SendingLimits"]

_MS: Final = timedelta(milliseconds=1)
_QUARTER: Final = timedelta(minutes=15)
_DAY: Final = timedelta(days=1)

PER_ACCOUNT: Final = (Limit(5, _QUARTER), Limit(20, _DAY))
PER_ADDRESS: Final = (Limit(5, _QUARTER), Limit(15, _DAY))
PER_SOURCE: Final = 50


@dataclass(frozen=True, slots=True)
class Admitted:
    """The sending is counted and may be done; `left` more after this one."""

    left: int


class SendingLimits:
    """Counts sendings in the ephemeral store; safe to share between threads.

    Takes   per_source: how many one network address (IPv6: /64) may cause in 15 minutes;
            what: what is counted, apart from everything else that is.
    """

    def __init__(
        self,
        store: EphemeralStore,
        sealer: Sealer,
        *,
        per_account: tuple[Limit, ...] = PER_ACCOUNT,
        per_address: tuple[Limit, ...] = PER_ADDRESS,
        per_source: int = PER_SOURCE,
        what: str = "sending",
    ) -> None:
        self._what = what
        self._store = store
        self._sealer = sealer
        self._per_account = per_account
        self._per_address = per_address
        self._per_source = (Limit(per_source, SOURCE_WINDOW),)

    def admit(
        self, *, account_id: str, address: str, source: str, now: datetime
    ) -> Admitted | NotAdmitted:
        """Count one message that somebody asked for.

        Takes   account_id: whose, or what was typed where nobody is known by it;
                address: where it goes, or again what was typed; source: address of the client.
        Raises  StorageUnavailable.
        """
        left = []
        for what, limits in (
            (network_of(source), self._per_source),
            (f"address\x00{address}", self._per_address),
            (f"account\x00{account_id}", self._per_account),
        ):
            counted = self._count(what, limits=limits, now=now)
            if isinstance(counted, NotAdmitted):
                return counted
            left.append(counted)
        return Admitted(min(left))

    def _count(self, what: str, *, limits: tuple[Limit, ...], now: datetime) -> int | NotAdmitted:
        name = self._sealer.mac(MacPurpose.SOURCE, f"{self._what}\x00{what}".encode()).hex()
        now_ms = to_ms(now)
        left = []
        for limit in limits:
            window_ms = limit.window // _MS
            number = now_ms // window_ms
            sent = self._store.count(
                f"sent:{name}:{window_ms}:{number}", window=limit.window, now=now
            )
            if sent > limit.attempts:
                return NotAdmitted(from_ms((number + 1) * window_ms))
            left.append(limit.attempts - sent)
        return min(left)
