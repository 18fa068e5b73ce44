"""The walls around whoever reads documents of other people, as the settings have them.

What lives here: from settings to `Walls`, and the look whether this host can raise them, before
anybody is served: a service that could only refuse documents, or read them unprotected, does not
start.  Source: architecture, decision 12.
Not here: the walls (`signing/isolation`).
"""

from __future__ import annotations

from typing import Final

import structlog

from idp.errors import SettingsInvalid
from idp.settings import Settings
from signing.errors import ParsingFailed, WallsMissing
from signing.isolation.lockdown import ALL_WALLS
from signing.isolation.pool import IsolationPool, Walls

_log: Final = structlog.get_logger("antin.isolation")


def make_walls(settings: Settings) -> Walls:
    """How those who read documents are held."""
    return Walls(
        processes=settings.isolation_processes,
        jobs=settings.isolation_jobs,
        is_unlocked_allowed=settings.isolation_unlocked,
    )


def tell_walls(walls: tuple[str, ...]) -> None:
    """Say in the log how strong they are: as strong as the host allows is not always all of them.

    Takes   walls: that stand; none where no document can be read at all.
    """
    missing = [one for one in ALL_WALLS if one not in walls]
    tell = _log.info if not missing else _log.warning
    if "filter" in missing:
        tell = _log.error
    tell("isolation", walls=",".join(walls), missing=",".join(missing))


def check_walls(settings: Settings) -> tuple[str, ...]:
    """Raise them once, and let them down again.

    Returns those that stand.
    Raises  SettingsInvalid when this host cannot, and nobody said that it need not.
    """
    try:
        with IsolationPool(make_walls(settings)) as pool:
            return pool.start()
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
