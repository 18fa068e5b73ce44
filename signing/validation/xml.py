"""Signatures in XML: XAdES and plain XML Signature, in any packaging.

What lives here: `read_xml` for a document, `read_signatures_file` for the file of signatures in a
container.  The service reads the document itself, in plain Python, and computes every digest; the
process behind the walls reads it too, with another library, and both have to find the same.
Source: W3C XML Signature 1.1; ETSI EN 319 132-1; EN 319 162-1 §4.4 (files in containers).
Not here: any verdict.  **Whatever comes in, the outcome is a `FoundDocument`.**
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from signing.errors import DocumentRefused, ParsingFailed
from signing.formats.xml_encoding import find_text
from signing.formats.xml_tree import MOST_ELEMENTS, Tree, read_tree
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.messages.xml_octets import XML_OCTETS, OctetsAsked
from signing.validation.detached import Detached
from signing.validation.found import FoundDocument
from signing.validation.verdict import because
from signing.validation.xml_coverage import Coverage
from signing.validation.xml_octets import DocumentOctets
from signing.validation.xml_parts import SIGNATURE
from signing.validation.xml_signature import read_signature, with_reasons

MOST_BYTES: Final = 16 << 20
MOST_SIGNATURES: Final = 100


def read_xml(
    document: Blob, *, detached: Sequence[Detached] = (), isolation: Isolation
) -> FoundDocument:
    """A document with signatures in it, or a file of signatures beside documents.

    Takes   document, detached: stay the caller's, and open as long as what is returned is used.
    """
    return read_signatures_file(document, members=detached, isolation=isolation)


def read_signatures_file(
    document: Blob,
    *,
    members: Sequence[Detached],
    isolation: Isolation,
    place: str = "",
    first: int = 1,
) -> FoundDocument:
    """The same for a file in a container.

    1. It has a size and an encoding that are read, and is one tree.
    2. Each signature in it.
    3. Whoever is behind the walls comes to the same octets everywhere.
    4. What of the document nobody stands for.

    Takes   members: files of the container, by their names from its root; place: name of the file
            of signatures, empty for the Id of each; first: number of the first identity (`S-1`).
    """
    # 1
    if document.size > MOST_BYTES:
        return _malformed("too_large")
    tree = _read(document, isolation=isolation)
    if isinstance(tree, str):
        return _malformed(tree)
    # 2
    elements = [one for one in tree.elements if one.name == SIGNATURE]
    malformed = []
    if len(elements) > MOST_SIGNATURES:
        malformed.append(because("too_many_signatures"))
        del elements[MOST_SIGNATURES:]
    # names of files in a container are signed (EN 319 162-1 §4.4.3.2); who hands in files by hand
    # may have saved them under other names
    octets = DocumentOctets(
        document, tree, detached=members, isolation=isolation, may_be_renamed=not place
    )
    identities = {one.number: f"S-{number}" for number, one in enumerate(elements, start=first)}
    read = [
        read_signature(one, octets=octets, identities=identities, place=place) for one in elements
    ]
    # 3
    contradiction = octets.contradictions()
    if contradiction and because(contradiction) not in malformed:
        malformed.append(because(contradiction))
    # 4
    coverage = Coverage(tree)
    for one in read:
        coverage.add(one.element, one.referenced)
    return FoundDocument(
        "xml",
        tuple(
            with_reasons(
                one,
                malformed=tuple(malformed),
                # a countersignature is about a signature, whatever is around the two
                doubts=()
                if one.found.parent
                else coverage.doubts_about(one.element, one.referenced),
            )
            for one in read
        ),
        malformed=tuple(malformed),
    )


def _read(document: Blob, *, isolation: Isolation) -> Tree | str:
    """The tree, or why there is none."""
    with document.view() as view:
        text = find_text(view)
    if text is None:
        return "encoding_unknown"
    try:
        return read_tree(text)
    except ParsingFailed as unlike:
        if unlike.reason != "contradiction":
            return unlike.reason
    try:
        _, output = isolation.run(XML_OCTETS, OctetsAsked((), MOST_ELEMENTS, 0), inputs=[document])
    except (DocumentRefused, ParsingFailed) as refusal:
        return refusal.reason
    output.close()
    return "contradiction"


def _malformed(reason: str) -> FoundDocument:
    return FoundDocument("xml", malformed=(because(reason),))
