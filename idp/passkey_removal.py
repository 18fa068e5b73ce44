"""What a passkey opens, and the end of it.

What lives here: `PasskeyRemoval`.  Signing keys are bound for ever to the passkeys with which they
were made, so whoever removes a passkey ends the keys that nothing else of hers opens: their
certificates are revoked first, and then the passkey is forgotten.  A crash in between leaves a
passkey that is still listed, and opens nothing.
Source: architecture, decisions 10 and 11; RFC 5280 §5.3.1.
Not here: the row of a passkey (`idp/accounts/passkeys.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from idp.accounts.credentials import Passkey
from idp.accounts.passkeys import Passkeys
from idp.accounts.people import People
from idp.ids import AccountId
from idp.storage.database import Database
from keystore.pki.certificate_states import CertificateStates
from keystore.pki.certificates import Certificates
from keystore.pki.model import CertificateRecord, CertificateState, RevocationReason
from keystore.signer.errors import KeyRecordChanged
from keystore.signer.model import PersonalKey
from keystore.signer.records import read_policy
from keystore.signer.storage import read_personal_keys


@dataclass(frozen=True, slots=True)
class OpenedKey:
    """A signing key that a passkey opens.

    Takes   owner: name of the person or organisation; is_seal: whether it is an organisation's;
            certificates: those that count; stops: whether nothing else of the person's opens it.
    """

    key_id: str
    owner: str = field(repr=False)
    is_seal: bool
    certificates: tuple[CertificateRecord, ...] = field(repr=False)
    stops: bool


class PasskeyRemoval:
    """Safe to share between threads."""

    def __init__(
        self,
        database: Database,
        *,
        passkeys: Passkeys,
        people: People,
        certificates: Certificates,
        states: CertificateStates,
    ) -> None:
        self._database = database
        self._passkeys = passkeys
        self._people = people
        self._certificates = certificates
        self._states = states

    def opened_by(
        self, account_id: AccountId, passkey: Passkey, *, now: datetime
    ) -> tuple[OpenedKey, ...]:
        """The signing keys that a passkey of this person opens and that have a certificate."""
        others = {one.credential_id for one in self._passkeys.list_of(account_id)}
        others.discard(passkey.credential_id)
        organisations = self._people.representations(account_id, now=now)
        owners = [account_id, *(one.organisation for one in organisations)]
        return tuple(
            found
            for owner in dict.fromkeys(owners)
            for found in self._opened(owner, passkey.credential_id, others=others, now=now)
        )

    def remove(self, account_id: AccountId, passkey: Passkey, *, now: datetime) -> bool:
        """Forget a passkey of this person and end what it alone opens; False when it was gone.

        Raises  LastFactor: nothing was ended.
        """
        self._passkeys.check_removal(account_id, now=now)
        for key in self.opened_by(account_id, passkey, now=now):
            if not key.stops:
                continue
            for one in key.certificates:
                self._states.revoke(
                    one.serial,
                    ca_id=one.ca_id,
                    reason=RevocationReason.CESSATION_OF_OPERATION,
                    now=now,
                    data_key=self._people.data_key_of(AccountId(one.account_id or "")),
                )
        return self._passkeys.remove(account_id, passkey.passkey_id, now=now)

    def _opened(
        self, owner: AccountId, credential_id: bytes, *, others: set[bytes], now: datetime
    ) -> Iterator[OpenedKey]:
        with self._database.read() as connection:
            keys = read_personal_keys(connection, account_id=owner)
        pinned = {one.key_id: ids for one in keys if credential_id in (ids := _pinned(one))}
        if not pinned:
            return
        account = self._people.find_account(owner)
        records = [
            one
            for one in self._certificates.of_account(owner)
            if one.state is not CertificateState.REVOKED and now <= one.not_after
        ]
        for key_id, ids in pinned.items():
            certificates = tuple(one for one in records if one.kid == key_id)
            if certificates and account is not None:
                yield OpenedKey(
                    key_id,
                    account.profile.name,
                    account.is_organisation,
                    certificates,
                    stops=not ids & others,
                )


def _pinned(key: PersonalKey) -> set[bytes]:
    if key.destroyed_at is not None:
        return set()
    try:
        return {one.credential_id for one in read_policy(key).credentials}
    except KeyRecordChanged:
        return set()
