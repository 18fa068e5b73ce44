"""What recovery is put together from.

What lives here: `MeansOfAccounts`, which makes what accounts sign with for acts that a given writer
records.
Not here: what it does (`idp/signing_means.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

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
