"""Certificates, personal keys, timestamps, the trees of the log.

Revision 0003, after 0002, 2026-11-21.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward."""
    op.create_table('ca',
    sa.Column('ca_id', sa.String(length=64), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('parent_id', sa.String(length=64), nullable=True),
    sa.Column('kid', sa.String(length=64), nullable=True),
    sa.Column('algorithm', sa.String(length=16), nullable=True),
    sa.Column('certificate', sa.LargeBinary(), nullable=False),
    sa.Column('shards', sa.Integer(), nullable=False),
    sa.Column('created_ms', sa.BigInteger(), nullable=False),
    sa.Column('not_before_ms', sa.BigInteger(), nullable=False),
    sa.Column('not_after_ms', sa.BigInteger(), nullable=False),
    sa.Column('retired_ms', sa.BigInteger(), nullable=True),
    sa.Column('offline_crl', sa.LargeBinary(), nullable=True),
    sa.PrimaryKeyConstraint('ca_id')
    )
    op.create_table('certificate',
    sa.Column('ca_id', sa.String(length=64), nullable=False),
    sa.Column('serial', sa.String(length=40), nullable=False),
    sa.Column('profile', sa.String(length=32), nullable=False),
    sa.Column('account_id', sa.String(length=64), nullable=True),
    sa.Column('kid', sa.String(length=64), nullable=True),
    sa.Column('spki_sha256', sa.LargeBinary(length=32), nullable=False),
    sa.Column('issued_ms', sa.BigInteger(), nullable=False),
    sa.Column('not_before_ms', sa.BigInteger(), nullable=False),
    sa.Column('not_after_ms', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('reason', sa.String(length=32), nullable=True),
    sa.Column('changed_ms', sa.BigInteger(), nullable=True),
    sa.Column('updated_ms', sa.BigInteger(), nullable=True),
    sa.Column('shard', sa.SmallInteger(), nullable=False),
    sa.Column('replaces', sa.String(length=40), nullable=True),
    sa.Column('der', sa.LargeBinary(), nullable=True),
    sa.Column('der_sealed', sa.LargeBinary(), nullable=True),
    sa.PrimaryKeyConstraint('ca_id', 'serial')
    )
    with op.batch_alter_table('certificate', schema=None) as batch_op:
        batch_op.create_index('certificate_by_account', ['account_id'], unique=False)
        batch_op.create_index('certificate_by_key', ['spki_sha256'], unique=False)
        batch_op.create_index('certificate_by_profile', ['profile', 'not_after_ms'], unique=False)
        batch_op.create_index('certificate_by_state', ['ca_id', 'state', 'shard', 'serial'], unique=False)
        batch_op.create_index('certificate_by_update', ['updated_ms'], unique=False)

    op.create_table('certified_subject',
    sa.Column('account_id', sa.String(length=64), nullable=False),
    sa.Column('number', sa.String(length=32), nullable=False),
    sa.Column('created_ms', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('account_id'),
    sa.UniqueConstraint('number')
    )
    op.create_table('clock_check',
    sa.Column('host', sa.String(length=64), nullable=False),
    sa.Column('tried_ms', sa.BigInteger(), nullable=False),
    sa.Column('failure', sa.String(length=40), nullable=True),
    sa.Column('checked_ms', sa.BigInteger(), nullable=True),
    sa.Column('low_us', sa.BigInteger(), nullable=True),
    sa.Column('high_us', sa.BigInteger(), nullable=True),
    sa.Column('agreeing', sa.Integer(), nullable=True),
    sa.Column('asked', sa.Integer(), nullable=True),
    sa.Column('is_authenticated', sa.Boolean(), nullable=True),
    sa.Column('leap_ms', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('host')
    )
    op.create_table('clock_stop',
    sa.Column('stop_id', sa.String(length=32), nullable=False),
    sa.Column('host', sa.String(length=64), nullable=False),
    sa.Column('reason', sa.String(length=32), nullable=False),
    sa.Column('offset_us', sa.BigInteger(), nullable=True),
    sa.Column('stopped_ms', sa.BigInteger(), nullable=False),
    sa.Column('released_ms', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('stop_id')
    )
    op.create_table('crl',
    sa.Column('ca_id', sa.String(length=64), nullable=False),
    sa.Column('shard', sa.SmallInteger(), nullable=False),
    sa.Column('number', sa.BigInteger(), nullable=False),
    sa.Column('this_update_ms', sa.BigInteger(), nullable=False),
    sa.Column('next_update_ms', sa.BigInteger(), nullable=False),
    sa.Column('entries', sa.Integer(), nullable=False),
    sa.Column('content_sha256', sa.LargeBinary(length=32), nullable=False),
    sa.Column('der_sha256', sa.LargeBinary(length=32), nullable=False),
    sa.Column('der', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('ca_id', 'shard', 'number')
    )
    with op.batch_alter_table('crl', schema=None) as batch_op:
        batch_op.create_index('crl_by_end', ['next_update_ms'], unique=False)

    op.create_table('enrolment',
    sa.Column('enrolment_id', sa.String(length=64), nullable=False),
    sa.Column('ca_id', sa.String(length=64), nullable=False),
    sa.Column('account_id', sa.String(length=64), nullable=False),
    sa.Column('profile', sa.String(length=32), nullable=False),
    sa.Column('kid', sa.String(length=64), nullable=True),
    sa.Column('proofing_level', sa.SmallInteger(), nullable=True),
    sa.Column('scal', sa.SmallInteger(), nullable=True),
    sa.Column('csr_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('created_ms', sa.BigInteger(), nullable=False),
    sa.Column('finished_ms', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('enrolment_id')
    )
    with op.batch_alter_table('enrolment', schema=None) as batch_op:
        batch_op.create_index('enrolment_by_account', ['account_id'], unique=False)

    op.create_table('log_chain',
    sa.Column('chain_id', sa.Integer(), nullable=False),
    sa.Column('writer', sa.String(length=80), nullable=False),
    sa.Column('begun_ms', sa.BigInteger(), nullable=False),
    sa.Column('integrated', sa.BigInteger(), nullable=False),
    sa.Column('last_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('closed_ms', sa.BigInteger(), nullable=True),
    sa.Column('stuck_ms', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('chain_id'),
    sa.UniqueConstraint('writer')
    )
    with op.batch_alter_table('log_chain', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_log_chain_closed_ms'), ['closed_ms'], unique=False)

    op.create_table('log_checkpoint',
    sa.Column('tree', sa.String(length=8), nullable=False),
    sa.Column('size', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('root', sa.LargeBinary(length=32), nullable=False),
    sa.Column('made_ms', sa.BigInteger(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('cosignatures', sa.Text(), nullable=False),
    sa.Column('witnessed_ms', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('tree', 'size')
    )
    with op.batch_alter_table('log_checkpoint', schema=None) as batch_op:
        batch_op.create_index('log_checkpoint_by_time', ['tree', 'made_ms'], unique=False)

    op.create_table('log_entry',
    sa.Column('tree', sa.String(length=8), nullable=False),
    sa.Column('position', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('chain_id', sa.Integer(), nullable=False),
    sa.Column('seq', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('tree', 'position')
    )
    with op.batch_alter_table('log_entry', schema=None) as batch_op:
        batch_op.create_index('log_entry_by_row', ['chain_id', 'seq'], unique=True)

    op.create_table('log_tile',
    sa.Column('tree', sa.String(length=8), nullable=False),
    sa.Column('level', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('tile', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('hashes', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('tree', 'level', 'tile')
    )
    op.create_table('log_tree',
    sa.Column('tree', sa.String(length=8), nullable=False),
    sa.Column('origin', sa.String(length=255), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('root', sa.LargeBinary(length=32), nullable=False),
    sa.Column('updated_ms', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('tree')
    )
    op.create_table('log_witness',
    sa.Column('tree', sa.String(length=8), nullable=False),
    sa.Column('witness', sa.String(length=255), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('status', sa.Integer(), nullable=False),
    sa.Column('at_ms', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('tree', 'witness')
    )
    op.create_table('ocsp_response',
    sa.Column('ca_id', sa.String(length=64), nullable=False),
    sa.Column('serial', sa.String(length=40), nullable=False),
    sa.Column('hash_name', sa.String(length=16), nullable=False),
    sa.Column('kid', sa.String(length=64), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('reason', sa.String(length=32), nullable=True),
    sa.Column('changed_ms', sa.BigInteger(), nullable=True),
    sa.Column('this_update_ms', sa.BigInteger(), nullable=False),
    sa.Column('next_update_ms', sa.BigInteger(), nullable=False),
    sa.Column('signed', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('ca_id', 'serial', 'hash_name')
    )
    with op.batch_alter_table('ocsp_response', schema=None) as batch_op:
        batch_op.create_index('ocsp_response_by_end', ['next_update_ms'], unique=False)

    op.create_table('personal_key',
    sa.Column('key_id', sa.String(length=40), nullable=False),
    sa.Column('account_id', sa.String(length=64), nullable=False),
    sa.Column('subject_kind', sa.String(length=16), nullable=False),
    sa.Column('algorithm', sa.String(length=16), nullable=False),
    sa.Column('public_spki', sa.LargeBinary(), nullable=False),
    sa.Column('policy', sa.LargeBinary(), nullable=False),
    sa.Column('wrapped', sa.LargeBinary(), nullable=True),
    sa.Column('kek_id', sa.String(length=64), nullable=True),
    sa.Column('scal', sa.SmallInteger(), nullable=False),
    sa.Column('created_ms', sa.BigInteger(), nullable=False),
    sa.Column('suspended_ms', sa.BigInteger(), nullable=True),
    sa.Column('destroyed_ms', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('key_id')
    )
    with op.batch_alter_table('personal_key', schema=None) as batch_op:
        batch_op.create_index('personal_key_by_account', ['account_id'], unique=False)
        batch_op.create_index('personal_key_by_kek', ['kek_id', 'key_id'], unique=False)

    op.create_table('spent_activation',
    sa.Column('activation', sa.String(length=64), nullable=False),
    sa.Column('key_id', sa.String(length=40), nullable=False),
    sa.Column('spent_ms', sa.BigInteger(), nullable=False),
    sa.Column('expires_ms', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('activation')
    )
    with op.batch_alter_table('spent_activation', schema=None) as batch_op:
        batch_op.create_index('spent_activation_by_expiry', ['expires_ms'], unique=False)

    op.create_table('personal_key_counter',
    sa.Column('key_id', sa.String(length=40), nullable=False),
    sa.Column('credential_sha256', sa.String(length=64), nullable=False),
    sa.Column('sign_count', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['key_id'], ['personal_key.key_id'], ),
    sa.PrimaryKeyConstraint('key_id', 'credential_sha256')
    )
    with op.batch_alter_table('log_event', schema=None) as batch_op:
        batch_op.add_column(sa.Column('mark', sa.LargeBinary(), nullable=True))

    with op.batch_alter_table('identifier', schema=None) as batch_op:
        batch_op.create_index('ix_identifier_past', ['mac'], unique=False, sqlite_where=sa.text('valid_to_ms IS NOT NULL'), postgresql_where=sa.text('valid_to_ms IS NOT NULL'))
