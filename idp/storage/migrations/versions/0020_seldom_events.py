"""The way to what happened to an account now and then, past years of sign-ins.

Revision 0020, after 0019, 2026-11-22.

Needs: time and room for an index over the log, built beside those who write. Workers of the version
before go on.
"""

from __future__ import annotations

from idp.storage.migrations.indexes import AddedIndex, make_indexes

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

INDEXES = (
    AddedIndex(
        name="log_event_seldom",
        table="log_event",
        columns=("account_id", "type", "at_ms"),
        where=(
            "type NOT IN ("
            "'account:session:started', "
            "'account:session:raised', "
            "'account:session:ended', "
            "'account:login:refused_many', "
            "'oauth:grant:created', "
            "'oauth:grant:revoked', "
            "'oauth:logout:completed', "
            "'sign:activation:accepted', "
            "'sign:activation:refused')"
        ),
    ),
)


def upgrade() -> None:
    """Go one step forward."""
    make_indexes(INDEXES)
