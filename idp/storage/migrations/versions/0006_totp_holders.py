"""Who holds the secret of an authenticator.

Revision 0006, after 0005, 2026-11-22.

Needs: the new version soon. Workers of the version before go on, but enrol no authenticator from
here on: they do not say who holds it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward."""
    if any(one['name'] == 'holder' for one in sa.inspect(op.get_bind()).get_columns('totp')):
        return  # made from a state between two versions, which had it in 0001
    with op.batch_alter_table('totp', schema=None) as batch_op:
        # all of before were made by the service itself
        batch_op.add_column(sa.Column('holder', sa.String(length=12), nullable=False, server_default='service'))

    with op.batch_alter_table('totp', schema=None) as batch_op:
        batch_op.alter_column('holder', server_default=None)
