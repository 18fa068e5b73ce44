"""Seals that nobody opens any more but whoever may not: they end with the clerk's mandate.

What lives here: `ClerkKeys`.  A seal key is bound for ever to the passkeys with which it was made;
where all of them are those of a clerk whose mandate ends, its certificates are revoked in the same
transaction.  A key that one-time codes open stays: the verifier asks for the mandate at each.
Source: NĐ 30/2020/NĐ-CP Art. 32–33 (who keeps and uses a seal); RFC 5280 §5.3.1.
Not here: what else ends with a mandate (`idp/mandate_ending.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from idp.accounts.mandate_scopes import SEAL, SIGN
from idp.accounts.model import Mandate, MandateKind
from idp.storage.accounts import find_row
from idp.storage.database import Transaction
from idp.storage.mandates import list_usable_mandates
from idp.storage.passkeys import list_credential_ids
from keystore.log.record import LogWriter
from keystore.pki.certificate_states import CertificateStates
from keystore.pki.model import RevocationReason
from keystore.signer.errors import KeyRecordChanged
from keystore.signer.model import PersonalKey
from keystore.signer.records import read_policy
from keystore.signer.storage import read_personal_keys

_SEALING = frozenset({MandateKind.LEGAL_REPRESENTATIVE, MandateKind.SEAL_CLERK})


@dataclass(frozen=True, slots=True)
class ClerkKeys:
    """Safe to share between threads."""

    states: CertificateStates

    def recorded_by(self, log: LogWriter) -> ClerkKeys:
        """The same, written down by another writer."""
        return replace(self, states=self.states.recorded_by(log))

    def stop(self, tx: Transaction, ended: Mandate, *, now: datetime) -> int:
        """End the certificates of seals that its holder alone could open; how many."""
        organisation = find_row(tx.connection, ended.principal_id)
        if ended.kind not in _SEALING or organisation is None:
            return 0
        left = list_usable_mandates(tx.connection, ended.holder_id, now=now)
        if any(
            one.kind in _SEALING
            and one.principal_id == ended.principal_id
            and (not one.scopes or not {SIGN, SEAL}.isdisjoint(one.scopes))
            for one in left
        ):
            return 0
        own = list_credential_ids(tx.connection, ended.holder_id)
        keys = read_personal_keys(tx.connection, account_id=ended.principal_id)
        kids = frozenset(one.key_id for one in keys if (ids := _pinned(one)) and ids <= own)
        if not kids:
            return 0
        return self.states.revoke_all(
            tx,
            ended.principal_id,
            reason=RevocationReason.CESSATION_OF_OPERATION,
            now=now,
            data_key=organisation.data_key,
            kids=kids,
        )


def _pinned(key: PersonalKey) -> set[bytes]:
    if key.destroyed_at is not None:
        return set()
    try:
        return {one.credential_id for one in read_policy(key).credentials}
    except KeyRecordChanged:
        return set()
