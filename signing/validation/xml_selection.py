"""Whether octets can be what is left of a document when some of its nodes are left out.

What lives here: a bound on what is believed where an expression of XPath is computed behind the
walls alone: elements with their attributes, texts, comments and instructions have to be those of
the document, in its order.  Which of them were chosen cannot be told; nothing can be brought along.
Source: XPath 1.0 §5; W3C Canonical XML 1.0 §2.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from signing.formats.xml_lexis import (
    END_TAG,
    INSTRUCTION,
    START_TAG,
    attributes_of,
    is_declaration,
    matched,
    resolved,
)
from signing.formats.xml_tree import Comment, Element, Instruction, Node, Tree

_MOST_STEPS: Final = 2_000_000
_Piece = tuple[str, str, frozenset[tuple[str, str]]]
_NONE: Final[frozenset[tuple[str, str]]] = frozenset()


def is_selection(octets: bytes, tree: Tree) -> bool:
    """Whether a canonical form consists of nodes of a document, in order.

    A text can be several texts of the document one behind the other, each of them whole.
    """
    try:
        pieces = list(_pieces(octets.decode()))
    except (ValueError, KeyError, IndexError, OverflowError):
        return False
    nodes = _nodes(tree)
    steps = 0
    for kind, said, attributes in pieces:
        # where in a text that was found so far the next one can begin
        reached = {0}
        for other, has, own in nodes:
            steps += len(reached)
            if steps > _MOST_STEPS:
                return False
            if kind != other:
                continue
            if kind != "text":
                if said == has and attributes <= own:
                    break
                continue
            reached |= {at + len(has) for at in reached if said.startswith(has, at)}
            if len(said) in reached:
                break
        else:
            return False
    return True


def _pieces(text: str) -> Iterator[_Piece]:
    at = depth = 0
    while at < len(text):
        if text[at] != "<":
            stop = text.find("<", at)
            stop = len(text) if stop < 0 else stop
            # outside of the root the canonical form has line ends of its own
            if depth or text[at:stop] != "\n":
                yield "text", resolved(text[at:stop]), _NONE
            at = stop
        elif text.startswith("</", at):
            at = matched(END_TAG, text, at).end()
            depth -= 1
        elif text.startswith("<!--", at):
            stop = text.index("-->", at)
            yield "comment", text[at + 4 : stop].replace("&#xD;", "\r"), _NONE
            at = stop + 3
        elif text.startswith("<?", at):
            found = matched(INSTRUCTION, text, at)
            yield "instruction", found[1], _NONE
            at = found.end()
        else:
            found = matched(START_TAG, text, at)
            plain = [one for one in attributes_of(found[2]) if not is_declaration(one[0])]
            # what is inherited from around an element stands in its form and not in itself
            own = frozenset(one for one in plain if not one[0].startswith("xml:"))
            yield "element", found[1], own
            at = found.end()
            depth += 1


def _nodes(tree: Tree) -> Iterator[_Piece]:
    waiting: list[Node] = [*reversed(tree.behind), tree.root, *reversed(tree.before)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Element):
            name = f"{node.prefix}:{node.local}" if node.prefix else node.local
            yield (
                "element",
                name,
                frozenset(
                    (f"{one.prefix}:{one.local}" if one.prefix else one.local, one.value)
                    for one in node.attributes
                ),
            )
            waiting.extend(reversed(node.children))
        elif isinstance(node, Comment):
            yield "comment", node.text, _NONE
        elif isinstance(node, Instruction):
            yield "instruction", node.target, _NONE
        else:
            yield "text", node, _NONE
