"""A small authority, ready made: a root, an issuing CA, and one certificate of each kind.

What lives here: `SmallPki`, with plain keys that a test may hold, and its rows in the tables.  The
certificates are made with `cryptography` alone, so that a fault in our own builder cannot hide
behind itself.  Not here: anything that the product imports.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from keystore.pki.addresses import PkiAddresses
from keystore.pki.model import (
    CaKind,
    CaRecord,
    CertificateRecord,
    CertificateState,
    RevocationReason,
    shard_of,
)
from keystore.pki.storage.authorities import insert_ca
from keystore.pki.storage.certificates import insert_certificates
from keystore.storage import DatabaseLike

BASE_URL: Final = "http://pki.example"
ROOT_ID: Final = "test-root"
ISSUING_ID: Final = "test-issuing"
_USAGES: Final = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


@dataclass(frozen=True, slots=True)
class Certified:
    """A certificate and the private key that goes with it."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def der(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def spki(self) -> bytes:
        """The public key: DER SubjectPublicKeyInfo."""
        return self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@dataclass(slots=True)
class SmallPki:
    """Root → issuing → {tsa, ocsp, citizen}; all good for a year, the authorities for longer."""

    now: datetime
    shards: int = 0
    base_url: str = BASE_URL
    root: Certified = field(init=False)
    issuing: Certified = field(init=False)
    tsa: Certified = field(init=False)
    ocsp: Certified = field(init=False)
    citizen: Certified = field(init=False)
    addresses: PkiAddresses = field(init=False)

    def __post_init__(self) -> None:
        self.addresses = PkiAddresses(self.base_url)
        root_key = ec.generate_private_key(ec.SECP384R1())
        self.root = self._authority("Test Root", root_key, issuer=None, days=9_000)
        issuing_key = ec.generate_private_key(ec.SECP256R1())
        self.issuing = self._authority("Test Issuing", issuing_key, issuer=self.root, days=3_600)
        self.tsa = self.issue(
            "Test TSA", usage="digital_signature", purpose=ExtendedKeyUsageOID.TIME_STAMPING
        )
        self.ocsp = self.issue(
            "Test OCSP",
            usage="digital_signature",
            purpose=ExtendedKeyUsageOID.OCSP_SIGNING,
            has_status=False,
        )
        self.citizen = self.issue("Test Citizen", usage="content_commitment")

    @property
    def chain(self) -> tuple[bytes, ...]:
        """DER of the authorities, from the issuing one to the root."""
        return (self.issuing.der, self.root.der)

    def issue(
        self,
        name: str,
        *,
        usage: str = "content_commitment",
        purpose: x509.ObjectIdentifier | None = None,
        has_status: bool = True,
        serial: int | None = None,
        lifetime: timedelta = timedelta(days=365),
    ) -> Certified:
        """One more certificate of the issuing CA, for a new P-256 key.

        Takes   has_status: whether it names CRL and OCSP; without it says `nocheck` instead.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        serial = x509.random_serial_number() if serial is None else serial
        builder = self._start(name, key, issuer=self.issuing, lifetime=lifetime, serial=serial)
        builder = builder.add_extension(_usage(usage), critical=True)
        if purpose is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=True)
        if has_status:
            builder = self._with_status(builder, ISSUING_ID, serial=serial, shards=self.shards)
        else:
            builder = builder.add_extension(x509.OCSPNoCheck(), critical=False)
        return Certified(builder.sign(self.issuing.key, hashes.SHA256()), key)

    def store(self, database: DatabaseLike, *, kid: str | None = "test-issuing-key") -> None:
        """Write the two authorities and the three certificates into the tables.

        Takes   kid: the issuing CA's key in the keyring.
        """
        with database.transaction() as tx:
            insert_ca(tx.connection, self.ca_record(ROOT_ID))
            insert_ca(tx.connection, self.ca_record(ISSUING_ID, kid=kid))
        self.add(database, [self.tsa], profile="timestamp", kid="test-tsa-key")
        self.add(database, [self.ocsp], profile="ocsp", kid="test-ocsp-key")
        self.add(database, [self.citizen], account_id=f"acc_{'c' * 32}")

    def add(
        self,
        database: DatabaseLike,
        issued: Sequence[Certified],
        *,
        profile: str = "citizen",
        account_id: str | None = None,
        kid: str | None = None,
        state: CertificateState = CertificateState.GOOD,
        reason: RevocationReason | None = None,
        changed_at: datetime | None = None,
    ) -> None:
        """Write rows for certificates of the issuing CA, in whatever state."""
        records = [
            CertificateRecord(
                ca_id=ISSUING_ID,
                serial=one.certificate.serial_number,
                profile=profile,
                account_id=account_id,
                kid=kid,
                spki_sha256=hashlib.sha256(one.spki).digest(),
                issued_at=self.now,
                not_before=one.certificate.not_valid_before_utc,
                not_after=one.certificate.not_valid_after_utc,
                state=state,
                reason=reason,
                changed_at=changed_at,
                shard=shard_of(one.certificate.serial_number, shards=self.shards),
                replaces=None,
                der=one.der if account_id is None else None,
                der_sealed=None,
            )
            for one in issued
        ]
        with database.transaction() as tx:
            insert_certificates(tx.connection, records)

    def ca_record(self, ca_id: str, *, kid: str | None = None) -> CaRecord:
        """The row of one of the two authorities."""
        is_root = ca_id == ROOT_ID
        certified = self.root if is_root else self.issuing
        return CaRecord(
            ca_id=ca_id,
            kind=CaKind.ROOT if is_root else CaKind.ISSUING,
            parent_id=None if is_root else ROOT_ID,
            kid=kid,
            algorithm="ES384" if is_root else "ES256",
            certificate=certified.der,
            shards=0 if is_root else self.shards,
            created_at=self.now,
            not_before=certified.certificate.not_valid_before_utc,
            not_after=certified.certificate.not_valid_after_utc,
            retired_at=None,
            offline_crl=self.root_crl() if is_root else None,
        )

    def root_crl(self) -> bytes:
        """The root's CRL, empty, good for a year; DER."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.root.certificate.subject)
            .last_update(self.now)
            .next_update(self.now + timedelta(days=365))
            .add_extension(_key_identifier(self.root), critical=False)
            .add_extension(x509.CRLNumber(1), critical=False)
        )
        return builder.sign(self.root.key, hashes.SHA384()).public_bytes(Encoding.DER)

    def _authority(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey,
        *,
        issuer: Certified | None,
        days: int,
    ) -> Certified:
        serial = x509.random_serial_number()
        builder = self._start(
            name, key, issuer=issuer, lifetime=timedelta(days=days), serial=serial
        )
        builder = builder.add_extension(
            x509.BasicConstraints(ca=True, path_length=None if issuer is None else 0),
            critical=True,
        ).add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
        if issuer is not None:
            builder = builder.add_extension(
                x509.CertificatePolicies(
                    [x509.PolicyInformation(x509.ObjectIdentifier("2.5.29.32.0"), None)]
                ),
                critical=False,
            )
            builder = self._with_status(builder, ROOT_ID, serial=serial, shards=0, has_ocsp=False)
        signer = key if issuer is None else issuer.key
        digest = hashes.SHA384() if signer.curve.name == "secp384r1" else hashes.SHA256()
        return Certified(builder.sign(signer, digest), key)

    def _start(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey,
        *,
        issuer: Certified | None,
        lifetime: timedelta,
        serial: int,
    ) -> x509.CertificateBuilder:
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test Organisation"),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )
        start = self.now.replace(microsecond=0)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if issuer is None else issuer.certificate.subject)
            .public_key(key.public_key())
            .serial_number(serial)
            .not_valid_before(start)
            .not_valid_after(start + lifetime)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
        )
        if issuer is None:
            return builder
        return builder.add_extension(_key_identifier(issuer), critical=False)

    def _with_status(
        self,
        builder: x509.CertificateBuilder,
        ca_id: str,
        *,
        serial: int,
        shards: int,
        has_ocsp: bool = True,
    ) -> x509.CertificateBuilder:
        crl = self.addresses.crl_of_certificate(ca_id, serial=serial, shards=shards)
        access = [
            x509.AccessDescription(
                AuthorityInformationAccessOID.CA_ISSUERS,
                x509.UniformResourceIdentifier(self.addresses.certificate(ca_id)),
            )
        ]
        if has_ocsp:
            access.append(
                x509.AccessDescription(
                    AuthorityInformationAccessOID.OCSP,
                    x509.UniformResourceIdentifier(self.addresses.ocsp()),
                )
            )
        return builder.add_extension(
            x509.CRLDistributionPoints(
                [x509.DistributionPoint([x509.UniformResourceIdentifier(crl)], None, None, None)]
            ),
            critical=False,
        ).add_extension(x509.AuthorityInformationAccess(access), critical=False)


def _usage(*names: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in names for usage in _USAGES})


def _key_identifier(issuer: Certified) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
