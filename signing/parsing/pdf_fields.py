"""The fields of a form, as lax as a form of the world wants it.

What lives here: a walk over all fields that ends, whatever the tree is.
Source: ISO 32000-2 §12.7.4 (field dictionaries, inheritance, names).
Not here: what may be done to a field (`pdf_form`, `pdf_permissions`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pyhanko.pdf_utils import generic

from signing.parsing.pdf_damage import DAMAGE
from signing.parsing.pdf_lax import (
    dictionary,
    elements,
    entry,
    number_of,
    raw,
    text,
    value_of,
)

_DEEPEST: Final = 32


@dataclass(frozen=True, slots=True)
class Field:
    """A field without fields below it.

    Takes   name: full name; kind: /FT with its stroke, inherited or not; number: of its object, 0
            for a direct one; widgets: numbers and dictionaries of where it is seen.
    """

    name: str
    kind: str
    number: int
    content: generic.DictionaryObject
    raw_value: Any
    widgets: tuple[tuple[int, generic.DictionaryObject], ...]

    @property
    def value(self) -> Any:
        """Its value, None for an empty one."""
        return value_of(self.raw_value)


def walk_fields(form: Any, *, most: int) -> Iterator[Field]:
    """Each field, in the order of the form; what is no field is passed over."""
    waiting: list[tuple[Any, str, str | None, Any, int]] = [
        (one, "", None, None, 0) for one in reversed(elements(entry(form, "/Fields")))
    ]
    seen: set[int] = set()
    while waiting and most > 0:
        reference, above, kind, value, depth = waiting.pop()
        number = number_of(reference) or 0
        if number in seen or depth > _DEEPEST:
            continue
        if number:
            seen.add(number)
        most -= 1
        try:
            content = dictionary(value_of(reference))
        except DAMAGE:
            continue
        if content is None:
            continue
        own = text(entry(content, "/T"), most=1_000)
        full = f"{above}.{own}" if above and own else above or own
        kind = _name(content, "/FT") or kind
        value = raw(content, "/V") if "/V" in content else value
        kids = elements(entry(content, "/Kids"))
        below, widgets = _sort(kids)
        if below:
            waiting += [(one, full, kind, value, depth + 1) for one in reversed(below)]
            continue
        if _name(content, "/Subtype") == "/Widget" or not kids:
            widgets.insert(0, (number, content))
        yield Field(full, kind or "", number, content, value, tuple(widgets))


def _sort(kids: list[Any]) -> tuple[list[Any], list[tuple[int, generic.DictionaryObject]]]:
    """Fields below, and widgets."""
    below: list[Any] = []
    widgets: list[tuple[int, generic.DictionaryObject]] = []
    for one in kids:
        try:
            content = dictionary(value_of(one))
        except DAMAGE:
            continue
        if content is None:
            continue
        if "/T" in content or "/Kids" in content:
            below.append(one)
        else:
            widgets.append((number_of(one) or 0, content))
    return below, widgets


def _name(content: generic.DictionaryObject, key: str) -> str:
    found = entry(content, key)
    return str(found) if isinstance(found, generic.NameObject) else ""
