"""Passkeys, images of signatures and seals.

Revision 0005, after 0004, 2026-11-22.

Needs: nothing. The tables are new, and nobody writes accounts for the moment in which they come to
point at them; workers of the version before go on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward."""
    op.create_table('passkey',
    sa.Column('passkey_id', sa.String(length=40), nullable=False),
    sa.Column('account_key', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('credential_sha256', sa.LargeBinary(length=32), nullable=False),
    sa.Column('credential_id', sa.LargeBinary(), nullable=False),
    sa.Column('public_key', sa.LargeBinary(), nullable=False),
    sa.Column('sign_count', sa.BigInteger(), nullable=False),
    sa.Column('is_backup_eligible', sa.Boolean(), nullable=False),
    sa.Column('is_backed_up', sa.Boolean(), nullable=False),
    sa.Column('aaguid', sa.String(length=36), nullable=False),
    sa.Column('transports', sa.String(length=120), nullable=False),
    sa.Column('name_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('created_ms', sa.BigInteger(), nullable=False),
    sa.Column('used_ms', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['account_key'], ['account.account_key'], ),
    sa.PrimaryKeyConstraint('passkey_id')
    )
    with op.batch_alter_table('passkey', schema=None) as batch_op:
        batch_op.create_index('ix_passkey_account', ['account_key'], unique=False)
        batch_op.create_index('ix_passkey_credential', ['credential_sha256'], unique=True)

    op.create_table('signature_image',
    sa.Column('account_key', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('image_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('changed_ms', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['account_key'], ['account.account_key'], ),
    sa.PrimaryKeyConstraint('account_key')
    )
