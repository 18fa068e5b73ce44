"""The end of a mandate, with everything that stands on it.

What lives here: one act, in one transaction: the mandate and what was given under it, the grants in
that capacity, the portals at which somebody is signed in with them (by back-channel logout, through
the outbox), the seals that only its holder could open, the rows in the log, and the notices to
everyone concerned.  What is signed is asked about at the moment (`idp/signing_people.py`), so the
next signature finds no mandate.
Source: architecture, "Mandates" and "State"; Law on Enterprises 59/2020/QH14 Art. 12; OpenID
Connect Back-Channel Logout 1.0 §2.3.
Not here: who may end one (`idp/accounts/delegation.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from clients.registry.model import Client
from idp.accounts.mandates import EndReason, end_mandate
from idp.accounts.model import Mandate, MandateStatus
from idp.accounts.notices import Notice, Notices
from idp.clerk_keys import ClerkKeys
from idp.ids import AccountId, MandateId
from idp.oauth.revocation import RevocationReason, Revocations
from idp.sessions import BACKCHANNEL_LOGOUT
from idp.storage.accounts import AccountRow, find_row
from idp.storage.database import Database, Transaction
from idp.storage.grants import grants_under
from idp.storage.mandate_ends import list_open_of, list_open_under, list_out_of_time
from idp.storage.mandates import find_mandate, list_representatives
from idp.work.outbox import Outbox
from keystore.log.record import LogWriter

_LOGOUT_KEPT_FOR: Final = timedelta(hours=24)
_AT_ONCE: Final = 100


class Clients(Protocol):
    """The registry, as far as this module looks."""

    def find_registered_client(self, client_id: str, *, now: datetime) -> Client | None:
        """A client whatever its status."""


@dataclass(frozen=True, slots=True)
class MandateEnding:
    """Safe to share between threads.

    Takes   seals: those that only whoever loses the mandate could open; None where nobody signs.
    """

    database: Database
    clients: Clients
    deferred: Outbox
    revocations: Revocations
    notices: Notices
    log: LogWriter
    seals: ClerkKeys | None = None

    def in_name_of(self, operator: str) -> MandateEnding:
        """The same; what ends here is written down as done by `operator`."""
        log = self.log.in_name_of(operator)
        seals = None if self.seals is None else self.seals.recorded_by(log)
        return replace(self, log=log, seals=seals)

    def end(self, mandate_id: MandateId, *, why: EndReason, now: datetime) -> bool:
        """`end_in` where nothing else happens with it; False when it had ended before."""
        with self.database.transaction() as tx:
            mandate = find_mandate(tx.connection, mandate_id)
            return mandate is not None and self.end_in(tx, mandate, why=why, now=now)

    def end_in(
        self,
        tx: Transaction,
        mandate: Mandate,
        *,
        why: EndReason,
        status: MandateStatus = MandateStatus.REVOKED,
        now: datetime,
    ) -> bool:
        """End a mandate, and what was given under it; False when it had ended before.

        Whoever is signed in at a portal under it is signed out there: the portal is told, and
        refresh, userinfo and introspection refuse from the commit on.
        """
        if not end_mandate(tx, mandate, why=why, status=status, log=self.log, now=now):
            return False
        self._end_grants(tx, mandate, now=now)
        if self.seals is not None:
            self.seals.stop(tx, mandate, now=now)
        facts = {"mandate": mandate.mandate_id, "kind": mandate.kind.value, "reason": why.value}
        for row in concerned(tx, mandate, now=now):
            self.notices.tell(tx, row, Notice.MANDATE_ENDED, facts=facts, now=now)
        for under in list_open_under(tx.connection, mandate.mandate_id):
            self.end_in(tx, under, why=EndReason.GROUND_ENDED, now=now)
        return True

    def end_all_of(self, tx: Transaction, row: AccountRow, *, now: datetime) -> int:
        """End everything that an account holds or gave, as a part of its own end; how many."""
        return sum(
            self.end_in(tx, one, why=EndReason.ACCOUNT_CLOSED, now=now)
            for one in list_open_of(tx.connection, row.account_key)
        )

    def end_out_of_time(self, *, now: datetime, goes_on: Callable[[], bool] = lambda: True) -> int:
        """Tell of those whose last day was, and drop what nobody agreed to in time; how many."""
        ended = 0
        while True:
            with self.database.read() as connection:
                found = list_out_of_time(connection, now=now, limit=_AT_ONCE)
            for one in found:
                is_waiting = one.status is MandateStatus.WAITING
                with self.database.transaction() as tx:
                    ended += self.end_in(
                        tx,
                        one,
                        why=EndReason.NOT_AGREED if is_waiting else EndReason.LAST_DAY,
                        status=MandateStatus.LAPSED if is_waiting else MandateStatus.OVER,
                        now=now,
                    )
            if len(found) < _AT_ONCE or not goes_on():
                return ended

    def _end_grants(self, tx: Transaction, mandate: Mandate, *, now: datetime) -> None:
        grants = grants_under(
            tx.connection, mandate.holder_id, mandate_id=mandate.mandate_id, now=now
        )
        self.revocations.revoke(tx, grants, reason=RevocationReason.MANDATE_ENDED, now=now)
        # a client that gave its tokens back may still have the person signed in
        for client_id, sub, sid in dict.fromkeys((g.client_id, g.sub, g.sid) for g in grants):
            client = self.clients.find_registered_client(client_id, now=now)
            if client is None or client.backchannel_logout_uri is None:
                continue
            self.deferred.add(
                tx,
                BACKCHANNEL_LOGOUT,
                {"client_id": client_id, "sub": sub, "sid": sid},
                now=now,
                expires=now + _LOGOUT_KEPT_FOR,
                lane=client_id,
            )


def concerned(tx: Transaction, mandate: Mandate, *, now: datetime) -> tuple[AccountRow, ...]:
    """Whom a mandate is the business of: its holder, its giver, who represents the organisation."""
    principal = find_row(tx.connection, mandate.principal_id)
    representatives = (
        ()
        if principal is None
        else list_representatives(tx.connection, principal.account_key, now=now)
    )
    people: dict[AccountId, None] = dict.fromkeys(
        one
        for one in (
            mandate.holder_id,
            mandate.given_by,
            *(other.holder_id for other in representatives),
        )
        if one is not None
    )
    rows = (find_row(tx.connection, one) for one in people)
    return tuple(row for row in rows if row is not None and row.is_active)
