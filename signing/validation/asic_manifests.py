"""The manifests of a container: which file they say to have which digest.

What lives here: `read_manifests`.  The service reads them in plain Python, and asks behind the
walls for the same: a manifest that two readers understand in two ways is believed in neither.
Source: ETSI EN 319 162-1 annex A.4; RFC 3986 §2.1 (names of files are URIs).
Not here: signatures over manifests (`asic_cades.py`).
"""

from __future__ import annotations

import base64
import binascii
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from signing.errors import ParsingFailed
from signing.formats.xml_encoding import find_text
from signing.formats.xml_tree import Element, read_tree
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.messages.asic_manifests import (
    READ_MANIFESTS,
    FoundManifest,
    ManifestLine,
    ManifestsAsked,
)
from signing.validation.content import Stretch
from signing.validation.found import ObjectKind, SignedObject
from signing.validation.xml_algorithms import hash_name_of
from signing.validation.zip_container import Member

_ASIC: Final = "http://uri.etsi.org/02918/v1.2.1#"
_DS: Final = "http://www.w3.org/2000/09/xmldsig#"
_LARGEST: Final = 4 << 20
_MOST: Final = 1_000
_MOST_ENTRIES: Final = 4_000


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """A file as a manifest means it; `name` is its name in the container, None for a stranger."""

    uri: str
    name: str | None
    hash_name: str
    digest: bytes = field(repr=False)
    is_root: bool = False

    def compare(self, members: Mapping[str, Member]) -> SignedObject:
        """The file beside what the manifest says of it."""
        content = None if self.name is None else members[self.name].content
        actual = None if content is None else content.digest(self.hash_name)
        return SignedObject(
            self.name or self.uri, ObjectKind.DOCUMENT, self.hash_name, self.digest, actual
        )


@dataclass(frozen=True, slots=True)
class Manifest:
    """One manifest.

    Takes   signed_by: the name of its signature or timestamp in the container, None for a
            stranger; problem: why it could not be read, or empty.
    """

    name: str
    content: Stretch = field(repr=False)
    signed_by: str | None = None
    entries: tuple[ManifestEntry, ...] = ()
    problem: str = ""


def read_manifests(
    members: Mapping[str, Member], *, names: list[str], isolation: Isolation
) -> dict[str, Manifest]:
    """The manifests of these names.

    Raises  nothing: one that cannot be read has a `problem`; DocumentRefused and ParsingFailed of
            whoever stands behind the walls go through.
    """
    contents = [
        (name, content)
        for name in names[:_MOST]
        if (content := members[name].content) is not None and content.size <= _LARGEST
    ]
    if not contents:
        return {}
    asked = ManifestsAsked(tuple(content.size for _, content in contents), _MOST_ENTRIES)
    raws = [content.read() for _, content in contents]
    with Blob.of(*raws) as blob:
        found, output = isolation.run(READ_MANIFESTS, asked, inputs=[blob])
        output.close()
    if len(found.manifests) != len(contents):
        raise ParsingFailed("contradiction")
    return {
        name: _manifest(name, content, raw, other, members)
        for (name, content), raw, other in zip(contents, raws, found.manifests, strict=True)
    }


def find_member(uri: str, members: Mapping[str, Member]) -> str | None:
    """The file that a URI means, whether it was escaped as it should be or not."""
    for each in (unquote(uri), uri):
        plain = each.removeprefix("./").removeprefix("/")
        for name in (plain, unicodedata.normalize("NFC", plain)):
            if name in members:
                return name
    wanted = unicodedata.normalize("NFC", unquote(uri))
    same = [name for name in members if unicodedata.normalize("NFC", name) == wanted]
    return same[0] if len(same) == 1 else None


def _manifest(
    name: str, content: Stretch, raw: bytes, other: FoundManifest, members: Mapping[str, Member]
) -> Manifest:
    if other.problem:
        return Manifest(name, content, problem=other.problem)
    try:
        own, hash_names = _read(raw)
    except ParsingFailed:
        return Manifest(name, content, problem="not_xml")
    if own != other:
        return Manifest(name, content, problem="readers_differ")
    signed_by = find_member(own.signed_by, members)
    entries = (
        _entry(line, hash_name, members)
        for line, hash_name in zip(own.lines, hash_names, strict=True)
    )
    return Manifest(name, content, signed_by, tuple(entries))


def _entry(line: ManifestLine, hash_name: str, members: Mapping[str, Member]) -> ManifestEntry:
    try:
        digest = base64.b64decode(line.digest, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    return ManifestEntry(
        line.uri,
        find_member(line.uri, members),
        hash_name,
        digest,
        is_root=line.is_root,
    )


def _read(raw: bytes) -> tuple[FoundManifest, tuple[str, ...]]:
    """Our own reading, in the shape of the other one, and the hashes that it names."""
    text = find_text(raw)
    if text is None:
        raise ParsingFailed("contradiction")
    root = read_tree(text).root
    references = list(_inside(root, "SigReference"))
    if root.name != (_ASIC, "ASiCManifest") or len(references) != 1:
        raise ParsingFailed("contradiction")
    elements = list(_inside(root, "DataObjectReference"))
    methods = [one.first((_DS, "DigestMethod")) for one in elements]
    found = FoundManifest(references[0].get("URI"), tuple(map(_line, elements)))
    return found, tuple(map(hash_name_of, methods))


def _inside(element: Element, local: str) -> Iterator[Element]:
    for one in element.elements():
        if one.name == (_ASIC, local):
            yield one
        yield from _inside(one, local)


def _line(element: Element) -> ManifestLine:
    method = element.first((_DS, "DigestMethod"))
    digest = element.first((_DS, "DigestValue"))
    return ManifestLine(
        element.get("URI"),
        "" if method is None else method.get("Algorithm"),
        "" if digest is None else "".join(digest.text().split()),
        is_root=element.get("Rootfile") in {"true", "1"},
    )
