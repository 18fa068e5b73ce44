"""Signing requests, documents at rest, evidence.

Revision 0004, after 0003, 2026-11-22.

Needs: nothing. The tables are new; workers of the version before go on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward."""
    op.create_table('document_blob',
    sa.Column('blob_id', sa.String(length=40), nullable=False),
    sa.Column('key_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('size_bytes', sa.BigInteger(), nullable=False),
    sa.Column('expires_ms', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('blob_id')
    )
    with op.batch_alter_table('document_blob', schema=None) as batch_op:
        batch_op.create_index('ix_document_blob_expires', ['expires_ms'], unique=False)

    op.create_table('signature_evidence',
    sa.Column('evidence_id', sa.String(length=40), nullable=False),
    sa.Column('request_id', sa.String(length=40), nullable=False),
    sa.Column('slot', sa.Integer(), nullable=False),
    sa.Column('account_id', sa.String(length=40), nullable=False),
    sa.Column('content_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('created_ms', sa.BigInteger(), nullable=False),
    sa.Column('purge_ms', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('evidence_id')
    )
    with op.batch_alter_table('signature_evidence', schema=None) as batch_op:
        batch_op.create_index('ix_signature_evidence_account', ['account_id', 'created_ms'], unique=False)
        batch_op.create_index('ix_signature_evidence_purge', ['purge_ms'], unique=False)
        batch_op.create_index('ix_signature_evidence_request', ['request_id'], unique=False)

    op.create_table('signing_idempotency',
    sa.Column('client_id', sa.String(length=128), nullable=False),
    sa.Column('key_sha256', sa.LargeBinary(), nullable=False),
    sa.Column('body_sha256', sa.LargeBinary(), nullable=False),
    sa.Column('request_id', sa.String(length=40), nullable=False),
    sa.Column('expires_ms', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('client_id', 'key_sha256')
    )
    with op.batch_alter_table('signing_idempotency', schema=None) as batch_op:
        batch_op.create_index('ix_signing_idempotency_expires', ['expires_ms'], unique=False)

    op.create_table('signing_request',
    sa.Column('request_id', sa.String(length=40), nullable=False),
    sa.Column('client_id', sa.String(length=128), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('reason', sa.String(length=40), nullable=False),
    sa.Column('level', sa.String(length=8), nullable=False),
    sa.Column('window_s', sa.Integer(), nullable=False),
    sa.Column('return_uri', sa.Text(), nullable=False),
    sa.Column('webhook_uri', sa.Text(), nullable=False),
    sa.Column('text_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('created_ms', sa.BigInteger(), nullable=False),
    sa.Column('expires_ms', sa.BigInteger(), nullable=False),
    sa.Column('ended_ms', sa.BigInteger(), nullable=True),
    sa.Column('purge_ms', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('request_id')
    )
    with op.batch_alter_table('signing_request', schema=None) as batch_op:
        batch_op.create_index('ix_signing_request_due', ['state', 'expires_ms'], unique=False)
        batch_op.create_index('ix_signing_request_purge', ['purge_ms'], unique=False)
        batch_op.create_index('ix_signing_request_client', ['client_id', 'state'], unique=False)

    op.create_table('signing_document',
    sa.Column('request_id', sa.String(length=40), nullable=False),
    sa.Column('position', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('kind', sa.String(length=8), nullable=False),
    sa.Column('format', sa.String(length=20), nullable=False),
    sa.Column('size_bytes', sa.BigInteger(), nullable=False),
    sa.Column('hash_name', sa.String(length=12), nullable=False),
    sa.Column('digest', sa.LargeBinary(), nullable=False),
    sa.Column('pages', sa.Integer(), nullable=True),
    sa.Column('original_id', sa.String(length=40), nullable=True),
    sa.Column('result_id', sa.String(length=40), nullable=True),
    sa.Column('result_offset', sa.BigInteger(), nullable=True),
    sa.Column('result_bytes', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['request_id'], ['signing_request.request_id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('request_id', 'position')
    )
    op.create_table('signing_preparation',
    sa.Column('request_id', sa.String(length=40), nullable=False),
    sa.Column('slot', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('challenge', sa.LargeBinary(), nullable=False),
    sa.Column('activation_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('prepared_id', sa.String(length=40), nullable=False),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.Column('created_ms', sa.BigInteger(), nullable=False),
    sa.Column('expires_ms', sa.BigInteger(), nullable=False),
    sa.Column('taken_ms', sa.BigInteger(), nullable=True),
    sa.Column('signatures_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('finishing_ms', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['request_id'], ['signing_request.request_id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('request_id', 'slot')
    )
    with op.batch_alter_table('signing_preparation', schema=None) as batch_op:
        batch_op.create_index('ix_signing_preparation_taken', ['state', 'taken_ms'], unique=False)

    op.create_table('signing_half',
    sa.Column('request_id', sa.String(length=40), nullable=False),
    sa.Column('slot', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('blob_id', sa.String(length=40), nullable=False),
    sa.Column('offset_bytes', sa.BigInteger(), nullable=False),
    sa.Column('size_bytes', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['request_id', 'slot'], ['signing_preparation.request_id', 'signing_preparation.slot'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('request_id', 'slot', 'number')
    )
    op.create_table('signing_slot',
    sa.Column('request_id', sa.String(length=40), nullable=False),
    sa.Column('position', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('account_id', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', sa.String(length=40), nullable=True),
    sa.Column('role', sa.String(length=8), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('ended_ms', sa.BigInteger(), nullable=True),
    sa.Column('key_id', sa.String(length=40), nullable=True),
    sa.Column('certificate_sha256', sa.LargeBinary(), nullable=True),
    sa.ForeignKeyConstraint(['request_id'], ['signing_request.request_id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('request_id', 'position')
    )
    with op.batch_alter_table('signing_slot', schema=None) as batch_op:
        batch_op.create_index('ix_signing_slot_account', ['account_id', 'state'], unique=False)
