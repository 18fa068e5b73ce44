"""Building certificates: from a profile, a name and a public key to signed DER.

What lives here: the extensions of each profile in one place, and the signature, which is checked
before the certificate leaves.  Nothing comes from a request but the public key.  Storage, rules
about who gets one and the log are elsewhere (`keystore/pki/certificates.py`).
Source: RFC 5280 §4; ETSI EN 319 412-2, 412-3; RFC 6960 §4.2.2.2; RFC 3161 §2.3.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from keystore.backends.errors import SignatureBroken
from keystore.pki.deployment import PkiDeployment
from keystore.pki.model import CaRecord
from keystore.pki.policies import ANY_POLICY, PolicyFacts, policies_extension
from keystore.pki.profiles import ProfileRules
from keystore.pki.statements import statements_extension
from keystore.x509_key import X509PrivateKey

BuilderHash = SHA256 | SHA384 | SHA512
"""What the keys of authorities sign with."""

_SERIAL_BITS: Final = 126
_SECOND: Final = timedelta(seconds=1)
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
class Issuer:
    """An authority that can sign at this moment.

    `key` signs for certificates alone; `digest` goes with it, None for Ed25519.
    """

    ca: CaRecord
    certificate: x509.Certificate = field(repr=False)
    key: X509PrivateKey = field(repr=False)
    digest: BuilderHash | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What one certificate will say."""

    rules: ProfileRules
    name: x509.Name = field(repr=False)
    public_key: CertificatePublicKeyTypes = field(repr=False)
    serial: int
    not_before: datetime
    not_after: datetime
    proofing_level: int | None = None
    scal: int | None = None


def make_serial() -> int:
    """A serial number: 126 random bits in 16 bytes, positive, never zero (RFC 5280 §4.1.2.2)."""
    return 1 << _SERIAL_BITS | secrets.randbits(_SERIAL_BITS)


def validity(
    rules: ProfileRules,
    *,
    now: datetime,
    lifetime: timedelta | None = None,
    until: datetime | None = None,
) -> tuple[datetime, datetime]:
    """From when to when a certificate lives: never longer than its profile, nor than its issuer.

    Both ends belong to the period (RFC 5280 §4.1.2.5), so it ends a second earlier.
    """
    start = now.replace(microsecond=0)
    wanted = rules.longest if lifetime is None else min(lifetime, rules.longest)
    end = start + wanted - _SECOND
    return start, end if until is None else min(end, until)


def build_certificate(
    draft: Draft, *, issuer: Issuer, deployment: PkiDeployment
) -> x509.Certificate:
    """The certificate, signed by `issuer`.

    Raises  SignatureBroken when what the key's backend returned does not verify.
    """
    builder = _start(draft, issuer_name=issuer.certificate.subject)
    identifier = _key_identifier(issuer.certificate)
    builder = builder.add_extension(identifier, critical=False)
    for extension, is_critical in _extensions(draft, issuer=issuer, deployment=deployment):
        builder = builder.add_extension(extension, critical=is_critical)
    certificate = builder.sign(issuer.key, issuer.digest)
    _check_signature(certificate, issuer=issuer.certificate)
    return certificate


def build_root(draft: Draft, *, key: X509PrivateKey, digest: BuilderHash) -> x509.Certificate:
    """A root: signed with the key that it is for."""
    builder = _start(draft, issuer_name=draft.name)
    for extension, is_critical in _authority_extensions(path_length=None):
        builder = builder.add_extension(extension, critical=is_critical)
    certificate = builder.sign(key, digest)
    _check_signature(certificate, issuer=certificate)
    return certificate


def _start(draft: Draft, *, issuer_name: x509.Name) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(draft.name)
        .issuer_name(issuer_name)
        .public_key(draft.public_key)
        .serial_number(draft.serial)
        .not_valid_before(draft.not_before)
        .not_valid_after(draft.not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(draft.public_key), critical=False)
    )


_Extensions = Iterator[tuple[x509.ExtensionType, bool]]


def _extensions(draft: Draft, *, issuer: Issuer, deployment: PkiDeployment) -> _Extensions:
    rules = draft.rules
    if rules.is_authority:
        yield from _authority_extensions(path_length=0)
        policies = x509.CertificatePolicies([x509.PolicyInformation(ANY_POLICY, None)])
    else:
        yield _usage(*rules.usages), True
        facts = PolicyFacts(
            rules.number,
            proofing_level=draft.proofing_level,
            scal=draft.scal,
            is_sandbox=deployment.is_sandbox,
        )
        policies = policies_extension(facts, arc=deployment.policy_arc, cps_url=deployment.cps_url)
    if rules.purpose is not None:
        yield x509.ExtendedKeyUsage([rules.purpose]), True
    yield policies, False
    if rules.key_lifetime is not None:
        last_use = min(draft.not_before + rules.key_lifetime, draft.not_after)
        yield x509.PrivateKeyUsagePeriod(draft.not_before, last_use), False
    statements = statements_extension(
        rules, deployment=deployment, has_register_number=_has_register_number(draft.name)
    )
    if statements is not None:
        yield statements, False
    yield from _status_extensions(draft, issuer=issuer, deployment=deployment)


def _authority_extensions(*, path_length: int | None) -> _Extensions:
    yield x509.BasicConstraints(ca=True, path_length=path_length), True
    yield _usage("key_cert_sign", "crl_sign"), True


def _status_extensions(draft: Draft, *, issuer: Issuer, deployment: PkiDeployment) -> _Extensions:
    addresses, ca = deployment.addresses, issuer.ca
    access = [_access(AuthorityInformationAccessOID.CA_ISSUERS, addresses.certificate(ca.ca_id))]
    if not draft.rules.has_status:
        yield x509.OCSPNoCheck(), False
    else:
        url = addresses.crl_of_certificate(ca.ca_id, serial=draft.serial, shards=ca.shards)
        point = x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None)
        yield x509.CRLDistributionPoints([point]), False
        if ca.kid is not None:  # nobody can ask a key that is offline
            access.append(_access(AuthorityInformationAccessOID.OCSP, addresses.ocsp()))
    yield x509.AuthorityInformationAccess(access), False


def _access(method: x509.ObjectIdentifier, url: str) -> x509.AccessDescription:
    return x509.AccessDescription(method, x509.UniformResourceIdentifier(url))


def _usage(*names: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in names for usage in _USAGES})


def _key_identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    subject = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(subject)


def _has_register_number(name: x509.Name) -> bool:
    found = name.get_attributes_for_oid(NameOID.ORGANIZATION_IDENTIFIER)
    return bool(found) and str(found[0].value).startswith(("NTR", "VAT"))


def _check_signature(certificate: x509.Certificate, *, issuer: x509.Certificate) -> None:
    try:
        certificate.verify_directly_issued_by(issuer)
    except InvalidSignature as failure:
        raise SignatureBroken from failure
