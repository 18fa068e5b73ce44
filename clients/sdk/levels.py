"""Which level of sign-in reaches which.

What lives here: the ladder of `acr` values of this provider.  A value from elsewhere is compared
to the letter.  Not here: what a level means in law.

Source  OIDC Core §2 (`acr`), §3.1.2.1 (`acr_values`).
"""

from __future__ import annotations

_LADDER = {f"urn:vn:auth:{level}": level for level in (1, 2, 3, 4)} | {"LoA1": 1}


def level_of(acr: object) -> int | None:
    """Return the rung of an `acr` on the ladder, 1 to 4, or None when it is not on it."""
    return _LADDER.get(acr) if isinstance(acr, str) else None


def is_level_reached(acr: object, *, wanted: tuple[str, ...]) -> bool:
    """Say whether a sign-in of level `acr` is enough for a portal that asked for `wanted`.

    The lowest wanted level is enough: `acr_values` lists what the portal can live with.
    """
    if acr in wanted:
        return True
    reached = level_of(acr)
    rungs = [rung for rung in map(level_of, wanted) if rung is not None]
    return reached is not None and bool(rungs) and reached >= min(rungs)
