"""XAES-256-GCM gives the published results and opens nothing that was changed."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystore.aead import OVERHEAD_BYTES, AeadKey
from keystore.errors import SealBroken

_NONCE = b"ABCDEFGHIJKLMNOPQRSTUVWX"


@pytest.mark.parametrize(
    ("key", "associated_data", "expected"),
    [
        (b"\x01" * 32, b"", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"),
        (
            b"\x03" * 32,
            b"c2sp.org/XAES-256-GCM",
            "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d",
        ),
    ],
)
def test_the_published_vectors_come_out(key: bytes, associated_data: bytes, expected: str) -> None:
    """C2SP XAES-256-GCM, test vectors (one for each value of the first bit of the subkey)."""
    made = AeadKey(key).encrypt_with(_NONCE, b"XAES-256-GCM", associated_data=associated_data)
    assert made.hex() == expected


@given(plaintext=st.binary(max_size=200), context=st.binary(max_size=50))
def test_what_was_encrypted_opens(plaintext: bytes, context: bytes) -> None:
    key = AeadKey(bytes(range(32)))
    sealed = key.encrypt(plaintext, associated_data=context)
    assert len(sealed) == len(plaintext) + OVERHEAD_BYTES
    assert key.decrypt(sealed, associated_data=context) == plaintext


@given(position=st.integers(min_value=0), bit=st.integers(0, 7), plaintext=st.binary(max_size=64))
def test_no_bit_can_be_changed(position: int, bit: int, plaintext: bytes) -> None:
    key = AeadKey(bytes(range(32)))
    sealed = bytearray(key.encrypt(plaintext, associated_data=b"record"))
    sealed[position % len(sealed)] ^= 1 << bit
    with pytest.raises(SealBroken):
        key.decrypt(bytes(sealed), associated_data=b"record")


def test_less_than_a_nonce_and_a_tag_is_broken() -> None:
    with pytest.raises(SealBroken):
        AeadKey(bytes(32)).decrypt(bytes(OVERHEAD_BYTES - 1), associated_data=b"")


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="key_length"):
        AeadKey(bytes(16))


def test_a_key_does_not_show_itself() -> None:
    assert repr(AeadKey(b"k" * 32)) == "AeadKey(…)"


def test_one_key_serves_many_threads_at_once() -> None:
    key = AeadKey(secrets.token_bytes(32))
    together = Barrier(8)

    def act(number: int) -> None:
        together.wait()
        message = number.to_bytes(40, "big")
        for _ in range(500):
            sealed = key.encrypt(message, associated_data=message)
            assert key.decrypt(sealed, associated_data=message) == message

    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(act, range(8)))) == 8
