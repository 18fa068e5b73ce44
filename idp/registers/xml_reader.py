"""XML as registers send it, read by nothing but Python.

What lives here: a reader of the part of XML that a message needs: elements, text, CDATA, the five
predefined entities and character references.  A document type, a processing instruction, any other
entity or encoding is refused, so nothing can be expanded, included or fetched; bytes, depth and
elements are bounded and each byte is looked at once.  Names lose their prefix; attributes are
checked and dropped.
Why not a library: what comes from outside is read behind walls or by a memory-safe reader
(docs/adr, "What registers answer is read by us").
Source: XML 1.0 (fifth edition) §2.2–2.8, §4.1; Namespaces in XML 1.0 §4.
Not here: what any element means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

MOST_BYTES: Final = 256 * 1024
_MOST_DEPTH: Final = 32
_MOST_ELEMENTS: Final = 4096
_MOST_ATTRIBUTES: Final = 32

_NAME: Final = r"[A-Za-z_][A-Za-z0-9_.-]*+(?::[A-Za-z_][A-Za-z0-9_.-]*+)?+"
_VALUE: Final = r"(?:\"[^\"<]*+\"|'[^'<]*+')"
_DECLARATION: Final = re.compile(
    r"<\?xml[ \t\n]++version[ \t\n]*+=[ \t\n]*+[\"']1\.[0-9][\"']"
    r"(?:[ \t\n]++encoding[ \t\n]*+=[ \t\n]*+[\"'](?i:utf-8)[\"'])?+"
    r"(?:[ \t\n]++standalone[ \t\n]*+=[ \t\n]*+[\"'](?:yes|no)[\"'])?+[ \t\n]*+\?>"
)
_TOKEN: Final = re.compile(
    rf"(?P<text>[^<]++)"
    rf"|</(?P<end>{_NAME})[ \t\n]*+>"
    rf"|<(?P<start>{_NAME})"
    rf"(?P<attributes>(?:[ \t\n]++{_NAME}[ \t\n]*+=[ \t\n]*+{_VALUE})*+)[ \t\n]*+(?P<empty>/?+)>"
    r"|<!--(?P<comment>(?:[^-]|-[^-])*+)-->"
    r"|<!\[CDATA\[(?P<cdata>.*?)\]\]>",
    re.DOTALL,
)
_ATTRIBUTE: Final = re.compile(rf"({_NAME})[ \t\n]*+=[ \t\n]*+({_VALUE})")
_REFERENCE: Final = re.compile(r"&(?:#x([0-9A-Fa-f]{1,6})|#([0-9]{1,7})|(amp|lt|gt|quot|apos));")
_NO_CHARACTER: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ENTITIES: Final = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_SPACE: Final = " \t\n"


class XmlRefused(ValueError):
    """It is not the XML that is read here; says a short word, never what stood there."""


@dataclass(slots=True, repr=False)
class Element:
    """An element: its local name, its own text and its children, in their order."""

    name: str
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def all_named(self, name: str) -> Iterator[Element]:
        """Every element below this one with that local name, in document order."""
        waiting = list(reversed(self.children))
        while waiting:
            one = waiting.pop()
            if one.name == name:
                yield one
            waiting.extend(reversed(one.children))

    def child(self, name: str) -> Element | None:
        """The one child with that local name, or None.

        Raises  XmlRefused (`repeated`) when there are several.
        """
        found = [one for one in self.children if one.name == name]
        if len(found) > 1:
            raise XmlRefused("repeated")
        return found[0] if found else None

    def value(self, *path: str) -> str | None:
        """The text at the end of a path of children, without space around; None for none.

        Raises  XmlRefused when a step of the path is there several times.
        """
        here: Element | None = self
        for name in path:
            here = None if here is None else here.child(name)
        return None if here is None else here.text.strip() or None


def read_xml(raw: bytes) -> Element:
    """The root element of a document.

    Raises  XmlRefused.
    """
    if len(raw) > MOST_BYTES:
        raise XmlRefused("too_large")
    text = _decode(raw)
    declared = _DECLARATION.match(text)
    position = declared.end() if declared else 0
    root = Element("")
    open_elements = [root]
    tags = [""]
    pieces: list[list[str]] = [[]]
    elements = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            raise XmlRefused("malformed")
        position = token.end()
        name = token["start"]
        if name is not None:
            elements += 1
            if len(tags) == 1 and root.children:
                raise XmlRefused("malformed")
            if elements > _MOST_ELEMENTS or len(tags) > _MOST_DEPTH:
                raise XmlRefused("too_large")
            _check_attributes(token["attributes"])
            made = Element(name.rpartition(":")[2])
            open_elements[-1].children.append(made)
            if not token["empty"]:
                open_elements.append(made)
                tags.append(name)
                pieces.append([])
        elif token["end"] is not None:
            if len(tags) == 1 or tags.pop() != token["end"]:
                raise XmlRefused("malformed")
            open_elements.pop().text = "".join(pieces.pop())
        else:
            _add_text(token, pieces[-1], is_inside=len(tags) > 1)
    if len(tags) != 1 or not root.children:
        raise XmlRefused("malformed")
    return root.children[0]


def _decode(raw: bytes) -> str:
    try:
        text = raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as problem:
        raise XmlRefused("encoding") from problem
    if _NO_CHARACTER.search(text):
        raise XmlRefused("malformed")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _add_text(token: re.Match[str], into: list[str], *, is_inside: bool) -> None:
    cdata, text = token["cdata"], token["text"]
    if text is not None and not is_inside:
        if text.strip(_SPACE):
            raise XmlRefused("malformed")
    elif text is not None:
        if "]]>" in text:
            raise XmlRefused("malformed")
        into.append(_replace_references(text))
    elif cdata is not None:
        if not is_inside:
            raise XmlRefused("malformed")
        into.append(cdata)


def _check_attributes(attributes: str) -> None:
    if not attributes:
        return
    seen = set()
    for name, value in _ATTRIBUTE.findall(attributes):
        _replace_references(value)
        seen.add(name)
        if len(seen) > _MOST_ATTRIBUTES:
            raise XmlRefused("too_large")
    if len(seen) != len(_ATTRIBUTE.findall(attributes)):
        raise XmlRefused("malformed")


def _replace_references(text: str) -> str:
    if "&" not in text:
        return text
    if len(_REFERENCE.findall(text)) != text.count("&"):
        raise XmlRefused("entity")
    return _REFERENCE.sub(_character, text)


def _character(reference: re.Match[str]) -> str:
    if reference[3]:
        return _ENTITIES[reference[3]]
    number = int(reference[1], 16) if reference[1] else int(reference[2])
    if number > 0x10FFFF:
        raise XmlRefused("entity")
    character = chr(number)
    if _NO_CHARACTER.match(character):
        raise XmlRefused("entity")
    return character
