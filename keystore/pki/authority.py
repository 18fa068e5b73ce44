"""Certification authorities: which there are, and the one that can sign now.

What lives here: the list of authorities, their chains, and an issuing one opened with its key from
the keyring.  Which authority issues is a matter of the table, read anew each time, so that all
processes agree: the newest that is neither retired nor expired.
Source: RFC 5280 §4.1 and §4.2.1.9.
Not here: how authorities come to be (`keystore/pki/ceremony.py`), certificates of subjects
(`keystore/pki/certificates.py`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final, cast

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from keystore.backends.errors import KeyDamaged
from keystore.errors import KeyUnavailable
from keystore.keyring import Keyring, SigningKey
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.pki.deployment import PkiDeployment
from keystore.pki.errors import CaRefused, CaUnknown
from keystore.pki.issuing import BuilderHash, Issuer
from keystore.pki.model import CaKind, CaRecord, CertificateState
from keystore.pki.storage import authorities as ca_table
from keystore.pki.storage.certificates import read_status
from keystore.storage import DatabaseLike, Transaction, lock_until_commit
from keystore.x509_key import as_private_key, builder_hash

CA_ID: Final = re.compile(r"[a-z][a-z0-9-]{0,14}[a-z0-9]", re.ASCII)
"""Names of authorities: they stand in addresses, and in the common name of those of our own."""


class Authorities:
    """The authorities of one deployment.

    Takes   keyring: of the purpose `ca_issuing`.
    """

    def __init__(
        self,
        database: DatabaseLike,
        *,
        keyring: Keyring,
        log: LogWriter,
        deployment: PkiDeployment,
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._log = log
        self.deployment = deployment
        self._issuers: dict[tuple[str, bytes], Issuer] = {}

    def records(self) -> tuple[CaRecord, ...]:
        """Every authority, oldest first."""
        with self._database.read() as connection:
            return ca_table.read_cas(connection)

    def get(self, ca_id: str) -> CaRecord:
        """One authority.

        Raises  CaUnknown.
        """
        with self._database.read() as connection:
            found = ca_table.find_ca(connection, ca_id)
        if found is None:
            raise CaUnknown(ca_id)
        return found

    def chain(self, ca_id: str) -> tuple[bytes, ...]:
        """DER certificates from this authority up to its root.

        Raises  CaUnknown.
        """
        known = {record.ca_id: record for record in self.records()}
        chain, next_id = [], str(ca_id)
        while True:
            record = known.get(next_id)
            if record is None:
                raise CaUnknown(next_id)
            chain.append(record.certificate)
            # an authority is its own parent nowhere, and there are fewer links than authorities
            if record.parent_id is None or len(chain) > len(known):
                return tuple(chain)
            next_id = record.parent_id

    def add_external(self, ca_id: str, chain: Sequence[bytes], *, now: datetime) -> CaRecord:
        """Note a licensed authority of somebody else, from its issuing certificate to its root.

        Takes   chain: DER, checked by whoever calls (`keystore/pki/chain.py`).
        Raises  CaRefused.
        """
        if not CA_ID.fullmatch(ca_id):
            raise CaRefused(ca_id, reason="id")
        parent: str | None = None
        record: CaRecord | None = None
        with self._database.transaction() as tx:
            for position, der in reversed(list(enumerate(chain))):
                name = ca_id if position == 0 else f"{ca_id}-{position}"
                certificate = x509.load_der_x509_certificate(der)
                record = make_record(
                    name, certificate, kind=CaKind.EXTERNAL, now=now, parent_id=parent
                )
                self.insert(tx, record, now=now)
                parent = name
        if record is None:
            raise CaRefused(ca_id, reason="not_issuing")
        return record

    def retire(self, ca_id: str, *, now: datetime) -> None:
        """From now on it issues nothing; its CRLs and status answers go on until it expires.

        Raises  CaUnknown; CaRefused when it was retired before.
        """
        with self._database.transaction() as tx:
            lock_until_commit(tx, name=ca_table.LOCK)
            found = ca_table.find_ca(tx.connection, ca_id)
            if found is None:
                raise CaUnknown(ca_id)
            if found.retired_at is not None:
                raise CaRefused(ca_id, reason="retired")
            ca_table.retire_ca(tx.connection, ca_id, at=now)
            event = Event(EventType.CA_RETIRED, facts={"ca": ca_id})
            self._log.record(tx, event, data_key=None, now=now)

    def issuer(
        self, *, now: datetime, ca_id: str | None = None, may_be_retired: bool = False
    ) -> Issuer:
        """The authority that issues at this moment: the newest, or the one asked for.

        Takes   may_be_retired: for its own OCSP responder, which answers until all have expired.
        Raises  CaUnknown: none can; CaRefused: the one asked for cannot, and why.
        """
        candidates = [record for record in self.records() if record.kind is CaKind.ISSUING]
        if ca_id is not None:
            candidates = [record for record in candidates if record.ca_id == ca_id]
        refusal: CaRefused | None = None
        for record in reversed(candidates):
            try:
                return self._open(record, now=now, may_be_retired=may_be_retired)
            except CaRefused as refused:
                refusal = refusal or refused
        if refusal is not None and ca_id is not None:
            raise refusal
        raise CaUnknown(ca_id or "") from refusal

    def _open(self, record: CaRecord, *, now: datetime, may_be_retired: bool) -> Issuer:
        is_retired = record.retired_at is not None and record.retired_at <= now
        if is_retired and not may_be_retired:
            raise CaRefused(record.ca_id, reason="retired")
        if not record.not_before <= now <= record.not_after:
            raise CaRefused(record.ca_id, reason="expired")
        if record.kid is None:
            raise CaRefused(record.ca_id, reason="not_issuing")
        try:
            key = self._keyring.key(record.kid, now=now)
        except (KeyUnavailable, KeyDamaged) as unavailable:
            raise CaRefused(record.ca_id, reason="key_unavailable") from unavailable
        name = (record.ca_id, record.certificate)
        issuer = self._issuers.get(name)
        if issuer is None:
            private = as_private_key(key, content="x509:certificate")
            issuer = Issuer(record, record.parsed, private, builder_digest(key))
            self._issuers[name] = issuer
        if self._is_revoked(issuer):
            raise CaRefused(record.ca_id, reason="revoked")
        return issuer

    def _is_revoked(self, issuer: Issuer) -> bool:
        serial = issuer.certificate.serial_number
        with self._database.read() as connection:
            status = read_status(connection, ca_id=issuer.ca.parent_id or "", serial=serial)
        return status is not None and status.state is not CertificateState.GOOD

    def insert(self, tx: Transaction, record: CaRecord, *, now: datetime) -> None:
        """Store a new authority and its log row in the transaction of the caller.

        Raises  CaRefused when there is one of that name.
        """
        lock_until_commit(tx, name="ca")
        if ca_table.find_ca(tx.connection, record.ca_id) is not None:
            raise CaRefused(record.ca_id, reason="already_there")
        ca_table.insert_ca(tx.connection, record)
        facts: dict[str, str | int | bool] = {"ca": record.ca_id, "kind": record.kind.value}
        facts["sha256"] = hashlib.sha256(record.certificate).hexdigest()
        if record.kid is not None:
            facts["kid"] = record.kid
        self._log.record(tx, Event(EventType.CA_CREATED, facts=facts), data_key=None, now=now)


def builder_digest(key: SigningKey) -> BuilderHash | None:
    """The hash that goes with a key of an authority."""
    return cast("BuilderHash | None", builder_hash(key))


def make_record(
    ca_id: str,
    certificate: x509.Certificate,
    *,
    kind: CaKind,
    now: datetime,
    parent_id: str | None = None,
    kid: str | None = None,
    algorithm: str | None = None,
    shards: int = 0,
    offline_crl: bytes | None = None,
) -> CaRecord:
    """The row of a new authority."""
    return CaRecord(
        ca_id=ca_id,
        kind=kind,
        parent_id=parent_id,
        kid=kid,
        algorithm=algorithm,
        certificate=certificate.public_bytes(Encoding.DER),
        shards=shards,
        created_at=now,
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        retired_at=None,
        offline_crl=offline_crl,
    )
