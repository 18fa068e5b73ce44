"""How long the evidence of a signature is kept: at least as long as its level promises.

What lives here: the promise of each level, and `evidence_kept_for`.
Source: Circular 15/2025/TT-BKHCN Art. 5 (what is stored); ETSI EN 319 142-1 §6 (levels); Decree
23/2025/ND-CP (how long a certificate may be good).
Not here: the evidence (`signing/storage/evidence.py`), documents, which go when they are done.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from signing.formats.material import Level

_YEAR: Final = timedelta(days=366)

PROMISED: Final[Mapping[Level, timedelta]] = MappingProxyType(
    {
        # as long as the longest certificate that a public authority may give
        Level.B: 10 * _YEAR,
        Level.T: 10 * _YEAR,
        Level.LT: 10 * _YEAR,
        # renewed over decades; its first evidence is asked for as long
        Level.LTA: 20 * _YEAR,
    }
)


def evidence_kept_for(level: Level, *, at_least_years: int = 0) -> timedelta:
    """How long the evidence of a signature at that level is kept.

    Takes   at_least_years: what the deployment keeps all of it for; shortens no promise.
    """
    return max(PROMISED[level], at_least_years * _YEAR)
