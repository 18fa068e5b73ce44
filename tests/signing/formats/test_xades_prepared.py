"""Between the halves: what is kept, and whose signature it has to become."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from signing.errors import SignatureForeign
from signing.formats.xades_prepared import key_family, signature_value, verify_signature
from signing.formats.xml_text import canonical
from tests.support.signatory import Hand, SigningPki
from tests.support.xades_hands import prepare


@pytest.mark.parametrize(("who", "size"), [("citizen", 32), ("citizen_384", 48)])
def test_r_and_s_stand_in_full(who: str, size: int, signing_pki: SigningPki) -> None:
    """RFC 6931 §2.3.6: r and s, each as long as the order of the curve."""
    hand: Hand = getattr(signing_pki, who)
    prepared = prepare(hand)
    for _ in range(8):
        signature = hand.sign(prepared.to_be_signed.digest)
        (text,) = signature_value(prepared, signature=signature).children
        assert isinstance(text, str)
        octets = base64.b64decode(text)
        r, s = decode_dss_signature(signature)
        assert octets == r.to_bytes(size, "big") + s.to_bytes(size, "big")


def test_an_rsa_signature_stands_as_it_is(signing_pki: SigningPki) -> None:
    hand = signing_pki.citizen_rsa
    prepared = prepare(hand)
    signature = hand.sign(prepared.to_be_signed.digest)
    (text,) = signature_value(prepared, signature=signature).children
    assert isinstance(text, str)
    assert base64.b64decode(text) == signature


def test_a_signature_is_the_signatorys_over_what_was_prepared(
    each_hand: Hand, signing_pki: SigningPki
) -> None:
    """W3C XML Signature 1.1 §3.2.2."""
    prepared = prepare(each_hand)
    signature = each_hand.sign(prepared.to_be_signed.digest)
    verify_signature(prepared, signature=signature)
    other = prepare(each_hand)
    stranger = signing_pki.hand(algorithm=each_hand.signatory.algorithm)
    for foreign in (
        each_hand.sign(other.to_be_signed.digest),
        stranger.sign(prepared.to_be_signed.digest),
        signature[:-1],
        signature + b"\x00",
        b"",
    ):
        with pytest.raises(SignatureForeign):
            verify_signature(prepared, signature=foreign)


def test_what_is_signed_names_the_signed_properties(hand: Hand) -> None:
    """ETSI EN 319 132-1 §6.3."""
    prepared = prepare(hand)
    digest = hashlib.sha256(canonical(prepared.signed_properties).encode()).digest()
    assert base64.b64encode(digest) in prepared.to_be_signed.octets


def test_families_of_keys_are_told_apart(signing_pki: SigningPki) -> None:
    assert key_family(signing_pki.citizen.signatory.certificate) == "ec"
    assert key_family(signing_pki.citizen_384.signatory.certificate) == "ec"
    assert key_family(signing_pki.citizen_rsa.signatory.certificate) == "rsa"
