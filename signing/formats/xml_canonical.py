"""The canonical form of a document a second time, by code in which nothing can overflow.

What lives here: the service's own look at an XML document that somebody else was asked to read.
It hashes what the process behind the walls calls the canonical form; a process in other hands could
call something else so, and a person would sign it.  So the form is made here once more, in plain
Python, over text, in one pass without recursion, and both have to be equal.  It takes well-formed
documents without a document type; for anything else it says `contradiction`, since whoever looked
first should have refused.
Source: W3C Canonical XML 1.0 §1.1 and §2.3; XML 1.0 §2.11 (line ends), §3.3.3 (values of
attributes), §4.1 and §4.6 (references); XML Signature 1.1 §6.6.3 (all signatures left out).
Not here: whether a document is well-formed, and every other reason to refuse one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from signing.errors import DocumentRefused, ParsingFailed
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
from signing.formats.xml_names import DS
from signing.formats.xml_text import escape_text, escape_value

_MOST_NAMESPACES: Final = 256
"""In scope at one place: each place that declares one more has all of them to look through."""


@dataclass(frozen=True, slots=True)
class CanonicalReading:
    """What a document is, and where its root ends.

    Takes   octets: the canonical form, without comments and without any ds:Signature, UTF-8;
            end: index into the text: of the root's end tag, or of the `/` of a root without one;
            is_empty: whether the root has no end tag; root: its name with the prefix;
            nodes: how many there are in all, as XPath counts them: elements, attributes, texts, and
            for each element every namespace in scope; signatures: how many were left out, not
            counting those inside of others.
    """

    octets: bytes = field(repr=False)
    end: int
    is_empty: bool
    root: str
    nodes: int
    signatures: int


def read_canonical(text: str) -> CanonicalReading:
    """Read a document and write its canonical form.

    Takes   text: decoded, without byte order mark.
    Raises  ParsingFailed("contradiction"); DocumentRefused: namespace_unusable (verifiers do not
            agree how its name is written), too_many_namespaces.
    """
    try:
        return _Reader(text).read()
    except (ValueError, KeyError, IndexError, OverflowError) as unlike:
        raise ParsingFailed("contradiction") from unlike


class _Reader:
    """One pass over one document; whatever does not fit is a ValueError."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._written: list[str] = []
        self._names: list[str] = []
        self._scopes: list[dict[str, str]] = [{"": "", "xml": XML}]
        # how deep the outermost signature stands that is left out; 0 for none
        self._left_out = 0
        self._nodes = 0
        self._signatures = 0
        self._root = ""
        self._end = -1
        self._is_empty = False

    def read(self) -> CanonicalReading:
        text, position = self._text, 0
        if text.startswith("<?xml") and text[5] in " \t\r\n":
            position = text.index("?>") + 2
        while (start := text.find("<", position)) >= 0:
            self._characters(text[position:start])
            position = self._markup(start)
        self._characters(text[position:])
        if self._end < 0 or self._names:
            raise ValueError("no root")
        octets = "".join(self._written).encode()
        return CanonicalReading(
            octets=octets,
            end=self._end,
            is_empty=self._is_empty,
            root=self._root,
            nodes=self._nodes,
            signatures=self._signatures,
        )

    def _markup(self, start: int) -> int:
        text = self._text
        following = text[start + 1]
        if following == "/":
            return self._end_tag(start)
        if following == "?":
            return self._instruction(start)
        if following != "!":
            return self._start_tag(start)
        if text.startswith("<!--", start):
            return text.index("-->", start + 4) + 3
        if text.startswith("<![CDATA[", start) and self._names:
            stop = text.index("]]>", start)
            if not self._left_out:
                self._written.append(escape_text(with_plain_lines(text[start + 9 : stop])))
            return stop + 3
        raise ValueError("declaration")

    def _characters(self, raw: str) -> None:
        if not raw:
            return
        self._nodes += 1
        if self._left_out:
            return
        if not self._names:
            if raw.strip(" \t\r\n"):
                raise ValueError("text outside")
            return
        if "&" in raw or ">" in raw or "\r" in raw:
            raw = escape_text(resolved(with_plain_lines(raw)))
        self._written.append(raw)

    def _instruction(self, start: int) -> int:
        found = matched(INSTRUCTION, self._text, start)
        if not self._left_out:
            target, data = found[1], with_plain_lines(found[2]).lstrip(" \t\n")
            written = f"<?{target} {data}?>" if data else f"<?{target}?>"
            if self._names:
                self._written.append(written)
            else:
                # outside of the root, a line of its own on the side that faces the root
                self._written.append(f"{written}\n" if self._end < 0 else f"\n{written}")
        return found.end()

    def _start_tag(self, start: int) -> int:
        found = matched(START_TAG, self._text, start)
        name, raw, slash = found.groups()
        if not self._names:
            if self._root:
                raise ValueError("second root")
            self._root = name
        outer = self._scopes[-1]
        attributes = attributes_of(raw) if raw else []
        scope = _scope(attributes, outer) if "xmlns" in raw else outer
        self._nodes += 1 + len(attributes) + len(scope)
        prefix, _, local = name.rpartition(":")
        if scope[prefix] == DS and local == "Signature" and not self._left_out:
            self._left_out = len(self._names) + 1
            self._signatures += 1
        if not self._left_out:
            self._write_start(name, attributes, scope, outer)
        if not slash:
            self._names.append(name)
            self._scopes.append(scope)
            return found.end()
        if not self._left_out:
            self._written.append(f"</{name}>")
        self._close(depth=len(self._names) + 1)
        if not self._names:
            self._end, self._is_empty = found.start(3), True
        return found.end()

    def _end_tag(self, start: int) -> int:
        found = matched(END_TAG, self._text, start)
        depth = len(self._names)
        if self._names.pop() != found[1]:
            raise ValueError("end tag")
        self._scopes.pop()
        if not self._left_out:
            self._written.append(f"</{found[1]}>")
        self._close(depth=depth)
        if not self._names:
            self._end = start
        return found.end()

    def _close(self, *, depth: int) -> None:
        if self._left_out == depth:
            self._left_out = 0

    def _write_start(
        self,
        name: str,
        attributes: list[tuple[str, str]],
        scope: dict[str, str],
        outer: dict[str, str],
    ) -> None:
        if not attributes:
            self._written.append(f"<{name}>")
            return
        self._written.append(f"<{name}")
        if scope is not outer:
            for prefix in sorted(scope):
                if scope[prefix] != outer.get(prefix):
                    named = f"xmlns:{prefix}" if prefix else "xmlns"
                    self._written.append(f' {named}="{escape_value(scope[prefix])}"')
        plain = [one for one in attributes if not is_declaration(one[0])]
        if len(plain) > 1:
            plain.sort(key=lambda one: _order(one[0], scope))
        self._written.extend(f' {key}="{escape_value(value)}"' for key, value in plain)
        self._written.append(">")


def _scope(attributes: list[tuple[str, str]], outer: dict[str, str]) -> dict[str, str]:
    declared = {key[6:]: value for key, value in attributes if is_declaration(key)}
    for name in declared.values():
        # NOTE: libxml2 and xadesjs write names of namespaces as they are, the standard escapes them
        if escape_value(name) != name:
            raise DocumentRefused("namespace_unusable")
    if len(outer) + len(declared) > _MOST_NAMESPACES:
        raise DocumentRefused("too_many_namespaces")
    return outer | declared


def _order(key: str, scope: dict[str, str]) -> tuple[str, str]:
    """By namespace, those without one first, then by local name."""
    prefix, _, local = key.rpartition(":")
    return (scope[prefix] if prefix else "", local)
