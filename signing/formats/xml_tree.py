"""An XML document as a tree, read by code in which nothing can overflow.

What lives here: `read_tree`, in plain Python, over text, in one pass without recursion, and the
nodes that it gives.  It takes well-formed documents without a document type; whether one is
well-formed is for the reader behind the walls to say.
Source: W3C XML 1.0; Namespaces in XML 1.0 §6; XPath 1.0 §5 (the nodes there are).
Not here: canonical forms (`xml_node_sets`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from signing.errors import ParsingFailed
from signing.formats.xml_lexis import (
    END_TAG,
    INSTRUCTION,
    START_TAG,
    XML,
    attributes_of,
    is_declaration,
    matched,
    resolved,
    with_plain_lines,
)

MOST_DEEP: Final = 200
MOST_ELEMENTS: Final = 250_000
_MOST_NAMESPACES: Final = 256
_MOST_ATTRIBUTES: Final = 1_000
"""Of one element: other readers take the square of their number in time."""
_MOST_NODES: Final = 4 * MOST_ELEMENTS
_NO_SCOPE: Final[Mapping[str, str]] = {"": "", "xml": XML}


class Attribute(NamedTuple):
    """One attribute that declares no namespace; `namespace` is empty for one without a prefix."""

    namespace: str
    local: str
    prefix: str
    value: str


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment."""

    text: str


@dataclass(frozen=True, slots=True)
class Instruction:
    """A processing instruction."""

    target: str
    data: str


class Element:
    """One element.

    `number` counts from 0 in the order of start tags, `last` is that of the last one inside;
    `scope` is every namespace by its prefix, as it is seen here; `children` are elements, text,
    comments and instructions, no two texts side by side.
    """

    __slots__ = (
        "attributes",
        "children",
        "last",
        "local",
        "namespace",
        "number",
        "parent",
        "prefix",
        "scope",
    )

    def __init__(
        self,
        number: int,
        name: str,
        *,
        attributes: tuple[Attribute, ...],
        scope: Mapping[str, str],
        parent: Element | None,
    ) -> None:
        self.number = self.last = number
        self.prefix, _, self.local = name.rpartition(":")
        self.namespace = scope[self.prefix]
        self.attributes = attributes
        self.scope = scope
        self.parent = parent
        self.children: list[Node] = []

    @property
    def name(self) -> tuple[str, str]:
        """Its namespace and its name without a prefix."""
        return self.namespace, self.local

    def get(self, local: str) -> str:
        """The value of an attribute without a prefix, or nothing."""
        for one in self.attributes:
            if one.local == local and not one.prefix:
                return one.value
        return ""

    def has(self, local: str) -> bool:
        """Whether there is an attribute of that name without a prefix."""
        return any(one.local == local and not one.prefix for one in self.attributes)

    def elements(self) -> Iterator[Element]:
        """The elements in it, one level down."""
        return (one for one in self.children if isinstance(one, Element))

    def named(self, *names: tuple[str, str]) -> list[Element]:
        """Those of some names."""
        return [one for one in self.elements() if one.name in names]

    def first(self, *names: tuple[str, str]) -> Element | None:
        """The first of some names."""
        return next((one for one in self.elements() if one.name in names), None)

    def ancestors(self) -> Iterator[Element]:
        """What is around it, the nearest first."""
        node = self.parent
        while node is not None:
            yield node
            node = node.parent

    def text(self) -> str:
        """The text directly in it."""
        return "".join(one for one in self.children if isinstance(one, str))

    def holds(self, other: Element) -> bool:
        """Whether the other is this one or inside of it."""
        return self.number <= other.number <= self.last


Node = Element | Comment | Instruction | str


@dataclass(frozen=True, slots=True)
class Tree:
    """A document.

    Takes   elements: all, by their number; before, behind: what stands outside of the root.
    """

    root: Element
    elements: tuple[Element, ...] = field(repr=False)
    before: tuple[Comment | Instruction, ...] = ()
    behind: tuple[Comment | Instruction, ...] = ()

    def inside(self, node: Element) -> tuple[Element, ...]:
        """An element and all that are inside, in order."""
        return self.elements[node.number : node.last + 1]


def read_tree(text: str) -> Tree:
    """Read a document.

    Takes   text: decoded, without byte order mark.
    Raises  ParsingFailed: doctype, too_deep, too_many_elements, too_many_attributes,
            too_many_namespaces; contradiction for whatever is not well-formed in a way that
            matters here.
    """
    try:
        return _Reader(text).read()
    except (ValueError, KeyError, IndexError, OverflowError) as unlike:
        raise ParsingFailed("contradiction") from unlike


class _Reader:
    """One pass over one document; whatever does not fit is a ValueError."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._elements: list[Element] = []
        self._open: list[tuple[Element, str]] = []
        self._outside: tuple[list[Comment | Instruction], ...] = ([], [])
        self._nodes = 0

    def read(self) -> Tree:
        text, position = self._text, 0
        if text.startswith("<?xml") and text[5] in " \t\r\n":
            position = text.index("?>") + 2
        while (start := text.find("<", position)) >= 0:
            if start > position:
                self._characters(text[position:start])
            position = self._markup(start)
        self._characters(text[position:])
        if self._open:
            raise ValueError("not closed")
        before, behind = self._outside
        return Tree(self._elements[0], tuple(self._elements), tuple(before), tuple(behind))

    def _markup(self, start: int) -> int:
        text = self._text
        following = text[start + 1]
        if following == "/":
            return self._end_tag(start)
        if following == "?":
            found = matched(INSTRUCTION, text, start)
            data = with_plain_lines(found[2]).lstrip(" \t\n")
            self._add(Instruction(found[1], data))
            return found.end()
        if following != "!":
            return self._start_tag(start)
        if text.startswith("<!--", start):
            stop = text.index("-->", start + 4)
            self._add(Comment(with_plain_lines(text[start + 4 : stop])))
            return stop + 3
        if text.startswith("<![CDATA[", start) and self._open:
            stop = text.index("]]>", start)
            self._add_text(with_plain_lines(text[start + 9 : stop]))
            return stop + 3
        raise ParsingFailed("doctype" if text.startswith("<!DOCTYPE", start) else "contradiction")

    def _characters(self, raw: str) -> None:
        if self._open:
            raw = with_plain_lines(raw)
            self._add_text(resolved(raw) if "&" in raw else raw)
        elif raw.strip(" \t\r\n"):
            raise ValueError("text outside")

    def _add_text(self, text: str) -> None:
        children = self._open[-1][0].children
        if not text:
            return
        if children and isinstance(children[-1], str):
            children[-1] += text
        else:
            self._count()
            children.append(text)

    def _add(self, node: Comment | Instruction) -> None:
        self._count()
        if self._open:
            self._open[-1][0].children.append(node)
        else:
            self._outside[1 if self._elements else 0].append(node)

    def _count(self) -> None:
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            raise ParsingFailed("too_many_elements")

    def _start_tag(self, start: int) -> int:
        found = matched(START_TAG, self._text, start)
        name, raw, slash = found.groups()
        parent = self._open[-1][0] if self._open else None
        if parent is None and self._elements:
            raise ValueError("second root")
        if len(self._elements) == MOST_ELEMENTS:
            raise ParsingFailed("too_many_elements")
        if len(self._open) == MOST_DEEP:
            raise ParsingFailed("too_deep")
        scope = _NO_SCOPE if parent is None else parent.scope
        attributes: tuple[Attribute, ...] = ()
        if raw:
            scope, attributes = _read_attributes(raw, scope)
        element = Element(
            len(self._elements), name, attributes=attributes, scope=scope, parent=parent
        )
        self._count()
        self._elements.append(element)
        if parent is not None:
            parent.children.append(element)
        if not slash:
            self._open.append((element, name))
        return found.end()

    def _end_tag(self, start: int) -> int:
        found = matched(END_TAG, self._text, start)
        element, name = self._open.pop()
        if name != found[1]:
            raise ValueError("end tag")
        element.last = len(self._elements) - 1
        return found.end()


def _read_attributes(
    raw: str, outer: Mapping[str, str]
) -> tuple[Mapping[str, str], tuple[Attribute, ...]]:
    found = attributes_of(raw)
    if len(found) > _MOST_ATTRIBUTES:
        raise ParsingFailed("too_many_attributes")
    declared = {key[6:]: value for key, value in found if is_declaration(key)}
    scope = outer
    if declared:
        if len(outer) + len(declared) > _MOST_NAMESPACES:
            raise ParsingFailed("too_many_namespaces")
        if any(prefix == "xml" and name != XML for prefix, name in declared.items()):
            raise ValueError("prefix")
        scope = {**outer, **declared}
    attributes = []
    for key, value in found:
        if not is_declaration(key):
            prefix, _, local = key.rpartition(":")
            attributes.append(Attribute(scope[prefix] if prefix else "", local, prefix, value))
    if len({one[:2] for one in attributes}) + len(declared) != len(found):
        raise ValueError("attribute twice")
    return scope, tuple(attributes)
