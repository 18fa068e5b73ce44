"""Annotations: where they are seen, and which of them lie over others.

What lives here: rectangles and flags, read laxly.
Source: ISO 32000-2 §12.5.2, §12.5.3 (flags).
"""

from __future__ import annotations

from typing import Any, Final

from pyhanko.pdf_utils import generic

from signing.parsing.pdf_lax import elements, entry, value_of

Box = tuple[float, float, float, float]
_HIDDEN: Final = 2 | 32
_FARTHEST: Final = 1e6


def rectangle(annotation: Any) -> Box | None:
    """Left, bottom, right, top; None for one that has no extent, or none that makes sense."""
    values = [value_of(one) for one in elements(entry(annotation, "/Rect"))]
    if len(values) != 4:
        return None
    try:
        x1, y1, x2, y2 = (float(one) for one in values)
    except (TypeError, ValueError):
        return None
    if not all(-_FARTHEST < one < _FARTHEST for one in (x1, y1, x2, y2)):
        return None
    left, bottom, right, top = min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)
    return (left, bottom, right, top) if left < right and bottom < top else None


def is_seen(annotation: Any) -> bool:
    """Whether it has an extent and is not hidden."""
    flags = entry(annotation, "/F")
    is_hidden = isinstance(flags, generic.NumberObject) and int(flags) & _HIDDEN
    return rectangle(annotation) is not None and not is_hidden


def covered_share(over: Box, under: Box) -> float:
    """How much of the one below the one above covers, 0 to 1."""
    width = min(over[2], under[2]) - max(over[0], under[0])
    height = min(over[3], under[3]) - max(over[1], under[1])
    area = (under[2] - under[0]) * (under[3] - under[1])
    return max(0.0, width) * max(0.0, height) / area if area > 0 else 0.0
