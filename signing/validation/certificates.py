"""Certificates of strangers, read as far as path validation needs them.

What lives here: one certificate as plain data.  Compiled parsers refuse whole certificates for what
does not matter here (a negative number, parameters of a key that its issuer has, a name of a rare
kind in some extension); this reader refuses what is no certificate, and says which extension makes
no sense.
Source: RFC 5280 §4.1 and §4.2; RFC 3279 §2.3.2 (parameters of DSA that are inherited).
A certificate that was read is **not verified**.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final

from keystore.pki.der import wrap
from signing.formats.der import DerMalformed, Element
from signing.validation.certificate_extensions import (
    NO_EXTENSIONS,
    Extensions,
    read_extensions,
)
from signing.validation.cms_algorithms import (
    as_der_value,
    read_signature_algorithm,
    without_plain,
)
from signing.validation.der_values import (
    BIT_STRING,
    SEQUENCE,
    UNREADABLE,
    bits,
    dotted,
    expect,
    members,
    number,
    sequence,
    small,
    time,
)
from signing.validation.found import SignedValue
from signing.validation.names import is_same_name
from signing.validation.verify_value import is_value_of

_DSA: Final = "1.2.840.10040.4.1"
LARGEST: Final = 128 * 1024
"""Octets of a certificate; a longer one is not read."""
_ORDINARY: Final = 8 * 1024
"""Octets of a certificate that is worth remembering: what remembers is bounded in number alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Certificate:
    """A certificate; octets are DER.

    Takes   serial: contents of the INTEGER as they stand there; issuer, subject: the Names;
            key: SubjectPublicKeyInfo; key_bits: contents of its BIT STRING;
            is_consistent: whether both places that name the algorithm of the signature agree.
    """

    der: bytes = field(repr=False)
    version: int
    serial: bytes = field(repr=False)
    issuer: bytes
    subject: bytes = field(repr=False)
    not_before: datetime
    not_after: datetime
    key: bytes = field(repr=False)
    key_algorithm: str
    key_bits: bytes = field(repr=False)
    signed: SignedValue = field(repr=False)
    is_consistent: bool
    extensions: Extensions = field(repr=False)

    @property
    def is_self_issued(self) -> bool:
        """Whether subject and issuer have the same name (RFC 5280 §6.1)."""
        return is_same_name(self.subject, self.issuer)

    @property
    def is_authority(self) -> bool:
        """Whether it says that it may issue certificates (RFC 5280 §4.2.1.9)."""
        basic = self.extensions.basic
        return basic is not None and basic.is_authority

    def is_valid_at(self, at: datetime) -> bool:
        """Whether it is in its time."""
        return self.not_before <= at <= self.not_after

    def may(self, usage: str) -> bool:
        """Whether its key usage has this, or says nothing (RFC 5280 §4.2.1.3)."""
        usages = self.extensions.usage
        return usages is None or usage in usages


def find_certificate(der: bytes) -> Certificate | None:
    """A certificate, or None for what is none."""
    if len(der) <= _ORDINARY:
        return _remembered(der)
    return _read(der) if len(der) <= LARGEST else None


def is_signed_by(certificate: Certificate, *, key: bytes) -> bool:
    """Whether a key (DER of its SubjectPublicKeyInfo, whole) signed a certificate."""
    if len(certificate.der) + len(key) <= _ORDINARY:
        return _remembered_value(certificate, key)
    return _is_value(certificate, key)


def _is_value(certificate: Certificate, key: bytes) -> bool:
    return is_value_of(key, signed=certificate.signed)


_remembered_value: Final = lru_cache(maxsize=2048)(_is_value)


@lru_cache(maxsize=1024)
def key_digest(key_bits: bytes, *, hash_name: str) -> bytes:
    """The digest of a key by which answers and identifiers name it (RFC 6960 §4.1.1)."""
    return hashlib.new(hash_name, key_bits).digest()


def key_with_parameters(certificate: Certificate, *, inherited: bytes) -> bytes:
    """The key of a certificate, with the parameters that its issuer's key has when it has none.

    Takes   inherited: DER of the issuer's SubjectPublicKeyInfo, whole.
    Source  RFC 5280 §6.1.4 (d) to (f); RFC 3279 §2.3.2.
    """
    if certificate.key_algorithm != _DSA:
        return certificate.key
    try:
        algorithm, key = sequence(certificate.key, most=2)
        if _has_parameters(algorithm):
            return certificate.key
        above, _ = sequence(inherited, most=2)
        if dotted(members(above, most=2)[0]) != _DSA or not _has_parameters(above):
            return certificate.key
        return wrap(SEQUENCE, bytes(above.whole), bytes(key.whole))
    except UNREADABLE:
        return certificate.key


def lacks_parameters(certificate: Certificate) -> bool:
    """Whether the key needs those of its issuer's before it can be used."""
    if certificate.key_algorithm != _DSA:
        return False
    try:
        return not _has_parameters(sequence(certificate.key, most=2)[0])
    except UNREADABLE:
        return False


def _has_parameters(algorithm: Element) -> bool:
    parts = members(algorithm, most=2)
    return len(parts) == 2 and parts[1].tag == SEQUENCE


def _read(der: bytes) -> Certificate | None:
    try:
        return _certificate(der)
    except UNREADABLE:
        return None


_remembered: Final = lru_cache(maxsize=512)(_read)


def _certificate(der: bytes) -> Certificate:
    """Certificate and TBSCertificate (RFC 5280 §4.1)."""
    tbs, algorithm, value = sequence(der, most=3)
    parts = list(members(tbs, most=10))
    version = 1
    if parts and parts[0].tag == 0xA0:
        version = small(parts.pop(0).children(most=1)[0]) + 1
    serial, inner, issuer, validity, subject, key, *rest = parts
    number(serial)
    not_before, not_after = (time(one) for one in members(validity, most=2))
    key_algorithm, key_bits = members(key, most=2)
    # 1 and 2 are unique identifiers of issuer and subject: RFC 5280 §4.1.2.8 lets them be
    named = {one.tag: one for one in rest}
    if len(named) != len(rest) or not named.keys() <= _OPTIONAL.keys():
        raise DerMalformed
    return Certificate(
        der=der,
        version=version,
        serial=bytes(serial.content),
        issuer=bytes(expect(issuer, SEQUENCE).whole),
        subject=bytes(expect(subject, SEQUENCE).whole),
        not_before=not_before,
        not_after=not_after,
        key=bytes(key.whole),
        key_algorithm=dotted(members(key_algorithm, most=2)[0]),
        key_bits=bits(key_bits),
        signed=signed_value(tbs, algorithm=algorithm, value=value),
        is_consistent=inner.whole == algorithm.whole,
        extensions=read_extensions(named[0xA3]) if 0xA3 in named else NO_EXTENSIONS,
    )


def signed_value(tbs: Element, *, algorithm: Element, value: Element) -> SignedValue:
    """What is signed and how, of a certificate, a list or an answer.

    Raises  DerMalformed.
    """
    identifier = bytes(expect(algorithm, SEQUENCE).whole)
    named = read_signature_algorithm(identifier, digest="")
    content = bytes(expect(value, BIT_STRING).content)
    # a value that is no number of whole octets is one that does not fit
    made = content[1:] if content[:1] == b"\0" else b""
    return SignedValue(bytes(tbs.whole), as_der_value(made, algorithm=named), without_plain(named))


_OPTIONAL: Final[Mapping[int, str]] = {0x81: "issuer", 0x82: "subject", 0xA3: "extensions"}
