"""The walls around whoever reads documents of other people, as the settings have them.

What lives here: from settings to `Walls`, and the look whether this host can raise them, before
anybody is served: a service that could only refuse documents, or read them unprotected, does not
start.  Source: architecture, decision 12.
Not here: the walls (`signing/isolation`).
"""

from __future__ import annotations

from idp.errors import SettingsInvalid
from idp.settings import Settings
from signing.errors import ParsingFailed, WallsMissing
from signing.isolation.pool import IsolationPool, Walls


def make_walls(settings: Settings) -> Walls:
    """How those who read documents are held."""
    return Walls(
        processes=settings.isolation_processes,
        is_unlocked_allowed=settings.isolation_unlocked,
    )


def check_walls(settings: Settings) -> None:
    """Raise them once, and let them down again.

    Raises  SettingsInvalid when this host cannot, and nobody said that it need not.
    """
    try:
        with IsolationPool(make_walls(settings)) as pool:
            pool.start()
    except WallsMissing as missing:
        raise SettingsInvalid(
            "ANTIN_ISOLATION_UNLOCKED",
            reason=f"this host cannot shut in who reads documents ({missing.reason}): install "
            "libseccomp, or say that it need not",
        ) from missing
    except ParsingFailed as failure:
        raise SettingsInvalid(
            "ANTIN_ISOLATION_PROCESSES",
            reason=f"a process that reads documents does not start ({failure.reason})",
        ) from failure
