"""Certificates of subjects: issued, renewed, found again.

What lives here: the use cases, each with its log row in one transaction.  A certificate of a person
is kept sealed under that person's data key; its state is kept in the clear, because anybody may
ask for it.  Certificates are made in batches: building and signing happen outside of the
transaction, one commit keeps them all.
Source: RFC 5280 §4; Decree 23/2025/ND-CP.
Not here: who may ask for one (the caller), how it looks (`keystore/pki/issuing.py`), suspension and
revocation (`keystore/pki/certificate_states.py`).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Protocol

from cryptography.hazmat.primitives.serialization import Encoding

from keystore.log.events import EventType, Fact
from keystore.log.record import LogWriter
from keystore.pki.authority import Authorities
from keystore.pki.certificate_states import certificate_event, get_certificate, serial_fact
from keystore.pki.errors import CertificateStateRefused, CertificateUnknown, CsrRefused
from keystore.pki.issuing import Draft, Issuer, build_certificate, make_serial, validity
from keystore.pki.model import (
    CertificateRecord,
    CertificateState,
    RevocationReason,
    certificate_context,
    shard_of,
)
from keystore.pki.names import OfficialSubject, PersonSubject, Subject, subject_name
from keystore.pki.profiles import PERSONAL_PROFILES, PROFILES, Profile
from keystore.pki.public_key import check_public_key
from keystore.pki.storage import certificates as table
from keystore.pki.storage import subjects as subject_table
from keystore.pki.unlinking import unlinked_keys
from keystore.sealing import Sealer
from keystore.storage import DatabaseLike, Transaction, lock_until_commit

_LOCK: Final = "certificate"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueRequest:
    """One certificate that is wanted.

    Takes   public_spki: DER SubjectPublicKeyInfo of a key whose possession was shown, or that we
            made ourselves; account_id, data_key: whose it is, as stored with the account; both or
            neither, and needed where the subject is a person or an organisation;
            kid: the personal key's or service key's id; proofing_level: of the account, 1 or 2;
            scal: how the key is activated, 1 or 2; lifetime: shorter than the profile's;
            replaces: the serial number of the certificate before it.
    """

    profile: Profile
    subject: Subject = field(repr=False)
    public_spki: bytes = field(repr=False)
    account_id: str | None = None
    data_key: bytes | None = field(default=None, repr=False)
    kid: str | None = None
    proofing_level: int | None = None
    scal: int | None = None
    lifetime: timedelta | None = None
    replaces: int | None = None


class Issued(NamedTuple):
    """A certificate as stored, and its DER."""

    record: CertificateRecord
    der: bytes


class KeptCertificate(Protocol):
    """What is kept of a certificate: itself, or sealed under the data key of its person."""

    @property
    def ca_id(self) -> str:
        """Who issued it."""

    @property
    def serial(self) -> int:
        """Its number."""

    @property
    def der(self) -> bytes | None:
        """Itself, DER."""

    @property
    def der_sealed(self) -> bytes | None:
        """The same, sealed."""


class Certificates:
    """The certificates of one deployment."""

    def __init__(
        self,
        database: DatabaseLike,
        *,
        sealer: Sealer,
        log: LogWriter,
        authorities: Authorities,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._log = log
        self._authorities = authorities

    def issue(self, request: IssueRequest, *, now: datetime, ca_id: str | None = None) -> Issued:
        """One certificate; see `issue_many`."""
        return self.issue_many([request], now=now, ca_id=ca_id)[0]

    def issue_many(
        self, requests: Sequence[IssueRequest], *, now: datetime, ca_id: str | None = None
    ) -> tuple[Issued, ...]:
        """A certificate for each request, or none for any.

        1. Each subject is of its profile's kind, each key is strong.
        2. No key was ever certified for somebody else, nor revoked as compromised.
        3. A certificate that is replaced is of the same account and profile, and still good.
        4. Everything is stored and recorded, or nothing is.

        Raises  ProfileRefused, NameRefused, CsrRefused, CaUnknown, CaRefused, CertificateUnknown,
                CertificateStateRefused, SealBroken.
        """
        is_status = all(request.profile is Profile.OCSP for request in requests)
        issuer = self._authorities.issuer(now=now, ca_id=ca_id, may_be_retired=is_status)
        # 1
        for request in requests:
            _check_request(request)
        numbers, new = self._numbers(requests)
        while True:
            made = tuple(
                self._build(request, issuer=issuer, numbers=numbers | new, now=now)
                for request in requests
            )
            with self._database.transaction() as tx:
                # one batch at a time, or two could certify one key for two people
                lock_until_commit(tx, name=_LOCK)
                taken = subject_table.find_numbers(tx.connection, frozenset(new)) if new else {}
                if not taken:
                    self._keep(tx, requests, made, new=new, now=now)
                    return made
            # somebody gave these people their numbers meanwhile: once more, with those
            numbers, new = numbers | taken, {one: new[one] for one in new if one not in taken}

    def get(self, serial: int, *, ca_id: str | None = None) -> CertificateRecord:
        """One certificate.

        Takes   ca_id: of that authority; needed where two gave this number.
        Raises  CertificateUnknown, CertificateAmbiguous.
        """
        with self._database.read() as connection:
            return get_certificate(table.find_by_serial(connection, serial, ca_id=ca_id))

    def of_account(self, account_id: str) -> tuple[CertificateRecord, ...]:
        """The certificates of an account, newest first."""
        with self._database.read() as connection:
            return table.find_of_account(connection, account_id)

    def list(self, *, ca_id: str | None = None, limit: int) -> tuple[CertificateRecord, ...]:
        """Certificates by serial number, for the operator."""
        with self._database.read() as connection:
            return table.read_certificates(connection, ca_id=ca_id, limit=limit)

    def open(self, record: KeptCertificate, *, data_key: bytes | None) -> bytes:
        """The certificate itself, DER.

        Raises  SealBroken: another person's data key, or it was destroyed.
        """
        if record.der is not None:
            return record.der
        context = certificate_context(record.ca_id, record.serial)
        return self._sealer.unseal_personal(
            data_key or b"", record.der_sealed or b"", context=context
        )

    def opaque_number(self, request: IssueRequest, *, now: datetime) -> str | None:
        """What tells this person from others of one name; None where the subject needs none.

        It is made at the first call and stays the same.
        """
        numbers, new = self._numbers([request])
        if new:
            with self._database.transaction() as tx:
                lock_until_commit(tx, name=_LOCK)
                numbers = subject_table.find_numbers(tx.connection, frozenset(new))
                if not numbers:
                    subject_table.insert_numbers(tx.connection, new, now=now)
                    numbers = new
        return numbers.get(request.account_id or "")

    def _numbers(self, requests: Sequence[IssueRequest]) -> tuple[dict[str, str], dict[str, str]]:
        """The opaque numbers of the people concerned, and new ones for those who have none."""
        wanted = frozenset(
            request.account_id
            for request in requests
            if request.account_id is not None
            and isinstance(request.subject, PersonSubject | OfficialSubject)
        )
        if not wanted:
            return {}, {}
        with self._database.read() as connection:
            numbers = subject_table.find_numbers(connection, wanted)
        return numbers, {one: secrets.token_hex(16) for one in wanted if one not in numbers}

    def _keep(
        self,
        tx: Transaction,
        requests: Sequence[IssueRequest],
        made: Sequence[Issued],
        *,
        new: Mapping[str, str],
        now: datetime,
    ) -> None:
        # 2
        keys = [one.record.spki_sha256 for one in made]
        _check_keys(table.find_by_keys(tx.connection, keys), made=made)
        erased = [mac for key in keys for mac in unlinked_keys(key, sealer=self._sealer)]
        if table.find_by_keys(tx.connection, erased):
            raise CsrRefused("key_already_certified")
        # 3
        for one in made:
            if one.record.replaces is not None:
                _check_replaced(tx, one.record)
        # 4
        if new:
            subject_table.insert_numbers(tx.connection, new, now=now)
        table.insert_certificates(tx.connection, [one.record for one in made])
        for one, request in zip(made, requests, strict=True):
            self._record_issued(tx, one.record, data_key=request.data_key, now=now)

    def _build(
        self, request: IssueRequest, *, issuer: Issuer, numbers: dict[str, str], now: datetime
    ) -> Issued:
        rules, deployment = PROFILES[request.profile], self._authorities.deployment
        start, end = validity(rules, now=now, lifetime=request.lifetime, until=issuer.ca.not_after)
        draft = Draft(
            rules=rules,
            name=subject_name(
                request.subject,
                deployment=deployment,
                opaque_number=numbers.get(request.account_id or ""),
            ),
            public_key=check_public_key(request.public_spki),
            serial=make_serial(),
            not_before=start,
            not_after=end,
            proofing_level=request.proofing_level,
            scal=request.scal,
        )
        certificate = build_certificate(draft, issuer=issuer, deployment=deployment)
        der, ca = certificate.public_bytes(Encoding.DER), issuer.ca
        sealed = None
        if request.data_key is not None:
            context = certificate_context(ca.ca_id, draft.serial)
            sealed = self._sealer.seal_personal(request.data_key, der, context=context)
        record = CertificateRecord(
            ca_id=ca.ca_id,
            serial=draft.serial,
            profile=request.profile,
            account_id=request.account_id,
            kid=request.kid,
            spki_sha256=hashlib.sha256(request.public_spki).digest(),
            issued_at=now,
            not_before=start,
            not_after=end,
            state=CertificateState.GOOD,
            reason=None,
            changed_at=None,
            shard=shard_of(draft.serial, shards=ca.shards),
            replaces=request.replaces,
            der=None if sealed is not None else der,
            der_sealed=sealed,
        )
        return Issued(record, der)

    def _record_issued(
        self, tx: Transaction, record: CertificateRecord, *, data_key: bytes | None, now: datetime
    ) -> None:
        facts: dict[str, Fact] = {
            "profile": record.profile,
            "spki": record.spki_sha256.hex(),
            "until": record.not_after.isoformat(timespec="seconds"),
        }
        event_type = EventType.CERTIFICATE_ISSUED
        if record.replaces is not None:
            event_type = EventType.CERTIFICATE_RENEWED
            facts["replaces"] = serial_fact(record.replaces)
        event = certificate_event(event_type, record, facts=facts)
        self._log.record(tx, event, data_key=data_key, now=now)


def _check_request(request: IssueRequest) -> None:
    # 1
    PROFILES[request.profile].check_subject(request.subject)
    is_somebodys = request.account_id is not None and request.data_key is not None
    if is_somebodys != (request.profile in PERSONAL_PROFILES):
        raise ValueError("account_id and data_key go with the profiles of subjects")


def _check_keys(known: Sequence[CertificateRecord], *, made: Sequence[Issued]) -> None:
    # 2
    owners = {one.record.spki_sha256: one.record.account_id for one in made}
    if len(owners) != len(made):
        raise CsrRefused("key_already_certified")
    for record in known:
        is_compromised = record.reason is RevocationReason.KEY_COMPROMISE
        if is_compromised or record.account_id != owners[record.spki_sha256]:
            raise CsrRefused("key_already_certified")


def _check_replaced(tx: Transaction, record: CertificateRecord) -> None:
    # 3
    found = table.find_by_serial(tx.connection, record.replaces or 0, is_locked=True)
    same = (record.account_id, record.profile)
    before = next((one for one in found if (one.account_id, one.profile) == same), None)
    if before is None:
        raise CertificateUnknown
    if before.state is not CertificateState.GOOD:
        raise CertificateStateRefused(serial=before.serial, state=before.state)
