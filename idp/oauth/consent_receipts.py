"""Reading the evidence of a consent back.

What lives here: finding a consent of one person and unsealing the text that was shown.  Source:
NĐ 356/2025 Art. 6 (proof of consent is kept); architecture §3, data key per person.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from idp.ids import AccountId, ConsentId
from idp.model import Consent
from idp.storage.consents import consents_of, find_consent
from idp.storage.database import Database
from keystore.sealing import Sealer


class DataKeys(Protocol):
    """Accounts, as far as this module looks."""

    def data_key_of(self, account_id: AccountId) -> bytes | None:
        """The person's wrapped data key."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A consent and the text that was shown, as it was written down."""

    consent: Consent
    text: bytes = field(repr=False)


class ConsentReceipts:
    """Reads receipts of one database."""

    def __init__(self, database: Database, *, people: DataKeys, sealer: Sealer) -> None:
        self._database = database
        self._people = people
        self._sealer = sealer

    def list_of(self, account_id: AccountId) -> tuple[Consent, ...]:
        """Every consent of a person, newest first, withdrawn ones included."""
        with self._database.read() as connection:
            return consents_of(connection, account_id)

    def find(self, consent_id: str, *, account_id: AccountId) -> Receipt | None:
        """The receipt, if this person gave that consent and has not been erased.

        Raises  KeystoreError when the evidence was tampered with.
        """
        with self._database.read() as connection:
            found = find_consent(connection, ConsentId(consent_id))
        data_key = self._people.data_key_of(account_id)
        if found is None or found[0].account_id != account_id or data_key is None:
            return None
        text = self._sealer.unseal_personal(data_key, found[1], context=consent_id)
        return Receipt(found[0], text)
