"""Annotations: where they are seen, and which of them lie over others.

What lives here: rectangles and flags, read laxly.
Source: ISO 32000-2 §12.5.2, §12.5.3 (flags).
"""

from __future__ import annotations

from math import isnan
from typing import Any, Final

from pyhanko.pdf_utils import generic

from signing.parsing.pdf_lax import elements, entry, value_of

Box = tuple[float, float, float, float]
ACTIONS: Final = ("/A", "/AA", "/PA")
_HIDDEN: Final = 2
_PRINTED: Final = 4
_NOT_VIEWED: Final = 32
_VIEWED_WHEN_TOUCHED: Final = 256
_FARTHEST: Final = 1e6


def rectangle(annotation: Any) -> Box | None:
    """Left, bottom, right, top; None for one that has no extent.

    NOTE: of more numbers the first four count, and what is no number is 0: so do lenient readers.
    """
    values = [value_of(one) for one in elements(entry(annotation, "/Rect"))[:4]]
    if len(values) != 4:
        return None
    x1, y1, x2, y2 = (_number(one) for one in values)
    left, bottom, right, top = min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)
    return (left, bottom, right, top) if left < right and bottom < top else None


def is_seen(annotation: Any) -> bool:
    """Whether it has an extent and is seen somewhere: on a screen or on paper."""
    said = entry(annotation, "/F")
    flags = int(said) if isinstance(said, generic.NumberObject) else 0
    is_on_paper = flags & _NOT_VIEWED and flags & (_PRINTED | _VIEWED_WHEN_TOUCHED)
    is_hidden = flags & _HIDDEN or (flags & _NOT_VIEWED and not is_on_paper)
    return rectangle(annotation) is not None and not is_hidden


def does_something(annotation: Any) -> bool:
    """Whether it has an action: of its own, or for when somebody touches or sees it."""
    return any(entry(annotation, key) is not None for key in ACTIONS)


def _number(value: Any) -> float:
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return 0.0 if isnan(found) else min(max(found, -_FARTHEST), _FARTHEST)


def covered_share(over: Box, under: Box) -> float:
    """How much of the one below the one above covers, 0 to 1."""
    width = min(over[2], under[2]) - max(over[0], under[0])
    height = min(over[3], under[3]) - max(over[1], under[1])
    area = (under[2] - under[0]) * (under[3] - under[1])
    return max(0.0, width) * max(0.0, height) / area if area > 0 else 0.0
