"""Which addresses count as public."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.egress.addresses import is_public, parse_address, parse_private_networks


@pytest.mark.parametrize("raw", ["8.8.8.8", "203.162.0.1", "2405:4800::1", "2606:4700::1111"])
def test_an_ordinary_address_is_public(raw: str) -> None:
    address = parse_address(raw)
    assert address is not None
    assert is_public(address)


@given(st.ip_addresses(v=4, network="10.0.0.0/8") | st.ip_addresses(v=4, network="127.0.0.0/8"))
def test_no_ipv6_form_of_a_private_address_is_public(inner: IPv4Address) -> None:
    number = int(inner)
    forms = [
        IPv6Address(number),  # IPv4-compatible
        IPv6Address((0xFFFF << 32) | number),  # mapped, RFC 4291 §2.5.5.2
        IPv6Address((0xFFFF << 48) | number),  # translated, RFC 2765
        IPv6Address((0x64FF9B << 96) | number),  # NAT64, RFC 6052
        IPv6Address((0x64FF9B0001 << 80) | number),  # NAT64 local use, RFC 8215
        IPv6Address((0x2002 << 112) | (number << 80) | 1),  # 6to4, RFC 3056
        IPv6Address((0x20010000 << 96) | (number ^ 0xFFFFFFFF)),  # Teredo, RFC 4380
    ]
    assert not any(is_public(form) for form in (*forms, inner))


@given(st.ip_addresses())
def test_what_python_calls_private_or_special_is_never_public(
    address: IPv4Address | IPv6Address,
) -> None:
    if address.is_private or address.is_multicast or address.is_reserved or address.is_loopback:
        assert not is_public(address)


@pytest.mark.parametrize(
    "raw", ["", "localhost", "1.2.3", "fe80::1%eth0", "1.2.3.4/32", "01.2.3.4"]
)
def test_what_is_no_address_is_none(raw: str) -> None:
    assert parse_address(raw) is None


def test_private_networks_of_both_families_can_be_opened() -> None:
    raw = ["10.20.0.0/16", "172.16.0.0/12", "192.168.7.0/24", "fd00:1::/32", "127.0.0.1/32"]
    assert [str(network) for network in parse_private_networks(raw)] == raw
