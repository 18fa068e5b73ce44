"""No test leaves the machine.

What lives here: a guard around connecting, sending and looking up names; anything that is not a
loopback address raises `OutsideConnection`, which is no OSError so that no product code takes it
for an ordinary failure.  Not here: a fake network; tests talk to real servers on 127.0.0.1.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest


class OutsideConnection(AssertionError):
    """A test tried to reach something beyond the loopback interface."""


def is_inside(host: str | None) -> bool:
    """Whether `host`, a name or an address, can only be this machine."""
    if not host or host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _guard_address(method: Callable[..., Any], position: int) -> Callable[..., Any]:
    def guarded(self: socket.socket, *arguments: Any) -> Any:
        address = arguments[position] if position < len(arguments) else arguments[-1]
        if isinstance(address, tuple) and not is_inside(str(address[0])):
            raise OutsideConnection(f"connection to {address[0]}")
        return method(self, *arguments)

    return guarded


def _guard_lookup(lookup: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(host: Any, *arguments: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if not is_inside(name):
            try:
                ipaddress.ip_address(str(name))
            except ValueError:
                raise OutsideConnection(f"look-up of {name}") from None
        return lookup(host, *arguments, **options)

    return guarded


@pytest.fixture(scope="session", autouse=True)
def _only_loopback() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, position in (("connect", 0), ("connect_ex", 0), ("sendto", -1)):
            patch.setattr(
                socket.socket, name, _guard_address(getattr(socket.socket, name), position)
            )
        patch.setattr(socket, "getaddrinfo", _guard_lookup(socket.getaddrinfo))
        yield
