"""What officials do for people, built once from what a process holds.

What lives here: `Desks`, what `Services` holds of it.  Not here: any act (`idp/accounts`).
"""

from __future__ import annotations

from dataclasses import dataclass

from idp.accounts.attempts import Attempts
from idp.accounts.breached_passwords import BreachedPasswords
from idp.accounts.cases import Cases
from idp.accounts.counter import Counter
from idp.accounts.counter_opening import CounterOpening
from idp.accounts.first_password import FirstPassword
from idp.accounts.helpdesk import Helpdesk, MakesSigningMeans
from idp.accounts.invitations import Invitations
from idp.accounts.lifecycle import SignOut
from idp.accounts.notices import Notices
from idp.accounts.official_lookups import OfficialLookups
from idp.accounts.officials import Officials
from idp.accounts.passwords import Passwords
from idp.accounts.people import People
from idp.accounts.recovery import Recovery
from idp.registers import PopulationRegister
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from idp.work.outbox import Outbox
from keystore.log.record import LogWriter
from keystore.sealing import Sealer


@dataclass(frozen=True, slots=True)
class Desks:
    """Safe to share between threads."""

    officials: Officials
    lookups: OfficialLookups
    counter: Counter
    opening: CounterOpening
    first_password: FirstPassword
    helpdesk: Helpdesk
    invitations: Invitations


def build_desks(
    *,
    database: Database,
    ephemeral: EphemeralStore,
    sealer: Sealer,
    log: LogWriter,
    outbox: Outbox,
    people: People,
    attempts: Attempts,
    passwords: Passwords,
    breached: BreachedPasswords,
    population: PopulationRegister,
    recovery: Recovery,
    sign_out: SignOut,
    signing_means: MakesSigningMeans,
) -> Desks:
    """The desks of this deployment."""
    notices = Notices(outbox, sealer)
    officials = Officials(database, log)
    lookups = OfficialLookups(database, ephemeral, sealer, log, notices, people)
    counter = Counter(database, sealer, log, recovery, people, attempts)
    return Desks(
        officials=officials,
        lookups=lookups,
        counter=counter,
        opening=CounterOpening(database, sealer, log, lookups, population, people),
        first_password=FirstPassword(
            database, sealer, log, people, counter, attempts, passwords, breached
        ),
        helpdesk=Helpdesk(
            database,
            sealer,
            log,
            notices,
            Cases(database, sealer, log, notices),
            sign_out,
            signing_means,
        ),
        invitations=Invitations(database, sealer, log, notices, recovery),
    )
