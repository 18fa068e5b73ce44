"""What the signer does after a holder's word about a certificate: the key behind it rests, or ends.

What lives here: two handlers of deferred work.  The word itself is the certificate's state, written
with its log row and this job in one transaction; each job looks at that state again, so that a job
that comes late does nothing which the holder has taken back, and one that somebody put into the
table ends no key whose certificate is in force.
Source: architecture, decisions 10 and 11.
Not here: the word (`idp/own_certificates.py`); a key that signs again, which the holder confirms to
the signer itself (`idp/own_key_resuming.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from idp.signing_means import ask_signer
from idp.storage.database import Database
from idp.work.model import Done, Job, Outcome
from keystore.pki.model import CertificateState
from keystore.pki.storage.certificates import find_of_account
from keystore.signer.client import SignerClient
from keystore.signer.model import HOLDER

HOLD_OWN_KEY: Final = "hold_own_key"
END_OWN_KEY: Final = "end_own_key"


@dataclass(frozen=True, slots=True)
class OwnKeyHold:
    """Has the signer suspend a key; a `Handler`.  Takes   open_client: a new client of it."""

    database: Database
    open_client: Callable[[], SignerClient]

    def __call__(self, job: Job, *, now: datetime) -> Outcome:
        """Suspend it while a certificate of it is on hold."""
        if CertificateState.SUSPENDED not in _states(self.database, job, now=now):
            return Done()
        key_id = job.payload["key_id"]
        return ask_signer(
            self.open_client, lambda client: int(client.suspend_key(key_id, reason=HOLDER))
        )


@dataclass(frozen=True, slots=True)
class OwnKeyEnd:
    """Has the signer destroy a key; a `Handler`.

    Takes   open_client: a new client of the signer, which must know this process as a keeper.
    """

    database: Database
    open_client: Callable[[], SignerClient]

    def __call__(self, job: Job, *, now: datetime) -> Outcome:
        """Destroy it where a certificate of it is revoked, and none is in force or on hold."""
        if _states(self.database, job, now=now) != {CertificateState.REVOKED}:
            return Done()
        key_id = job.payload["key_id"]
        return ask_signer(
            self.open_client, lambda client: int(client.destroy_key(key_id, reason=HOLDER))
        )


def _states(database: Database, job: Job, *, now: datetime) -> set[CertificateState]:
    """The states of a key's certificates; of those that have ended by their date, revoked alone."""
    with database.read() as connection:
        found = find_of_account(connection, job.payload["account_id"])
    return {
        one.state
        for one in found
        if one.kid == job.payload["key_id"]
        and (now <= one.not_after or one.state is CertificateState.REVOKED)
    }
