"""Who may have a signing key and a certificate for it.

What lives here: what has to be true of a person, and of the organisation whose seal it is, before a
key is made, in the order in which it is asked; and which of her second factors may confirm it.
Each answer is a code that a page turns into a sentence.
Source: architecture, decisions 10 and 11; ETSI EN 319 411-1 §6.2.2; NĐ 30/2020/NĐ-CP Art. 32–33.
Not here: making the key (`idp/signing_enrolment.py`); the wait of one-time codes, which the
second-factor verifier enforces by itself (`keystore/second_factor/verifier.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from idp.accounts.credentials import Passkey
from idp.accounts.model import Account, AccountLevel
from idp.accounts.people import People
from idp.accounts.proofing import find_proofing
from idp.ids import AccountId
from idp.second_factors import VerifierFactors
from idp.signing_people import PortalSigners
from idp.storage.database import Database
from idp.storage.passkeys import list_passkeys
from keystore.pki.certificates import Certificates
from keystore.pki.model import CertificateState
from keystore.sealing import Sealer
from keystore.signer.storage import read_personal_keys
from signing.errors import CertificateRefused
from signing.ports import Signer

PASSKEY_WAITS: Final = timedelta(hours=72)
"""How old a passkey must be before it alone confirms a signing key; as codes, see the verifier."""
MOST_KEYS: Final = 12
"""Living keys of one account: renewals, and a clerk's passkey each; the signer knows a last end."""
MOST_A_DAY: Final = 6
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose key it is, and who confirms for it.

    Takes   signer: with the mandate that holds now; person: at the browser; owner: the same, or the
            organisation whose seal it is.
    """

    signer: Signer
    person: Account
    owner: Account


class Eligibility:
    """Safe to share between threads.

    Takes   passkey_waits: none in a sandbox in which codes confirm at once
            (`verifier_confirms_at_once`), else `PASSKEY_WAITS`.
    """

    def __init__(
        self,
        database: Database,
        *,
        sealer: Sealer,
        people: People,
        signers: PortalSigners,
        factors: VerifierFactors,
        certificates: Certificates,
        passkey_waits: timedelta = PASSKEY_WAITS,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._people = people
        self._signers = signers
        self._factors = factors
        self._certificates = certificates
        self._passkey_waits = passkey_waits

    def find_holder(self, signer: Signer, *, now: datetime) -> Holder:
        """Whoever may have a certificate now: `find_entitled`, of whom nothing is on hold.

        What is on hold is not got round with another key.
        Raises  CertificateRefused: as `find_entitled`; certificate_suspended.
        """
        holder = self.find_entitled(signer, now=now)
        records = self._certificates.of_account(holder.owner.account_id)
        with self._database.read() as connection:
            keys = read_personal_keys(connection, account_id=holder.owner.account_id)
        if any(
            one.state is CertificateState.SUSPENDED and now <= one.not_after for one in records
        ) or any(one.suspended_at is not None and one.destroyed_at is None for one in keys):
            raise CertificateRefused("certificate_suspended")
        return holder

    def find_entitled(self, signer: Signer, *, now: datetime) -> Holder:
        """Whoever may sign at all now, on hold or not.

        1. The person's account is active, and a mandate lets her act where she acts for others.
        2. It is of level 2, and that is on record.

        Raises  CertificateRefused: account_ended, mandate_ended; level_too_low, not_proofed.
        """
        # 1
        person = self._people.find_account(AccountId(signer.account_id))
        if person is None or not person.is_active or person.is_organisation:
            raise CertificateRefused("account_ended")
        # of level 1 she is told so below
        found = self._signers.refresh(signer, client_id=None, is_active=True, now=now)
        owner = self._people.find_account(AccountId(signer.key_owner))
        if found is None or owner is None or not owner.is_active:
            raise CertificateRefused("mandate_ended")
        # 2
        if person.level is not AccountLevel.TWO:
            raise CertificateRefused("level_too_low")
        if find_proofing(self._database, person.account_id) is None:
            raise CertificateRefused("not_proofed")
        return Holder(found, person, owner)

    def check_number(self, holder: Holder, *, now: datetime) -> None:
        """Refuse one more key where there are many, or many were made within a day.

        Raises  CertificateRefused(too_many_keys).
        """
        with self._database.read() as connection:
            keys = read_personal_keys(connection, account_id=holder.owner.account_id)
        living = sum(one.destroyed_at is None for one in keys)
        if living >= MOST_KEYS or sum(one.created_at > now - _DAY for one in keys) >= MOST_A_DAY:
            raise CertificateRefused("too_many_keys")

    def code_refusal(self, account_id: str, *, now: datetime) -> str:
        """Why no one-time code of this person confirms now; empty when one does.

        Returns no_second_factor, second_factor_too_young, or nothing.
        Raises  SecondFactorUnavailable.
        """
        if not self._factors.has_authenticator(account_id):
            return "no_second_factor"
        if not self._factors.confirms(account_id, now=now):
            return "second_factor_too_young"
        return ""

    def passkeys_of(self, account_id: str) -> tuple[Passkey, ...]:
        """The passkeys of a person, oldest first."""
        with self._database.read() as connection:
            return list_passkeys(connection, AccountId(account_id), sealer=self._sealer)

    def alone_from(self, passkey: Passkey) -> datetime:
        """From when on a passkey confirms a signing key by itself."""
        return passkey.created_at + self._passkey_waits

    def is_old_enough(self, passkey: Passkey, *, now: datetime) -> bool:
        """Whether a passkey confirms a signing key by itself."""
        return now >= self.alone_from(passkey)
