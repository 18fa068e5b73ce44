"""What recovery is put together from.

What lives here: `RecoveryServices` and the function that builds it; `MeansOfAccounts`, which makes
what accounts sign with for acts that a given writer records.
Not here: what it does (`idp/signing_means.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from idp.accounts.attempts import Attempts
from idp.accounts.breached_passwords import BreachedPasswords
from idp.accounts.cases import Cases
from idp.accounts.directory import Directory
from idp.accounts.lifecycle import SignOut
from idp.accounts.login import Login
from idp.accounts.not_me import NotMe
from idp.accounts.passkey_sign_in import PasskeySignIn
from idp.accounts.password_reset import PasswordReset
from idp.accounts.passwords import Passwords
from idp.accounts.recovery import Recovery
from idp.accounts.recovery_stop import RecoveryStop
from idp.accounts.reset_asked import ResetSending
from idp.accounts.reset_attempts import ResetAttempts
from idp.delivery_services import DeliveryServices
from idp.factor_services import FactorServices
from idp.settings import Settings
from idp.signing_means import SigningMeans
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from idp.trust import Trust
from idp.work.outbox import Outbox
from keystore.log.record import LogWriter
from keystore.sealing import Sealer
from signing.blobs import DocumentStore
from signing.ended_accounts import EndedAccounts


@dataclass(frozen=True, slots=True)
class MeansOfAccounts:
    """Safe to share between threads."""

    settings: Settings
    database: Database
    sealer: Sealer
    outbox: Outbox
    trust: Trust

    def __call__(self, *, log: LogWriter) -> SigningMeans:
        """What accounts sign with, for acts that are recorded by `log`."""
        pki = self.trust.pki
        states = None if pki is None else pki.states.recorded_by(log)
        documents = DocumentStore(
            self.database, folder=self.settings.effective_documents_folder, sealer=self.sealer
        )
        requests = EndedAccounts(self.sealer, log, documents, self.outbox)
        return SigningMeans(states, self.outbox, self.sealer, requests)


@dataclass(frozen=True, slots=True)
class RecoveryServices:
    """What a person does who lost something, or whose account somebody else was in."""

    cases: Cases
    not_me: NotMe
    tries: ResetAttempts
    reset: PasswordReset
    stop: RecoveryStop
    sending: ResetSending


def build_recovery(
    settings: Settings,
    *,
    database: Database,
    ephemeral: EphemeralStore,
    sealer: Sealer,
    log: LogWriter,
    people: Directory,
    outbox: Outbox,
    delivery: DeliveryServices,
    factors: FactorServices,
    attempts: Attempts,
    login: Login,
    passkeys: PasskeySignIn,
    passwords: Passwords,
    breached: BreachedPasswords,
    recovery: Recovery,
    sign_out: SignOut,
) -> RecoveryServices:
    """Build everything; nothing is connected to."""
    notices = delivery.notices
    cases = Cases(database, sealer, log, notices)
    tries = ResetAttempts(ephemeral, sealer=sealer)
    return RecoveryServices(
        cases=cases,
        not_me=NotMe(database, sealer, log, cases, recovery, sign_out),
        tries=tries,
        reset=PasswordReset(
            database=database,
            sealer=sealer,
            log=log,
            people=people,
            tries=tries,
            marks=ephemeral,
            limits=delivery.limits,
            outbox=outbox,
            messages=delivery.messages,
            channels=delivery.channels,
            notices=notices,
            attempts=attempts,
            login=login,
            recovery_codes=factors.recovery_codes,
            contacts=factors.contacts,
            passkeys=passkeys,
            passwords=passwords,
            breached=breached,
            recovery=recovery,
            sign_out=sign_out,
            link=f"{settings.issuer}/forgot/link/{{}}".format,
            stop_path="/forgot/stop/{}".format,
            wait=timedelta(seconds=settings.recovery_wait_s),
        ),
        stop=RecoveryStop(database, sealer, log, notices, cases, recovery, sign_out),
        sending=ResetSending(database, sealer, people, factors.contacts, delivery.messages),
    )
