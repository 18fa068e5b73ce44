"""XML that we write ourselves, as text that is its own canonical form.

What lives here: `Element`, a tree small enough to be stored, and `canonical`, which writes it by
the rules of Exclusive XML Canonicalization 1.0: no choice is left, so what is hashed and what
stands in the file are the same text.  Prefixes are those of `xml_names.NAMESPACES`; a namespace is
declared where it is first used, so the text means the same inside of any other document.
Source: W3C Exclusive XML Canonicalization 1.0 §3; W3C Canonical XML 1.0 §2.3 (escaping, order);
W3C XML 1.0 §2.2 (Char).
Not here: reading; documents of other people.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from signing.errors import DocumentRefused
from signing.formats.xml_names import NAMESPACES

_NOT_A_CHAR: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TEXT: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;"})
_VALUE: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", '"': "&quot;", "\t": "&#x9;", "\n": "&#xA;", "\r": "&#xD;"}
)


@dataclass(frozen=True, slots=True, repr=False)
class Element:
    """One element: `prefix:name`, attributes, children in order; can be stored.

    Attributes have no prefix, or all of them that of the element.
    """

    name: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: tuple[Element | str, ...] = ()

    def holding(self, *more: Element | str) -> Element:
        """The same with more children behind those that it has."""
        return Element(self.name, self.attributes, (*self.children, *more))


def element(
    name: str, *children: Element | str, attributes: Mapping[str, str] | None = None
) -> Element:
    """An element of a name whose prefix is in the table; children in order."""
    return Element(name, attributes or {}, children)


def canonical(node: Element, *, inside: frozenset[str] = frozenset()) -> str:
    """The canonical text of an element and everything in it.

    Takes   inside: prefixes that stand declared already, where it is a part of something larger.
    Raises  DocumentRefused("text_not_xml"): a character that no XML may hold.
    """
    written: list[str] = []
    _write(node, written, inside)
    text = "".join(written)
    if _NOT_A_CHAR.search(text):
        raise DocumentRefused("text_not_xml")
    return text


def escape_text(text: str) -> str:
    """Character data as Canonical XML writes it."""
    return text.translate(_TEXT)


def escape_value(value: str) -> str:
    """The value of an attribute as Canonical XML writes it, to stand between double quotes."""
    return value.translate(_VALUE)


def _write(node: Element, written: list[str], declared: frozenset[str]) -> None:
    prefix = node.name.partition(":")[0]
    written.append("<" + node.name)
    if prefix not in declared:
        declared |= {prefix}
        written.append(f' xmlns:{prefix}="{NAMESPACES[prefix]}"')
    # all attributes are of one namespace or of none: what is left is the order of their names
    written.extend(
        f' {name}="{escape_value(value)}"' for name, value in sorted(node.attributes.items())
    )
    written.append(">")
    for child in node.children:
        if isinstance(child, str):
            written.append(escape_text(child))
        else:
            _write(child, written, declared)
    written.append(f"</{node.name}>")
