"""What people have beside the password, built once.

What lives here: `FactorServices` and the function that builds it from the settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from idp.accounts.attempts import Attempts
from idp.accounts.authenticators import Authenticators
from idp.accounts.contacts import Contacts
from idp.accounts.message_codes import MessageCodes
from idp.accounts.message_sign_in import MessageSignIn
from idp.accounts.recovery_codes import Caps, RecoveryCodes
from idp.delivery_services import DeliveryServices
from idp.settings import Settings
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from keystore.log.record import LogWriter
from keystore.sealing import Sealer


@dataclass(frozen=True, slots=True)
class FactorServices:
    """All of it is safe to share between threads."""

    codes: MessageCodes
    contacts: Contacts
    by_message: MessageSignIn
    authenticators: Authenticators
    recovery_codes: RecoveryCodes


def build_factors(
    settings: Settings,
    *,
    database: Database,
    ephemeral: EphemeralStore,
    sealer: Sealer,
    log: LogWriter,
    delivery: DeliveryServices,
    attempts: Attempts,
    recovery: Caps,
) -> FactorServices:
    """Build everything; nothing is connected to."""
    codes = MessageCodes(
        database,
        store=ephemeral,
        sealer=sealer,
        messages=delivery.messages,
        limits=delivery.limits,
        countries=delivery.countries,
    )
    contacts = Contacts(
        database,
        store=ephemeral,
        sealer=sealer,
        log=log,
        notices=delivery.notices,
        codes=codes,
        attempts=attempts,
        wait=timedelta(seconds=settings.changed_contact_wait_s),
    )
    return FactorServices(
        codes=codes,
        contacts=contacts,
        by_message=MessageSignIn(
            database,
            store=ephemeral,
            sealer=sealer,
            contacts=contacts,
            codes=codes,
            attempts=attempts,
        ),
        authenticators=Authenticators(database, sealer, log, delivery.notices),
        recovery_codes=RecoveryCodes(
            database,
            store=ephemeral,
            sealer=sealer,
            log=log,
            notices=delivery.notices,
            attempts=attempts,
            recovery=recovery,
        ),
    )
