"""Which mandates there are to end, in SQL.

What lives here: what stands on a mandate or on an account, and what ran out of time.  Not here:
ending one (`mandates.py`), what else ends with it (`idp/mandate_ending.py`).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, or_

from idp.accounts.model import Mandate, MandateStatus
from idp.ids import MandateId
from idp.storage.mandates import MANDATES, OPEN, mandate, read_mandate
from keystore.clock import to_ms

_OPEN_UNDER = MANDATES.where(mandate.c.given_under == bindparam("id"), OPEN)
_OPEN_OF_ACCOUNT = MANDATES.where(
    or_(mandate.c.holder_key == bindparam("key"), mandate.c.principal_key == bindparam("key")),
    OPEN,
).order_by(mandate.c.given_under.is_not(None), mandate.c.mandate_id)
_OUT_OF_TIME = (
    MANDATES.where(
        or_(
            and_(
                mandate.c.status == MandateStatus.ACTIVE, mandate.c.valid_to_ms <= bindparam("now")
            ),
            and_(
                mandate.c.status == MandateStatus.WAITING, mandate.c.decide_ms <= bindparam("now")
            ),
        )
    )
    .order_by(mandate.c.mandate_id)
    .limit(bindparam("most"))
)


def list_open_under(connection: Connection, mandate_id: MandateId) -> tuple[Mandate, ...]:
    """What was given under a mandate and is in force or waits."""
    return tuple(read_mandate(row) for row in connection.execute(_OPEN_UNDER, {"id": mandate_id}))


def list_open_of(connection: Connection, account_key: int) -> tuple[Mandate, ...]:
    """What an account holds or gave that is in force or waits, grounds first."""
    return tuple(
        read_mandate(row) for row in connection.execute(_OPEN_OF_ACCOUNT, {"key": account_key})
    )


def list_out_of_time(connection: Connection, *, now: datetime, limit: int) -> tuple[Mandate, ...]:
    """Mandates whose last day was, and waiting ones that nobody decided in time."""
    rows = connection.execute(_OUT_OF_TIME, {"now": to_ms(now), "most": limit})
    return tuple(read_mandate(row) for row in rows)
