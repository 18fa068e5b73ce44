"""Certificates for signing keys of people and organisations, from our own issuing authority.

What lives here: what a certificate for such a key says, and when another one follows.  A key whose
certificate could not be issued is found here and certified later, so that nobody has to confirm
twice; a certificate near its end is followed by another for the same key.
Source: ETSI EN 319 411-1 §6.3.6 (re-certification), §6.3.1; NĐ 23/2025/NĐ-CP (at most 3 years).
Not here: who may have one (`idp/signing_eligibility.py`), making keys (`idp/signing_enrolment.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from idp.personal_requests import find_usable_key, for_personal_key
from idp.pki import subject_of
from idp.signing_eligibility import Eligibility, Holder
from idp.storage.database import Database
from keystore.pki.certificates import Certificates, IssueRequest
from keystore.pki.errors import PkiError
from keystore.pki.model import CertificateRecord, CertificateState
from keystore.pki.profiles import PROFILES, Profile
from keystore.signer.errors import KeyRecordChanged, SignerError
from keystore.signer.model import PersonalKey
from keystore.signer.records import read_policy
from keystore.signer.storage import read_personal_keys
from signing.errors import CertificateRefused
from signing.ports import Signer

LONGEST_KEY: Final = timedelta(days=6 * 365)
"""How long a key is certified again: two certificates of the longest life, then another key."""


class SigningCertificates:
    """Safe to share between threads."""

    def __init__(
        self, database: Database, *, certificates: Certificates, eligibility: Eligibility
    ) -> None:
        self._database = database
        self._certificates = certificates
        self._eligibility = eligibility

    def certify(
        self, holder: Holder, key_id: str, *, replaces: int | None = None, now: datetime
    ) -> CertificateRecord:
        """A certificate for a key that the signer holds; it is recorded with it.

        Takes   replaces: serial number of the one that it follows.
        Raises  CertificateRefused: not_issued, or as the signer says of the key.
        """
        try:
            key = find_usable_key(self._database, key_id)
            request = for_personal_key(
                _request(holder, replaces=replaces),
                key,
                is_organisation=holder.owner.is_organisation,
            )
            return self._certificates.issue(request, now=now).record
        except SignerError as refusal:
            raise CertificateRefused(refusal.code) from refusal
        except PkiError as refusal:
            raise CertificateRefused("not_issued") from refusal

    def keep_up(self, signer: Signer, *, now: datetime) -> tuple[CertificateRecord, ...]:
        """Certify what was left without a certificate, and renew what ends soon.

        Nobody confirms anything here: each of these keys was confirmed when it was made.
        Returns what was issued; nothing for whoever may have no certificate now.
        """
        try:
            holder = self._eligibility.find_holder(signer, now=now)
            left = [self.certify(holder, one.key_id, now=now) for one in self._left(holder)]
            ending = list(self._ending(holder, now=now))
            return (
                *left,
                *(
                    self.certify(holder, one.kid or "", replaces=one.serial, now=now)
                    for one in ending
                ),
            )
        except CertificateRefused:
            return ()  # it is tried again the next time, and a page says what is missing

    def _left(self, holder: Holder) -> Iterator[PersonalKey]:
        """Living keys for which there never was a certificate; a revoked one is not got round."""
        certified = {one.kid for one in self._certificates.of_account(holder.owner.account_id)}
        own = {one.credential_id for one in self._eligibility.passkeys_of(holder.person.account_id)}
        for key in self._keys(holder):
            if key.key_id not in certified and _is_opened_by(key, own):
                yield key

    def _ending(self, holder: Holder, *, now: datetime) -> Iterator[CertificateRecord]:
        profile = profile_of(holder)
        records = self._certificates.of_account(holder.owner.account_id)
        followed = {one.replaces for one in records}
        keys = {one.key_id: one for one in self._keys(holder)}
        for record in records:
            key = keys.get(record.kid or "")
            if (
                key is not None
                and record.profile == profile
                and record.state is CertificateState.GOOD
                and record.serial not in followed
                and record.not_after - PROFILES[profile].renew_before <= now <= record.not_after
                and now - key.created_at < LONGEST_KEY - PROFILES[profile].renew_before
            ):
                yield record

    def _keys(self, holder: Holder) -> Iterator[PersonalKey]:
        with self._database.read() as connection:
            keys = read_personal_keys(connection, account_id=holder.owner.account_id)
        return (one for one in keys if one.destroyed_at is None and one.suspended_at is None)


def profile_of(holder: Holder) -> Profile:
    """The kind of certificate: a seal's for an organisation, else a person's."""
    return Profile.SEAL if holder.owner.is_organisation else Profile.CITIZEN


def _request(holder: Holder, *, replaces: int | None) -> IssueRequest:
    level = holder.person.level
    return IssueRequest(
        profile=profile_of(holder),
        subject=subject_of(holder.owner),
        public_spki=b"",  # the key's own, from its row
        account_id=holder.owner.account_id,
        data_key=holder.owner.data_key,
        proofing_level=None if level is None else int(level),
        replaces=replaces,
    )


def _is_opened_by(key: PersonalKey, passkeys: set[bytes]) -> bool:
    """Whether codes open it, or passkeys that this person has registered, all of them."""
    try:
        pinned = read_policy(key).credentials
    except KeyRecordChanged:
        return False
    return all(one.credential_id in passkeys for one in pinned)
