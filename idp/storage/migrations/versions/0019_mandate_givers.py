"""Mandates are found by whoever gave them, by the one they stand on and by their last day.

Revision 0019, after 0018, 2026-11-22.

Needs: time for three indexes over mandates, built beside those who write. Workers of the version
before go on.
"""

from __future__ import annotations

from idp.storage.migrations.indexes import AddedIndex, make_indexes

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

INDEXES = (
    AddedIndex(name="ix_mandate_given_under", table="mandate", columns=("given_under",)),
    AddedIndex(name="ix_mandate_last_day", table="mandate", columns=("status", "valid_to_ms")),
    AddedIndex(name="ix_mandate_given_by", table="mandate", columns=("given_by",)),
)


def upgrade() -> None:
    """Go one step forward."""
    make_indexes(INDEXES)
