"""What extensions of certificates say.

What lives here: the extensions that bear on paths and on status, each read by itself, so that one
that makes no sense spoils no other.
Source: RFC 5280 §4.2; RFC 3739 §3.2.6 and EN 319 412-5 (statements about qualified ones); RFC 6960
§4.2.2.2.1 (no check); RFC 9608 (no status); ETSI EN 319 412-1 §5.2 (certificates of short life).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from signing.formats.der import INTEGER, DerMalformed, Element, read_all, read_one
from signing.validation.der_values import (
    BOOLEAN,
    MOST,
    UNREADABLE,
    GeneralName,
    dotted,
    flag,
    general_name,
    general_names,
    members,
    named_bits,
    octets,
    optional,
    sequence,
    small,
)

_CE: Final = "2.5.29."
USAGES: Final = (
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
)
OCSP_SIGNING: Final = "1.3.6.1.5.5.7.3.9"
NO_CHECK: Final = "1.3.6.1.5.5.7.48.1.5"
NO_STATUS: Final = "2.5.29.56"
SHORT_TERM: Final = "0.4.0.194121.2.1"
_AUTHORITY_ACCESS: Final = "1.3.6.1.5.5.7.1.1"
_STATEMENTS: Final = "1.3.6.1.5.5.7.1.3"
_KNOWN_STATEMENTS: Final = frozenset(
    {
        *(f"0.4.0.1862.1.{one}" for one in range(1, 8)),
        *(f"0.4.0.194121.1.{one}" for one in range(1, 5)),
        "1.3.6.1.5.5.7.11.1",
        "1.3.6.1.5.5.7.11.2",
    }
)
"""Statements about qualified certificates: for whoever reads the report, no path hangs on them."""
_OCSP: Final = "1.3.6.1.5.5.7.48.1"


@dataclass(frozen=True, slots=True)
class BasicConstraints:
    """§4.2.1.9; `path_length` None for no limit."""

    is_authority: bool
    path_length: int | None


@dataclass(frozen=True, slots=True)
class Subtree:
    """§4.2.1.10; `has_bounds`: a minimum or maximum, which nobody may use."""

    base: GeneralName
    has_bounds: bool


@dataclass(frozen=True, slots=True)
class NameConstraints:
    """§4.2.1.10; None where that half is absent."""

    permitted: tuple[Subtree, ...] | None
    excluded: tuple[Subtree, ...] | None


@dataclass(frozen=True, slots=True)
class PolicyConstraints:
    """§4.2.1.11; how many certificates may follow, None for no such demand."""

    require_explicit: int | None
    inhibit_mapping: int | None


@dataclass(frozen=True, slots=True)
class DistributionPoint:
    """§4.2.1.13; `name` is the element of DistributionPointName, `reasons` numbers of bits."""

    name: Element | None = field(repr=False)
    reasons: frozenset[int] | None
    issuers: tuple[GeneralName, ...]


@dataclass(frozen=True, slots=True)
class Extensions:
    """All extensions of a certificate, those read that are known.

    Takes   present, critical: dotted; malformed: known ones that make no sense; twice: those that
            came more than once; purposes: of the key, dotted; mappings: pairs of policies, the
            issuer's first; tells_status: whether it says where its status is told.
    """

    present: frozenset[str] = frozenset()
    critical: frozenset[str] = frozenset()
    malformed: frozenset[str] = frozenset()
    twice: frozenset[str] = frozenset()
    basic: BasicConstraints | None = None
    usage: frozenset[str] | None = None
    purposes: frozenset[str] | None = None
    policies: frozenset[str] | None = None
    mappings: tuple[tuple[str, str], ...] = ()
    policy_constraints: PolicyConstraints | None = None
    inhibit_any_policy: int | None = None
    name_constraints: NameConstraints | None = None
    alternative_names: tuple[GeneralName, ...] | None = None
    subject_key: bytes | None = None
    authority_key: bytes | None = None
    points: tuple[DistributionPoint, ...] = ()
    has_ocsp: bool = False
    statements: frozenset[str] = frozenset()

    @property
    def beyond_us(self) -> frozenset[str]:
        """The critical ones that say what nobody here heeds (§4.2)."""
        unknown = self.critical - _KNOWN
        if _STATEMENTS in unknown and self.statements and self.statements <= _KNOWN_STATEMENTS:
            return unknown - {_STATEMENTS}
        return unknown

    @property
    def tells_status(self) -> bool:
        """Whether it says where its status is told."""
        return bool(self.points) or self.has_ocsp

    @property
    def needs_no_status(self) -> bool:
        """Whether it says that nobody tells its status.

        RFC 9608 §2: never of an authority, and not when it says elsewhere who does.
        """
        if self.basic is not None and self.basic.is_authority:
            return False
        is_untold = NO_STATUS in self.present and not self.tells_status
        return is_untold or SHORT_TERM in self.present


NO_EXTENSIONS: Final = Extensions()


def read_extensions(tagged: Element) -> Extensions:
    """The extensions of a certificate.

    Takes   tagged: the element around the SEQUENCE.
    Raises  DerMalformed when they are no list of extensions.
    """
    found: dict[str, Any] = {}
    seen: set[str] = set()
    critical: set[str] = set()
    malformed: set[str] = set()
    twice: set[str] = set()
    for kind, is_critical, value in each_extension(tagged.content):
        if is_critical:
            critical.add(kind)
        if kind in seen:
            twice.add(kind)
            continue
        seen.add(kind)
        if kind in _READERS:
            name, read = _READERS[kind]
            try:
                found[name] = read(value)
            except UNREADABLE:
                malformed.add(kind)
    return Extensions(
        present=frozenset(seen),
        critical=frozenset(critical),
        malformed=frozenset(malformed),
        twice=frozenset(twice),
        **found,
    )


def each_extension(raw: bytes | memoryview) -> Iterator[tuple[str, bool, bytes]]:
    """Identifier, whether it is critical, and value of each extension in a SEQUENCE.

    Raises  DerMalformed.
    """
    for one in sequence(raw):
        kind, *rest = members(one, most=3)
        is_critical = bool(rest) and rest[0].tag == BOOLEAN and flag(rest.pop(0))
        (value,) = rest
        yield dotted(kind), is_critical, octets(value)


def _basic(value: bytes) -> BasicConstraints:
    rest = optional(iter(sequence(value, most=2)), frozenset({BOOLEAN, INTEGER}))
    is_authority = BOOLEAN in rest and flag(rest[BOOLEAN])
    return BasicConstraints(is_authority, small(rest[INTEGER]) if INTEGER in rest else None)


def _usage(value: bytes) -> frozenset[str]:
    return frozenset(USAGES[one] for one in named_bits(read_one(value)) if one < len(USAGES))


def _purposes(value: bytes) -> frozenset[str]:
    return frozenset(dotted(one) for one in sequence(value))


def _policies(value: bytes) -> frozenset[str]:
    """Policies without their qualifiers, which are for reading and bear on nothing."""
    found = [dotted(members(one, most=2)[0]) for one in sequence(value)]
    # §4.2.1.4: none MUST appear more than once
    if not found or len(set(found)) != len(found):
        raise DerMalformed
    return frozenset(found)


def _mappings(value: bytes) -> tuple[tuple[str, str], ...]:
    pairs = []
    for one in sequence(value):
        issuer, subject = members(one, most=2)
        pairs.append((dotted(issuer), dotted(subject)))
    return tuple(pairs)


def _policy_constraints(value: bytes) -> PolicyConstraints:
    rest = optional(iter(sequence(value, most=2)), frozenset({0x80, 0x81}))
    explicit, mapping = (small(rest[tag], tag=tag) if tag in rest else None for tag in (0x80, 0x81))
    return PolicyConstraints(explicit, mapping)


def _name_constraints(value: bytes) -> NameConstraints:
    rest = optional(iter(sequence(value, most=2)), frozenset({0xA0, 0xA1}))
    permitted, excluded = (
        _subtrees(read_all(rest[tag].content, most=MOST)) if tag in rest else None
        for tag in (0xA0, 0xA1)
    )
    return NameConstraints(permitted, excluded)


def _subtrees(elements: Iterable[Element]) -> tuple[Subtree, ...]:
    found = []
    for one in elements:
        base, *rest = members(one, most=3)
        bounds = optional(iter(rest), frozenset({0x80, 0x81}))
        has_bounds = 0x81 in bounds or (0x80 in bounds and small(bounds[0x80], tag=0x80) != 0)
        found.append(Subtree(general_name(base), has_bounds))
    return tuple(found)


def _names(value: bytes) -> tuple[GeneralName, ...]:
    return tuple(general_name(one) for one in sequence(value))


def _subject_key(value: bytes) -> bytes:
    return octets(read_one(value))


def _authority_key(value: bytes) -> bytes | None:
    rest = optional(iter(sequence(value, most=3)), frozenset({0x80, 0xA1, 0x82}))
    return bytes(rest[0x80].content) if 0x80 in rest else None


def _points(value: bytes) -> tuple[DistributionPoint, ...]:
    return tuple(_point(one) for one in sequence(value))


def _point(element: Element) -> DistributionPoint:
    rest = optional(iter(members(element, most=3)), frozenset({0xA0, 0x81, 0xA2}))
    return DistributionPoint(
        read_one(rest[0xA0].content) if 0xA0 in rest else None,
        named_bits(rest[0x81], tag=0x81) if 0x81 in rest else None,
        general_names(rest[0xA2].content) if 0xA2 in rest else (),
    )


def _inhibit_any_policy(value: bytes) -> int:
    return small(read_one(value))


def _statements(value: bytes) -> frozenset[str]:
    return frozenset(dotted(members(one, most=2)[0]) for one in sequence(value))


def _has_ocsp(value: bytes) -> bool:
    return any(dotted(members(one, most=2)[0]) == _OCSP for one in sequence(value))


_READERS: Final[Mapping[str, tuple[str, Callable[[bytes], Any]]]] = {
    f"{_CE}14": ("subject_key", _subject_key),
    f"{_CE}15": ("usage", _usage),
    f"{_CE}17": ("alternative_names", _names),
    f"{_CE}19": ("basic", _basic),
    f"{_CE}30": ("name_constraints", _name_constraints),
    f"{_CE}31": ("points", _points),
    f"{_CE}32": ("policies", _policies),
    f"{_CE}33": ("mappings", _mappings),
    f"{_CE}35": ("authority_key", _authority_key),
    f"{_CE}36": ("policy_constraints", _policy_constraints),
    f"{_CE}37": ("purposes", _purposes),
    f"{_CE}54": ("inhibit_any_policy", _inhibit_any_policy),
    _AUTHORITY_ACCESS: ("has_ocsp", _has_ocsp),
    _STATEMENTS: ("statements", _statements),
}
_KNOWN: Final = frozenset(_READERS) - {_AUTHORITY_ACCESS, _STATEMENTS} | {
    NO_CHECK,
    NO_STATUS,
    SHORT_TERM,
}
"""Extensions that may be critical: what they say is heeded (§4.2)."""
