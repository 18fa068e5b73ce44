"""Evidence that certificates were good, before it goes into a signature for twenty years.

What lives here: asking for it, chain by chain, and looking whether it really covers them: a source
that errs would be found out only when nothing can be made good any more.
Source: ETSI EN 319 122-1 §5.5, 319 102-1 §5.2.5 and §5.2.6 (revocation freshness and checking);
RFC 6960 §3.2 and §4.2.2.2; RFC 5280 §6.3.3; TT 15/2025/TT-BKHCN, Annex II.
Not here: fetching (`StatusSource`).  What is read is bounded, and goes through compiled parsers.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from signing.errors import CertificateRefused, StatusUnavailable
from signing.formats.algorithms import is_signed_by
from signing.formats.chains import find_extension, is_issued_by, is_self_issued, parse_certificate
from signing.formats.der import DerMalformed, read_one
from signing.formats.material import StatusSource, ValidationMaterial

_UNREADABLE: Final = (
    ValueError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
MAX_OCSP_BYTES: Final = 64 * 1024
MAX_CRL_BYTES: Final = 1024 * 1024
_SKEW: Final = timedelta(minutes=5)
_LONGEST_WITHOUT_END: Final = timedelta(hours=24)
"""How old evidence may be that does not say when there will be newer one."""
_UNDERSTOOD: Final = (
    x509.IssuingDistributionPoint,
    x509.CRLNumber,
    x509.AuthorityKeyIdentifier,
)


def gather_material(
    status: StatusSource, *, chains: Sequence[Sequence[bytes]], now: datetime
) -> ValidationMaterial:
    """Evidence for all chains: the certificates of the chains first, the nearest first.

    Takes   chains: DER, each from a certificate to its root.
    Raises  StatusUnavailable: also for a chain without a root, or evidence that does not cover it;
            CertificateRefused when something is revoked.
    """
    gathered = ValidationMaterial(tuple(itertools.chain.from_iterable(chains)))
    for chain in chains:
        if not is_self_issued(chain[-1]):
            raise StatusUnavailable("no_root")
        found = status.material(chain, now=now)
        check_material(found, chain=chain, now=now)
        gathered = gathered.with_others(found)
    return gathered.with_others(ValidationMaterial())


def check_material(material: ValidationMaterial, *, chain: Sequence[bytes], now: datetime) -> None:
    """The evidence says of each certificate of a chain but its root that it is good now.

    1. Each entry can be read.
    2. About each certificate there is an answer or a list, signed by its issuer or by whoever the
       issuer appointed, and of this time.
    3. None says that it is revoked or on hold.

    Raises  StatusUnavailable; CertificateRefused.
    """
    try:
        # 1
        evidence = _read(material)
        parsed = [parse_certificate(one) for one in chain]
        # 2, 3
        for certificate, issuer in itertools.pairwise(parsed):
            said = [one.is_good(certificate, issuer=issuer, now=now) for one in evidence]
            if not any(said):
                raise StatusUnavailable("not_covered")
    except (DerMalformed, *_UNREADABLE) as malformed:
        raise StatusUnavailable("malformed") from malformed


@dataclass(frozen=True, slots=True)
class _List:
    crl: x509.CertificateRevocationList
    raw: bytes

    def is_good(
        self, certificate: x509.Certificate, *, issuer: x509.Certificate, now: datetime
    ) -> bool:
        """Whether the list is about this certificate and does not name it.

        Source  RFC 5280 §6.3.3; a list of a partition is about the certificates that name it.
        """
        crl = self.crl
        if crl.issuer != issuer.subject or not _is_current(
            crl.last_update_utc, crl.next_update_utc, now=now
        ):
            return False
        if not self._is_understood():
            return False
        if not self._is_about(certificate) or not _is_list_of(self.raw, issuer):
            return False
        if crl.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
            raise CertificateRefused("revoked")
        return True

    def _is_understood(self) -> bool:
        """Whether it is a whole list, and nothing in it changes what it means.

        Source  RFC 5280 §5.2 (critical extensions), §5.2.4 (a delta is the difference to a list).
        """
        return not any(
            isinstance(one.value, x509.DeltaCRLIndicator)
            or (one.critical and not isinstance(one.value, _UNDERSTOOD))
            for one in self.crl.extensions
        )

    def _is_about(self, certificate: x509.Certificate) -> bool:
        try:
            found = self.crl.extensions.get_extension_for_class(x509.IssuingDistributionPoint)
        except x509.ExtensionNotFound:
            return True
        partition = found.value
        if (
            partition.only_contains_attribute_certs
            or partition.only_some_reasons
            or partition.indirect_crl
        ):
            return False
        basic = find_extension(certificate, x509.BasicConstraints)
        is_authority = basic is not None and basic.value.ca
        if partition.only_contains_user_certs and is_authority:
            return False
        if partition.only_contains_ca_certs and not is_authority:
            return False
        mine = {name for point in _points(certificate) for name in point.full_name or ()}
        return partition.full_name is not None and not mine.isdisjoint(partition.full_name)


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer; what its octets say is read once, however often it is looked at."""

    raw: bytes

    def is_good(
        self, certificate: x509.Certificate, *, issuer: x509.Certificate, now: datetime
    ) -> bool:
        """Whether the answer is about this certificate, by somebody who may say so, and good.

        Source  RFC 6960 §3.2.
        """
        for one in _responses_of(self.raw):
            if not _is_about(one, certificate=certificate, issuer=issuer):
                continue
            if not _is_current(one.this_update_utc, one.next_update_utc, now=now):
                continue
            if not self._is_signed(issuer, now=now):
                continue
            if one.certificate_status is ocsp.OCSPCertStatus.REVOKED:
                raise CertificateRefused("revoked")
            return one.certificate_status is ocsp.OCSPCertStatus.GOOD
        return False

    def _is_signed(self, issuer: x509.Certificate, *, now: datetime) -> bool:
        """By the authority, or by one whom it appointed and who need not be asked about."""
        appointed = [one for one in _certificates_of(self.raw) if _may_answer(one, issuer, now=now)]
        return any(_is_answer_of(self.raw, one) for one in (issuer, *appointed))


def _read(material: ValidationMaterial) -> list[_List | _Answer]:
    if any(len(one) > MAX_OCSP_BYTES for one in material.ocsp_responses):
        raise StatusUnavailable("too_large")
    if any(len(one) > MAX_CRL_BYTES for one in material.crls):
        raise StatusUnavailable("too_large")
    evidence: list[_List | _Answer] = []
    for raw in material.ocsp_responses:
        if _load(raw).response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise StatusUnavailable("refused")
        evidence.append(_Answer(raw))
    evidence.extend(_List(x509.load_der_x509_crl(raw), raw) for raw in material.crls)
    return evidence


@lru_cache(maxsize=256)
def _load(raw: bytes) -> ocsp.OCSPResponse:
    return ocsp.load_der_ocsp_response(raw)


@lru_cache(maxsize=256)
def _responses_of(raw: bytes) -> tuple[ocsp.OCSPSingleResponse, ...]:
    return tuple(_load(raw).responses)


@lru_cache(maxsize=256)
def _certificates_of(raw: bytes) -> tuple[x509.Certificate, ...]:
    return tuple(_load(raw).certificates)


@lru_cache(maxsize=256)
def _is_answer_of(raw: bytes, responder: x509.Certificate) -> bool:
    """Whether the signature of an answer is by that certificate's key; it never changes."""
    tbs, algorithm, signature = _basic_parts(raw)
    return is_signed_by(responder, octets=tbs, signature=signature, identifier=algorithm)


@lru_cache(maxsize=16)
def _is_list_of(raw: bytes, issuer: x509.Certificate) -> bool:
    """The same of a list."""
    key = issuer.public_key()
    return isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey) and x509.load_der_x509_crl(
        raw
    ).is_signature_valid(key)


def _is_about(
    one: ocsp.OCSPSingleResponse, *, certificate: x509.Certificate, issuer: x509.Certificate
) -> bool:
    if one.serial_number != certificate.serial_number:
        return False
    name, key = _hashes_of(issuer, one.hash_algorithm.name)
    is_its_name = hmac.compare_digest(one.issuer_name_hash, name)
    return is_its_name and hmac.compare_digest(one.issuer_key_hash, key)


def _may_answer(responder: x509.Certificate, issuer: x509.Certificate, *, now: datetime) -> bool:
    """RFC 6960 §4.2.2.2: issued by the authority itself, for this purpose, with `nocheck`."""
    is_valid = responder.not_valid_before_utc <= now <= responder.not_valid_after_utc
    return is_valid and _is_appointed(responder, issuer)


@lru_cache(maxsize=64)
def _is_appointed(responder: x509.Certificate, issuer: x509.Certificate) -> bool:
    """The same but for the time, which alone changes."""
    purposes = find_extension(responder, x509.ExtendedKeyUsage)
    if purposes is None or ExtendedKeyUsageOID.OCSP_SIGNING not in purposes.value:
        return False
    if find_extension(responder, x509.OCSPNoCheck) is None:
        return False
    return is_issued_by(responder, issuer)


def _basic_parts(raw: bytes) -> tuple[bytes, bytes, bytes]:
    """What is signed, the algorithm and the value of a BasicOCSPResponse (RFC 6960 §4.2.1)."""
    _, tagged = read_one(raw).children(most=2)
    _, octets = read_one(tagged.content).children(most=2)
    signed, algorithm, value, *_ = read_one(octets.content).children(most=4)
    # a BIT STRING says first how many bits of its end are unused: none are
    return bytes(signed.whole), bytes(algorithm.whole), bytes(value.content[1:])


def _is_current(this: datetime, following: datetime | None, *, now: datetime) -> bool:
    until = this + _LONGEST_WITHOUT_END if following is None else following
    return this <= now + _SKEW and now <= until


def _points(certificate: x509.Certificate) -> x509.CRLDistributionPoints | tuple[()]:
    found = find_extension(certificate, x509.CRLDistributionPoints)
    return () if found is None else found.value


@lru_cache(maxsize=64)
def _hashes_of(issuer: x509.Certificate, hash_name: str) -> tuple[bytes, bytes]:
    """Of its name and of its key, as an answer names it (RFC 6960 §4.1.1)."""
    name, key = issuer.subject.public_bytes(), _key_bits(issuer)
    return hashlib.new(hash_name, name).digest(), hashlib.new(hash_name, key).digest()


def _key_bits(certificate: x509.Certificate) -> bytes:
    """What the BIT STRING in SubjectPublicKeyInfo holds."""
    spki = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    _, bits = read_one(spki).children(most=2)
    return bytes(bits.content[1:])
