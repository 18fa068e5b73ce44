"""What registers passkeys and what signs people in with them, built once.

What lives here: `build_passkeys`.
"""

from __future__ import annotations

from datetime import timedelta

from idp.accounts.attempts import Attempts
from idp.accounts.notices import Notices
from idp.accounts.passkey_sign_in import PasskeySignIn
from idp.accounts.passkeys import Passkeys
from idp.settings import Settings
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from keystore.log.record import LogWriter
from keystore.sealing import Sealer


def build_passkeys(
    settings: Settings,
    *,
    database: Database,
    ephemeral: EphemeralStore,
    sealer: Sealer,
    log: LogWriter,
    notices: Notices,
    attempts: Attempts,
    app_name: str,
) -> tuple[Passkeys, PasskeySignIn]:
    """Build both; they share the RP ID of the settings."""
    rp_id = settings.effective_signer_rp_id
    passkeys = Passkeys(
        database,
        store=ephemeral,
        sealer=sealer,
        log=log,
        notices=notices,
        rp_id=rp_id,
        rp_name=app_name,
        origins=settings.effective_signer_origins,
    )
    sign_in = PasskeySignIn(
        database,
        store=ephemeral,
        sealer=sealer,
        log=log,
        attempts=attempts,
        rp_id=rp_id,
        origin=settings.issuer,
        lifetime=timedelta(seconds=settings.interaction_lifetime_s),
    )
    return passkeys, sign_in
