"""What people do by themselves with the population service's yes, built once.

What lives here: `OpeningServices` and the function that builds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from idp.accounts.attempts import Limit
from idp.accounts.breached_passwords import BreachedPasswords
from idp.accounts.lifecycle import AccountLifecycle
from idp.accounts.number_replacement import NumberReplacement
from idp.accounts.opening import AccountOpening
from idp.accounts.opening_state import Openings
from idp.accounts.passwords import Passwords
from idp.accounts.people import People
from idp.accounts.sending_limits import SendingLimits
from idp.delivery_services import DeliveryServices
from idp.registers import PopulationRegister
from idp.settings import Settings
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from keystore.log.record import LogWriter
from keystore.sealing import Sealer

COMPARISONS: Final = (Limit(5, timedelta(minutes=15)), Limit(15, timedelta(days=1)))
"""How often data may be compared for one number, and from one address."""


@dataclass(frozen=True, slots=True)
class OpeningServices:
    """Opening an account, and giving it a number that was established anew."""

    accounts: AccountOpening
    numbers: NumberReplacement


def build_opening(
    settings: Settings,
    *,
    database: Database,
    ephemeral: EphemeralStore,
    sealer: Sealer,
    log: LogWriter,
    people: People,
    passwords: Passwords,
    breached: BreachedPasswords,
    delivery: DeliveryServices,
    population: PopulationRegister,
) -> OpeningServices:
    """Build everything; nothing is connected to."""
    lifecycle = AccountLifecycle(database, sealer=sealer, log=log)
    tries = SendingLimits(
        ephemeral,
        sealer,
        per_account=COMPARISONS,
        per_address=COMPARISONS,
        per_source=settings.source_comparisons_per_15min,
        what="comparing",
    )
    return OpeningServices(
        AccountOpening(
            database=database,
            openings=Openings(ephemeral, sealer),
            sealer=sealer,
            log=log,
            lifecycle=lifecycle,
            people=people,
            passwords=passwords,
            breached=breached,
            messages=delivery.messages,
            channels=delivery.channels,
            countries=delivery.countries,
            notices=delivery.notices,
            sending=delivery.limits,
            tries=tries,
            population=population,
        ),
        NumberReplacement(population, lifecycle, delivery.notices, tries),
    )
