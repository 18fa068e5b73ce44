"""XPath in signatures: which nodes an expression leaves, behind the walls.

What lives here: `select`, for the two transforms that filter by XPath.  Expressions are those of
whoever wrote the document; the clock of the walls bounds them.
Source: W3C XML Signature 1.1 §6.6.3 (XPath, `here()`); XML-Signature XPath Filter 2.0 §3.
Not here: writing what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from lxml import etree

from signing.formats.xml_names import XPATH_FILTER
from signing.formats.xml_tree import Attribute, Element, Node

_MOST_EXPRESSIONS: Final = 16
_LONGEST: Final = 4_096
_Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which nodes are left.

    Takes   elements: by number; texts, markup: by the number of the element around them and how
            many nodes that are no text stand before them in it; attributes: by element and name.
    """

    elements: frozenset[int]
    texts: frozenset[_Key] = field(repr=False)
    markup: frozenset[_Key] = field(repr=False)
    attributes: frozenset[tuple[int, str]] = field(repr=False)

    def as_left_out(
        self, whole: Selection, elements: Sequence[etree._Element]
    ) -> frozenset[int] | None:
        """The elements that are left out with everything in them, when it comes to nothing else.

        Such a set is written by the library, whose canonical form is not ours.
        """
        left_out = whole.elements - self.elements
        kept = self.elements
        numbers = {elements[number]: number for number in left_out}
        is_closed = not any(elements[number].getparent() in numbers for number in kept)
        is_all = (
            {key for key in whole.texts if key[0] in kept} == self.texts
            and {key for key in whole.markup if key[0] in kept} == self.markup
            and {key for key in whole.attributes if key[0] in kept} == self.attributes
        )
        if not (is_closed and is_all and kept):
            return None
        return frozenset(
            number for number in left_out if elements[number].getparent() not in numbers
        )

    def has(self, node: Node | Attribute, around: Element | None, before: int) -> bool:
        """Whether a node is left; see `NodeSet`."""
        if isinstance(node, Element):
            return node.number in self.elements
        if around is None:
            return False
        if isinstance(node, Attribute):
            name = f"{{{node.namespace}}}{node.local}" if node.namespace else node.local
            return (around.number, name) in self.attributes
        key = (around.number, before)
        return key in (self.texts if isinstance(node, str) else self.markup)


def select(
    tree: etree._ElementTree,
    elements: Sequence[etree._Element],
    expressions: Sequence[etree._Element],
) -> Selection | frozenset[int]:
    """What expressions leave: a selection, or the numbers of elements that are left out whole.

    Raises  ValueError, etree.XPathError: an expression that is not one, or that is not taken.
    """
    if not 0 < len(expressions) <= _MOST_EXPRESSIONS:
        raise ValueError("expressions")
    numbers = {one: number for number, one in enumerate(elements)}
    if expressions[0].tag.startswith(f"{{{XPATH_FILTER}}}"):
        return _filter(tree, elements, expressions, numbers)
    [expression] = expressions
    said = _said(expression)
    if "position(" in said or "last(" in said:
        raise ValueError("position")
    etree.XPath(said, namespaces=_namespaces(expression))
    chosen = _selected(tree, expression, numbers, f"[boolean({said})]")
    whole = _selected(tree, expression, numbers, "")
    return chosen.as_left_out(whole, elements) or chosen


_KINDS: Final = ("*", "text()", "comment()", "processing-instruction()", "@*")


def _selected(
    tree: etree._ElementTree,
    expression: etree._Element,
    numbers: dict[etree._Element, int],
    condition: str,
) -> Selection:
    """All nodes that fulfil a condition."""
    found = {kind: _ask(tree, f"//{kind}{condition}", expression) for kind in _KINDS}
    markup = found["comment()"] + found["processing-instruction()"]
    return Selection(
        elements=frozenset(numbers[one] for one in found["*"]),
        texts=frozenset(_text_key(one, numbers) for one in found["text()"]),
        markup=frozenset(
            (numbers[one.getparent()], one.getparent().index(one))
            for one in markup
            if one.getparent() is not None
        ),
        attributes=frozenset((numbers[one.getparent()], one.attrname) for one in found["@*"]),
    )


def _filter(
    tree: etree._ElementTree,
    elements: Sequence[etree._Element],
    expressions: Sequence[etree._Element],
    numbers: dict[etree._Element, int],
) -> Selection | frozenset[int]:
    steps = []
    for one in expressions:
        said = _said(one)
        found = [elements[0]] if said in {"/", "/."} else _ask(tree, said, one)
        if not isinstance(found, list) or any(node not in numbers for node in found):
            raise ValueError("nodes")
        steps.append((one.get("Filter"), {numbers[node] for node in found}))
    if all(kind == "subtract" for kind, _ in steps):
        return frozenset[int]().union(*(chosen for _, chosen in steps))
    is_in = [True] * len(elements)
    for kind, chosen in steps:
        covered = [False] * len(elements)
        for number, element in enumerate(elements):
            around = element.getparent()
            covered[number] = number in chosen or (around is not None and covered[numbers[around]])
        if kind == "intersect":
            is_in = [one and other for one, other in zip(is_in, covered, strict=True)]
        elif kind == "subtract":
            is_in = [one and not other for one, other in zip(is_in, covered, strict=True)]
        elif kind == "union":
            is_in = [one or other for one, other in zip(is_in, covered, strict=True)]
        else:
            raise ValueError("filter")
    return _Subtrees(
        frozenset(number for number, one in enumerate(is_in) if one),
        frozenset(),
        frozenset(),
        frozenset(),
    )


class _Subtrees(Selection):
    """Elements with everything that is directly in them."""

    __slots__ = ()

    def has(self, node: Node | Attribute, around: Element | None, before: int) -> bool:
        del before  # whatever stands in an element goes with it
        if isinstance(node, Element):
            return node.number in self.elements
        return around is not None and around.number in self.elements


def _said(expression: etree._Element) -> str:
    said = (expression.text or "").strip()
    if len(expression) or not said or len(said) > _LONGEST:
        raise ValueError("expression")
    return said


def _namespaces(expression: etree._Element) -> dict[str, str]:
    return {prefix: name for prefix, name in expression.nsmap.items() if prefix}


def _ask(tree: etree._ElementTree, said: str, expression: etree._Element) -> Any:
    def here(_context: Any) -> list[etree._Element]:
        return [expression]

    return tree.xpath(said, namespaces=_namespaces(expression), extensions={(None, "here"): here})


def _text_key(text: Any, numbers: dict[etree._Element, int]) -> _Key:
    beside = text.getparent()
    if text.is_text:
        return numbers[beside], 0
    around = beside.getparent()
    return numbers[around], around.index(beside) + 1
