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
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from idp.ids import AccountId
from idp.storage.database import Database
from idp.storage.held_keys import HeldKey, read_holdings
from keystore.errors import SealBroken
from keystore.pki.authority import Authorities
from keystore.pki.certificates import Certificates
from keystore.pki.model import CertificateState
from keystore.signer.model import KeyPolicy, decode_policy
from signing.formats.material import HASH_OF, Signatory
from signing.ports import Signer, SigningCredential

_DECODED: Final = 256
"""Policies, and certificates, that stay decoded; both are what their octets say, whoever asks."""
_SHOWN: Final = (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)


class HeldCredentials:
    """`Credentials` over the keys and certificates of one deployment; safe to share."""

    def __init__(
        self, database: Database, *, certificates: Certificates, authorities: Authorities
    ) -> None:
        self._database = database
        self._certificates = certificates
        self._authorities = authorities
        self._chains: dict[str, tuple[bytes, ...]] = {}

    def credentials_of(self, signer: Signer, *, now: datetime) -> tuple[SigningCredential, ...]:
        """See `Credentials`: passkeys before codes, newer certificates before older ones.

        Nothing for whom the account was capped at level 1, an organisation's seal neither.
        """
        owner = AccountId(signer.key_owner)
        with self._database.read() as connection:
            held = read_holdings(connection, person_id=signer.account_id, owner_id=owner)
        if not held.may_sign:
            return ()
        found = [
            credential
            for key in held.keys
            if _is_usable(key, now=now)
            and (
                credential := self._credential(
                    key, data_key=held.data_keys.get(owner), own=held.passkeys
                )
            )
            is not None
        ]
        return tuple(sorted(found, key=lambda one: one.scal, reverse=True))

    def _credential(
        self, key: HeldKey, *, data_key: bytes | None, own: frozenset[bytes]
    ) -> SigningCredential | None:
        try:
            policy = _decoded(key.raw_policy)
            der = self._certificates.open(key, data_key=data_key)
        except (ValueError, SealBroken):
            return None  # a row that somebody changed offers nothing; the signer would refuse it
        if policy.algorithm not in HASH_OF or not _is_of(policy, key):
            return None
        passkeys = tuple(
            one.credential_id for one in policy.credentials if one.credential_id in own
        )
        if policy.credentials and not passkeys:
            return None
        holder, issuer = _names(der)
        return SigningCredential(
            key_id=key.key_id,
            owner_id=policy.account_id,
            scal=policy.scal,
            signatory=Signatory(der, self._chain(key.ca_id), policy.algorithm),
            passkeys=passkeys,
            rp_id=policy.rp_id,
            holder=holder,
            issuer=issuer,
            not_after=key.not_after,
        )

    def _chain(self, ca_id: str) -> tuple[bytes, ...]:
        """Of an authority, which is read once: whoever has that name keeps its certificate."""
        if ca_id not in self._chains:
            self._chains[ca_id] = self._authorities.chain(ca_id)
        return self._chains[ca_id]


def _is_usable(key: HeldKey, *, now: datetime) -> bool:
    return (
        not key.is_destroyed
        and not key.is_suspended
        and key.state is CertificateState.GOOD
        and key.not_before <= now <= key.not_after
    )


def _is_of(policy: KeyPolicy, key: HeldKey) -> bool:
    return (
        policy.key_id == key.key_id
        and policy.account_id == key.owner_id
        and key.account_id == policy.account_id
    )


_decoded: Final = lru_cache(maxsize=_DECODED)(decode_policy)


@lru_cache(maxsize=_DECODED)
def _names(der: bytes) -> tuple[str, str]:
    """Whose certificate it is, and who issued it, as a person reads them."""
    certificate = x509.load_der_x509_certificate(der)
    return _name(certificate.subject), _name(certificate.issuer)


def _name(name: x509.Name) -> str:
    for oid in _SHOWN:
        found = name.get_attributes_for_oid(oid)
        if found:
            return str(found[0].value)
    return ""
