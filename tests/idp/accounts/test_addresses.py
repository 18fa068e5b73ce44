"""Addresses as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.accounts.addresses import mask_address, parse_address
from idp.accounts.channels import Channel, Destination
from idp.accounts.messages import check_destination


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        (" 0900 000 018 ", "+84900000018"),
        ("+84 (900) 000-018", "+84900000018"),
        ("０９００００００１８", "+84900000018"),  # digits as some keyboards type them
        ("900000018", None),
        ("+84900", None),
        ("không có", None),
        ("", None),
    ],
)
def test_a_telephone_number_is_kept_in_one_spelling(raw: str, kept: str | None) -> None:
    assert parse_address(raw, channel=Channel.SMS) == kept


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("Nguoi@Mau.EXAMPLE", "Nguoi@mau.example"),
        ("a@b", None),
        ("a b@mau.example", None),
        ("a@mau.example\r\nBcc: b@mau.example", None),
        (f"{'a' * 65}@mau.example", None),
    ],
)
def test_an_email_address_is_kept_with_its_domain_in_small_letters(
    raw: str, kept: str | None
) -> None:
    assert parse_address(raw, channel=Channel.EMAIL) == kept


@given(st.text(), st.sampled_from(Channel))
def test_what_is_taken_is_one_line_without_blanks(raw: str, channel: Channel) -> None:
    taken = parse_address(raw, channel=channel)
    assert taken is None or (taken.isprintable() and not any(one.isspace() for one in taken))


@pytest.mark.parametrize("address", ["a'b@mau.example", "a<b@mau.example", 'a"b@mau.example'])
def test_what_no_message_can_be_sent_to_is_not_taken(address: str) -> None:
    with pytest.raises(ValueError, match="address_malformed"):
        check_destination(Destination(Channel.EMAIL, "a<b@mau.example"))
    taken = parse_address(address, channel=Channel.EMAIL)
    if taken is not None:
        check_destination(Destination(Channel.EMAIL, taken))


def test_what_is_shown_is_not_enough_to_write_to() -> None:
    assert mask_address("+84900000018", channel=Channel.SMS) == "•••018"
    assert mask_address("nguoi@mau.example", channel=Channel.EMAIL) == "n•••@mau.example"
