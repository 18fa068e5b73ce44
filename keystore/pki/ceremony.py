"""Making authorities: a root that nobody keeps, issuing CAs under it, and the root's CRLs.

What lives here: everything that a root's key signs.  It is in memory while its operator's command
runs; this host keeps the root's certificate and the CRL that it signed, never its key.  An issuing
CA's key is made in the keyring and stays there.
Source: RFC 5280 §4.2.1.9 (path length), §5 (CRL); Decree 23/2025/ND-CP.
Not here: files and passphrases (the command), how the key is exported (`keystore/backends`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key

from keystore.backends.offline import OfflineKey, make_offline_key
from keystore.clock import to_ms
from keystore.errors import KeyUnavailable
from keystore.keyring import Keyring, SigningKey
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.pki.authority import CA_ID, Authorities, make_record
from keystore.pki.errors import CaRefused
from keystore.pki.issuing import (
    Draft,
    Issuer,
    build_certificate,
    build_root,
    make_serial,
    validity,
)
from keystore.pki.model import (
    CaKind,
    CaRecord,
    CertificateRecord,
    CertificateState,
    CertificateStatus,
)
from keystore.pki.names import authority_name
from keystore.pki.offline_lists import crl_number
from keystore.pki.profiles import PROFILES, Profile
from keystore.pki.storage import authorities as ca_table
from keystore.pki.storage import certificates as certificate_table
from keystore.storage import DatabaseLike, lock_until_commit

_CRL_LIFETIME: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class NewRoot:
    """A root that was just made; nothing of it is stored yet.

    `key` is the only copy there is: export it before anything else.
    """

    record: CaRecord
    key: OfflineKey = field(repr=False)


class Ceremony:
    """What is done with a root's key at hand.

    Takes   keyring: of the purpose `ca_issuing`.
    """

    def __init__(
        self,
        database: DatabaseLike,
        *,
        authorities: Authorities,
        keyring: Keyring,
        log: LogWriter,
    ) -> None:
        self._database = database
        self._authorities = authorities
        self._deployment = authorities.deployment
        self._keyring = keyring
        self._log = log

    def make_root(self, ca_id: str, *, now: datetime) -> NewRoot:
        """A root with its first, empty CRL; **not stored**: `add_root` does that once it is safe.

        Raises  CaRefused.
        """
        self.check_free(ca_id)
        offline = make_offline_key()
        draft = self._draft(Profile.ROOT, "Root CA", ca_id=ca_id, now=now, key=offline.public_key)
        certificate = build_root(draft, key=offline.key, digest=offline.digest)
        crl = _build_crl(certificate, revoked=(), number=1, key=offline, now=now)
        record = make_record(
            ca_id,
            certificate,
            kind=CaKind.ROOT,
            now=now,
            algorithm=offline.algorithm,
            offline_crl=crl,
        )
        return NewRoot(record, offline)

    def add_root(self, root: NewRoot, *, now: datetime) -> None:
        """Store the certificate of a root whose key has been exported.

        Raises  CaRefused when the name was taken meanwhile.
        """
        with self._database.transaction() as tx:
            self._authorities.insert(tx, root.record, now=now)

    def add_issuing(
        self,
        ca_id: str,
        *,
        root_id: str,
        root_key: OfflineKey,
        now: datetime,
        algorithm: str = "ES256",
        shards: int | None = None,
    ) -> CaRecord:
        """A new issuing CA under a root, which signs this once; it issues from now on.

        Takes   shards: partitions of its CRL, as the deployment says if not given.
        Raises  CaUnknown, CaRefused, KeyUnavailable.
        """
        self.check_free(ca_id)
        issuer = _offline_issuer(self._authorities.get(root_id), root_key)
        made = self._keyring.add(algorithm, now=now)
        try:
            return self._add_certified(ca_id, made.kid, issuer=issuer, now=now, shards=shards)
        except BaseException as failure:
            try:
                self._destroy_unnamed(made.kid, now=now)
            except Exception as left:  # noqa: BLE001  what went wrong first is what is told
                failure.add_note(f"the key {made.kid} is left: {type(left).__name__}")
            raise

    def _destroy_unnamed(self, kid: str, *, now: datetime) -> None:
        """Erase a key for which no authority came to be: nothing else knows what it was for.

        What failed may have failed after the commit, or without an answer to it; so the database
        says, behind the lock that a new authority holds until its commit.  Where it does not say,
        the key stays: one too many is seen in a list, one too few is the end of an authority.
        """
        with self._database.transaction() as tx:
            lock_until_commit(tx, name=ca_table.LOCK)
            is_named = ca_table.is_named(tx.connection, kid=kid)
        if not is_named:
            self._keyring.destroy(kid, now=now)

    def _add_certified(
        self, ca_id: str, kid: str, *, issuer: Issuer, now: datetime, shards: int | None
    ) -> CaRecord:
        key = self._keyring.key(kid, now=now)
        draft = self._draft(
            Profile.ISSUING,
            "Issuing CA",
            ca_id=ca_id,
            now=now,
            key=_public(key),
            until=issuer.ca.not_after,
        )
        certificate = build_certificate(draft, issuer=issuer, deployment=self._deployment)
        record = make_record(
            ca_id,
            certificate,
            kind=CaKind.ISSUING,
            now=now,
            parent_id=issuer.ca.ca_id,
            kid=key.kid,
            algorithm=key.algorithm,
            shards=self._deployment.shards if shards is None else shards,
        )
        row = _row(record, serial=draft.serial, spki=key.public_spki)
        with self._database.transaction() as tx:
            self._authorities.insert(tx, record, now=now)
            certificate_table.insert_certificates(tx.connection, [row])
        return record

    def renew_crl(self, root_id: str, *, root_key: OfflineKey, now: datetime) -> bytes:
        """A new CRL of a root, with what was revoked under it; DER.  It is served from now on.

        Raises  CaUnknown, CaRefused.
        """
        issuer = _offline_issuer(self._authorities.get(root_id), root_key)
        with self._database.transaction() as tx:
            lock_until_commit(tx, name=f"ca:{root_id}")
            root = ca_table.find_ca(tx.connection, root_id)
            number = _next_number(None if root is None else root.offline_crl, now=now)
            revoked = certificate_table.read_revoked(tx.connection, ca_id=root_id, now=now)
            listed = tuple(revoked)
            crl = _build_crl(
                issuer.certificate, revoked=listed, number=number, key=root_key, now=now
            )
            ca_table.replace_offline_crl(tx.connection, root_id, crl=crl)
            event = Event(
                EventType.CRL_PUBLISHED,
                facts={"ca": root_id, "number": number, "entries": len(listed)},
            )
            self._log.record(tx, event, data_key=None, now=now)
        return crl

    def _draft(
        self,
        profile: Profile,
        kind: str,
        *,
        ca_id: str,
        now: datetime,
        key: ec.EllipticCurvePublicKey,
        until: datetime | None = None,
    ) -> Draft:
        rules = PROFILES[profile]
        start, end = validity(rules, now=now, until=until)
        # the id makes the name unlike that of every other authority of the deployment
        name = f"{self._deployment.ca_name} {kind} ({ca_id})"
        return Draft(
            rules=rules,
            name=authority_name(name, deployment=self._deployment),
            public_key=key,
            serial=make_serial(),
            not_before=start,
            not_after=end,
        )

    def check_free(self, ca_id: str) -> None:
        """Before anything is made: the name is one that stands in addresses, and nobody's yet.

        Raises  CaRefused.
        """
        if not CA_ID.fullmatch(ca_id):
            raise CaRefused(ca_id, reason="id")
        if any(record.ca_id == ca_id for record in self._authorities.records()):
            raise CaRefused(ca_id, reason="already_there")


def _public(key: SigningKey) -> ec.EllipticCurvePublicKey:
    public = load_der_public_key(key.public_spki)
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise KeyUnavailable(key.algorithm)
    return public


def _offline_issuer(root: CaRecord, offline: OfflineKey) -> Issuer:
    certificate = root.parsed
    if root.kind is not CaKind.ROOT:
        raise CaRefused(root.ca_id, reason="not_offline")
    if certificate.public_key() != offline.public_key:
        raise CaRefused(root.ca_id, reason="wrong_root_key")
    return Issuer(root, certificate, offline.key, offline.digest)


def _row(record: CaRecord, *, serial: int, spki: bytes) -> CertificateRecord:
    """An issuing CA is a certificate of its root too, and can be revoked there."""
    return CertificateRecord(
        ca_id=record.parent_id or "",
        serial=serial,
        profile=Profile.ISSUING,
        account_id=None,
        kid=record.kid,
        spki_sha256=hashlib.sha256(spki).digest(),
        issued_at=record.created_at,
        not_before=record.not_before,
        not_after=record.not_after,
        state=CertificateState.GOOD,
        reason=None,
        changed_at=None,
        shard=0,
        replaces=None,
        der=record.certificate,
        der_sealed=None,
    )


def _next_number(crl: bytes | None, *, now: datetime) -> int:
    # of the clock, as those of issuing authorities: after a backup was restored a number that was
    # published once must not come again (RFC 5280 §5.2.3)
    return max(to_ms(now), 1 + (0 if crl is None else crl_number(crl)))


def _build_crl(
    root: x509.Certificate,
    *,
    revoked: tuple[CertificateStatus, ...],
    number: int,
    key: OfflineKey,
    now: datetime,
) -> bytes:
    """The root's CRL: it lists authorities, is short, and lives for a year."""
    identifier = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
    start = now.replace(microsecond=0)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(root.subject)
        .last_update(start)
        .next_update(min(start + _CRL_LIFETIME, root.not_valid_after_utc))
        .add_extension(authority, critical=False)
        .add_extension(x509.CRLNumber(number), critical=False)
    )
    for status in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(status.serial)
        entry = entry.revocation_date((status.changed_at or now).replace(microsecond=0))
        flag = None if status.reason is None else status.reason.flag
        if flag is not None:
            entry = entry.add_extension(x509.CRLReason(flag), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(key.key, key.digest).public_bytes(Encoding.DER)
