"""Kinds of rows of the log that have an index of their own.

What lives here: conditions, word for word as the index says them and as a query has to, or it
is not used.  Not here: the table (`record.py`).
"""

from __future__ import annotations

from typing import Final

from keystore.log.events import EventType

IS_USE_OF_KEY: Final = (
    f"type IN ('{EventType.ACTIVATION_ACCEPTED.value}', '{EventType.ACTIVATION_REFUSED.value}')"
)
"""Which rows say that a personal key was used, or was not: few, among all that say who came."""

OFTEN: Final = (
    EventType.SESSION_STARTED,
    EventType.SESSION_RAISED,
    EventType.SESSION_ENDED,
    EventType.LOGIN_REFUSED_MANY,
    EventType.GRANT_CREATED,
    EventType.GRANT_REVOKED,
    EventType.LOGOUT_COMPLETED,
    EventType.ACTIVATION_ACCEPTED,
    EventType.ACTIVATION_REFUSED,
)
"""What grows with every day on which an account is used; all else happens now and then."""

IS_SELDOM: Final = "type NOT IN ({})".format(", ".join(f"'{one.value}'" for one in OFTEN))
"""Which rows tell of something else, for whoever looks for one of those in years of the others."""
