"""A report that can be written: no text in it that has no place in Unicode.

What lives here: `writable`.  Names come out of certificates and files of anybody's making, and a
single half of a surrogate pair in one would stop every form of a report.
Source: Unicode 15 §3.9, D90 to D92 (surrogates stand for nothing by themselves).
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

import msgspec

_T = TypeVar("_T")


def writable(report: _T) -> _T:
    """The same, with a mark in place of each half of a surrogate pair."""
    try:
        msgspec.json.encode(report)
    except UnicodeEncodeError:
        cleaned: _T = _clean(report)
        return cleaned
    return report


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        shown = value.encode("utf-8", "replace").decode("utf-8")
        return shown if type(value) is str else value
    if isinstance(value, tuple):
        return tuple(_clean(one) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value, **{one.name: _clean(getattr(value, one.name)) for one in fields(value)}
        )
    return value
