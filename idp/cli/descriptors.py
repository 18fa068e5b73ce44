"""How many files a process may have open, as the system allows it.

What lives here: raising the soft limit, which many systems set for programs of before `poll`.  A
request of a thousand documents needs a descriptor for each.
Source: getrlimit(2), RLIMIT_NOFILE.
"""

from __future__ import annotations

import resource
from contextlib import suppress
from typing import Final

ENOUGH: Final = 65_536


def raise_descriptor_limit() -> int:
    """Raise the soft limit to the hard one, `ENOUGH` at most; processes started later inherit it.

    Returns the limit that holds then; one that cannot be raised stays, and is no fault.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
