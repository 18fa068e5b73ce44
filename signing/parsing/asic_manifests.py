"""What the manifests of a container say.

What lives here: `read`, behind the walls.
Source: ETSI EN 319 162-1 annex A.4 (ASiCManifest), and its schema.
Not here: whether the files are what it says.  NOTE: some put the files inside of
SigReference; where an element stands makes no difference here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO, Final

from lxml import etree

from signing.errors import DocumentRefused
from signing.messages.asic_manifests import (
    FoundManifest,
    FoundManifests,
    ManifestLine,
    ManifestsAsked,
)
from signing.parsing.xml_document import read_document

_ASIC: Final = "{http://uri.etsi.org/02918/v1.2.1#}"
_DSIG: Final = "{http://www.w3.org/2000/09/xmldsig#}"
_LONGEST: Final = 4_096
_ELEMENTS_EACH: Final = 16


def read(asked: ManifestsAsked, inputs: Sequence[memoryview], output: BinaryIO) -> FoundManifests:
    """What each manifest says."""
    del output
    found: list[FoundManifest] = []
    at = 0
    for size in asked.sizes:
        found.append(_read(bytes(inputs[0][at : at + size]), most=asked.most_entries))
        at += size
    return FoundManifests(tuple(found))


def _read(raw: bytes, *, most: int) -> FoundManifest:
    try:
        root = read_document(raw, most_elements=_ELEMENTS_EACH * most).getroot()
    except DocumentRefused as refused:
        return FoundManifest(problem=refused.reason)
    if root.tag != f"{_ASIC}ASiCManifest":
        return FoundManifest(problem="not_a_manifest")
    references = list(root.iter(f"{_ASIC}SigReference"))
    lines = list(root.iter(f"{_ASIC}DataObjectReference"))
    if len(references) != 1 or len(lines) > most:
        return FoundManifest(problem="not_a_manifest")
    return FoundManifest(_shown(references[0].get("URI")), tuple(map(_line, lines)))


def _line(element: etree._Element) -> ManifestLine:
    method = element.find(f"{_DSIG}DigestMethod")
    digest = element.find(f"{_DSIG}DigestValue")
    text = "" if digest is None or digest.text is None else digest.text
    return ManifestLine(
        _shown(element.get("URI")),
        "" if method is None else _shown(method.get("Algorithm")),
        "".join(text.split())[:_LONGEST],
        is_root=element.get("Rootfile") in {"true", "1"},
    )


def _shown(text: str | None) -> str:
    return (text or "")[:_LONGEST]
