"""JSON from outside, read without guessing.

What lives here: a reader that takes exactly one object in UTF-8 and refuses what parsers disagree
about: members given twice, NaN and Infinity, numbers beyond a double, lone surrogates, a byte order
mark, depth without end.  Source: RFC 8259 §4 and §8.1; RFC 7515 §4 and RFC 7519 §4 (names are
unique); RFC 8725 §2.8.
"""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec

_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode


class _DuplicateMember(ValueError):
    pass


def read_json_object(raw: bytes) -> dict[str, Any]:
    """The object that `raw` is.

    Raises  ValueError with one word: malformed_json, not_an_object, duplicate_member.
    """
    try:
        value = _decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError) as failure:
        raise ValueError("malformed_json") from failure
    if type(value) is not dict:
        raise ValueError("not_an_object")
    # What we write ourselves has one spelling: nothing was dropped if it is reproduced exactly.
    # Any other spelling is read a second time by a parser that shows every member.
    if _encode(value) != raw:
        _refuse_duplicates(raw)
    return value


def _refuse_duplicates(raw: bytes) -> None:
    try:
        json.loads(raw, object_pairs_hook=_unique)
    except _DuplicateMember as duplicate:
        raise ValueError("duplicate_member") from duplicate
    except (ValueError, RecursionError) as failure:
        raise ValueError("malformed_json") from failure


def _unique(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _value in pairs}) != len(pairs):
        raise _DuplicateMember
