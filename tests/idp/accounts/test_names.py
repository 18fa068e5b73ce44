"""Names: one stored form, one key for matching."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.accounts.model import Profile
from idp.accounts.names import name_key, normalise_name


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Đỗ Thị Ánh", "DO THI ANH"),
        ("nguyễn văn đức", "NGUYEN VAN DUC"),
        ("Lê  Ngọc\tƯớc", "LE NGOC UOC"),
        ("Jörg Müller", "JORG MULLER"),
    ],
)
def test_the_key_has_no_accents_and_is_in_capitals(name, key) -> None:
    assert name_key(name) == key
    assert name_key(unicodedata.normalize("NFD", name)) == key
    assert Profile(name).name_key == key


def test_a_name_is_kept_in_nfc_with_single_spaces() -> None:
    raw = unicodedata.normalize("NFD", "  Trần \u00a0Thị\n Mẫu ") + "\u200b\x07"
    assert normalise_name(raw) == "Trần Thị Mẫu"


@given(st.text(max_size=50))
def test_normalising_twice_changes_nothing(raw) -> None:
    once = normalise_name(raw)
    assert normalise_name(once) == once
    assert name_key(once) == name_key(name_key(once))
