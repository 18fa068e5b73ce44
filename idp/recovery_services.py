"""What recovery is put together from.

What lives here: `RecoveryServices` and the function that builds it; `MeansOfAccounts`, which makes
what accounts sign with for acts that a given writer records.
Not here: what it does (`idp/signing_means.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from idp.accounts.cases import Cases
from idp.accounts.lifecycle import SignOut
from idp.accounts.not_me import NotMe
from idp.accounts.notices import Notices
from idp.accounts.recovery import Recovery
from idp.settings import Settings
from idp.signing_means import SigningMeans
from idp.storage.database import Database
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


def build_recovery(
    *,
    database: Database,
    sealer: Sealer,
    log: LogWriter,
    notices: Notices,
    recovery: Recovery,
    sign_out: SignOut,
) -> RecoveryServices:
    """Build everything; nothing is connected to."""
    cases = Cases(database, sealer, log, notices)
    return RecoveryServices(cases, NotMe(database, log, cases, recovery, sign_out))
