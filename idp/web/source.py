"""Where a request comes from: the client's address, as far as it can be believed.

What lives here: X-Forwarded-For is read from the right, over listed proxies only; the first address
that is not one of them is the client's.  Source: RFC 7239 §8.1 (a header that anybody can send).
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network


class TrustedProxies:
    """Takes   listed: addresses or networks in CIDR form; nobody else's header is believed."""

    def __init__(self, listed: Sequence[str]) -> None:
        self._networks: tuple[IPv4Network | IPv6Network, ...] = tuple(
            ip_network(one, strict=False) for one in listed
        )

    def client_address(self, peer: str, *, forwarded_for: str | None) -> str:
        """The client's address as text.

        Takes   peer: the address of the connection; forwarded_for: the header, all of its values.
        """
        if not self._networks or forwarded_for is None:
            return peer
        address = peer
        for hop in reversed(forwarded_for.split(",")):
            if not self.is_listed(address):
                return address
            try:
                address = str(ip_address(hop.strip()))
            except ValueError:
                return address
        return address

    def is_listed(self, address: str) -> bool:
        """Whether this is one of the listed proxies."""
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)
