"""Chains are put together by names and signatures, whatever lies in the heap."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509

from signing.errors import CertificateRefused
from signing.formats.chains import (
    check_validity,
    find_extension,
    is_self_issued,
    order_chain,
    parse_certificate,
)
from tests.support.pki import SmallPki
from tests.support.signatory import SIGNING_TIME, Hand, SigningPki


def test_a_chain_is_found_in_any_heap(hand: Hand, signing_pki: SigningPki) -> None:
    heap = [signing_pki.root.der, b"nothing", signing_pki.tsa.der, signing_pki.issuing.der]
    expected = (hand.signatory.certificate, *signing_pki.chain)
    assert order_chain(hand.signatory.certificate, among=heap) == expected
    rooted = order_chain(hand.signatory.certificate, among=heap[1:], roots=heap[:1])
    assert rooted == expected


def test_without_the_issuer_the_chain_stops(hand: Hand, signing_pki: SigningPki) -> None:
    own = hand.signatory.certificate
    assert order_chain(own, among=[signing_pki.root.der]) == (own,)
    assert order_chain(b"nothing", among=[signing_pki.root.der]) == (b"nothing",)


def test_an_authority_of_the_same_name_is_not_the_issuer() -> None:
    """RFC 5280 §6.1.3 (a)(1): the signature decides, not the name."""
    start = SIGNING_TIME - timedelta(days=1)
    one, other = SmallPki(start), SmallPki(start)
    assert one.issuing.certificate.subject == other.issuing.certificate.subject
    assert order_chain(one.citizen.der, among=[other.issuing.der]) == (one.citizen.der,)
    both = [other.issuing.der, other.root.der, one.root.der, one.issuing.der]
    assert order_chain(one.citizen.der, among=both) == (
        one.citizen.der,
        one.issuing.der,
        one.root.der,
    )


def test_a_root_issued_itself(signing_pki: SigningPki) -> None:
    assert is_self_issued(signing_pki.root.der)
    assert not is_self_issued(signing_pki.issuing.der)
    assert not is_self_issued(b"nothing")


def test_extensions_that_come_twice_cannot_be_read(signing_pki: SigningPki) -> None:
    """RFC 5280 §4.2: an extension comes once."""
    key_usage, basic = bytes.fromhex("0603551d0f"), bytes.fromhex("0603551d13")
    raw = signing_pki.issuing.der.replace(key_usage, basic)
    with pytest.raises(ValueError, match="extensions"):
        find_extension(parse_certificate(raw), x509.BasicConstraints)
    assert find_extension(signing_pki.tsa.certificate, x509.BasicConstraints) is None


def test_a_certificate_of_another_version_cannot_be_read(signing_pki: SigningPki) -> None:
    """RFC 5280 §4.1.2.1."""
    raw = signing_pki.issuing.der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x07", 1)
    with pytest.raises(ValueError, match="version"):
        parse_certificate(raw)


def test_a_certificate_signs_within_its_time(signing_pki: SigningPki, hand: Hand) -> None:
    certificate = hand.issued.certificate
    for instant in (certificate.not_valid_before_utc, certificate.not_valid_after_utc):
        check_validity(hand.signatory.certificate, now=instant)
    second = timedelta(seconds=1)
    for instant in (
        certificate.not_valid_before_utc - second,
        certificate.not_valid_after_utc + second,
    ):
        with pytest.raises(CertificateRefused):
            check_validity(hand.signatory.certificate, now=instant)
