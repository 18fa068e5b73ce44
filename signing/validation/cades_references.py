"""How the signed attributes of CAdES name the signing certificate, and how SignerInfo does.

What lives here: ESSCertID in both versions, OtherCertID, and the certificate that `sid` means.
Source: RFC 2634 §5.4.1; RFC 5035 §3 and §4; ETSI TS 101 733 §5.7.3.3; RFC 5652 §5.3, §10.2.4.
Not here: whether the certificate that they name is the one that signed (the procedure does).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cryptography import x509

from keystore.pki.der import SEQUENCE
from signing.formats.chains import find_extension, parse_certificate
from signing.formats.der import INTEGER, OCTET_STRING, SET, DerMalformed, Element, read_one
from signing.validation.cms_algorithms import hash_name
from signing.validation.content import digest_octets
from signing.validation.found import CertificateReference
from signing.validation.signed_parts import Signer, sequence

SIGNING_CERTIFICATE: Final = "1.2.840.113549.1.9.16.2.12"
SIGNING_CERTIFICATE_V2: Final = "1.2.840.113549.1.9.16.2.47"
OTHER_SIGNING_CERTIFICATE: Final = "1.2.840.113549.1.9.16.2.19"
KINDS: Final = (SIGNING_CERTIFICATE_V2, SIGNING_CERTIFICATE, OTHER_SIGNING_CERTIFICATE)
_DEFAULTS: Final = {SIGNING_CERTIFICATE: "sha1", SIGNING_CERTIFICATE_V2: "sha256"}
_MOST: Final = 64
_DIRECTORY_NAME: Final = 0xA4
_UNREADABLE: Final = CertificateReference("", b"", is_readable=False)


def read_references(signer: Signer) -> tuple[CertificateReference, ...] | None:
    """All references of the signed attributes, the newest kind first; None without any."""
    found: list[CertificateReference] = []
    for kind in KINDS:
        for value in signer.signed_values(kind):
            found += _read(value, kind=kind)
    return tuple(found) or None


def is_alike_in_all(signer: Signer, certificate: bytes) -> bool:
    """Whether the references of all kinds begin with the same certificate.

    True also when none of them is of this one: then whose it is, is open anyway.
    Source  RFC 5035 §3: where both versions stand, each is looked at by itself.
    """
    firsts = [_read(value, kind=kind)[0] for kind in KINDS for value in signer.signed_values(kind)]
    fit = [digest_octets(certificate, one.hash_name) == one.digest for one in firsts]
    return all(fit) or not any(fit)


def find_named(sid: bytes, *, among: Sequence[bytes]) -> bytes | None:
    """The certificate that a SignerIdentifier means; DER, None when it is not there."""
    try:
        element = read_one(sid)
        if element.tag == 0x80:
            return _find_by_key(bytes(element.content), among=among)
        issuer, number = sequence(element).children(most=2)
        if number.tag != INTEGER:
            return None
        serial = int.from_bytes(number.content, "big", signed=True)
    except (DerMalformed, ValueError):
        return None
    written = bytes(issuer.whole)
    # most have another number, which need not be taken apart to be seen
    named = bytes(number.whole)
    candidates = [one for one in among if named in one and _serial(one) == serial]
    exact = next((one for one in candidates if _issuer(one) == written), None)
    # NOTE: some write a name in another kind of string than the certificate does; whether the
    # certificate is meant is then up to the references, and to the key
    return exact or next(iter(candidates), None)


def find_referenced(
    references: Sequence[CertificateReference] | None, *, among: Sequence[bytes]
) -> bytes | None:
    """The certificate of which the first reference has the digest."""
    if not references or not references[0].digest:
        return None
    first = references[0]
    return next((one for one in among if digest_octets(one, first.hash_name) == first.digest), None)


def key_of(certificate: bytes) -> bytes | None:
    """SubjectPublicKeyInfo of a certificate; None for one that cannot be read."""
    found = _fields(certificate)
    return bytes(found[5].whole) if len(found) >= 6 else None


def _read(value: bytes, *, kind: str) -> list[CertificateReference]:
    try:
        named = sequence(sequence(read_one(value)).children(most=2)[0]).children(most=_MOST)
        return [_read_one(one, kind=kind) for one in named] or [_UNREADABLE]
    except (DerMalformed, IndexError):
        return [_UNREADABLE]


def _read_one(element: Element, *, kind: str) -> CertificateReference:
    parts = list(sequence(element).children(most=3))
    named = _DEFAULTS.get(kind, "sha1")
    if parts and parts[0].tag == SEQUENCE:
        if kind == OTHER_SIGNING_CERTIFICATE:  # algorithm and digest stand together there
            inner = list(parts.pop(0).children(most=2))
            named = hash_name(bytes(inner[0].whole))
            parts.insert(0, inner[1])
        else:
            named = hash_name(bytes(parts.pop(0).whole))
    if not parts or parts[0].tag != OCTET_STRING:
        return _UNREADABLE
    digest = bytes(parts.pop(0).content)
    if not parts:
        return CertificateReference(named, digest, is_readable=bool(named))
    _check_issuer_serial(parts[0])
    return CertificateReference(named, digest, bytes(parts[0].whole), is_readable=bool(named))


def _check_issuer_serial(element: Element) -> None:
    """IssuerSerial is what it has to be, down to the names in it.  Raises DerMalformed."""
    issuer, serial, *_ = (*sequence(element).children(most=3), element, element)
    if serial.tag != INTEGER:
        raise DerMalformed
    for name in sequence(issuer).children(most=_MOST):
        if name.tag != _DIRECTORY_NAME:
            continue
        for relative in sequence(read_one(name.content)).children(most=_MOST):
            if relative.tag != SET:
                raise DerMalformed
            for one in relative.children(most=_MOST):
                if len(sequence(one).children(most=2)) != 2:
                    raise DerMalformed


def is_issuer_serial_of(reference: CertificateReference, certificate: bytes) -> bool:
    """Whether issuer and number, where a reference has them, are those of a certificate."""
    if not reference.issuer_serial:
        return True
    try:
        issuer, serial = read_one(reference.issuer_serial).children(most=3)[:2]
        names = [bytes(one.content) for one in issuer.children(most=_MOST)]
    except (DerMalformed, ValueError):
        return False
    number = int.from_bytes(serial.content, "big", signed=True)
    return number == _serial(certificate) and _issuer(certificate) in names


def _find_by_key(identifier: bytes, *, among: Sequence[bytes]) -> bytes | None:
    for one in among:
        try:
            own = find_extension(parse_certificate(one), x509.SubjectKeyIdentifier)
        except ValueError:
            continue
        if own is not None and own.value.digest == identifier:
            return one
    return None


def _fields(certificate: bytes) -> tuple[Element, ...]:
    """The fields of a certificate from its number on; **nothing of it is verified**."""
    try:
        tbs = sequence(sequence(read_one(certificate)).children(most=3)[0]).children(most=12)
    except (DerMalformed, IndexError):
        return ()
    return tbs[1:] if tbs and tbs[0].tag == 0xA0 else tbs


def _serial(certificate: bytes) -> int | None:
    found = _fields(certificate)
    if len(found) < 3 or found[0].tag != INTEGER:
        return None
    return int.from_bytes(found[0].content, "big", signed=True)


def _issuer(certificate: bytes) -> bytes:
    found = _fields(certificate)
    return bytes(found[2].whole) if len(found) >= 3 else b""
