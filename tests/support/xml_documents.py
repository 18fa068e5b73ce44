"""XML as the world makes it, for properties that hold for all of it.

What lives here: documents for hypothesis, well-formed, with everything that canonical forms are
about: namespaces declared, hidden and taken back, both quotes, references, CDATA, comments,
processing instructions, all kinds of line ends, empty elements in both spellings, signatures.
Not here: document types, which are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hypothesis import strategies as st

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
_NAMES: Final = st.sampled_from(["a", "b", "Hồ-sơ", "x.y", "_z", "Signature"])
_URIS: Final = st.sampled_from(["urn:1", "urn:2", "http://x.example/?a=1", DS])
_SPACES: Final = st.sampled_from([" ", "\n", "\t ", "\r\n  ", "\r"])
_LETTERS: Final = (
    "aZ0 ộẾ",
    "o\u0302\u0323",
    "\U0001f58b",
    "\n",
    "\r\n",
    "\r",
    "\t",
    ">",
    "]]",
    "'",
    "&amp;",
    "&lt;",
    "&gt;",
    "&quot;",
    "&apos;",
    "&#13;",
    "&#xD;",
    "&#x0009;",
    "&#10;",
    "&#7897;",
    "&#x1F58B;",
)
_TEXTS: Final = st.lists(st.sampled_from([*_LETTERS, '"']), max_size=6).map("".join)
_VALUES: Final = st.lists(st.sampled_from(_LETTERS), max_size=4).map("".join)
_RAW: Final = st.sampled_from(["", " ", "x", "<&>", "&amp;\r\n", "]]", "ộ<b/>", "'\""])
_WORDS: Final = st.sampled_from(["", "x", "một hai", "<a>&amp;", "]]>", "- -", "\r\n"])
_PREFIXES: Final = ("", "p", "q")


@st.composite
def xml_texts(draw: st.DrawFn, *, deepest: int = 3) -> str:
    """A document without an XML declaration."""
    before, behind = draw(_misc()), draw(_misc())
    return before + draw(_elements({"": ""}, deepest)) + behind


@st.composite
def encoded_documents(draw: st.DrawFn) -> bytes:
    """The same as bytes, with and without byte order mark and declaration."""
    text = draw(xml_texts())
    codec, declared, mark = draw(
        st.sampled_from(
            [
                ("utf-8", "", b""),
                ("utf-8", '<?xml version="1.0"?>', b""),
                ("utf-8", "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\r\n", b""),
                ("utf-8", '<?xml version="1.0" encoding="utf-8"?>', b"\xef\xbb\xbf"),
                ("utf-8", "", b"\xef\xbb\xbf"),
                ("utf-16-le", '<?xml version="1.0" encoding="UTF-16"?>\n', b"\xff\xfe"),
                ("utf-16-be", '<?xml version="1.0" encoding="UTF-16"?>', b"\xfe\xff"),
                ("utf-16-le", "", b"\xff\xfe"),
            ]
        )
    )
    # nothing may stand before a declaration; without one, space may stand at the beginning
    text = text if declared else text.lstrip()
    return mark + (declared + text).encode(codec)


def _misc() -> st.SearchStrategy[str]:
    return st.lists(
        st.one_of(_comments(), _instructions(), st.sampled_from(["\n", "\r\n", " "])), max_size=2
    ).map("".join)


def _comments() -> st.SearchStrategy[str]:
    return _WORDS.map(lambda words: f"<!--{words.replace('--', '')} -->")


def _instructions() -> st.SearchStrategy[str]:
    return st.builds(
        lambda target, space, words: f"<?{target}{space + words if words else ''}?>",
        st.sampled_from(["pi", "xml-stylesheet", "ký"]),
        _SPACES,
        _WORDS,
    )


@st.composite
def _elements(draw: st.DrawFn, outer: Mapping[str, str], deepest: int) -> str:
    declared = draw(st.dictionaries(st.sampled_from(["p", "q"]), _URIS, max_size=2))
    if draw(st.booleans()):
        declared[""] = draw(st.one_of(st.just(""), _URIS))
    scope = {**outer, **declared}
    prefix = draw(st.sampled_from([one for one in _PREFIXES if one in scope]))
    name = _joined(prefix, draw(_NAMES))
    parts = [_declaration(key, uri) for key, uri in declared.items()]
    parts += draw(_attributes(scope))
    parts = draw(st.permutations(parts))
    start = name + "".join(draw(_SPACES) + one for one in parts)
    space = draw(st.sampled_from(["", " ", "\r\n"]))
    content = "".join(draw(_contents(scope, deepest)))
    if not content and draw(st.booleans()):
        return f"<{start}{space}/>"
    return f"<{start}{space}>{content}</{name}{space}>"


@st.composite
def _attributes(draw: st.DrawFn, scope: Mapping[str, str]) -> list[str]:
    found = {}
    for _ in range(draw(st.integers(0, 3))):
        prefix = draw(st.sampled_from([one for one in _PREFIXES if one in scope]))
        local = draw(_NAMES)
        # an attribute without a prefix is in no namespace, whatever the default is
        known = (scope[prefix] if prefix else None, local)
        found[known] = _attribute(_joined(prefix, local), draw(_VALUES), draw(st.booleans()))
    if draw(st.booleans()):
        found["xml", "lang"] = 'xml:lang="vi"'
    if draw(st.booleans()):
        found["xml", "space"] = "xml:space = 'preserve'"
    return list(found.values())


def _attribute(name: str, value: str, is_single: bool) -> str:
    if is_single:
        return f"{name} = '{value.replace(chr(39), '')}'"
    return f'{name}="{value}"'


@st.composite
def _contents(draw: st.DrawFn, scope: Mapping[str, str], deepest: int) -> list[str]:
    kinds = [
        _TEXTS.map(lambda text: text.replace("]]>", "")),
        _RAW.map(lambda raw: f"<![CDATA[{raw}]]>"),
        _comments(),
        _instructions(),
    ]
    if deepest:
        kinds += [_elements(scope, deepest - 1)] * 2
    found = draw(st.lists(st.one_of(kinds), max_size=4))
    # two texts side by side are one, and must not end a section that never began
    joined = "".join(found)
    return found if "]]>" not in joined.replace("<![CDATA[", "") or "<![CDATA[" in joined else []


def _declaration(prefix: str, uri: str) -> str:
    return f'xmlns:{prefix}="{uri}"' if prefix else f"xmlns='{uri}'"


def _joined(prefix: str, local: str) -> str:
    return f"{prefix}:{local}" if prefix else local
