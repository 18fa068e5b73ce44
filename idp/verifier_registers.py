"""What the second-factor verifier looks up in the provider's tables; it only reads.

What lives here: `DatabaseRegisters`.  Nothing in these tables that is sealed is opened, and nothing
is read that this does not need: the role of the verifier needs no more than the columns below.
A mandate counts while the log says that it was given, to whom, of what kind and for whom, and not
that it ended.  That a row of the log is genuine is not known here: its mark is made with a key that
the verifier does not have.  `antin log verify` names one that somebody put there.
Source: NĐ 30/2020/NĐ-CP Art. 32–33 (who keeps and uses a seal); Law on Enterprises Art. 12.
Not here: what is decided by it (`keystore/second_factor/verifier.py`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from idp.accounts.mandate_scopes import SEAL, SIGN
from idp.accounts.model import AccountKind, AccountStatus, Mandate, MandateKind
from idp.ids import AccountId, MandateId
from idp.storage.database import Database
from idp.storage.level_records import find_level_records
from idp.storage.mandates import find_usable_mandate
from idp.storage.standing import find_standing
from keystore.log.events import EventType
from keystore.log.on_record import find_on_record

_SEALING: Final = frozenset({MandateKind.LEGAL_REPRESENTATIVE, MandateKind.SEAL_CLERK})
"""Mandates under which an organisation's key is used."""
_SCOPES: Final = frozenset({SIGN, SEAL})
"""Of these a mandate has to have one that is narrowed at all."""


class DatabaseRegisters:
    """`Registers` over the provider's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def is_active(self, account_id: str) -> bool:
        """Whether there is such a person, neither locked nor gone, and not capped at level 1."""
        with self._database.read() as connection:
            standing = find_standing(connection, AccountId(account_id))
            is_capped = find_level_records(connection, AccountId(account_id)).is_capped
        if standing is None or is_capped:
            return False
        kind, status = standing
        return kind is not AccountKind.ORGANISATION and status is AccountStatus.ACTIVE

    def may_act(
        self,
        account_id: str,
        *,
        mandate_id: str,
        organisation_id: str,
        client_id: str | None,
        now: datetime,
    ) -> bool:
        """Whether this mandate lets the person use the organisation's key now, at this portal."""
        with self._database.read() as connection:
            found = find_usable_mandate(connection, MandateId(mandate_id), now=now)
        return (
            found is not None
            and found.kind in _SEALING
            and found.holder_id == account_id
            and found.principal_id == organisation_id
            and (not found.scopes or not _SCOPES.isdisjoint(found.scopes))
            and (client_id is None or not found.portals or client_id in found.portals)
            and self._is_on_record(found)
        )

    def enrolled_at(self, account_id: str, *, totp_id: str) -> datetime | None:
        """When the log says that the authenticator was enrolled."""
        with self._database.read() as connection:
            return find_on_record(
                connection,
                EventType.TOTP_ENROLLED,
                account_id=account_id,
                facts={"totp_id": totp_id},
            )

    def _is_on_record(self, mandate: Mandate) -> bool:
        # a row that somebody wrote, or wrote over, or woke up again, is not what the log says
        holder_id, mandate_id = mandate.holder_id, mandate.mandate_id
        added = {
            "mandate": mandate_id,
            "kind": mandate.kind.value,
            "organisation": mandate.principal_id,
        }
        event, end = EventType.MANDATE_ADDED, EventType.MANDATE_ENDED
        with self._database.read() as connection:
            if find_on_record(connection, event, account_id=holder_id, facts=added) is None:
                return False
            ended = {"mandate": mandate_id}
            return find_on_record(connection, end, account_id=holder_id, facts=ended) is None
