"""What somebody can sign with: keys that the signer holds, with certificates that are good now.

What lives here: `HeldCredentials`.  Keys and certificates are those of the account whose key signs:
the person's, or for a seal the organisation's.  A key that passkeys open is offered to whoever has
one of them registered: a seal under one clerk's passkey is no other clerk's.  What is shown here of
a key is not believed by the signer, which looks at its own.
Source: architecture, decision 11; Circular 15/2025/TT-BKHCN Art. 5 (the certificate is checked
before signing).
Not here: making keys and certificates (`idp/signing_enrolment.py`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from idp.accounts.people import People
from idp.ids import AccountId
from idp.storage.accounts import find_row
from idp.storage.database import Database
from idp.storage.passkeys import list_credential_ids
from keystore.errors import SealBroken
from keystore.pki.authority import Authorities
from keystore.pki.certificates import Certificates
from keystore.pki.model import CertificateRecord, CertificateState
from keystore.signer.model import KeyPolicy, PersonalKey, decode_policy
from keystore.signer.storage import read_personal_keys
from signing.formats.material import HASH_OF, Signatory
from signing.ports import Signer, SigningCredential

_SHOWN: Final = (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)


class HeldCredentials:
    """`Credentials` over the keys and certificates of one deployment; safe to share."""

    def __init__(
        self,
        database: Database,
        *,
        people: People,
        certificates: Certificates,
        authorities: Authorities,
    ) -> None:
        self._database = database
        self._people = people
        self._certificates = certificates
        self._authorities = authorities
        self._chains: dict[str, tuple[bytes, ...]] = {}

    def credentials_of(self, signer: Signer, *, now: datetime) -> tuple[SigningCredential, ...]:
        """See `Credentials`: passkeys before codes, newer certificates before older ones.

        Nothing for whom the account was capped at level 1, an organisation's seal neither.
        """
        owner = signer.key_owner
        with self._database.read() as connection:
            keys = {one.key_id: one for one in read_personal_keys(connection, account_id=owner)}
            own = list_credential_ids(connection, AccountId(signer.account_id))
            person = find_row(connection, AccountId(signer.account_id))
        if person is None or not person.may_sign:
            return ()
        data_key = signer.data_key
        if owner != signer.account_id or data_key is None:
            data_key = self._people.data_key_of(AccountId(owner))
        found = [
            credential
            for record in self._certificates.of_account(owner)
            if (key := keys.get(record.kid or "")) is not None
            and _is_usable(key, record, now=now)
            and (credential := self._credential(key, record, data_key=data_key, own=own))
            is not None
        ]
        return tuple(sorted(found, key=lambda one: one.scal, reverse=True))

    def _credential(
        self,
        key: PersonalKey,
        record: CertificateRecord,
        *,
        data_key: bytes | None,
        own: frozenset[bytes],
    ) -> SigningCredential | None:
        try:
            policy = decode_policy(key.raw_policy)
            der = self._certificates.open(record, data_key=data_key)
        except (ValueError, SealBroken):
            return None  # a row that somebody changed offers nothing; the signer would refuse it
        if policy.algorithm not in HASH_OF or not _is_of(policy, key, record):
            return None
        passkeys = tuple(
            one.credential_id for one in policy.credentials if one.credential_id in own
        )
        if policy.credentials and not passkeys:
            return None
        certificate = x509.load_der_x509_certificate(der)
        return SigningCredential(
            key_id=key.key_id,
            owner_id=policy.account_id,
            scal=policy.scal,
            signatory=Signatory(der, self._chain(record.ca_id), policy.algorithm),
            passkeys=passkeys,
            rp_id=policy.rp_id,
            holder=_name(certificate.subject),
            issuer=_name(certificate.issuer),
            not_after=record.not_after,
        )

    def _chain(self, ca_id: str) -> tuple[bytes, ...]:
        """Of an authority, which is read once: whoever has that name keeps its certificate."""
        if ca_id not in self._chains:
            self._chains[ca_id] = self._authorities.chain(ca_id)
        return self._chains[ca_id]


def _is_usable(key: PersonalKey, record: CertificateRecord, *, now: datetime) -> bool:
    return (
        key.destroyed_at is None
        and key.suspended_at is None
        and record.state is CertificateState.GOOD
        and record.not_before <= now <= record.not_after
    )


def _is_of(policy: KeyPolicy, key: PersonalKey, record: CertificateRecord) -> bool:
    return (
        policy.key_id == key.key_id
        and policy.account_id == key.account_id
        and record.account_id == policy.account_id
    )


def _name(name: x509.Name) -> str:
    for oid in _SHOWN:
        found = name.get_attributes_for_oid(oid)
        if found:
            return str(found[0].value)
    return ""
