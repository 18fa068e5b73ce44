"""What attributes, references, times and identifiers of algorithms mean, sound and not."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from keystore.pki.der import SEQUENCE, algorithm_identifier, wrap
from signing.formats.der import (
    INTEGER,
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    SET,
    DerMalformed,
    attribute,
    oid,
    read_one,
)
from signing.formats.signed_attributes import (
    SignerLocation,
    commitment,
    mime_type,
    signer_location,
    signing_time,
)
from signing.formats.signed_data import issuer_and_serial
from signing.validation.asn1_times import read_time
from signing.validation.cades_attributes import (
    ADOBE_REVOCATION,
    CERTIFICATE_VALUES,
    REVOCATION_VALUES,
    SIGNATURE_POLICY,
    SIGNER_ATTRIBUTES,
    choice_material,
    read_material,
    read_said,
    whole_response,
)
from signing.validation.cades_references import (
    SIGNING_CERTIFICATE,
    SIGNING_CERTIFICATE_V2,
    find_named,
    find_referenced,
    is_issuer_serial_of,
    key_of,
    read_references,
)
from signing.validation.cms_algorithms import (
    as_der_value,
    hash_name,
    read_signature_algorithm,
    without_plain,
)
from signing.validation.signed_parts import Attribute, SignedParts, Signer
from tests.support.signatory import SIGNING_TIME, SigningPki

UTF8 = 0x0C
_KINDS = st.sampled_from(
    [SIGNATURE_POLICY, SIGNER_ATTRIBUTES, CERTIFICATE_VALUES, REVOCATION_VALUES]
)


def _attribute(whole: bytes) -> Attribute:
    kind, values = read_one(whole).children()
    dotted = read_oid_of(bytes(kind.whole))
    return Attribute(
        dotted, whole, bytes(values.whole), tuple(bytes(one.whole) for one in values.children())
    )


def read_oid_of(der: bytes) -> str:
    known = [SIGNATURE_POLICY, SIGNER_ATTRIBUTES, CERTIFICATE_VALUES, REVOCATION_VALUES]
    known += [ADOBE_REVOCATION, SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_V2]
    known += ["1.2.840.113549.1.9.5", "0.4.0.1733.2.1"]
    known += [f"1.2.840.113549.1.9.16.2.{number}" for number in (16, 17)]
    return next(one for one in known if oid(one) == der)


def made(*signed: bytes, unsigned: tuple[bytes, ...] = ()) -> Signer:
    return Signer(
        b"",
        b"",
        b"",
        wrap(SET, *signed),
        tuple(map(_attribute, signed)),
        b"",
        b"",
        b"",
        tuple(map(_attribute, unsigned)),
    )


def parts(*crls: bytes, certificates: tuple[bytes, ...] = ()) -> SignedParts:
    return SignedParts("", b"", None, 0, None, b"", certificates, b"", crls, b"", (), was_ber=False)


def test_what_a_signer_says_is_read() -> None:
    place = SignerLocation(country="VN", locality="Huế")
    roles = wrap(SEQUENCE, wrap(0xA0, wrap(SEQUENCE, wrap(SET, wrap(UTF8, b"Clerk")))))
    said = read_said(
        made(
            signing_time(SIGNING_TIME),
            mime_type("text/plain"),
            commitment("proof_of_approval"),
            signer_location(place),
            attribute(SIGNATURE_POLICY, wrap(SEQUENCE, oid("1.2.3"))),
            attribute(SIGNER_ATTRIBUTES, roles),
        )
    )
    assert said.claimed_time == SIGNING_TIME
    assert said.content_type == "text/plain"
    assert said.commitments == ("1.2.840.113549.1.9.16.6.5",)
    assert said.production_place == "VN, Huế"
    assert said.policy_identifier == "1.2.3"
    assert said.claimed_roles == ("Clerk",)
    assert said.doubts == []
    assert read_said(made(attribute(SIGNATURE_POLICY, b"\x05\x00"))).policy_identifier == "implied"


@pytest.mark.parametrize("value", [b"\x05\x00", b"\x30\x03\x02\x01\x01", b"\x17\x01x"])
def test_what_makes_no_sense_is_passed_over_and_named(value: bytes) -> None:
    said = read_said(made(attribute("1.2.840.113549.1.9.5", value)))
    assert said.claimed_time is None
    assert [(one.code, one.fact("attribute")) for one in said.doubts] == [
        ("attribute_unreadable", "signing-time")
    ]


@given(kind=_KINDS, value=st.binary(max_size=40))
def test_whatever_stands_in_an_attribute_ends_in_an_answer(kind: str, value: bytes) -> None:
    wrapped = wrap(SEQUENCE, wrap(0xA0, wrap(SEQUENCE, value)), value)
    one = Attribute(kind, b"", b"", (wrapped, value))
    signer = Signer(b"", b"", b"", b"", (one,), b"", b"", b"", (one,))
    read_said(signer)
    read_material(parts(value, certificates=(value or b"\x00",)), signer)


def test_evidence_is_found_wherever_it_stands(signing_pki: SigningPki) -> None:
    crl = signing_pki.status().root_crl(now=SIGNING_TIME)
    basic = wrap(SEQUENCE, wrap(SEQUENCE, b"\x05\x00"))
    whole = whole_response(basic)
    root = signing_pki.root.der
    values = wrap(SEQUENCE, wrap(0xA0, wrap(SEQUENCE, crl)), wrap(0xA1, wrap(SEQUENCE, basic)))
    adobe = wrap(SEQUENCE, wrap(0xA1, wrap(SEQUENCE, whole)))
    signer = made(
        attribute(ADOBE_REVOCATION, adobe),
        unsigned=(
            attribute(CERTIFICATE_VALUES, wrap(SEQUENCE, root)),
            attribute(REVOCATION_VALUES, values),
        ),
    )
    found = read_material(parts(crl), signer)
    assert (found.certificates, found.ocsp_responses, found.crls) == ((root,), (whole,), (crl,))
    other = wrap(0xA1, oid("1.3.6.1.5.5.7.16.2"), whole)
    assert choice_material(other).ocsp_responses == (whole,)
    other = wrap(0xA1, oid("1.3.6.1.5.5.7.48.1.1"), basic)
    assert choice_material(other).ocsp_responses == (whole,)
    assert choice_material(wrap(0xA1, oid("1.2.3"), whole)).ocsp_responses == ()


def _reference(certificate: bytes, *, named: str | None, issuer_serial: bytes = b"") -> bytes:
    algorithm = b"" if named is None else algorithm_identifier(named)
    digest = hashlib.sha256(certificate).digest()
    return wrap(
        SEQUENCE,
        wrap(SEQUENCE, wrap(SEQUENCE, algorithm, wrap(OCTET_STRING, digest), issuer_serial)),
    )


def test_a_reference_says_which_certificate(signing_pki: SigningPki) -> None:
    own = signing_pki.citizen.issued
    issuer = own.certificate.issuer.public_bytes()
    _, number = read_one(issuer_and_serial(own.certificate)).children()
    named = wrap(SEQUENCE, wrap(SEQUENCE, wrap(0xA4, issuer)), bytes(number.whole))
    value = _reference(own.der, named=None, issuer_serial=named)
    references = read_references(made(attribute(SIGNING_CERTIFICATE_V2, value)))
    assert references is not None
    assert (references[0].hash_name, references[0].is_readable) == ("sha256", True)
    assert find_referenced(references, among=[signing_pki.root.der, own.der]) == own.der
    assert is_issuer_serial_of(references[0], own.der)
    assert not is_issuer_serial_of(references[0], signing_pki.root.der)


@pytest.mark.parametrize(
    "value",
    [
        b"\x05\x00",
        b"\x30\x00",
        wrap(SEQUENCE, wrap(SEQUENCE)),
        wrap(SEQUENCE, wrap(SEQUENCE, wrap(SEQUENCE, wrap(INTEGER, b"\x01")))),
        _reference(b"", named="1.2.3"),
        _reference(b"", named=None, issuer_serial=b"\x30\x00"),
        _reference(b"", named=None, issuer_serial=wrap(SEQUENCE, wrap(SEQUENCE), b"\x05\x00")),
    ],
)
def test_a_reference_that_makes_no_sense_matches_nothing(value: bytes) -> None:
    """EN 319 102-1 §5.2.3.4: it is there, and so the certificate has to match it."""
    references = read_references(made(attribute(SIGNING_CERTIFICATE_V2, value)))
    assert references is not None
    assert not references[0].is_readable


def test_no_reference_is_none() -> None:
    assert read_references(made()) is None


def test_a_signer_is_named_by_number_or_key(signing_pki: SigningPki) -> None:
    own = signing_pki.citizen.issued
    among = [b"", b"no certificate", signing_pki.root.der, own.der]
    assert find_named(issuer_and_serial(own.certificate), among=among) == own.der
    # its issuer's name in another kind of string: the number alone has to do
    _, number = read_one(issuer_and_serial(own.certificate)).children()
    assert find_named(wrap(SEQUENCE, wrap(SEQUENCE), bytes(number.whole)), among=among) == own.der
    assert find_named(b"\x80\x02ab", among=among) is None
    for odd in (b"", b"\x05\x00", b"\x30\x00", wrap(SEQUENCE, b"\x05\x00", b"\x05\x00")):
        assert find_named(odd, among=among) is None
    assert key_of(own.der) == own.spki
    assert key_of(b"\x30\x00") is None


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"\x17\x0d261121030405Z", datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)),
        (b"\x17\x0b2611210304Z", datetime(2026, 11, 21, 3, 4, tzinfo=UTC)),
        (b"\x17\x0d501121030405Z", datetime(1950, 11, 21, 3, 4, 5, tzinfo=UTC)),
        (b"\x17\x11261121100405+0700", datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)),
        (b"\x18\x0f20261121030405Z", datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)),
        (b"\x18\x1220261121030405.25Z", datetime(2026, 11, 21, 3, 4, 5, 250_000, tzinfo=UTC)),
    ],
)
def test_times_are_read_as_anybody_writes_them(raw: bytes, expected: datetime) -> None:
    assert read_time(read_one(raw)) == expected


@pytest.mark.parametrize(
    "raw",
    [
        b"\x17\x0f20261121030405Z",
        b"\x18\x0d261121030405Z",
        b"\x17\x0d261321030405Z",
        b"\x17\x0d26112103040\xffZ",
        b"\x18\x0e20261121030405",
        b"\x04\x0d261121030405Z",
        b"\x18\x1300010101000000+2359",
    ],
)
def test_what_is_no_time_is_refused(raw: bytes) -> None:
    with pytest.raises(DerMalformed):
        read_time(read_one(raw))


def test_identifiers_of_algorithms() -> None:
    rsa = "1.2.840.113549.1.1."
    found = read_signature_algorithm(algorithm_identifier(f"{rsa}1"), digest="sha512")
    assert (found.family, found.padding, found.hash_name) == ("rsa", "pkcs1", "sha512")
    found = read_signature_algorithm(algorithm_identifier(f"{rsa}5"), digest="sha512")
    assert found.hash_name == "sha1"
    found = read_signature_algorithm(algorithm_identifier(f"{rsa}10"), digest="sha512")
    assert (found.padding, found.hash_name, found.salt_bytes) == ("pss", "sha1", 20)
    found = read_signature_algorithm(algorithm_identifier("1.2.3"), digest="sha256")
    assert (found.family, found.name) == ("", "1.2.3")
    for odd in (b"", b"\x05\x00", b"\x30\x00", wrap(SEQUENCE, wrap(OBJECT_IDENTIFIER, b""))):
        assert read_signature_algorithm(odd, digest="sha256").family == ""
        assert hash_name(odd) == ""


def test_two_numbers_side_by_side_become_der() -> None:
    """BSI TR-03111 §5.2: plain ECDSA."""
    plain = read_signature_algorithm(
        algorithm_identifier("0.4.0.127.0.7.1.1.4.1.3"), digest="sha256"
    )
    value = (5).to_bytes(32, "big") + (7).to_bytes(32, "big")
    assert as_der_value(value, algorithm=plain) == encode_dss_signature(5, 7)
    assert without_plain(plain).padding == ""
