"""The timestamp authority of this deployment: its clock, who watches that, what is refused.

What lives here: the way from settings to the objects of `keystore`.  Nothing is asked at import or
when these are made.  Not here: what they do (`keystore/time`, `keystore/pki/timestamping.py`).
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

from cryptography.x509 import ObjectIdentifier

from idp.errors import SettingsInvalid
from idp.settings import Settings
from keystore.log.record import LogWriter
from keystore.pki.timestamping import SignerNow, TimestampAuthority
from keystore.storage import DatabaseLike
from keystore.time.chrony import Chrony
from keystore.time.clock_watch import ClockWatch
from keystore.time.errors import ReferenceInvalid
from keystore.time.latch import host_name
from keystore.time.limits import ClockLimits
from keystore.time.majority import TimeReference
from keystore.time.ntp import NtpMajority, parse_source
from keystore.time.order import StrictOrder
from keystore.time.storage import CheckRecord
from keystore.time.trusted_clock import TrustedClock
from keystore.web.tsa import TsaEndpoint

_EXAMPLE_ARCS: Final = ("2.999.", "1.3.6.1.4.1.32473.")
"""ITU-T's, and that of RFC 5612."""
_ORDER_FILE: Final = "timestamps"
_GONE_AFTER: Final = timedelta(days=1)
"""A host asks once a minute, whatever it is told; who is silent for a day was taken away."""


def check_timestamps(settings: Settings, *, is_sandbox: bool) -> None:
    """Before anything starts.

    Raises  SettingsInvalid: sources or policies that are none; outside of a sandbox, an authority
            whose clock nobody watches, or under the policy of an example.
    """
    reference = make_reference(settings)
    if not settings.tsa_enabled:
        return
    for policy in settings.tsa_policies:
        try:
            ObjectIdentifier(policy)
        except ValueError as problem:
            raise SettingsInvalid(
                "ANTIN_TSA_POLICIES", reason="must be object identifiers, separated by commas"
            ) from problem
    if not settings.tsa_policies:
        raise SettingsInvalid("ANTIN_TSA_POLICIES", reason="must name a policy")
    if is_sandbox:
        return
    if not settings.pki_organisation:
        raise SettingsInvalid(
            "ANTIN_PKI_ORGANISATION", reason="timestamps need an authority: name who runs it"
        )
    if reference is None:
        raise SettingsInvalid(
            "ANTIN_TIME_SOURCES", reason="timestamps need three sources, or ANTIN_TIME_CHRONYC"
        )
    if any(f"{policy}.".startswith(_EXAMPLE_ARCS) for policy in settings.tsa_policies):
        raise SettingsInvalid("ANTIN_TSA_POLICIES", reason="is an example: name your own policy")


def make_reference(settings: Settings) -> TimeReference | None:
    """Who says whether this host's clock is right; None when nobody does.

    Raises  SettingsInvalid.
    """
    if settings.time_chronyc is not None:
        if not settings.time_chronyc.is_absolute():
            raise SettingsInvalid("ANTIN_TIME_CHRONYC", reason="must be an absolute path")
        return Chrony(settings.time_chronyc)
    if not settings.time_sources:
        return None
    try:
        return NtpMajority([parse_source(source) for source in settings.time_sources])
    except ReferenceInvalid as problem:
        raise SettingsInvalid(
            "ANTIN_TIME_SOURCES", reason="must be three hosts or more, none twice"
        ) from problem


def make_clock(
    settings: Settings, *, database: DatabaseLike, log: LogWriter, is_sandbox: bool
) -> TrustedClock:
    """The clock of this process; outside of a sandbox it needs checks whatever the settings."""
    return TrustedClock(
        database,
        host=this_host(),
        log=log,
        limits=_limits(settings),
        requires_checks=_requires_checks(settings, is_sandbox=is_sandbox),
    )


def find_unchecked(
    settings: Settings, checks: Iterable[CheckRecord], *, is_sandbox: bool, now: datetime
) -> tuple[CheckRecord, ...] | None:
    """The hosts that tell no time at `now` because no check of theirs holds; as `make_clock` does.

    Hosts that are gone do not count, unless there is no other.
    Returns None where timestamps are meant to be given and no host ever asked anybody; nothing
            where none are given, or none depends on checks.
    """
    if not settings.tsa_enabled or not _requires_checks(settings, is_sandbox=is_sandbox):
        return ()
    known, lifetime = tuple(checks), _limits(settings).check_lifetime
    if not known:
        return None
    there = tuple(one for one in known if not is_gone(one, now=now)) or known
    return tuple(one for one in there if one.checked_at is None or now - one.checked_at > lifetime)


def is_gone(check: CheckRecord, *, now: datetime) -> bool:
    """Whether a host was not heard of for so long that it does not count any more."""
    return now - check.tried_at > _GONE_AFTER


def may_forget(settings: Settings, check: CheckRecord, *, now: datetime) -> bool:
    """Whether no process of the host goes by this check: it is older than any that holds."""
    return now - check.tried_at > _limits(settings).check_lifetime


def make_watch(settings: Settings, *, database: DatabaseLike, log: LogWriter) -> ClockWatch | None:
    """The watch of this process, to be run in a thread; None when there is nobody to ask."""
    reference = make_reference(settings)
    if reference is None:
        return None
    return ClockWatch(
        database, host=this_host(), log=log, limits=_limits(settings), reference=reference
    )


def start_watch(settings: Settings, *, database: DatabaseLike, log: LogWriter) -> None:
    """Run the watch of this process in a thread that ends with it, where there is whom to ask."""
    watch = make_watch(settings, database=database, log=log)
    if watch is not None:
        never = threading.Event()
        threading.Thread(target=watch.run, args=(never,), name="antin-clock", daemon=True).start()


def make_tsa(
    settings: Settings,
    *,
    clock: TrustedClock,
    signer: SignerNow,
    report: Callable[[Exception], None],
) -> TsaEndpoint:
    """`/tsa` of this process."""
    order = StrictOrder(settings.var / _ORDER_FILE) if settings.tsa_ordered else None
    return TsaEndpoint(
        TimestampAuthority(
            clock=clock,
            signer=signer,
            policies=settings.tsa_policies,
            accuracy=timedelta(milliseconds=settings.tsa_accuracy_ms),
            order=order,
            report=report,
        )
    )


def this_host() -> str:
    """How this host is called in tables and log."""
    return host_name(socket.gethostname())


def _requires_checks(settings: Settings, *, is_sandbox: bool) -> bool:
    return not is_sandbox or make_reference(settings) is not None


def _limits(settings: Settings) -> ClockLimits:
    return ClockLimits.for_accuracy(timedelta(milliseconds=settings.tsa_accuracy_ms))
