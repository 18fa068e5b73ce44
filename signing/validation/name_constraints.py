"""Which names an authority may certify.

What lives here: permitted and excluded subtrees as they grow along a path, and whether a name is
within them.
Source: RFC 5280 §4.2.1.10, §6.1.3 (b) and (c), §6.1.4 (g); RFC 9549 (addresses are ASCII here).
Names that cannot be read or compared never count as permitted, and always as excluded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from signing.formats.der import DerMalformed
from signing.validation.certificate_extensions import NameConstraints, Subtree
from signing.validation.certificates import Certificate
from signing.validation.der_values import DIRECTORY, DNS, EMAIL, IP, URI, GeneralName
from signing.validation.names import comparable, emails_in

_COMPARED: Final = frozenset({EMAIL, DNS, DIRECTORY, URI, IP})
_HOST_OF_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(?:[^@/?#]*@)?([^:/?#\[\]]+)")
_ONLY_NUMBERS: Final = re.compile(r"[0-9.]+\Z")
_ALTERNATIVE_NAMES: Final = "2.5.29.17"
_EMPTY_NAME: Final = b"\x30\x00"
MOST_COMPARISONS: Final = 1 << 14
"""Names times subtrees, for one certificate; beyond that nobody can say."""


@dataclass(frozen=True, slots=True)
class Subtrees:
    """The state variables permitted_subtrees and excluded_subtrees (§6.1.2 (b) and (c)).

    Takes   permitted: one entry for each authority that limited names: a name has to be within
            each of them, which is what intersecting them comes to; excluded: all of them.
    """

    permitted: tuple[tuple[GeneralName, ...], ...] = ()
    excluded: tuple[GeneralName, ...] = ()

    def and_those(self, constraints: NameConstraints) -> Subtrees:
        """With those of one more authority (§6.1.4 (g))."""
        found = self
        if constraints.permitted is not None:
            found = replace(found, permitted=(*found.permitted, _bases(constraints.permitted)))
        if constraints.excluded is not None:
            found = replace(found, excluded=(*found.excluded, *_bases(constraints.excluded)))
        return found

    def find_fault(self, certificate: Certificate) -> str:
        """What speaks against the names of a certificate (§6.1.3 (b) and (c)).

        Returns empty, or the code of a reason.
        """
        if not self.permitted and not self.excluded:
            return ""
        try:
            names = tuple(names_of(certificate))
        except DerMalformed:
            return "name_unreadable"
        subtrees = len(self.excluded) + sum(map(len, self.permitted))
        if len(names) * subtrees > MOST_COMPARISONS:
            return "name_constraints_too_many"
        return self._first_fault(names)

    def _first_fault(self, names: Iterable[GeneralName]) -> str:
        for name in names:
            for allowed in self.permitted:
                same_kind = [one for one in allowed if one.kind == name.kind]
                if same_kind and not any(is_within(name, one, unclear=False) for one in same_kind):
                    return "name_not_permitted"
            if any(
                is_within(name, one, unclear=True) for one in self.excluded if one.kind == name.kind
            ):
                return "name_excluded"
        return ""


def names_of(certificate: Certificate) -> Iterator[GeneralName]:
    """The names that constraints are about.

    Addresses in the subject count when there are no alternative names at all (§4.2.1.10).
    Raises  DerMalformed.
    """
    if certificate.subject != _EMPTY_NAME:
        yield GeneralName(DIRECTORY, certificate.subject)
    if _ALTERNATIVE_NAMES in certificate.extensions.malformed:
        raise DerMalformed
    alternative = certificate.extensions.alternative_names
    if alternative is not None:
        yield from alternative
        return
    for address in emails_in(certificate.subject):
        yield GeneralName(EMAIL, address.encode())


def is_within(name: GeneralName, base: GeneralName, *, unclear: bool) -> bool:
    """Whether a name is in a subtree.

    Takes   name, base: of the same kind; unclear: the answer for what cannot be compared.
    """
    try:
        if name.kind == DIRECTORY:
            above = comparable(base.value)
            return comparable(name.value)[: len(above)] == above
        if name.kind == IP:
            return _is_address_within(name.value, base.value, unclear=unclear)
        if name.kind in _COMPARED:
            return _is_text_within(name.kind, _ascii(name.value), _ascii(base.value))
    except (DerMalformed, ValueError):
        return unclear
    return unclear


def _bases(subtrees: Iterable[Subtree]) -> tuple[GeneralName, ...]:
    return tuple(one.base for one in subtrees)


def _ascii(value: bytes) -> str:
    text = value.decode("ascii")
    if not text.isprintable():
        raise DerMalformed
    return text


def _is_text_within(kind: int, name: str, base: str) -> bool:
    if kind == DNS:
        return _is_domain_within(name, base)
    if kind == URI:
        return _is_host_within(_host(name), base)
    # an address: all of it, a host, or a domain with a full stop ahead
    local, at, host = name.rpartition("@")
    if not at or not local or not host:
        raise DerMalformed
    if "@" in base:
        base_local, _, base_host = base.rpartition("@")
        return local == base_local and host.casefold() == base_host.casefold()
    return _is_host_within(host, base)


def _is_domain_within(name: str, base: str) -> bool:
    """Zero or more labels before the base; an empty base is every name."""
    name, base = name.rstrip(".").casefold(), base.rstrip(".").casefold()
    if base.startswith("."):
        return name.endswith(base)
    return not base or name == base or name.endswith(f".{base}")


def _is_host_within(host: str, base: str) -> bool:
    """A host is that host alone; with a full stop ahead it is every host of a domain."""
    host, base = host.rstrip(".").casefold(), base.rstrip(".").casefold()
    if base.startswith("."):
        return host.endswith(base)
    return not base or host == base


def _host(uri: str) -> str:
    """The name of the host: §4.2.1.10 wants one, and no number.

    Raises  DerMalformed.
    """
    found = _HOST_OF_URI.match(uri)
    if found is None or _ONLY_NUMBERS.match(found[1]):
        raise DerMalformed
    return found[1]


def _is_address_within(address: bytes, base: bytes, *, unclear: bool) -> bool:
    if len(base) not in {8, 32}:
        return unclear
    if len(address) * 2 != len(base):
        # the other generation of addresses
        return False if len(address) in {4, 16} else unclear
    size = len(address)
    return all(
        one & mask == wanted & mask
        for one, wanted, mask in zip(address, base[:size], base[size:], strict=True)
    )
