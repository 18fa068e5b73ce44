"""Ending grants: by the client, by misuse, with a session, by the person.

What lives here: the one way to revoke, so that the log row and the dropped cache are never
forgotten.  Sources: RFC 7009; RFC 6749 §4.1.2 (a code used twice); RFC 9700 §4.14.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from idp.ids import GrantId
from idp.model import Grant
from idp.oauth.errors import InvalidGrant
from idp.oauth.grant_state import GrantStates
from idp.storage.database import Database, Transaction
from idp.storage.grants import find_grant, revoke_grant
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter


class RevocationReason(StrEnum):
    """Why a grant ended."""

    CLIENT = "client"
    CODE_REPLAYED = "code_replayed"
    REFRESH_REPLAYED = "refresh_replayed"
    SESSION_ENDED = "session_ended"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    SIGNED_OUT_EVERYWHERE = "signed_out_everywhere"
    LEVEL_CAPPED = "level_capped"
    MANDATE_ENDED = "mandate_ended"
    DATA_RESTRICTED = "data_restricted"
    """The person had the sharing of their data restricted."""


_EVENTS = {
    RevocationReason.CODE_REPLAYED: EventType.CODE_REPLAYED,
    RevocationReason.REFRESH_REPLAYED: EventType.REFRESH_REPLAYED,
}


class Revocations:
    """Revokes grants together with their log rows."""

    def __init__(self, database: Database, *, states: GrantStates, log: LogWriter) -> None:
        self._database = database
        self._states = states
        self._log = log

    def revoke_for_client(self, grant_id: GrantId, *, client_id: str, now: datetime) -> None:
        """End a grant because its client asks; one that has ended already is no error.

        Raises  InvalidGrant when the grant is another client's.
        Source  RFC 7009 §2.1.
        """
        with self._database.transaction() as tx:
            grant = find_grant(tx.connection, grant_id)
            if grant is None:
                return
            if grant.client_id != client_id:
                raise InvalidGrant("the token was issued to another client")
            self.revoke(tx, [grant], reason=RevocationReason.CLIENT, now=now)

    def revoke_for_level(self, tx: Transaction, grants: Iterable[Grant], *, now: datetime) -> int:
        """End grants that the account's level does not carry any more; how many."""
        return self.revoke(tx, grants, reason=RevocationReason.LEVEL_CAPPED, now=now)

    def revoke(
        self, tx: Transaction, grants: Iterable[Grant], *, reason: RevocationReason, now: datetime
    ) -> int:
        """Revoke grants that are not revoked yet; how many this call ended."""
        ended = 0
        for grant in grants:
            if not revoke_grant(tx, grant.grant_id, now=now, reason=reason.value):
                continue
            ended += 1
            self._states.forget_on_commit(tx, [grant.grant_id])
            self._log.record(
                tx,
                Event(
                    type=_EVENTS.get(reason, EventType.GRANT_REVOKED),
                    account_id=grant.account_id,
                    client_id=grant.client_id,
                    facts={"grant_id": grant.grant_id, "reason": reason.value},
                ),
                data_key=None,
                now=now,
            )
        return ended
