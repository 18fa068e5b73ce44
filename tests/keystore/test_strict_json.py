"""JSON from outside is one object in one reading, or refused."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystore.strict_json import read_json_object


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"a":1,"a":2}', "duplicate_member"),
        (b'{"a":1,"\\u0061":2}', "duplicate_member"),
        (b'{"b":{"a":1,"a":1}}', "duplicate_member"),
        (b'{"b":[{"a":1,"a":1}]}', "duplicate_member"),
        (b"[]", "not_an_object"),
        (b'"{}"', "not_an_object"),
        (b"null", "not_an_object"),
        (b"1", "not_an_object"),
        (b"", "malformed_json"),
        (b"{", "malformed_json"),
        (b"{}{}", "malformed_json"),
        (b"{} x", "malformed_json"),
        (b"\xef\xbb\xbf{}", "malformed_json"),
        (b'{"a":NaN}', "malformed_json"),
        (b'{"a":Infinity}', "malformed_json"),
        (b'{"a":-Infinity}', "malformed_json"),
        (b'{"a":1e999}', "malformed_json"),
        (b'{"a":01}', "malformed_json"),
        (b'{"a":+1}', "malformed_json"),
        (b'{"a":"\xff"}', "malformed_json"),
        (b'{"\xff":1}', "malformed_json"),
        (b'{"a":"\\ud800"}', "malformed_json"),
        (b'{"a":"\x00"}', "malformed_json"),
        (b"{'a':1}", "malformed_json"),
        (b'{"a":1,}', "malformed_json"),
        ('{"a":1}'.encode("utf-16"), "malformed_json"),
        (b'{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}", "malformed_json"),
        (b'{"a":' + b"9" * 20_000 + b"}", "malformed_json"),
    ],
)
def test_what_parsers_disagree_about_is_refused(raw: bytes, reason: str) -> None:
    """RFC 7519 §4, RFC 8259 §4 and §8.1."""
    with pytest.raises(ValueError, match=reason):
        read_json_object(raw)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(value=st.dictionaries(st.text(), _VALUES, max_size=6), spaced=st.booleans())
def test_any_object_is_read_however_it_is_spelled(
    value: dict[str, object], *, spaced: bool
) -> None:
    separators = (" , ", " : ") if spaced else None
    assert read_json_object(json.dumps(value, separators=separators).encode()) == value


@given(raw=st.binary(max_size=60))
def test_garbage_is_a_value_error_and_nothing_worse(raw: bytes) -> None:
    with suppress(ValueError):
        assert isinstance(read_json_object(raw), dict)
