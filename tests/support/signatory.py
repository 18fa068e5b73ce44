"""Somebody who signs, with the authority, the timestamps and the status answers behind.

What lives here: `SigningPki`, made once per run by the real builders of the product (profiles,
lists, status answers, timestamp authority), without a database or a network; `Hand`, a signatory
whose key answers as `antin signer` does; fixtures over them, sound and with a defect each.
Not here: keys that confirm before they sign (`tests/support/signer.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keystore.backends.open_keys import open_private
from keystore.key_handle import SigningKey
from keystore.key_types import CURVES, get_key_type
from keystore.pki.crl import issue_crl
from keystore.pki.issuing import Draft, Issuer, build_certificate, build_root, make_serial, validity
from keystore.pki.model import (
    CaKind,
    CaRecord,
    CertificateState,
    CertificateStatus,
    RevocationReason,
    issuer_names,
)
from keystore.pki.names import (
    OrganisationSubject,
    PersonSubject,
    ServiceSubject,
    Subject,
    authority_name,
    subject_name,
)
from keystore.pki.ocsp_requests import encode_cert_id
from keystore.pki.ocsp_responses import Responder, SingleStatus, sign_status
from keystore.pki.profiles import PROFILES, Profile
from keystore.pki.timestamping import TimestampAuthority
from keystore.purposes import TIMESTAMP
from signing.errors import CertificateRefused, StatusUnavailable, TimestampUnavailable
from signing.formats.material import Signatory, StatusSource, Timestamps, ValidationMaterial
from signing.formats.timestamp_client import TimestampClient
from tests.support.real_pki import make_deployment
from tests.support.status import PlainKey
from tests.support.timestamps import SettableClock

SIGNING_TIME: Final = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)
"""The instant of the fixture `now`; the certificates are a month older."""
POLICY: Final = "2.999.1.1"
_DEPLOYMENT: Final = make_deployment()
_LIFETIME: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its open key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = field(repr=False)
    algorithm: str

    @property
    def der(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def spki(self) -> bytes:
        """The public key: DER SubjectPublicKeyInfo."""
        return self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@dataclass(frozen=True, slots=True)
class Hand:
    """A signatory, and the key that signs for it."""

    signatory: Signatory
    issued: Issued = field(repr=False)

    def sign(self, digest: bytes) -> bytes:
        """The signature of a digest in the form in which `antin signer` gives it."""
        opened = open_private(self.issued.key, kind=get_key_type(self.issued.algorithm))
        return opened.sign_digest(digest, hash_name=self.signatory.hash_name)

    @property
    def serial(self) -> int:
        """Of the certificate."""
        return self.issued.certificate.serial_number


class SigningPki:
    """Root → issuing → {tsa, ocsp, people and seals}; keys are made when first asked for.

    Takes   since: when all certificates begin; algorithm: of the key of the timestamp authority.
    """

    def __init__(self, since: datetime, *, tsa_lifetime: timedelta | None = None) -> None:
        self.since = since
        root_key = ec.generate_private_key(ec.SECP384R1())
        self.root = Issued(
            build_root(
                self._authority_draft(Profile.ROOT, root_key), key=root_key, digest=SHA384()
            ),
            root_key,
            "ES384",
        )
        issuing_key = ec.generate_private_key(ec.SECP256R1())
        draft = self._authority_draft(Profile.ISSUING, issuing_key)
        certificate = build_certificate(draft, issuer=self._root_issuer, deployment=_DEPLOYMENT)
        self.issuing = Issued(certificate, issuing_key, "ES256")
        tsa, ocsp = ServiceSubject("Timestamps 1"), ServiceSubject("Status 1")
        self.tsa = self.issue(Profile.TIMESTAMP, subject=tsa, lifetime=tsa_lifetime)
        self.ocsp = self.issue(Profile.OCSP, subject=ocsp)

    @property
    def chain(self) -> tuple[bytes, ...]:
        """DER of the authorities, from the issuing one to the root."""
        return (self.issuing.der, self.root.der)

    @property
    def root_pem(self) -> bytes:
        """The root, as other people's tools take it."""
        return self.root.certificate.public_bytes(Encoding.PEM)

    def write_root(self, folder: Path) -> Path:
        """The root in a file, PEM."""
        file = folder / "root.pem"
        file.write_bytes(self.root_pem)
        return file

    @cached_property
    def citizen(self) -> Hand:
        """A person, P-256."""
        return self.hand()

    @cached_property
    def citizen_384(self) -> Hand:
        """A person, P-384."""
        return self.hand(algorithm="ES384")

    @cached_property
    def citizen_rsa(self) -> Hand:
        """A person, RSA with 3072 bits, RSASSA-PSS."""
        return self.hand(algorithm="PS256-3072")

    @cached_property
    def seal(self) -> Hand:
        """An organisation, P-256."""
        return self.hand(
            Profile.SEAL, subject=OrganisationSubject("Công ty Mây Suối", "NTRVN-9900000013")
        )

    def hand(
        self,
        profile: Profile = Profile.CITIZEN,
        *,
        subject: Subject | None = None,
        algorithm: str = "ES256",
        lifetime: timedelta | None = None,
    ) -> Hand:
        """One more signatory, with a new key."""
        issued = self.issue(
            profile,
            subject=subject or PersonSubject("Người Mây Suối"),
            algorithm=algorithm,
            lifetime=lifetime,
        )
        return Hand(Signatory(issued.der, self.chain, algorithm), issued)

    def issue(
        self,
        profile: Profile,
        *,
        subject: Subject,
        algorithm: str = "ES256",
        lifetime: timedelta | None = None,
    ) -> Issued:
        """A certificate of the issuing CA, for a new key."""
        key = _new_key(algorithm)
        certificate = self.certify(
            key.public_key(), profile=profile, subject=subject, lifetime=lifetime
        )
        return Issued(certificate, key, algorithm)

    def certify(
        self,
        public_key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
        *,
        profile: Profile,
        subject: Subject,
        lifetime: timedelta | None = None,
    ) -> x509.Certificate:
        """A certificate of the issuing CA, for a key that somebody else holds."""
        rules = PROFILES[profile]
        start, end = validity(rules, now=self.since, lifetime=lifetime)
        draft = Draft(
            rules=rules,
            name=subject_name(subject, deployment=_DEPLOYMENT, opaque_number="ANT-7Q2K9XW4"),
            public_key=public_key,
            serial=make_serial(),
            not_before=start,
            not_after=end,
            proofing_level=2 if profile is Profile.CITIZEN else None,
            scal=2 if profile is Profile.CITIZEN else None,
        )
        issuer = Issuer(
            self._record("issuing-1", self.issuing),
            self.issuing.certificate,
            self.issuing.key,
            SHA256(),
        )
        return build_certificate(draft, issuer=issuer, deployment=_DEPLOYMENT)

    def timestamps(self, *, now: datetime = SIGNING_TIME) -> RealTimestamps:
        """The timestamp authority of the product, asked in process; its clock stands at `now`."""
        return RealTimestamps(self, SettableClock(now))

    def status(self, *, revoked: Collection[int] = ()) -> RealStatus:
        """Status answers and lists of the product's builders.

        Takes   revoked: serial numbers of certificates of the issuing CA.
        """
        return RealStatus(self, frozenset(revoked))

    @property
    def _root_issuer(self) -> Issuer:
        record = self._record("root-1", self.root)
        return Issuer(record, self.root.certificate, self.root.key, SHA384())

    def _authority_draft(self, profile: Profile, key: ec.EllipticCurvePrivateKey) -> Draft:
        rules = PROFILES[profile]
        start, end = validity(rules, now=self.since)
        return Draft(
            rules=rules,
            name=authority_name(f"Ấn Tín {profile}", deployment=_DEPLOYMENT),
            public_key=key.public_key(),
            serial=make_serial(),
            not_before=start,
            not_after=end,
        )

    def _record(self, ca_id: str, issued: Issued) -> CaRecord:
        is_root = ca_id == "root-1"
        return CaRecord(
            ca_id=ca_id,
            kind=CaKind.ROOT if is_root else CaKind.ISSUING,
            parent_id=None if is_root else "root-1",
            kid=None if is_root else "issuing-key",
            algorithm=issued.algorithm,
            certificate=issued.der,
            shards=0,
            created_at=self.since,
            not_before=issued.certificate.not_valid_before_utc,
            not_after=issued.certificate.not_valid_after_utc,
            retired_at=None,
            offline_crl=None,
        )


class RealTimestamps:
    """`Timestamps` over the authority of the product, asked and read as the product does."""

    def __init__(self, pki: SigningPki, clock: SettableClock) -> None:
        self.clock = clock
        self.given: list[bytes] = []
        key = SigningKey(
            "tsa-key",
            "ES256",
            TIMESTAMP,
            pki.tsa.spki,
            open_private(pki.tsa.key, kind=get_key_type("ES256")),
        )
        chain = (pki.tsa.der, pki.issuing.der)
        self.authority = TimestampAuthority(
            clock=clock, signer=lambda _now: (key, chain), policies=(POLICY,)
        )
        self._client = TimestampClient(
            self.authority.respond, roots=(pki.root.der,), clock=clock.read
        )

    def stamp(self, digest: bytes, *, hash_name: str) -> bytes:
        """See `Timestamps`."""
        token = self._client.stamp(digest, hash_name=hash_name)
        self.given.append(token)
        return token


class AbsentTimestamps:
    """`Timestamps` of an authority that does not answer."""

    def stamp(self, digest: bytes, *, hash_name: str) -> bytes:
        """See `Timestamps`."""
        raise TimestampUnavailable


class RealStatus:
    """`StatusSource` over the builders of the product: OCSP for signers, a list for the CA."""

    def __init__(self, pki: SigningPki, revoked: frozenset[int]) -> None:
        self._pki = pki
        self._revoked = revoked
        self.asked: list[tuple[bytes, ...]] = []

    def material(self, chain: Sequence[bytes], *, now: datetime) -> ValidationMaterial:
        """See `StatusSource`."""
        self.asked.append(tuple(chain))
        certificate = x509.load_der_x509_certificate(chain[0])
        if certificate.serial_number in self._revoked:
            raise CertificateRefused("revoked")
        return ValidationMaterial(
            certificates=(*chain, self._pki.ocsp.der),
            ocsp_responses=(self.ocsp(certificate, now=now),),
            crls=(self.root_crl(now=now),),
        )

    def ocsp(self, certificate: x509.Certificate, *, now: datetime) -> bytes:
        """The answer about one certificate of the issuing CA, DER."""
        pki = self._pki
        names = issuer_names(pki._record("issuing-1", pki.issuing))
        cert_id = encode_cert_id(
            "sha1",
            name_hash=names.name_sha1,
            key_hash=names.key_sha1,
            serial=certificate.serial_number,
        )
        is_revoked = certificate.serial_number in self._revoked
        status = CertificateStatus(
            "issuing-1",
            certificate.serial_number,
            CertificateState.REVOKED if is_revoked else CertificateState.GOOD,
            RevocationReason.KEY_COMPROMISE if is_revoked else None,
            now - timedelta(hours=1) if is_revoked else None,
            certificate.not_valid_after_utc,
            0,
        )
        responder = Responder.of(PlainKey(pki.ocsp.key), certificate=pki.ocsp.der)
        signed = sign_status(
            [SingleStatus(cert_id, status)],
            responder=responder,
            this_update=now,
            next_update=now + _LIFETIME,
        )
        return signed.complete(responder)

    def root_crl(self, *, now: datetime) -> bytes:
        """The root's list, empty, DER."""
        return issue_crl(
            (),
            issuer=self._pki.root.certificate,
            key=PlainKey(self._pki.root.key),
            number=1,
            this_update=now - timedelta(days=1),
            next_update=now + timedelta(days=180),
        )


class AbsentStatus:
    """`StatusSource` of somebody who does not answer."""

    def material(self, chain: Sequence[bytes], *, now: datetime) -> ValidationMaterial:
        """See `StatusSource`."""
        raise StatusUnavailable


def _new_key(algorithm: str) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    kind = get_key_type(algorithm)
    if kind.family == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=kind.bits)
    return ec.generate_private_key(CURVES[kind.curve])


@pytest.fixture(scope="session")
def signing_pki() -> SigningPki:
    """One authority for all tests of a run; its certificates are a month old at `now`."""
    return SigningPki(SIGNING_TIME - timedelta(days=30))


@pytest.fixture
def hand(signing_pki: SigningPki) -> Hand:
    """A person who signs with P-256."""
    return signing_pki.citizen


@pytest.fixture(params=["citizen", "citizen_384", "citizen_rsa", "seal"])
def each_hand(request: pytest.FixtureRequest, signing_pki: SigningPki) -> Hand:
    """Everybody who signs, one after the other."""
    found = getattr(signing_pki, request.param)
    assert isinstance(found, Hand)
    return found


@pytest.fixture
def revoked_status(signing_pki: SigningPki, hand: Hand) -> StatusSource:
    """Status answers that say of `hand` that it is revoked."""
    return signing_pki.status(revoked=[hand.serial])


@pytest.fixture
def timestamps(signing_pki: SigningPki) -> Timestamps:
    """Timestamps of our own authority, of the instant `now`."""
    return signing_pki.timestamps()


@pytest.fixture
def status(signing_pki: SigningPki) -> StatusSource:
    """Status answers: all is good."""
    return signing_pki.status()


@pytest.fixture
def no_timestamps() -> Timestamps:
    """The timestamp authority is away."""
    return AbsentTimestamps()


@pytest.fixture
def no_status() -> StatusSource:
    """Whoever knows the status is away."""
    return AbsentStatus()
