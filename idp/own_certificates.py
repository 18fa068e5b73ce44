"""The signing certificates of a person, and of the organisations whose seal she uses.

What lives here: the list, and what a holder does to one: put it on hold, revoke it.  A key and its
certificates go together: where one key was certified twice, the word counts for both.  Each act is
one transaction with its rows in the log, a notice, and the job that has the signer follow; status
answers and revocation lists read what is written here.  A certificate of somebody else does not
exist as far as anybody can see.
To put one on hold is easy, because being quick protects and it can be taken back; whoever uses a
seal may.  To revoke one is final: for an organisation its legal representative does it.
Source: RFC 5280 §5.3.1; Decree 23/2025/ND-CP (suspension and revocation at the holder's wish);
ETSI EN 319 411-1 §6.3.9.
Not here: taking a hold back (`own_key_resuming.py`), making one (`signing_enrolment.py`), pages.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from idp.accounts.model import Account, MandateKind
from idp.accounts.notices import Notice, Notices
from idp.accounts.people import People
from idp.errors import AntinError
from idp.ids import AccountId
from idp.own_key_jobs import END_OWN_KEY, HOLD_OWN_KEY
from idp.signing_means import KEPT_TRYING
from idp.signing_people import PortalSigners
from idp.storage.accounts import find_row
from idp.storage.database import Database, Transaction
from idp.storage.mandates import list_mandates
from idp.work.outbox import Outbox
from keystore.errors import SealBroken
from keystore.log.events import Fact
from keystore.pki.authority import Authorities
from keystore.pki.certificate_states import CertificateStates
from keystore.pki.certificates import Certificates
from keystore.pki.errors import CertificateStateRefused
from keystore.pki.model import HOLDER, CertificateRecord, CertificateState, RevocationReason
from keystore.signer.model import HOLDER as HELD_BY_HOLDER
from keystore.signer.model import PersonalKey
from keystore.signer.storage import read_personal_keys
from signing.model import Role
from signing.ports import Signer

HOLDER_REASONS: Final = (
    RevocationReason.KEY_COMPROMISE,
    RevocationReason.SUPERSEDED,
    RevocationReason.AFFILIATION_CHANGED,
    RevocationReason.CESSATION_OF_OPERATION,
    RevocationReason.UNSPECIFIED,
)
"""Why a holder revokes; the other reasons are for authorities to give."""
_SEAL_KINDS: Final = frozenset({MandateKind.LEGAL_REPRESENTATIVE, MandateKind.SEAL_CLERK})


class OwnCertificateUnknown(AntinError):
    """There is no such certificate, or it is nobody's whom this person may act for."""

    code = "certificate_unknown"


class CertificateActRefused(AntinError):
    """The certificate is in another state by now, or this is not hers to do.

    `reason`: not_in_force, not_suspended, ended, held_by_others, representative_only.
    """

    code = "certificate_act_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Standing(StrEnum):
    """How a certificate stands, as its holder sees it."""

    IN_FORCE = "in_force"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose certificates they are.

    Takes   signer: the person at the browser as signing asks about her, with the mandate that
            holds now; may_end: whether she may revoke.
    """

    account_id: AccountId
    name: str = field(repr=False)
    is_organisation: bool
    may_end: bool
    signer: Signer = field(repr=False)


@dataclass(frozen=True, slots=True)
class OwnCertificate:
    """One certificate.

    Takes   name: how pages call it; it says nothing; key: that it was issued for, None where the
            holder keeps the key; is_followed: another one was issued in its place.
    """

    name: str
    owner: Owner
    record: CertificateRecord = field(repr=False)
    standing: Standing
    key: PersonalKey | None = field(repr=False)
    issuer: str
    may_resume: bool
    is_followed: bool

    @property
    def may_renew(self) -> bool:
        """Whether another one with another key may follow it."""
        return self.standing is Standing.IN_FORCE and self.key is not None and not self.is_followed


class OwnCertificates:
    """Safe to share between threads."""

    def __init__(
        self,
        database: Database,
        *,
        people: People,
        signers: PortalSigners,
        certificates: Certificates,
        states: CertificateStates,
        authorities: Authorities,
        deferred: Outbox,
        notices: Notices,
    ) -> None:
        self._database = database
        self._people = people
        self._signers = signers
        self._certificates = certificates
        self._states = states
        self._authorities = authorities
        self._deferred = deferred
        self._notices = notices
        self._issuers: dict[str, str] = {}

    def owners(self, person_id: AccountId, *, now: datetime) -> tuple[Owner, ...]:
        """The person herself, then the organisations whose seal she may use now."""
        person = self._people.find_account(person_id)
        if person is None:
            return ()
        own = self._signers.get_signer(person_id, role=Role.PERSON, organisation_id=None)
        found = [
            Owner(person_id, person.profile.name, person.is_organisation, may_end=True, signer=own)
        ]
        with self._database.read() as connection:
            held = list_mandates(connection, person_id)
        kinds: dict[AccountId, set[MandateKind]] = {}
        for one in held:
            if one.kind in _SEAL_KINDS and one.valid_at(now):
                kinds.setdefault(one.principal_id, set()).add(one.kind)
        for owner_id, under in kinds.items():
            signer = self._signers.get_signer(person_id, role=Role.SEAL, organisation_id=owner_id)
            holding = self._signers.refresh(signer, client_id=None, now=now)
            organisation = self._people.find_account(owner_id)
            if holding is not None and organisation is not None:
                may_end = MandateKind.LEGAL_REPRESENTATIVE in under
                found.append(_owner(organisation, may_end=may_end, signer=holding))
        return tuple(found)

    def list_of(self, person_id: AccountId, *, now: datetime) -> tuple[OwnCertificate, ...]:
        """Every certificate that she may see, her own first, of each owner the newest first."""
        owners = self.owners(person_id, now=now)
        return tuple(one for owner in owners for one in self.of_owner(owner, now=now))

    def get(self, person_id: AccountId, name: str, *, now: datetime) -> OwnCertificate:
        """One of them.  Raises  OwnCertificateUnknown."""
        found = (one for one in self.list_of(person_id, now=now) if one.name == name)
        one = next(found, None)
        if one is None:
            raise OwnCertificateUnknown
        return one

    def open(self, one: OwnCertificate) -> tuple[bytes, ...]:
        """The certificate and those of its authorities up to the root, DER.

        Raises  OwnCertificateUnknown: what was sealed does not open.
        """
        data_key = self._people.data_key_of(one.owner.account_id)
        try:
            der = self._certificates.open(one.record, data_key=data_key)
        except SealBroken as broken:
            raise OwnCertificateUnknown from broken
        return (der, *self._authorities.chain(one.record.ca_id))

    def suspend(self, person_id: AccountId, name: str, *, now: datetime) -> None:
        """Put it on hold at once.

        Raises  OwnCertificateUnknown; CertificateActRefused (not_in_force).
        """
        one = self.get(person_id, name, now=now)
        with self._database.transaction() as tx:
            live = self._held(tx, one, now=now)
            good = [record for record in live if record.state is CertificateState.GOOD]
            if not good:
                raise CertificateActRefused("not_in_force")
            self.change(tx, one, good, to=CertificateState.SUSPENDED, now=now)
            self._ask_signer(tx, HOLD_OWN_KEY, one, now=now)

    def revoke(
        self, person_id: AccountId, name: str, *, reason: RevocationReason, now: datetime
    ) -> None:
        """End it for good, and its key.

        Raises  OwnCertificateUnknown; CertificateActRefused (ended, representative_only);
                ValueError for a reason that is none of `HOLDER_REASONS`.
        """
        if reason not in HOLDER_REASONS:
            raise ValueError("reason")
        one = self.get(person_id, name, now=now)
        if not one.owner.may_end:
            raise CertificateActRefused("representative_only")
        with self._database.transaction() as tx:
            live = self._held(tx, one, now=now)
            if not live:
                raise CertificateActRefused("ended")
            self.change(tx, one, live, to=CertificateState.REVOKED, reason=reason, now=now)
            self._ask_signer(tx, END_OWN_KEY, one, now=now)

    def lift(self, one: OwnCertificate, *, now: datetime) -> None:
        """Let it be in force again, once its holder has confirmed that to the signer.

        Raises  CertificateActRefused (held_by_others, ended).
        """
        with self._database.transaction() as tx:
            live = self._held(tx, one, now=now)
            if not live:
                raise CertificateActRefused("ended")
            held = [record for record in live if record.state is CertificateState.SUSPENDED]
            if any(record.held_by != HOLDER for record in held):
                raise CertificateActRefused("held_by_others")
            self.change(tx, one, held, to=CertificateState.GOOD, now=now)

    def change(
        self,
        tx: Transaction,
        one: OwnCertificate,
        records: Sequence[CertificateRecord],
        *,
        to: CertificateState,
        reason: RevocationReason | None = None,
        now: datetime,
    ) -> None:
        """Write another state, with what is recorded of it and told."""
        signer = one.owner.signer
        by: Mapping[str, Fact] = {}
        if one.owner.is_organisation:
            by = {"person": signer.account_id, "mandate": signer.mandate_id}
        data_key = self._people.data_key_of(one.owner.account_id)
        try:
            self._states.change_by_holder(
                tx, records, to=to, reason=reason, by=by, data_key=data_key, now=now
            )
        except CertificateStateRefused as refusal:
            raise CertificateActRefused("held_by_others") from refusal
        facts = {"change": to.value}
        for account_id in dict.fromkeys((signer.account_id, one.owner.account_id)):
            row = find_row(tx.connection, AccountId(account_id))
            if row is not None:
                self._notices.tell(tx, row, Notice.CERTIFICATE_CHANGED, now=now, facts=facts)

    def _held(
        self, tx: Transaction, one: OwnCertificate, *, now: datetime
    ) -> tuple[CertificateRecord, ...]:
        """What counts of the certificates of this key, held until the transaction ends."""
        kid = one.record.kid
        found = self._states.of_key(tx, one.owner.account_id, kid=kid, now=now)
        if kid is None:
            return tuple(record for record in found if record.serial == one.record.serial)
        return found

    def _ask_signer(
        self, tx: Transaction, kind: str, one: OwnCertificate, *, now: datetime
    ) -> None:
        if one.key is not None and one.key.destroyed_at is None:
            self._deferred.add(
                tx,
                kind,
                {"account_id": one.owner.account_id, "key_id": one.key.key_id},
                now=now,
                expires=now + KEPT_TRYING,
                lane="signer",
            )

    def of_owner(self, owner: Owner, *, now: datetime) -> tuple[OwnCertificate, ...]:
        """The certificates of one owner, the newest first."""
        records = self._certificates.of_account(owner.account_id)
        with self._database.read() as connection:
            keys = read_personal_keys(connection, account_id=owner.account_id)
        by_id = {one.key_id: one for one in keys}
        followed = {record.replaces for record in records}
        on_hold = {
            record.kid
            for record in records
            if record.state is CertificateState.SUSPENDED and record.held_by != HOLDER
        }
        made = []
        for record in records:
            key = by_id.get(record.kid or "")
            standing = _standing(record, key, now=now)
            made.append(
                OwnCertificate(
                    name=name_of(record),
                    owner=owner,
                    record=record,
                    standing=standing,
                    key=key,
                    issuer=self._issuer(record.ca_id),
                    may_resume=standing is Standing.SUSPENDED
                    and key is not None
                    and record.kid not in on_hold
                    and _is_hers_to_resume(key),
                    is_followed=record.serial in followed,
                )
            )
        return tuple(made)

    def _issuer(self, ca_id: str) -> str:
        """Of an authority, which is read once: whoever has that name keeps its certificate."""
        if ca_id not in self._issuers:
            der = self._authorities.chain(ca_id)[0]
            name = x509.load_der_x509_certificate(der).subject
            said = name.get_attributes_for_oid(NameOID.COMMON_NAME)
            self._issuers[ca_id] = str(said[0].value) if said else ca_id
        return self._issuers[ca_id]


def name_of(record: CertificateRecord) -> str:
    """How pages call a certificate: its number tells whose it is to whoever has a document."""
    said = f"{record.ca_id}:{record.serial:x}".encode()
    return f"crt_{hashlib.sha256(said).hexdigest()[:32]}"


def _owner(account: Account, *, may_end: bool, signer: Signer) -> Owner:
    return Owner(account.account_id, account.profile.name, account.is_organisation, may_end, signer)


def _standing(record: CertificateRecord, key: PersonalKey | None, *, now: datetime) -> Standing:
    if record.state is CertificateState.REVOKED:
        return Standing.REVOKED
    if now > record.not_after:
        return Standing.EXPIRED
    rests = key is not None and key.suspended_at is not None and key.destroyed_at is None
    if rests or record.state is CertificateState.SUSPENDED:
        return Standing.SUSPENDED
    return Standing.IN_FORCE


def _is_hers_to_resume(key: PersonalKey) -> bool:
    if key.destroyed_at is not None:
        return False
    return key.suspended_at is None or key.suspended_reason == HELD_BY_HOLDER
