"""The way to what happened to an account now and then, past years of sign-ins.

Revision 0020, after 0019, 2026-11-22.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward."""
    seldom = sa.text("type NOT IN ('account:session:started', 'account:session:raised', 'account:session:ended', 'account:login:refused_many', 'oauth:grant:created', 'oauth:grant:revoked', 'oauth:logout:completed', 'sign:activation:accepted', 'sign:activation:refused')")
    with op.batch_alter_table('log_event', schema=None) as batch_op:
        batch_op.create_index('log_event_seldom', ['account_id', 'type', 'at_ms'], unique=False, sqlite_where=seldom, postgresql_where=seldom)
