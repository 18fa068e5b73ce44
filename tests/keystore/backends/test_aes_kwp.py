"""The door for AES key wrap; its vectors are in `tests/vectors/test_wycheproof_keys.py`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystore.backends.aes_kwp import unwrap_kwp, wrap_kwp
from keystore.backends.errors import WrapBroken

_KEY = bytes(range(32))


@given(st.binary(min_size=1, max_size=300))
def test_any_key_comes_back_and_one_bit_more_breaks_it(key: bytes) -> None:
    """RFC 5649 §4."""
    wrapped = wrap_kwp(_KEY, key=key)
    assert len(wrapped) == 8 + (len(key) + 7) // 8 * 8
    assert unwrap_kwp(_KEY, wrapped=wrapped) == key
    with pytest.raises(WrapBroken):
        unwrap_kwp(_KEY, wrapped=wrapped[:-1] + bytes((wrapped[-1] ^ 1,)))
    with pytest.raises(WrapBroken):
        unwrap_kwp(bytes(32), wrapped=wrapped)


def test_nothing_and_no_aes_key_are_refused() -> None:
    for length in (0, 8, 31, 33):
        with pytest.raises(WrapBroken):
            wrap_kwp(bytes(length), key=b"key")
        with pytest.raises(WrapBroken):
            unwrap_kwp(bytes(length), wrapped=bytes(16))
    with pytest.raises(WrapBroken):
        wrap_kwp(_KEY, key=b"")
    for length in (0, 8, 15, 17):
        with pytest.raises(WrapBroken):
            unwrap_kwp(_KEY, wrapped=bytes(length))
