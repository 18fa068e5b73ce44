"""Which addresses the provider may connect to.

What lives here: the special-purpose ranges as explicit tables.  They are not taken from
`ipaddress.is_global`, whose answers changed between releases of Python.  Forms that carry an IPv4
address inside an IPv6 one (mapped, 6to4, NAT64, Teredo …) are refused as such: no public name needs
them, and each is a way around a filter.
Source: IANA IPv4 and IPv6 Special-Purpose Address Registries; RFC 6890, RFC 6052, RFC 3056.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_REFUSED_V4: Final = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared by carriers
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local; metadata services of clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
_GLOBAL_UNICAST_V6: Final = IPv6Network("2000::/3")
_REFUSED_V6: Final = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
    )
)
_MAY_BE_OPENED: Final = tuple(
    ip_network(network)
    for network in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8"),
        *("fc00::/7", "::1/128"),
    )
)
"""Link-local is not among them: no portal lives there, metadata services do."""


def parse_address(raw_address: str) -> Address | None:
    """An address as a resolver gives it; None for anything else, also for a scoped one."""
    try:
        address = ip_address(raw_address)
    except ValueError:
        return None
    return None if getattr(address, "scope_id", None) else address


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet and hides no other address."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_V4)
    if address not in _GLOBAL_UNICAST_V6:
        return False  # loopback, local, mapped, NAT64, multicast and what is not assigned
    return not any(address in network for network in _REFUSED_V6)


def parse_private_networks(raw_networks: Iterable[str]) -> tuple[Network, ...]:
    """Networks that an operator opens for a client.

    Raises  ValueError, whose text names the network, for what is no network or not private.
    """
    parsed = []
    for raw in raw_networks:
        try:
            network = ip_network(raw)
        except ValueError as problem:
            raise ValueError(f"{raw} is not a network") from problem
        if not any(_is_within(network, wide) for wide in _MAY_BE_OPENED):
            raise ValueError(f"{raw} is not a private network")
        parsed.append(network)
    return tuple(parsed)


def _is_within(network: Network, wide: Network) -> bool:
    if isinstance(network, IPv4Network) and isinstance(wide, IPv4Network):
        return network.subnet_of(wide)
    if isinstance(network, IPv6Network) and isinstance(wide, IPv6Network):
        return network.subnet_of(wide)
    return False
