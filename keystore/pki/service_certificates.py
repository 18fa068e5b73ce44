"""Certificates of the service's own keys: there in time, renewed in time.

What lives here: for each key of one purpose a certificate of one profile, and which key signs now.
A next key gets its certificate as soon as it exists, long before it signs; a key whose certificate
is missing, revoked or about to end does not sign while another can.  An OCSP responder needs a
certificate from every authority that it answers for, a retired one included; other services have
one from the authority that issues at the time.
Source: RFC 6960 §4.2.2.2 (delegation), ETSI EN 319 421 §7.7 (keys of timestamps are replaced before
they end).  Not here: how keys follow one another (`keystore/keyring.py`).
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from keystore.errors import KeystoreError
from keystore.key_handle import SigningKey
from keystore.keyring import KeyRecord, Keyring
from keystore.pki.authority import Authorities
from keystore.pki.certificates import Certificates, IssueRequest
from keystore.pki.errors import ServiceCertificateMissing
from keystore.pki.model import CaKind, CaRecord, CertificateRecord, CertificateState
from keystore.pki.names import ServiceSubject
from keystore.pki.profiles import PROFILES, Profile
from keystore.pki.storage import certificates as table
from keystore.storage import DatabaseLike

_RELOAD_AFTER: Final = timedelta(seconds=5)
_LABELS: Final[Mapping[Profile, str]] = {
    Profile.TIMESTAMP: "TSA",
    Profile.OCSP: "OCSP",
    Profile.SERVICE: "service",
}


@dataclass(frozen=True, slots=True)
class ServiceSigner:
    """A key that may sign now, and its certificates: DER, its own first, the root left out."""

    key: SigningKey
    chain: tuple[bytes, ...] = field(repr=False)
    usable_until: datetime


@dataclass(frozen=True, slots=True)
class _Loaded:
    """By authority, and under None whichever key came last."""

    signers: Mapping[str | None, ServiceSigner]
    at: datetime


class ServiceCertificates:
    """The certificates of one profile over the keys of one keyring.

    Takes   keyring: of keys that follow one another, with one algorithm;
            profile: timestamp, ocsp or service.
    """

    def __init__(
        self,
        database: DatabaseLike,
        *,
        profile: Profile,
        keyring: Keyring,
        authorities: Authorities,
        certificates: Certificates,
    ) -> None:
        self._database = database
        self._rules = PROFILES[profile]
        self._label = _LABELS[profile]
        self._keyring = keyring
        self._authorities = authorities
        self._certificates = certificates
        self._loading = threading.Lock()
        self._loaded: _Loaded | None = None

    def renew_due(self, now: datetime) -> tuple[CertificateRecord, ...]:
        """What a periodic task calls, and every start: keys and certificates that are due.

        1. There is a key; where the newest has reached its age, the next one is made.
        2. Each key that signs or will sign has a good certificate from each authority concerned
           that lasts for longer than the profile's `renew_before`, or as long as its issuer.

        Returns the certificates that were issued; nothing happens before there is an authority.
        Raises  CaUnknown, CaRefused when there was one and none can issue.
        """
        if not any(record.kind is CaKind.ISSUING for record in self._authorities.records()):
            return ()
        # 1
        self._keyring.ensure(now)
        self._keyring.rotate_due(now)
        # 2
        issued = []
        present = self._present(now)
        for ca in self._concerned(now):
            for record in self._living_keys(now):
                newest = present.get((ca.ca_id, record.kid))
                if newest is None or self._is_due(newest, ca=ca, now=now):
                    issued.append(self._issue(record, ca=ca, now=now))
        if issued:
            self._loaded = None
        return tuple(issued)

    def signer(self, now: datetime) -> tuple[SigningKey, tuple[bytes, ...]]:
        """The key that signs at this instant and its chain; cheap, asked for at every use.

        Returns the same objects until something changes.
        Raises  ServiceCertificateMissing.
        """
        found = self.find(now)
        return found.key, found.chain

    def find(self, now: datetime, *, ca_id: str | None = None) -> ServiceSigner:
        """The same with its end, and for a responder certified by one authority.

        Raises  ServiceCertificateMissing.
        """
        loaded = self._current(now)
        found = loaded.signers.get(ca_id)
        if found is None or not now < found.usable_until:
            raise ServiceCertificateMissing(self._rules.profile)
        return found

    def of_key(self, kid: str, *, now: datetime) -> ServiceSigner:
        """A key of the caller's choice with its newest good certificate.

        Raises  ServiceCertificateMissing: unknown, destroyed, not active yet, or no certificate.
        """
        is_active = any(one.kid == kid and one.is_active(now) for one in self._keyring.records(now))
        usable = [
            record
            for record in self._rows(now)
            if record.kid == kid and record.not_before <= now < self._usable_until(record)
        ]
        for record in sorted(usable, key=lambda one: one.not_before, reverse=True):
            signer = self._open(record, now=now) if is_active else None
            if signer is not None:
                return signer
        raise ServiceCertificateMissing(self._rules.profile)

    def _current(self, now: datetime) -> _Loaded:
        loaded = self._loaded
        if loaded is not None and abs(now - loaded.at) < _RELOAD_AFTER:
            return loaded
        if loaded is not None and not self._loading.acquire(blocking=False):
            return loaded  # somebody else is reading; what is in memory is seconds old
        if loaded is None:
            self._loading.acquire()
        try:
            return self._load(now)
        except KeystoreError:
            raise
        except Exception:
            # the database does not answer: what is in memory is right until it expires
            if loaded is None:
                raise
            self._loaded = _Loaded(loaded.signers, at=now)
            return loaded
        finally:
            self._loading.release()

    def _load(self, now: datetime) -> _Loaded:
        starts = {
            record.kid: record.active_from
            for record in self._keyring.records(now)
            if record.destroyed_at is None and record.active_from <= now
        }
        usable = sorted(
            (
                record
                for record in self._rows(now)
                if record.kid in starts and record.not_before <= now < self._usable_until(record)
            ),
            key=lambda record: (starts[record.kid or ""], record.not_before, record.serial),
        )
        signers: dict[str | None, ServiceSigner] = {}
        before = {} if self._loaded is None else self._loaded.signers
        for record in usable:
            signer = self._open(record, now=now)
            if signer is not None:  # the last one is the newest
                signers[None] = signers[record.ca_id] = signer
        for name, signer in signers.items():
            known = before.get(name)
            if known is not None and known == signer:
                signers[name] = known
        self._loaded = loaded = _Loaded(signers, at=now)
        return loaded

    def _open(self, record: CertificateRecord, *, now: datetime) -> ServiceSigner | None:
        if record.kid is None or record.der is None:
            return None
        try:
            key = self._keyring.key(record.kid, now=now)
        except KeystoreError:
            return None  # destroyed, or does not open: another may
        chain = (record.der, *self._authorities.chain(record.ca_id)[:-1])
        return ServiceSigner(key, chain, self._usable_until(record))

    def _concerned(self, now: datetime) -> tuple[CaRecord, ...]:
        if self._rules.profile is not Profile.OCSP:
            return (self._authorities.issuer(now=now).ca,)
        return tuple(
            record
            for record in self._authorities.records()
            if record.kind is CaKind.ISSUING and record.not_before <= now < record.not_after
        )

    def _living_keys(self, now: datetime) -> tuple[KeyRecord, ...]:
        return tuple(
            record
            for record in self._keyring.records(now)
            if record.destroyed_at is None
            and (record.retired_at is None or now < record.retired_at)
        )

    def _rows(self, now: datetime) -> tuple[CertificateRecord, ...]:
        with self._database.read() as connection:
            found = table.find_of_profile(connection, self._rules.profile, now=now)
        return tuple(record for record in found if record.state is CertificateState.GOOD)

    def _present(self, now: datetime) -> dict[tuple[str, str | None], CertificateRecord]:
        return {(record.ca_id, record.kid): record for record in self._rows(now)}

    def _usable_until(self, record: CertificateRecord) -> datetime:
        if self._rules.key_lifetime is None:
            return record.not_after
        return min(record.not_after, record.not_before + self._rules.key_lifetime)

    def _is_due(self, record: CertificateRecord, *, ca: CaRecord, now: datetime) -> bool:
        if record.not_after >= ca.not_after:
            return False  # a new one would end with its issuer just as this one
        return self._usable_until(record) - now < self._rules.renew_before

    def _issue(self, key: KeyRecord, *, ca: CaRecord, now: datetime) -> CertificateRecord:
        spki = self._keyring.key(key.kid, now=now).public_spki
        fingerprint = hashlib.sha256(spki).hexdigest()[:8]
        name = f"{self._authorities.deployment.ca_name} {self._label} {now:%Y}-{fingerprint}"
        request = IssueRequest(
            profile=self._rules.profile,
            subject=ServiceSubject(name),
            public_spki=spki,
            kid=key.kid,
        )
        return self._certificates.issue(request, now=now, ca_id=ca.ca_id).record
