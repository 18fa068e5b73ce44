"""Taking a consent back.

What lives here: the one act that withdraws a consent, ends what stands on it and puts both on
record.  Tokens that are out die with their grants: introspection and userinfo refuse them within
five seconds.  Sources: Law 91/2025/QH15 Art. 9 (withdrawal at any time); NĐ 356/2025 Art. 6;
RFC 7009 §2.1 for what hangs on a grant.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from idp.ids import AccountId, ConsentId
from idp.oauth.consent import CONSENT
from idp.oauth.errors import ConsentUnknown
from idp.oauth.revocation import RevocationReason, Revocations
from idp.storage.consents import find_consent, live_consents, withdraw_consent
from idp.storage.database import Database
from idp.storage.grants import live_grants
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter


class DataKeys(Protocol):
    """Accounts, as far as this module looks."""

    def data_key_of(self, account_id: AccountId) -> bytes | None:
        """The person's wrapped data key."""


@dataclass(frozen=True, slots=True)
class ConsentWithdrawal:
    """Withdraws consents in the name of the person who gave them."""

    database: Database
    revocations: Revocations
    data_keys: DataKeys
    log: LogWriter

    def withdraw(self, consent_id: ConsentId, *, account_id: AccountId, now: datetime) -> int:
        """Withdraw a consent and every other one to the same client; returns how many grants ended.

        All of them, because a grant does not say which consent a claim came from: the client asks
        again for what the person still wants to share.  A second call changes nothing.
        Raises  ConsentUnknown: there is none, it is somebody else's, or it is information that was
                given on ground of a law, which is not the person's to withdraw.
        """
        with self.database.transaction() as tx:
            found = find_consent(tx.connection, consent_id)
            if found is None or found[0].account_id != account_id or found[0].kind != CONSENT:
                raise ConsentUnknown
            client_id = found[0].client_id
            given = live_consents(tx.connection, account_id, client_id=client_id)
            withdrawn = [
                one.consent_id
                for one in given
                if one.kind == CONSENT and withdraw_consent(tx, one.consent_id, now=now)
            ]
            if not withdrawn:
                return 0
            ended = self.revocations.revoke(
                tx,
                live_grants(tx.connection, account_id, now=now, client_id=client_id),
                reason=RevocationReason.CONSENT_WITHDRAWN,
                now=now,
            )
            data_key = self.data_keys.data_key_of(account_id)
            for one in withdrawn:
                event = Event(
                    type=EventType.CONSENT_WITHDRAWN,
                    account_id=account_id,
                    client_id=client_id,
                    facts={"consent_id": one, "grants": ended},
                )
                self.log.record(tx, event, data_key=data_key, now=now)
        return ended
