"""What is sealed to a person opens under that person's data key alone, and with it is gone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystore.errors import SealBroken
from keystore.recipient import is_recipient, open_sealed_to, recipient_of, seal_to
from keystore.sealing import Sealer

_KEY = b"a data key for tests, 32 bytes!!"


def test_what_a_process_apart_seals_the_holder_of_the_data_key_opens(sealer: Sealer) -> None:
    data_key = sealer.make_data_key(context="acc_1")
    sealed = seal_to(sealer.recipient(data_key), b"a nonce", context="log:w/1")
    assert sealer.unseal_personal(data_key, sealed, context="log:w/1") == b"a nonce"


def test_another_person_cannot_open_it(sealer: Sealer) -> None:
    one, other = (sealer.make_data_key(context=name) for name in ("acc_1", "acc_2"))
    sealed = seal_to(sealer.recipient(one), b"a nonce", context="log:w/1")
    with pytest.raises(SealBroken):
        sealer.unseal_personal(other, sealed, context="log:w/1")


def test_a_person_is_the_same_recipient_every_time(sealer: Sealer) -> None:
    data_key = sealer.make_data_key(context="acc_1")
    assert sealer.recipient(data_key) == sealer.recipient(data_key)


def test_it_opens_for_no_other_record() -> None:
    sealed = seal_to(recipient_of(_KEY), b"a nonce", context="log:w/1")
    with pytest.raises(SealBroken):
        open_sealed_to(_KEY, sealed, context="log:w/2")


@given(place=st.integers(0, 2**16), bit=st.integers(0, 7))
def test_a_changed_bit_is_found(place: int, bit: int) -> None:
    sealed = bytearray(seal_to(recipient_of(_KEY), b"a nonce", context="c"))
    sealed[place % len(sealed)] ^= 1 << bit
    with pytest.raises(SealBroken):
        open_sealed_to(_KEY, bytes(sealed), context="c")


@given(raw=st.binary(max_size=80))
def test_garbage_does_not_open(raw: bytes) -> None:
    with pytest.raises(SealBroken):
        open_sealed_to(_KEY, raw, context="c")
    with pytest.raises(SealBroken):
        open_sealed_to(_KEY, b"\x03" + raw, context="c")


@pytest.mark.parametrize("raw", [b"", bytes(32), bytes(31), b"\x01" + bytes(31), bytes(33)])
def test_nobody_is_no_recipient(raw: bytes) -> None:
    """RFC 7748 §6.1: a point of small order would give everybody the same key."""
    assert not is_recipient(raw)
    with pytest.raises(ValueError, match=r".*"):
        seal_to(raw, b"a nonce", context="c")
