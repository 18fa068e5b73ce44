"""The outer shape of CMS is read as others read it, or refused."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from keystore.pki.der import SEQUENCE, wrap
from signing.formats.cms import finish_cms, prepare_cms
from signing.formats.der import DerMalformed, attribute, oid
from signing.formats.signed_attributes import has_certificate, signing_certificate
from signing.formats.signed_data import (
    CONTENT_TYPE,
    DATA,
    MOST_SIGNERS,
    SIGNED_DATA,
    SIGNING_CERTIFICATE_V2,
    SignerInfo,
    is_named,
    read_signed_data,
)
from tests.support.cms_opinions import strictly
from tests.support.pki import SmallPki
from tests.support.signatory import SIGNING_TIME, Hand

CONTENT = b"content"


@pytest.fixture
def made(hand: Hand) -> bytes:
    digest = hashlib.sha256(CONTENT).digest()
    prepared = prepare_cms(hand.signatory, content_digest=digest, signing_time=SIGNING_TIME)
    signature = hand.sign(prepared.to_be_signed.digest)
    return finish_cms(prepared, signature=signature, content=CONTENT)


def test_the_parts_are_those_that_another_reader_finds(made: bytes) -> None:
    ours, theirs = read_signed_data(made), strictly(made)
    (signer,) = theirs["signer_infos"]
    assert ours.content_type == DATA
    assert ours.content is not None
    assert bytes(ours.content) == theirs["encap_content_info"]["content"].native
    assert ours.certificates == tuple(one.chosen.dump() for one in theirs["certificates"])
    assert ours.crls == ()
    assert ours.signers[0].signature == signer["signature"].native
    assert ours.signers[0].signature_algorithm == signer["signature_algorithm"].dump()
    assert ours.signers[0].signed_values(CONTENT_TYPE) == (oid(DATA),)
    assert ours.signers[0].unsigned_values(CONTENT_TYPE) == ()


@given(st.integers(0, 2_000), st.integers(0, 255))
def test_whatever_octet_is_changed_it_is_read_or_refused(made: bytes, place: int, octet) -> None:
    place %= len(made)
    try:
        read_signed_data(made[:place] + bytes((octet,)) + made[place + 1 :])
    except DerMalformed:
        return


@given(st.integers(0, 2_500))
def test_what_is_cut_off_is_refused(made: bytes, length: int) -> None:
    """X.690 §8.1.3: there are as many octets as the length says."""
    with pytest.raises(DerMalformed):
        read_signed_data(made[: length % len(made)])


@pytest.mark.parametrize(
    "raw",
    [
        b"\x30\x00",
        wrap(SEQUENCE, oid(DATA), b"\xa0\x02\x30\x00"),  # not signed
        wrap(SEQUENCE, oid(SIGNED_DATA), b"\xa0\x02\x30\x00"),
        wrap(SEQUENCE, oid(SIGNED_DATA), b"\x30\x02\x30\x00"),
        wrap(
            SEQUENCE,
            oid(SIGNED_DATA),
            wrap(0xA0, wrap(SEQUENCE, b"\x02\x01\x01\x31\x00\x30\x00\x31\x00")),
        ),
    ],
)
def test_another_structure_is_refused(raw: bytes) -> None:
    """RFC 5652 §3, §5.1, §5.2."""
    with pytest.raises(DerMalformed):
        read_signed_data(raw)


def _with_signers(*signers: bytes) -> bytes:
    content = wrap(SEQUENCE, oid(DATA))
    data = wrap(SEQUENCE, b"\x02\x01\x01\x31\x00", content, wrap(0x31, *signers))
    return wrap(SEQUENCE, oid(SIGNED_DATA), wrap(0xA0, data))


@pytest.mark.parametrize(
    "signer",
    [
        b"\x05\x00",
        wrap(SEQUENCE, b"\x02\x01\x01"),
        wrap(SEQUENCE, b"\x02\x01\x01\x30\x00\x30\x00\xa0\x00\x30\x00"),
        wrap(SEQUENCE, b"\x02\x01\x01\x30\x00\x30\x00\x30\x00\x05\x00"),
        wrap(SEQUENCE, b"\x02\x01\x01\x30\x00\x30\x00\x30\x00\x04\x00\x05\x00"),
        wrap(SEQUENCE, b"\x02\x01\x01\x30\x00\x30\x00\x30\x00", wrap(0x04, bytes(70_000))),
    ],
)
def test_a_signer_of_another_shape_or_size_is_refused(signer: bytes) -> None:
    """RFC 5652 §5.3."""
    with pytest.raises(DerMalformed):
        read_signed_data(_with_signers(signer))


def test_more_signers_than_anybody_has_are_refused() -> None:
    one = wrap(SEQUENCE, b"\x02\x01\x01\x30\x00\x30\x00\x30\x00\x04\x00")
    assert len(read_signed_data(_with_signers(*[one] * MOST_SIGNERS)).signers) == MOST_SIGNERS
    with pytest.raises(DerMalformed):
        read_signed_data(_with_signers(*[one] * (MOST_SIGNERS + 1)))


def test_a_signer_is_named_by_its_key_or_by_its_issuer_and_number() -> None:
    """RFC 5652 §5.3: the two ways to name a certificate."""
    pki = SmallPki(SIGNING_TIME - timedelta(days=1))
    own = pki.citizen.certificate
    by_key = own.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    sid = wrap(0x80, by_key)
    assert is_named(sid, certificate=pki.citizen.der)
    assert not is_named(sid, certificate=pki.tsa.der)
    assert not is_named(sid, certificate=b"nothing")
    signer = SignerInfo(b"", sid, b"", b"", b"", b"", ())
    assert signer.find_certificate([pki.tsa.der, pki.citizen.der]) == pki.citizen.der
    assert signer.find_certificate([pki.tsa.der]) is None


def _signer_with(*attributes: bytes) -> SignerInfo:
    return SignerInfo(b"", b"", b"", wrap(0x31, *attributes), b"", b"", ())


def test_the_certificate_is_the_first_that_is_named_and_named_once(hand: Hand) -> None:
    """RFC 5035 §5.4: one attribute, its first certificate is the signer's."""
    certificate = hand.signatory.certificate
    own = signing_certificate(certificate, hash_name="sha256")
    assert has_certificate(_signer_with(own), certificate=certificate)
    assert not has_certificate(_signer_with(own, own), certificate=certificate)
    assert not has_certificate(_signer_with(), certificate=certificate)
    assert not has_certificate(_signer_with(own), certificate=hand.signatory.chain[0])
    other = signing_certificate(certificate, hash_name="sha384")
    assert has_certificate(_signer_with(other), certificate=certificate)


@pytest.mark.parametrize(
    "value", [b"\x30\x00", b"\x30\x02\x30\x00", wrap(SEQUENCE, wrap(SEQUENCE, b"\x30\x02\x05\x00"))]
)
def test_a_reference_to_nothing_is_no_reference(hand: Hand, value: bytes) -> None:
    signer = _signer_with(attribute(SIGNING_CERTIFICATE_V2, value))
    try:
        assert not has_certificate(signer, certificate=hand.signatory.certificate)
    except DerMalformed:
        return
