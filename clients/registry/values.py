"""Reading one value of an import file: checked type in, the model's type out.

What lives here: one function per kind of value; each takes the name of the field, for the message,
and the value as TOML gave it, and raises ClientInvalid.  Not here: which field has which kind.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, time
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, TypeVar

from clients.registry.errors import ClientInvalid
from clients.registry.model import CIVIL_TIME, GrantType

_E = TypeVar("_E", bound=StrEnum)


def read_text(name: str, value: Any) -> str:
    """A string."""
    if not isinstance(value, str):
        raise ClientInvalid(name, reason="it is not a string")
    return value


def read_number(name: str, value: Any) -> int:
    """A whole number."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ClientInvalid(name, reason="it is not a whole number")
    return value


def read_boolean(name: str, value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ClientInvalid(name, reason="it is neither true nor false")
    return value


def read_list(name: str, value: Any) -> tuple[str, ...]:
    """A list of strings."""
    if not isinstance(value, list):
        raise ClientInvalid(name, reason="it is not a list")
    return tuple(read_text(f"{name}[{number}]", item) for number, item in enumerate(value, start=1))


def read_set(name: str, value: Any) -> frozenset[str]:
    """A list of strings whose order does not matter."""
    return frozenset(read_list(name, value))


def read_one_of(kind: type[_E]) -> Callable[[str, Any], _E]:
    """A reader of the words of an enumeration."""

    def read(name: str, value: Any) -> _E:
        try:
            return kind(read_text(name, value))
        except ValueError as unknown:
            reason = f"it is none of {', '.join(kind)}"
            raise ClientInvalid(name, reason=reason) from unknown

    return read


def read_grants(name: str, value: Any) -> frozenset[GrantType]:
    """A list of grants."""
    read = read_one_of(GrantType)
    return frozenset(read(name, item) for item in read_list(name, value))


def read_networks(name: str, value: Any) -> tuple[IPv4Network | IPv6Network, ...]:
    """A list of addresses or networks."""
    networks = []
    for number, item in enumerate(read_list(name, value), start=1):
        try:
            networks.append(ip_network(item))
        except ValueError as malformed:
            reason = "it is neither an address nor a network"
            raise ClientInvalid(f"{name}[{number}]", reason=reason) from malformed
    return tuple(networks)


def read_jwks(name: str, value: Any) -> dict[str, Any]:
    """A JWK Set as a table, or as JSON in a string; its content is checked elsewhere."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as malformed:
            raise ClientInvalid(name, reason="it is not JSON") from malformed
    if not isinstance(value, dict):
        raise ClientInvalid(name, reason="it is not a table")
    return value


def read_day(name: str, value: Any) -> date:
    """A day."""
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ClientInvalid(name, reason="it is not a date such as 2027-12-31, without quotes")
    return value


def read_instant(name: str, value: Any) -> datetime:
    """An instant; a day means its first moment in civil time."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ClientInvalid(name, reason="it has no offset from UTC")
        return value
    return datetime.combine(read_day(name, value), time(), tzinfo=CIVIL_TIME)
