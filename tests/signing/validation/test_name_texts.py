"""Names as people read them."""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from signing.validation.name_texts import COMMON_NAME, ORGANIZATION, line_of, name_parts, part_of


def test_a_name_says_what_a_compiled_parser_says() -> None:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Công ty Mây, Suối + Núi"),
            x509.NameAttribute(NameOID.COMMON_NAME, " #Người\\Mây "),
        ]
    )
    der = name.public_bytes()
    assert part_of(der, COMMON_NAME) == " #Người\\Mây "
    assert part_of(der, ORGANIZATION) == "Công ty Mây, Suối + Núi"
    assert line_of(der) == name.rfc4514_string()


def test_a_country_of_ten_letters_is_shown_as_it_is() -> None:
    """A compiled parser warns, or refuses it."""
    country = bytes.fromhex("301531133011060355040613") + b"\x0aLuxembourg"
    assert name_parts(country) == (("2.5.4.6", "Luxembourg"),)


def test_what_cannot_be_seen_is_shown_as_such() -> None:
    """A text must not hide what it is by changing the direction of writing."""
    name = bytes.fromhex("30123110300e06035504030c07") + "a\u202eb\0c".encode()
    assert part_of(name, COMMON_NAME) == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c"


@given(st.binary(max_size=80))
def test_whatever_comes_in_is_a_text(name: bytes) -> None:
    assert isinstance(line_of(name), str)
