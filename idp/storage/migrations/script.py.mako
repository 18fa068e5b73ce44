"""${message}

Revision ${up_revision}, after ${down_revision | comma,n}, ${create_date.date()}.

Needs: (what operators have to know, and whether workers of the version before go on)
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward."""
    ${upgrades if upgrades else "pass"}
