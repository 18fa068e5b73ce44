"""Revocation lists of strangers, read as far as status needs them.

What lives here: one list as plain data, and looking something up in it without reading the rest: a
list may have a million entries, and usually none of them is asked for.
Source: RFC 5280 §5.1 to §5.3; X.509 §9.5.2.6 (expiredCertsOnCRL).
A list that was read is **not verified**.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple

from signing.formats.der import INTEGER, DerMalformed, Element, header, read_all, read_one
from signing.validation.certificate_extensions import each_extension
from signing.validation.certificates import signed_value
from signing.validation.der_values import (
    BIT_STRING,
    DIRECTORY,
    ENUMERATED,
    GENERALIZED_TIME,
    SEQUENCE,
    UNREADABLE,
    UTC_TIME,
    expect,
    flag,
    general_name,
    members,
    named_bits,
    number,
    optional,
    sequence,
    time,
)
from signing.validation.found import SignedValue
from signing.validation.names import ComparableName, name_key

LARGEST: Final = 32 * 1024 * 1024
_ORDINARY: Final = 16 * 1024
"""Octets of a list that is worth remembering."""
REASONS: Final = (
    "unspecified",
    "keyCompromise",
    "cACompromise",
    "affiliationChanged",
    "superseded",
    "cessationOfOperation",
    "certificateHold",
    "",
    "removeFromCRL",
    "privilegeWithdrawn",
    "aACompromise",
)
_CE: Final = "2.5.29."
_NUMBER, _DELTA, _POINT, _AUTHORITY_KEY = f"{_CE}20", f"{_CE}27", f"{_CE}28", f"{_CE}35"
_EXPIRED: Final = f"{_CE}60"
_REASON, _INVALIDITY, _ISSUER = f"{_CE}21", f"{_CE}24", f"{_CE}29"
_KNOWN: Final = frozenset({_NUMBER, _DELTA, _POINT, _AUTHORITY_KEY, _EXPIRED, f"{_CE}46"})
_KNOWN_OF_ENTRY: Final = frozenset({_REASON, _INVALIDITY, f"{_CE}23"})
_TRUE: Final = b"\x01\x01\xff"


@dataclass(frozen=True, slots=True)
class Entry:
    """What a list says of a certificate: since when, why, and since when the key may be lost."""

    revoked_at: datetime
    reason: str = "unspecified"
    invalid_since: datetime | None = None


class Scope(NamedTuple):
    """IssuingDistributionPoint (§5.2.5): what a list is about; `reasons` numbers of bits."""

    name: Element | None
    only_users: bool
    only_authorities: bool
    only_attributes: bool
    reasons: frozenset[int] | None
    is_indirect: bool


_WHOLE: Final = Scope(
    None,
    only_users=False,
    only_authorities=False,
    only_attributes=False,
    reasons=None,
    is_indirect=False,
)


@dataclass(frozen=True, slots=True, eq=False)
class RevocationList:
    """A list; octets are DER.

    Takes   parts, view: what is signed and how, and the entries, as slices;
            number, base_number: CRL number, and for a delta the number that it goes on from;
            scope_der, authority_key_der: values of the extensions, empty without;
            expired_since: certificates that ended after that are kept in it, None when they go;
            unknown: critical extensions that nobody here knows.
    """

    der: bytes = field(repr=False)
    issuer: bytes
    this_update: datetime
    next_update: datetime | None
    number: int | None
    base_number: int | None
    scope: Scope
    scope_der: bytes = field(repr=False)
    authority_key_der: bytes = field(repr=False)
    expired_since: datetime | None
    unknown: frozenset[str]
    is_consistent: bool
    parts: tuple[Element, Element, Element] = field(repr=False)
    view: memoryview = field(repr=False)

    @property
    def signed(self) -> SignedValue:
        """What is signed; a copy, made when it is asked for: a list may be large.

        Raises  DerMalformed.
        """
        tbs, algorithm, value = self.parts
        return signed_value(tbs, algorithm=algorithm, value=value)

    @property
    def entries(self) -> bytes:
        """The entries one after the other; a copy, too."""
        return bytes(self.view)

    def has_unknown_entries(self) -> bool:
        """Whether some entry demands what nobody here knows: then the list must not be used (§5.3).

        Raises  DerMalformed.
        """
        entries = self.entries
        if _TRUE not in entries:
            return False
        known = _KNOWN_OF_ENTRY | {_ISSUER} if self.scope.is_indirect else _KNOWN_OF_ENTRY
        return any(
            is_critical and kind not in known
            for one in _each(entries)
            if _TRUE in one
            for kind, is_critical, _ in _extensions(one)
        )

    def find(self, serial: bytes, *, issuer: bytes) -> Entry | None:
        """The entry of a certificate.

        Takes   serial: contents of its INTEGER; issuer: DER of its issuer's name.
        Raises  DerMalformed.
        """
        wanted = header(INTEGER, len(serial)) + serial
        entries = self.entries
        if wanted not in entries:
            return None
        if self.scope.is_indirect:
            return self._find_of_issuer(wanted, entries, issuer=name_key(issuer))
        for one in _each(entries):
            if wanted in one and read_all(_content(one), most=3)[0].whole == wanted:
                return _entry(one)
        return None

    def _find_of_issuer(
        self, wanted: bytes, entries: bytes, *, issuer: ComparableName | bytes
    ) -> Entry | None:
        """§5.3.3: an entry is about the issuer that it, or the last one before it, names."""
        current: frozenset[ComparableName | bytes] = frozenset({name_key(self.issuer)})
        for one in _each(entries):
            current = _issuers(one) or current
            if wanted in one and issuer in current:
                parts = read_all(_content(one), most=3)
                if parts[0].whole == wanted:
                    return _entry(one)
        return None


def find_list(der: bytes) -> RevocationList | None:
    """A list, or None for what is none."""
    if len(der) <= _ORDINARY:
        return _remembered(der)
    return _find(der) if len(der) <= LARGEST else None


def _find(der: bytes) -> RevocationList | None:
    try:
        return _read(der)
    except UNREADABLE:
        return None


_remembered: Final = lru_cache(maxsize=256)(_find)


def _read(der: bytes) -> RevocationList:
    """CertificateList and TBSCertList (§5.1)."""
    tbs, algorithm, value = sequence(der, most=3)
    parts = list(members(tbs, most=7))
    if parts[0].tag == INTEGER:
        parts.pop(0)
    inner, issuer, this_update, *rest = parts
    next_update = entries = extensions = None
    if rest and rest[0].tag in {UTC_TIME, GENERALIZED_TIME}:
        next_update = time(rest.pop(0))
    if rest and rest[0].tag == SEQUENCE:
        entries = rest.pop(0)
    if rest and rest[0].tag == 0xA0:
        extensions = rest.pop(0)
    if rest:
        raise DerMalformed
    found = list(each_extension(extensions.content)) if extensions is not None else []
    values = {kind: value for kind, _, value in found}
    if len(values) != len(found):
        raise DerMalformed
    return RevocationList(
        der=der,
        issuer=bytes(expect(issuer, SEQUENCE).whole),
        this_update=time(this_update),
        next_update=next_update,
        number=_number(values.get(_NUMBER)),
        base_number=_number(values.get(_DELTA)),
        scope=_scope(values[_POINT]) if _POINT in values else _WHOLE,
        scope_der=values.get(_POINT, b""),
        authority_key_der=values.get(_AUTHORITY_KEY, b""),
        expired_since=time(read_one(values[_EXPIRED])) if _EXPIRED in values else None,
        unknown=frozenset(kind for kind, is_critical, _ in found if is_critical) - _KNOWN,
        is_consistent=inner.whole == algorithm.whole,
        parts=(tbs, expect(algorithm, SEQUENCE), expect(value, BIT_STRING)),
        view=memoryview(b"") if entries is None else entries.content,
    )


def _number(value: bytes | None) -> int | None:
    return None if value is None else number(read_one(value))


def _scope(value: bytes) -> Scope:
    tags = frozenset({0xA0, 0x81, 0x82, 0x83, 0x84, 0x85})
    rest = optional(iter(sequence(value, most=6)), tags)
    users, authorities, indirect, attributes = (
        tag in rest and flag(rest[tag], tag=tag) for tag in (0x81, 0x82, 0x84, 0x85)
    )
    return Scope(
        name=read_one(rest[0xA0].content) if 0xA0 in rest else None,
        only_users=users,
        only_authorities=authorities,
        only_attributes=attributes,
        reasons=named_bits(rest[0x83], tag=0x83) if 0x83 in rest else None,
        is_indirect=indirect,
    )


def _each(entries: bytes) -> Iterator[bytes]:
    """The entries, each with its header, by their lengths alone.

    Raises  DerMalformed.
    """
    at, end = 0, len(entries)
    while at < end:
        if entries[at] != SEQUENCE or at + 2 > end:
            raise DerMalformed
        size, start = entries[at + 1], at + 2
        if size >= 0x80:
            octets = size & 0x7F
            if not 1 <= octets <= 4:
                raise DerMalformed
            size, start = int.from_bytes(entries[start : start + octets], "big"), start + octets
        following = start + size
        if following > end:
            raise DerMalformed
        yield entries[at:following]
        at = following


def _content(entry: bytes) -> memoryview:
    return read_one(entry).content


def _extensions(entry: bytes) -> Iterable[tuple[str, bool, bytes]]:
    parts = read_all(_content(entry), most=3)
    return each_extension(parts[2].whole) if len(parts) == 3 else ()


def _issuers(entry: bytes) -> frozenset[ComparableName | bytes]:
    for kind, _, value in _extensions(entry):
        if kind == _ISSUER:
            names = (general_name(one) for one in sequence(value))
            return frozenset(name_key(one.value) for one in names if one.kind == DIRECTORY)
    return frozenset()


def _entry(entry: bytes) -> Entry:
    revoked_at = time(read_all(_content(entry), most=3)[1])
    values = {kind: value for kind, _, value in _extensions(entry)}
    reason = _reason(values[_REASON]) if _REASON in values else "unspecified"
    invalid = time(read_one(values[_INVALIDITY])) if _INVALIDITY in values else None
    return Entry(revoked_at, reason, invalid)


def _reason(value: bytes) -> str:
    return reason_name(number(read_one(value), tag=ENUMERATED))


def reason_name(code: int) -> str:
    """The name of a CRLReason (§5.3.1); of a number that means nothing, `unspecified`."""
    return (REASONS[code] if 0 <= code < len(REASONS) else "") or "unspecified"
