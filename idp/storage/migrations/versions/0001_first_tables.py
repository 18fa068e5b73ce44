"""First tables.

Revision 0001, after none, 2026-11-21.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward."""
    op.create_table('account',
    sa.Column('account_key', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('account_id', sa.String(length=40), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('level', sa.SmallInteger(), nullable=True),
    sa.Column('status', sa.String(length=16), nullable=False),
    sa.Column('demands_second_factor', sa.Boolean(), nullable=False),
    sa.Column('data_key', sa.LargeBinary(), nullable=True),
    sa.Column('profile_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('created_ms', sa.BigInteger(), nullable=False),
    sa.Column('changed_ms', sa.BigInteger(), nullable=False),
    sa.Column('erased_ms', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('account_key'),
    sa.UniqueConstraint('account_id')
    )
    op.create_table('browser_session',
    sa.Column('session_id', sa.String(length=40), nullable=False),
    sa.Column('account_id', sa.String(length=40), nullable=False),
    sa.Column('token_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('factors', sa.String(length=200), nullable=False),
    sa.Column('created_ms', sa.BigInteger(), nullable=False),
    sa.Column('expires_ms', sa.BigInteger(), nullable=False),
    sa.Column('ended_ms', sa.BigInteger(), nullable=True),
    sa.Column('end_reason', sa.String(length=20), nullable=True),
    sa.PrimaryKeyConstraint('session_id'),
    sa.UniqueConstraint('token_hash')
    )
    with op.batch_alter_table('browser_session', schema=None) as batch_op:
        batch_op.create_index('ix_browser_session_account', ['account_id', 'ended_ms'], unique=False)
        batch_op.create_index('ix_browser_session_expiry', ['expires_ms'], unique=False)

    op.create_table('consent',
    sa.Column('consent_id', sa.String(length=40), nullable=False),
    sa.Column('account_id', sa.String(length=40), nullable=False),
    sa.Column('client_id', sa.String(length=128), nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('scopes', sa.Text(), nullable=False),
    sa.Column('shared', sa.Text(), nullable=False),
    sa.Column('language', sa.String(length=8), nullable=False),
    sa.Column('text_version', sa.String(length=20), nullable=False),
    sa.Column('text_sha256', sa.String(length=64), nullable=False),
    sa.Column('text_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('legal_reference', sa.String(length=200), nullable=True),
    sa.Column('given_ms', sa.BigInteger(), nullable=False),
    sa.Column('withdrawn_ms', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('consent_id')
    )
    with op.batch_alter_table('consent', schema=None) as batch_op:
        batch_op.create_index('ix_consent_account', ['account_id', 'client_id'], unique=False)

    op.create_table('deployment',
    sa.Column('deployment_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('is_sandbox', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('deployment_id')
    )
    op.create_table('import_job',
    sa.Column('file_sha256', sa.String(length=64), nullable=False),
    sa.Column('job_id', sa.String(length=40), nullable=False),
    sa.Column('offset_bytes', sa.BigInteger(), nullable=False),
    sa.Column('lines', sa.BigInteger(), nullable=False),
    sa.Column('added', sa.BigInteger(), nullable=False),
    sa.Column('existing', sa.BigInteger(), nullable=False),
    sa.Column('refused', sa.BigInteger(), nullable=False),
    sa.Column('errors_bytes', sa.BigInteger(), nullable=False),
    sa.Column('is_finished', sa.Boolean(), nullable=False),
    sa.Column('updated_ms', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('file_sha256'),
    sa.UniqueConstraint('job_id')
    )
    op.create_table('oauth_grant',
    sa.Column('grant_id', sa.String(length=40), nullable=False),
    sa.Column('account_id', sa.String(length=40), nullable=False),
    sa.Column('client_id', sa.String(length=128), nullable=False),
    sa.Column('sector_id', sa.String(length=64), nullable=False),
    sa.Column('sub', sa.String(length=64), nullable=False),
    sa.Column('session_id', sa.String(length=40), nullable=True),
    sa.Column('sid', sa.String(length=40), nullable=False),
    sa.Column('mandate_id', sa.String(length=40), nullable=True),
    sa.Column('scopes', sa.Text(), nullable=False),
    sa.Column('claims', sa.Text(), nullable=False),
    sa.Column('shared', sa.Text(), nullable=False),
    sa.Column('claims_locales', sa.String(length=200), nullable=False),
    sa.Column('resource', sa.String(length=2000), nullable=True),
    sa.Column('is_offline', sa.Boolean(), nullable=False),
    sa.Column('acr', sa.String(length=40), nullable=False),
    sa.Column('amr', sa.String(length=60), nullable=False),
    sa.Column('auth_time_ms', sa.BigInteger(), nullable=False),
    sa.Column('nonce', sa.Text(), nullable=True),
    sa.Column('created_ms', sa.BigInteger(), nullable=False),
    sa.Column('expires_ms', sa.BigInteger(), nullable=False),
    sa.Column('revoked_ms', sa.BigInteger(), nullable=True),
    sa.Column('revoked_reason', sa.String(length=30), nullable=True),
    sa.Column('code_hash', sa.LargeBinary(length=32), nullable=True),
    sa.Column('code_redirect_uri', sa.Text(), nullable=True),
    sa.Column('code_challenge', sa.String(length=128), nullable=True),
    sa.Column('code_expires_ms', sa.BigInteger(), nullable=True),
    sa.Column('code_spent_ms', sa.BigInteger(), nullable=True),
    sa.Column('refresh_hash', sa.LargeBinary(length=32), nullable=True),
    sa.Column('refresh_previous_hash', sa.LargeBinary(length=32), nullable=True),
    sa.Column('refresh_rotated_ms', sa.BigInteger(), nullable=True),
    sa.Column('refresh_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('refresh_generation', sa.Integer(), nullable=True),
    sa.Column('refresh_expires_ms', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('grant_id')
    )
    with op.batch_alter_table('oauth_grant', schema=None) as batch_op:
        batch_op.create_index('ix_oauth_grant_account', ['account_id', 'client_id'], unique=False)
        batch_op.create_index('ix_oauth_grant_expiry', ['expires_ms'], unique=False)
        batch_op.create_index('ix_oauth_grant_session', ['session_id'], unique=False)

    op.create_table('outbox',
    sa.Column('outbox_id', sa.String(length=40), nullable=False),
    sa.Column('kind', sa.String(length=64), nullable=False),
    sa.Column('lane', sa.String(length=128), nullable=False),
    sa.Column('payload', sa.String(), nullable=False),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('last_error', sa.String(length=64), nullable=True),
    sa.Column('created_ms', sa.BigInteger(), nullable=False),
    sa.Column('due_ms', sa.BigInteger(), nullable=False),
    sa.Column('expires_ms', sa.BigInteger(), nullable=False),
    sa.Column('purge_ms', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('outbox_id')
    )
    with op.batch_alter_table('outbox', schema=None) as batch_op:
        batch_op.create_index('ix_outbox_due', ['state', 'due_ms'], unique=False)
        batch_op.create_index('ix_outbox_purge', ['purge_ms'], unique=False)

    op.create_table('password_scheme',
    sa.Column('scheme', sa.String(length=64), nullable=False),
    sa.Column('accounts', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('scheme')
    )
    op.create_table('session_client',
    sa.Column('session_id', sa.String(length=40), nullable=False),
    sa.Column('client_id', sa.String(length=128), nullable=False),
    sa.Column('sid', sa.String(length=40), nullable=False),
    sa.Column('sub', sa.String(length=64), nullable=False),
    sa.Column('expires_ms', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('session_id', 'client_id'),
    sa.UniqueConstraint('sid')
    )
    with op.batch_alter_table('session_client', schema=None) as batch_op:
        batch_op.create_index('ix_session_client_expiry', ['expires_ms'], unique=False)

    op.create_table('subject',
    sa.Column('account_id', sa.String(length=40), nullable=False),
    sa.Column('sector_id', sa.String(length=64), nullable=False),
    sa.Column('sub', sa.String(length=64), nullable=False),
    sa.Column('tech_id', sa.String(length=64), nullable=False),
    sa.PrimaryKeyConstraint('account_id', 'sector_id'),
    sa.UniqueConstraint('sub'),
    sa.UniqueConstraint('tech_id')
    )
    op.create_table('activation_code',
    sa.Column('activation_id', sa.String(length=40), nullable=False),
    sa.Column('account_key', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('code_mac', sa.LargeBinary(length=32), nullable=False),
    sa.Column('issued_ms', sa.BigInteger(), nullable=False),
    sa.Column('expires_ms', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['account_key'], ['account.account_key'], ),
    sa.PrimaryKeyConstraint('activation_id')
    )
    with op.batch_alter_table('activation_code', schema=None) as batch_op:
        batch_op.create_index('ix_activation_code_account', ['account_key'], unique=False)
        batch_op.create_index('ix_activation_code_expiry', ['expires_ms'], unique=False)

    op.create_table('identifier',
    sa.Column('identifier_key', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('account_key', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.String(length=24), nullable=False),
    sa.Column('mac_version', sa.Integer(), nullable=False),
    sa.Column('mac', sa.LargeBinary(length=32), nullable=False),
    sa.Column('value_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('valid_from_ms', sa.BigInteger(), nullable=False),
    sa.Column('valid_to_ms', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['account_key'], ['account.account_key'], ),
    sa.PrimaryKeyConstraint('identifier_key')
    )
    with op.batch_alter_table('identifier', schema=None) as batch_op:
        batch_op.create_index('ix_identifier_account', ['account_key'], unique=False)
        batch_op.create_index('uq_identifier_active', ['mac', 'kind'], unique=True, sqlite_where=sa.text('valid_to_ms IS NULL'), postgresql_where=sa.text('valid_to_ms IS NULL'))

    op.create_table('mandate',
    sa.Column('mandate_id', sa.String(length=40), nullable=False),
    sa.Column('kind', sa.String(length=24), nullable=False),
    sa.Column('holder_key', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('principal_key', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('scopes', sa.Text(), nullable=False),
    sa.Column('portals', sa.Text(), nullable=False),
    sa.Column('valid_from_ms', sa.BigInteger(), nullable=False),
    sa.Column('valid_to_ms', sa.BigInteger(), nullable=True),
    sa.Column('source', sa.String(length=64), nullable=False),
    sa.Column('verified_ms', sa.BigInteger(), nullable=False),
    sa.Column('status', sa.String(length=12), nullable=False),
    sa.Column('ended_ms', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['holder_key'], ['account.account_key'], ),
    sa.ForeignKeyConstraint(['principal_key'], ['account.account_key'], ),
    sa.PrimaryKeyConstraint('mandate_id')
    )
    with op.batch_alter_table('mandate', schema=None) as batch_op:
        batch_op.create_index('ix_mandate_holder', ['holder_key', 'status'], unique=False)
        batch_op.create_index('ix_mandate_principal', ['principal_key', 'status'], unique=False)

    op.create_table('password',
    sa.Column('account_key', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('form', sa.String(length=12), nullable=False),
    sa.Column('scheme', sa.String(length=64), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('changed_ms', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['account_key'], ['account.account_key'], ),
    sa.PrimaryKeyConstraint('account_key')
    )
    with op.batch_alter_table('password', schema=None) as batch_op:
        batch_op.create_index('ix_password_to_wrap', ['account_key'], unique=False, sqlite_where=sa.text("form = 'foreign'"), postgresql_where=sa.text("form = 'foreign'"))

    op.create_table('totp',
    sa.Column('totp_id', sa.String(length=40), nullable=False),
    sa.Column('account_key', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('secret_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('created_ms', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['account_key'], ['account.account_key'], ),
    sa.PrimaryKeyConstraint('totp_id')
    )
    with op.batch_alter_table('totp', schema=None) as batch_op:
        batch_op.create_index('ix_totp_account', ['account_key'], unique=False)

    op.create_table('controller',
    sa.Column('controller_id', sa.String(length=128), nullable=False),
    sa.Column('name_vi', sa.String(length=500), nullable=False),
    sa.Column('name_en', sa.String(length=500), nullable=False),
    sa.Column('dpo_email', sa.String(length=500), nullable=True),
    sa.Column('dpo_phone', sa.String(length=500), nullable=True),
    sa.Column('privacy_uri', sa.String(length=2000), nullable=True),
    sa.Column('created_ms', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('controller_id')
    )
    op.create_table('sector',
    sa.Column('sector_id', sa.String(length=128), nullable=False),
    sa.Column('controller_id', sa.String(length=128), nullable=False),
    sa.Column('name_vi', sa.String(length=500), nullable=False),
    sa.Column('name_en', sa.String(length=500), nullable=False),
    sa.Column('created_ms', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['controller_id'], ['controller.controller_id'], ),
    sa.PrimaryKeyConstraint('sector_id')
    )
    op.create_table('client',
    sa.Column('client_id', sa.String(length=128), nullable=False),
    sa.Column('sector_id', sa.String(length=128), nullable=False),
    sa.Column('name_vi', sa.String(length=500), nullable=False),
    sa.Column('name_en', sa.String(length=500), nullable=False),
    sa.Column('profile', sa.String(length=40), nullable=False),
    sa.Column('status', sa.String(length=40), nullable=False),
    sa.Column('application_type', sa.String(length=40), nullable=False),
    sa.Column('token_endpoint_auth_method', sa.String(length=40), nullable=False),
    sa.Column('jwks', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('jwks_uri', sa.String(length=2000), nullable=True),
    sa.Column('redirect_uris', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('post_logout_redirect_uris', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('pkce', sa.String(length=40), nullable=False),
    sa.Column('grant_types', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('scopes', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('claims', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('resources', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('required_level', sa.Integer(), nullable=False),
    sa.Column('required_account_level', sa.Integer(), nullable=True),
    sa.Column('capacities', sa.String(length=40), nullable=False),
    sa.Column('backchannel_logout_uri', sa.String(length=2000), nullable=True),
    sa.Column('backchannel_logout_session_required', sa.Boolean(), nullable=False),
    sa.Column('id_token_signed_response_alg', sa.String(length=40), nullable=False),
    sa.Column('userinfo_signed_response_alg', sa.String(length=40), nullable=True),
    sa.Column('refresh_lifetime_s', sa.Integer(), nullable=False),
    sa.Column('acr_aliases', sa.Boolean(), nullable=False),
    sa.Column('source_allow_list', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('legal_reference', sa.String(length=500), nullable=True),
    sa.Column('end_date', sa.String(length=10), nullable=True),
    sa.Column('purposes', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('policy_uri', sa.String(length=2000), nullable=True),
    sa.Column('created_ms', sa.BigInteger(), nullable=False),
    sa.Column('changed_ms', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['sector_id'], ['sector.sector_id'], ),
    sa.PrimaryKeyConstraint('client_id')
    )
    op.create_table('client_secret',
    sa.Column('client_id', sa.String(length=128), nullable=False),
    sa.Column('digest', sa.LargeBinary(length=32), nullable=False),
    sa.Column('created_ms', sa.BigInteger(), nullable=False),
    sa.Column('expires_ms', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['client_id'], ['client.client_id'], ),
    sa.PrimaryKeyConstraint('client_id', 'digest')
    )
    op.create_table('resource_server',
    sa.Column('identifier', sa.String(length=2000), nullable=False),
    sa.Column('sector_id', sa.String(length=128), nullable=False),
    sa.Column('client_id', sa.String(length=128), nullable=True),
    sa.Column('name_vi', sa.String(length=500), nullable=False),
    sa.Column('name_en', sa.String(length=500), nullable=False),
    sa.Column('scopes', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('created_ms', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['client_id'], ['client.client_id'], ),
    sa.ForeignKeyConstraint(['sector_id'], ['sector.sector_id'], ),
    sa.PrimaryKeyConstraint('identifier')
    )
    with op.batch_alter_table('resource_server', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_resource_server_client_id'), ['client_id'], unique=False)

    op.create_table('statutory_basis',
    sa.Column('basis_id', sa.String(length=128), nullable=False),
    sa.Column('client_id', sa.String(length=128), nullable=False),
    sa.Column('scope', sa.String(length=500), nullable=False),
    sa.Column('procedure', sa.String(length=500), nullable=False),
    sa.Column('legal_ref', sa.String(length=500), nullable=False),
    sa.Column('requested_by', sa.String(length=500), nullable=False),
    sa.Column('requested_ms', sa.BigInteger(), nullable=False),
    sa.Column('approved_by', sa.String(length=500), nullable=True),
    sa.Column('approved_ms', sa.BigInteger(), nullable=True),
    sa.Column('valid_from_ms', sa.BigInteger(), nullable=False),
    sa.Column('valid_to_ms', sa.BigInteger(), nullable=True),
    sa.CheckConstraint('approved_by IS NULL OR approved_by <> requested_by', name='two_operators'),
    sa.ForeignKeyConstraint(['client_id'], ['client.client_id'], ),
    sa.PrimaryKeyConstraint('basis_id')
    )
    with op.batch_alter_table('statutory_basis', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_statutory_basis_client_id'), ['client_id'], unique=False)

    op.create_table('log_event',
    sa.Column('writer', sa.String(length=80), nullable=False),
    sa.Column('seq', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('prev_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('row_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('leaf', sa.LargeBinary(length=32), nullable=False),
    sa.Column('at_ms', sa.BigInteger(), nullable=False),
    sa.Column('type', sa.String(length=64), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('account_id', sa.String(length=64), nullable=True),
    sa.Column('client_id', sa.String(length=128), nullable=True),
    sa.Column('facts', sa.Text(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('writer', 'seq')
    )
    with op.batch_alter_table('log_event', schema=None) as batch_op:
        batch_op.create_index('log_event_by_account', ['account_id', 'at_ms'], unique=False)

    op.create_table('purpose_key',
    sa.Column('purpose', sa.String(length=64), nullable=False),
    sa.Column('version', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('wrapped', sa.LargeBinary(), nullable=False),
    sa.Column('created_ms', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('purpose', 'version')
    )
    op.create_table('signing_key',
    sa.Column('kid', sa.String(length=64), nullable=False),
    sa.Column('purpose', sa.String(length=32), nullable=False),
    sa.Column('algorithm', sa.String(length=16), nullable=False),
    sa.Column('created_ms', sa.BigInteger(), nullable=False),
    sa.Column('published_ms', sa.BigInteger(), nullable=False),
    sa.Column('active_from_ms', sa.BigInteger(), nullable=False),
    sa.Column('retired_ms', sa.BigInteger(), nullable=True),
    sa.Column('destroyed_ms', sa.BigInteger(), nullable=True),
    sa.Column('public_jwk', sa.Text(), nullable=False),
    sa.Column('private_sealed', sa.LargeBinary(), nullable=True),
    sa.PrimaryKeyConstraint('kid')
    )
