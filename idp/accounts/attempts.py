"""How often a password or a one-time code may be tried.

What lives here: the limits and the order of counting.  Rules:

1. An attempt is counted first, atomically, and checked afterwards: no race gets past a limit.
2. Passwords are counted per typed identifier, passkeys per credential, whether or not anybody has
   it; codes per account.
3. A success forgets the tries before it; that of a code which was sent forgets itself alone
   (`Attempts.pass_by`).
4. All are counted per source as well: the client's address, /64 for IPv6.  A success gives its
   attempt back there, so that an office behind one address is not refused for signing in.
5. A known device (`devices`) has a counter of its own and touches no other, so that an attack
   on a number does not keep out its owner.
6. No limit lasts: every window is fixed, begins at a round instant and ends by itself.
7. When the store of counters does not answer, StorageUnavailable is raised and nobody signs in.

An account with two active numbers has one counter for each: a common one would tell somebody who
tries both that they belong together, and so that the account exists.
Keys of counters are keyed hashes: they hold no number, address or device.
Source: NIST SP 800-63B-3 §5.2.2 (rate limiting).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from idp.accounts.devices import Devices
from idp.ids import AccountId
from idp.model import Factor
from idp.storage.ephemeral import EphemeralStore
from keystore.clock import from_ms, to_ms
from keystore.purposes import MacPurpose
from keystore.sealing import Sealer

_MS: Final = timedelta(milliseconds=1)
_IPV6_PREFIX: Final = 64
SOURCE_WINDOW: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `attempts` in each window."""

    attempts: int
    window: timedelta


@dataclass(frozen=True, slots=True)
class AttemptLimits:
    """The limits of one factor; every one of a tuple must be kept."""

    per_subject: tuple[Limit, ...]
    per_source: tuple[Limit, ...]
    per_device: tuple[Limit, ...]

    def with_source(self, attempts: int) -> AttemptLimits:
        """The same with another number of attempts per source and `SOURCE_WINDOW`."""
        return replace(self, per_source=(Limit(attempts, SOURCE_WINDOW),))


PASSWORD_LIMITS: Final = AttemptLimits(
    per_subject=(Limit(10, timedelta(minutes=15)), Limit(100, timedelta(days=1))),
    per_source=(Limit(100, SOURCE_WINDOW),),
    per_device=(Limit(10, timedelta(minutes=15)),),
)
OTP_LIMITS: Final = AttemptLimits(
    per_subject=(Limit(5, timedelta(minutes=10)), Limit(50, timedelta(days=1))),
    per_source=(Limit(50, SOURCE_WINDOW),),
    per_device=(Limit(5, timedelta(minutes=10)), Limit(50, timedelta(days=1))),
)
"""Three of a million codes are right at any time: 50 a day find one in 18 years on average."""

PASSKEY_LIMITS: Final = PASSWORD_LIMITS
"""Nobody guesses a passkey; the limits keep refused ones from being tried without end."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where an attempt comes from.

    `address` is the client's, from a listed proxy or the socket; `device` the raw device cookie.
    """

    address: str = field(repr=False)
    device: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Admitted:
    """The attempt is counted and may be checked; `attempts_left` after this one."""

    attempts_left: int
    subject_keys: tuple[tuple[str, timedelta], ...]
    source_keys: tuple[tuple[str, timedelta], ...]


@dataclass(frozen=True, slots=True)
class NotAdmitted:
    """The limit is reached; the same for somebody and for nobody."""

    retry_at: datetime


class Attempts:
    """Counts attempts in the ephemeral store."""

    def __init__(
        self,
        store: EphemeralStore,
        *,
        sealer: Sealer,
        password: AttemptLimits = PASSWORD_LIMITS,
        otp: AttemptLimits = OTP_LIMITS,
        passkey: AttemptLimits = PASSKEY_LIMITS,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._devices = Devices(sealer)
        self._limits = {Factor.PASSWORD: password, Factor.OTP: otp, Factor.PASSKEY: passkey}

    def admit_password(
        self, identifier: str, *, source: Source, now: datetime
    ) -> Admitted | NotAdmitted:
        """Count one try of a password for a typed identifier (normalised).

        Raises  StorageUnavailable.
        """
        return self._admit(identifier, factor=Factor.PASSWORD, source=source, now=now)

    def admit_otp(
        self, account_id: AccountId, *, source: Source, now: datetime
    ) -> Admitted | NotAdmitted:
        """Count one try of a one-time code.

        Raises  StorageUnavailable.
        """
        return self._admit(account_id, factor=Factor.OTP, source=source, now=now)

    def admit_passkey(
        self, credential: str, *, source: Source, now: datetime
    ) -> Admitted | NotAdmitted:
        """Count one try of a passkey, whether or not anybody has it.

        Raises  StorageUnavailable.
        """
        return self._admit(credential, factor=Factor.PASSKEY, source=source, now=now)

    def settle(self, admitted: Admitted, *, now: datetime) -> None:
        """The attempt was right: forget its own counter, and give it back to the source."""
        self._store.delete(*(key for key, _window in admitted.subject_keys))
        for key, window in admitted.source_keys:
            self._store.count(key, window=window, now=now, by=-1)

    def pass_by(self, admitted: Admitted, *, now: datetime) -> None:
        """The attempt was right, and says nothing of the others: it alone is forgotten.

        For codes that were sent: whoever receives them would clear with each of them the counter of
        what is guessed, and guess the app's codes without end.
        """
        self.give_back(admitted, now=now)

    def give_back(self, admitted: Admitted, *, now: datetime) -> None:
        """Nobody looked, because whoever has to look was away: it was no attempt."""
        for key, window in (*admitted.subject_keys, *admitted.source_keys):
            self._store.count(key, window=window, now=now, by=-1)

    def _admit(
        self, subject: str, *, factor: Factor, source: Source, now: datetime
    ) -> Admitted | NotAdmitted:
        limits = self._limits[factor]
        device = self._devices.find_known(source.device, subject=subject, factor=factor, now=now)
        if device is not None:
            own = f"device\x00{device}\x00{subject}"
            return self._count(own, limits=limits.per_device, factor=factor, now=now)
        by_source = self._count(
            network_of(source.address), limits=limits.per_source, factor=factor, now=now
        )
        if isinstance(by_source, NotAdmitted):
            # not counted against the subject: whoever is over the limit cannot use up another's
            return by_source
        by_subject = self._count(
            f"subject\x00{subject}", limits=limits.per_subject, factor=factor, now=now
        )
        if isinstance(by_subject, NotAdmitted):
            return by_subject
        left = min(by_subject.attempts_left, by_source.attempts_left)
        return Admitted(left, by_subject.subject_keys, by_source.subject_keys)

    def _count(
        self, what: str, *, limits: tuple[Limit, ...], factor: Factor, now: datetime
    ) -> Admitted | NotAdmitted:
        name = self._sealer.mac(MacPurpose.SOURCE, f"{factor}\x00{what}".encode()).hex()
        now_ms = to_ms(now)
        keys = []
        left = []
        for limit in limits:
            window_ms = limit.window // _MS
            number = now_ms // window_ms
            key = f"tries:{name}:{window_ms}:{number}"
            tried = self._store.count(key, window=limit.window, now=now)
            if tried > limit.attempts:
                return NotAdmitted(from_ms((number + 1) * window_ms))
            keys.append((key, limit.window))
            left.append(limit.attempts - tried)
        return Admitted(min(left), tuple(keys), ())


def network_of(raw_address: str) -> str:
    """What counts as one source: an IPv4 address, an IPv6 /64; everything unreadable is one."""
    try:
        address = ipaddress.ip_address(raw_address.partition("%")[0])
    except ValueError:
        return "source\x00unreadable"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            network = ipaddress.ip_network((address, _IPV6_PREFIX), strict=False)
            return f"source\x00{network}"
        address = address.ipv4_mapped
    return f"source\x00{address}"
