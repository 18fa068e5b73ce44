"""The smallest parts of XML, as expressions that cannot overflow: tags, attributes, references.

What lives here: what both of our own readers take apart text with.  Every expression is possessive:
none goes back over what it has read.  They take well-formed text; whatever else comes in is a
`ValueError` or a `KeyError`, or is refused by whoever looked at the document behind the walls.
Source: W3C XML 1.0 §2.11 (line ends), §3.3.3 (values of attributes), §4.1 and §4.6 (references).
"""

from __future__ import annotations

import re
from typing import Final

XML: Final = "http://www.w3.org/XML/1998/namespace"
_SPACE: Final = "[ \t\r\n]"
START_TAG: Final = re.compile(
    rf"""<([^ \t\r\n/>=<"'&!?]++)"""
    rf"""((?:{_SPACE}++[^ \t\r\n/>=<"'&]++{_SPACE}*+={_SPACE}*+(?:"[^"<]*+"|'[^'<]*+'))*+)"""
    rf"""{_SPACE}*+(/?+)>"""
)
END_TAG: Final = re.compile(rf"</([^ \t\r\n/>=<]++){_SPACE}*+>")
INSTRUCTION: Final = re.compile(r"<\?([^ \t\r\n?]++)(.*?)\?>", re.DOTALL)
_ATTRIBUTE: Final = re.compile(
    rf"""{_SPACE}++([^ \t\r\n=]++){_SPACE}*+={_SPACE}*+(?:"([^"]*+)"|'([^']*+)')"""
)
_REFERENCE: Final = re.compile("&([^&;]*+)(;?+)")
_PREDEFINED: Final = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_SPACES: Final = str.maketrans({"\t": " ", "\n": " ", "\r": " "})


def matched(pattern: re.Pattern[str], text: str, start: int) -> re.Match[str]:
    """What stands at `start`.

    Raises  ValueError: something else.
    """
    found = pattern.match(text, start)
    if found is None:
        raise ValueError("markup")
    return found


def attributes_of(raw: str) -> list[tuple[str, str]]:
    """Names and values in the second part of a start tag, declarations of namespaces included."""
    found = []
    for key, double, single in _ATTRIBUTE.findall(raw):
        value = double or single
        if "\t" in value or "\n" in value or "\r" in value:
            value = with_plain_lines(value).translate(_SPACES)
        found.append((key, resolved(value) if "&" in value else value))
    return found


def is_declaration(key: str) -> bool:
    """Whether the attribute of that name declares a namespace."""
    return key == "xmlns" or key.startswith("xmlns:")


def with_plain_lines(raw: str) -> str:
    """Line ends as every reader of XML sees them."""
    return raw.replace("\r\n", "\n").replace("\r", "\n") if "\r" in raw else raw


def resolved(raw: str) -> str:
    """Text with its references to characters resolved; there are no entities but the five."""
    return _REFERENCE.sub(_referenced, raw)


def _referenced(found: re.Match[str]) -> str:
    name, end = found.groups()
    if not end:
        raise ValueError("reference")
    if not name.startswith("#"):
        return _PREDEFINED[name]
    letter = chr(int("0" + name[1:], 16) if name.startswith("#x") else int(name[1:]))
    if "\ud800" <= letter <= "\udfff":
        raise ValueError("half a character")
    return letter
