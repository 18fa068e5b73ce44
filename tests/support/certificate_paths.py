"""Certificates, lists and answers with every fault that can be written down.

What lives here: builders that put octets together themselves, so that nothing keeps a test from
making what no library would make.  Not here: anything that the product imports.
Source: RFC 5280 §4.1, §4.2, §5.1; RFC 6960 §4.2.1.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keystore.pki.der import algorithm_identifier, wrap
from signing.formats.der import oid
from signing.validation.known_anchors import KnownAnchors, anchor_of

AT: Final = datetime(2026, 6, 1, tzinfo=UTC)
YEAR: Final = timedelta(days=365)
ECDSA_SHA256: Final = algorithm_identifier("1.2.840.10045.4.3.2")
ECDSA_SHA384: Final = algorithm_identifier("1.2.840.10045.4.3.3")
_SHA256: Final = algorithm_identifier("2.16.840.1.101.3.4.2.1")
_numbers: Final = itertools.count(1000)
USAGES: Final = (
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
)


@functools.cache
def key_number(number: int) -> ec.EllipticCurvePrivateKey:
    """A key; the same number, the same key: making one takes longer than using it."""
    return ec.derive_private_key(number + 12345, ec.SECP256R1())


def integer(value: int) -> bytes:
    """INTEGER."""
    return wrap(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def moment(at: datetime) -> bytes:
    """Time, as RFC 5280 §4.1.2.5 wants it."""
    if at.year < 2050:
        return wrap(0x17, at.strftime("%y%m%d%H%M%SZ").encode())
    return generalized(at)


def generalized(at: datetime) -> bytes:
    """GeneralizedTime."""
    return wrap(0x18, f"{at.year:04}{at:%m%d%H%M%S}Z".encode())


def name(*parts: str, tag: int = 0x0C) -> bytes:
    """A Name: an organisation for each part but the last, which is the common name."""
    kinds = [*["2.5.4.10"] * (len(parts) - 1), "2.5.4.3"]
    return wrap(
        0x30,
        *(
            wrap(0x31, wrap(0x30, oid(kind), wrap(tag, part.encode())))
            for kind, part in zip(kinds, parts, strict=True)
        ),
    )


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension; `value` is the DER inside."""

    kind: str
    value: bytes
    is_critical: bool = False

    @property
    def der(self) -> bytes:
        """The extension."""
        critical = b"\x01\x01\xff" if self.is_critical else b""
        return wrap(0x30, oid(self.kind), critical, wrap(0x04, self.value))


def extensions(tag: int, found: Sequence[Extension]) -> bytes:
    """The element around them; nothing without any."""
    return wrap(tag, wrap(0x30, *(one.der for one in found))) if found else b""


def basic(*, is_authority: bool = True, length: int | None = None) -> Extension:
    """Basic constraints."""
    parts = b"\x01\x01\xff" if is_authority else b""
    parts += b"" if length is None else integer(length)
    return Extension("2.5.29.19", wrap(0x30, parts), is_critical=True)


def bit_string(numbers: Iterable[int], *, tag: int = 0x03) -> bytes:
    """A BIT STRING of named bits, in DER."""
    wanted = set(numbers)
    if not wanted:
        return wrap(tag, b"\x00")
    size = max(wanted) + 1
    value = sum(1 << (15 - one) for one in wanted).to_bytes(2, "big")[: (size + 7) // 8]
    return wrap(tag, bytes((-size % 8,)) + value)


def usage(*names: str) -> Extension:
    """Key usage."""
    return Extension("2.5.29.15", bit_string(map(USAGES.index, names)), is_critical=True)


def purposes(*kinds: str) -> Extension:
    """Extended key usage."""
    return Extension("2.5.29.37", wrap(0x30, *map(oid, kinds)))


def policies(*kinds: str) -> Extension:
    """Certificate policies."""
    return Extension("2.5.29.32", wrap(0x30, *(wrap(0x30, oid(one)) for one in kinds)))


def mappings(*pairs: tuple[str, str]) -> Extension:
    """Policy mappings."""
    inside = (wrap(0x30, oid(one), oid(other)) for one, other in pairs)
    return Extension("2.5.29.33", wrap(0x30, *inside))


def policy_constraints(*, explicit: int | None = None, mapping: int | None = None) -> Extension:
    """Policy constraints."""
    parts = [
        wrap(tag, integer(one)[2:])
        for tag, one in ((0x80, explicit), (0x81, mapping))
        if one is not None
    ]
    return Extension("2.5.29.36", wrap(0x30, *parts), is_critical=True)


def inhibit_any(after: int) -> Extension:
    """Inhibit anyPolicy."""
    return Extension("2.5.29.54", integer(after), is_critical=True)


def names_within(
    *, permitted: Sequence[bytes] = (), excluded: Sequence[bytes] = (), bounds: bytes = b""
) -> Extension:
    """Name constraints; each a GeneralName."""
    parts = [
        wrap(tag, *(wrap(0x30, one, bounds) for one in found))
        for tag, found in ((0xA0, permitted), (0xA1, excluded))
        if found
    ]
    return Extension("2.5.29.30", wrap(0x30, *parts), is_critical=True)


def alternative_names(*found: bytes) -> Extension:
    """Subject alternative names; each a GeneralName."""
    return Extension("2.5.29.17", wrap(0x30, *found))


def directory(of: bytes) -> bytes:
    """A GeneralName of a Name."""
    return wrap(0xA4, of)


def point(
    *, names: Sequence[bytes] = (), reasons: Iterable[int] = (), issuer: bytes = b""
) -> bytes:
    """A DistributionPoint: GeneralNames, reasons, the Name of who issues the list."""
    wanted = set(reasons)
    return wrap(
        0x30,
        wrap(0xA0, wrap(0xA0, *names)) if names else b"",
        bit_string(wanted, tag=0x81) if wanted else b"",
        wrap(0xA2, directory(issuer)) if issuer else b"",
    )


def points(*found: bytes) -> Extension:
    """CRL distribution points."""
    return Extension("2.5.29.31", wrap(0x30, *found))


def key_bits(key: ec.EllipticCurvePrivateKey) -> bytes:
    """What the BIT STRING in the public key holds."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def key_identifiers(
    of: Party, *, key: ec.EllipticCurvePrivateKey | None = None
) -> tuple[Extension, Extension]:
    """Identifiers of the issuer's key and of a key of one's own, which is another."""
    digest = hashlib.sha256(of.key_bits).digest()
    own = hashlib.sha256(digest if key is None else key_bits(key)).digest()
    return (
        Extension("2.5.29.35", wrap(0x30, wrap(0x80, digest[:20]))),
        Extension("2.5.29.14", wrap(0x04, own[:20])),
    )


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody with a key and a certificate."""

    subject: bytes
    key: ec.EllipticCurvePrivateKey = field(repr=False)
    der: bytes = field(repr=False)
    serial: int
    issuer: bytes

    @property
    def spki(self) -> bytes:
        """DER SubjectPublicKeyInfo."""
        return self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @property
    def key_bits(self) -> bytes:
        """What the BIT STRING in it holds."""
        return key_bits(self.key)


def signed(
    tbs: bytes, by: ec.EllipticCurvePrivateKey, *, algorithm: bytes, is_broken: bool, more: bytes
) -> bytes:
    """What is signed, how, and the value."""
    value = bytearray(by.sign(tbs, ec.ECDSA(hashes.SHA256())))
    if is_broken:
        value[-1] ^= 1
    return wrap(0x30, tbs, algorithm, wrap(0x03, b"\x00", bytes(value)), more)


def issue(
    subject: bytes,
    *found: Extension,
    by: Party | None = None,
    key: ec.EllipticCurvePrivateKey | None = None,
    serial: int | None = None,
    version: int = 3,
    since: datetime = AT - YEAR,
    until: datetime = AT + YEAR,
    issuer: bytes | None = None,
    inner: bytes = ECDSA_SHA256,
    is_broken: bool = False,
) -> Party:
    """A certificate; without `by` self-signed, with nothing in it that was not asked for."""
    number = next(_numbers) if serial is None else serial
    key = key or key_number(number)
    made_by = issuer or (by.subject if by else subject)
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    tbs = wrap(
        0x30,
        wrap(0xA0, integer(version - 1)) if version > 1 else b"",
        integer(number),
        inner,
        made_by,
        wrap(0x30, moment(since), moment(until)),
        subject,
        spki,
        extensions(0xA3, found),
    )
    signer = by.key if by else key
    der = signed(tbs, signer, algorithm=ECDSA_SHA256, is_broken=is_broken, more=b"")
    return Party(subject, key, der, number, made_by)


def authority(
    called: str,
    *found: Extension,
    by: Party | None = None,
    length: int | None = None,
    **given: object,
) -> Party:
    """An authority with what one needs; an extension that is given replaces its like."""
    wanted = {
        one.kind: one for one in (basic(length=length), usage("keyCertSign", "cRLSign"), *found)
    }
    return issue(name("Org", called), *wanted.values(), by=by, **given)


def person(called: str, *found: Extension, by: Party, **given: object) -> Party:
    """Somebody who signs."""
    return issue(name("Org", called), *found, by=by, **given)


def trusting(*roots: Party) -> KnownAnchors:
    """Anchors."""
    made = (anchor_of(one.der, source="test") for one in roots)
    return KnownAnchors(one for one in made if one is not None)


def entry(
    serial: int,
    *,
    at: datetime = AT - timedelta(days=30),
    reason: int | None = None,
    more: Sequence[Extension] = (),
) -> bytes:
    """An entry of a list."""
    told = () if reason is None else (Extension("2.5.29.21", wrap(0x0A, bytes((reason,)))),)
    every = (*told, *more)
    inside = wrap(0x30, *(one.der for one in every)) if every else b""
    return wrap(0x30, integer(serial), moment(at), inside)


def scope(
    *, names: Sequence[bytes] = (), flags: Iterable[int] = (), reasons: Iterable[int] = ()
) -> Extension:
    """Issuing distribution point; `flags` are tags of what is TRUE: 1, 2, 4, 5."""
    wanted = set(reasons)
    parts = [wrap(0xA0, wrap(0xA0, *names)) if names else b""]
    for tag in range(1, 6):
        if tag == 3 and wanted:
            parts.append(bit_string(wanted, tag=0x83))
        elif tag in set(flags):
            parts.append(wrap(0x80 | tag, b"\xff"))
    return Extension("2.5.29.28", wrap(0x30, *parts), is_critical=True)


def delta(base: int) -> Extension:
    """Delta CRL indicator."""
    return Extension("2.5.29.27", integer(base), is_critical=True)


def revocation_list(
    by: Party,
    *entries: bytes,
    number: int | None = 1,
    more: Sequence[Extension] = (),
    this: datetime = AT - timedelta(days=1),
    following: datetime | None = AT + timedelta(days=6),
    issuer: bytes | None = None,
    is_broken: bool = False,
) -> bytes:
    """A list."""
    counted = () if number is None else (Extension("2.5.29.20", integer(number)),)
    tbs = wrap(
        0x30,
        integer(1),
        ECDSA_SHA256,
        issuer or by.subject,
        moment(this),
        b"" if following is None else moment(following),
        wrap(0x30, *entries) if entries else b"",
        extensions(0xA0, (*counted, *more)),
    )
    return signed(tbs, by.key, algorithm=ECDSA_SHA256, is_broken=is_broken, more=b"")


GOOD: Final = b"\x80\x00"
UNKNOWN: Final = b"\x82\x00"


def revoked(at: datetime, reason: int | None = None) -> bytes:
    """CertStatus of one that was revoked."""
    told = b"" if reason is None else wrap(0xA0, wrap(0x0A, bytes((reason,))))
    return wrap(0xA1, generalized(at), told)


def answer(
    about: Party,
    issuer: Party,
    *,
    by: Party,
    status: bytes = GOOD,
    certificates: Sequence[bytes] = (),
    is_by_key: bool = False,
    this: datetime = AT - timedelta(hours=1),
    following: datetime | None = AT + timedelta(hours=23),
    produced: datetime | None = None,
    more: Sequence[Extension] = (),
    issuer_bits: bytes | None = None,
    is_broken: bool = False,
    is_bare: bool = False,
) -> bytes:
    """An OCSP answer about one certificate."""
    responder = (
        wrap(0xA2, wrap(0x04, hashlib.sha1(by.key_bits).digest()))  # noqa: S324, TID251  # RFC 6960 §4.2.2.3
        if is_by_key
        else wrap(0xA1, by.subject)
    )
    asked = wrap(
        0x30,
        _SHA256,
        wrap(0x04, hashlib.sha256(issuer.subject).digest()),
        wrap(0x04, hashlib.sha256(issuer_bits or issuer.key_bits).digest()),
        integer(about.serial),
    )
    single = wrap(
        0x30,
        asked,
        status,
        generalized(this),
        b"" if following is None else wrap(0xA0, generalized(following)),
        extensions(0xA1, more),
    )
    tbs = wrap(0x30, responder, generalized(produced or this), wrap(0x30, single))
    brought = wrap(0xA0, wrap(0x30, *certificates)) if certificates else b""
    basic_answer = signed(tbs, by.key, algorithm=ECDSA_SHA256, is_broken=is_broken, more=brought)
    if is_bare:
        return basic_answer
    inside = wrap(0x30, oid("1.3.6.1.5.5.7.48.1.1"), wrap(0x04, basic_answer))
    return wrap(0x30, wrap(0x0A, b"\x00"), wrap(0xA0, inside))
