"""Whoever reads documents behind the walls and lies about one is noticed, or is not needed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import pytest

from signing.errors import DocumentRefused, ParsingFailed
from signing.isolation.blob import Blob
from signing.isolation.task import Answered, Asked, Task
from signing.messages.xml_octets import XML_OCTETS, OctetsAsked, OctetsFound, Part
from tests.support.isolation import WithoutWalls
from tests.support.xml_found import find_in, holds, said_of
from tests.support.xml_signing import C14N, DS, ENVELOPED, XPATH, Way, sign_by_xmlsec

DOCUMENT = "<a><b Id='part'>1</b></a>"
CHANGED = b'<b Id="part">2</b>'
BY_TEXT = (
    f'<ds:Transform xmlns:ds="{DS}" Algorithm="{XPATH}"><ds:XPath>self::text()</ds:XPath>'
    "</ds:Transform>"
)
Lie = Callable[[OctetsAsked, OctetsFound], OctetsFound]


class Liar:
    """Does what is asked, and says something else."""

    def __init__(self, lie: Lie, *, written: bytes | None = None) -> None:
        self._lie = lie
        self._written = written

    def run(
        self, task: Task[Asked, Answered], asked: Asked, *, inputs: Sequence[Blob] = ()
    ) -> tuple[Answered, Blob]:
        found, output = WithoutWalls().run(task, asked, inputs=inputs)
        if self._written is not None:
            output.close()
            output = Blob.of(self._written)
        told: Any = self._lie(asked, found)
        return told, output


class Silent:
    """Never comes to an answer."""

    def __init__(self, failure: Exception) -> None:
        self._failure = failure

    def run(self, *_asked: Any, **_more: Any) -> Any:
        raise self._failure


def as_for(document: bytes) -> Lie:
    """Says everything of another document than the one that is asked about."""

    def lie(asked: OctetsAsked, _found: OctetsFound) -> OctetsFound:
        with Blob.of(document) as other:
            found, output = WithoutWalls().run(XML_OCTETS, asked, inputs=[other])
            output.close()
        return found

    return lie


SIGNED = sign_by_xmlsec(DOCUMENT, Way())
CHANGED_DOCUMENT = SIGNED.replace(b'<b Id="part">1</b>', CHANGED)
LIES: Mapping[str, Lie] = {
    "digests of another document": as_for(SIGNED),
    "one digest": lambda _, found: msgspec.structs.replace(
        found, parts=(msgspec.structs.replace(found.parts[0], digest=bytes(32)), *found.parts[1:])
    ),
    "no signature": lambda _, found: msgspec.structs.replace(found, signatures=()),
    "one signature more": lambda _, found: msgspec.structs.replace(found, signatures=(0, 2)),
    "fewer elements": lambda _, found: msgspec.structs.replace(found, elements=1),
    "fewer parts": lambda _, found: msgspec.structs.replace(found, parts=found.parts[1:]),
    "more parts": lambda _, found: msgspec.structs.replace(found, parts=(*found.parts, Part())),
    "nothing to be found": lambda _, found: msgspec.structs.replace(
        found, parts=tuple(Part(refused="not_found") for _ in found.parts)
    ),
}


def test_both_documents_are_what_they_are_to_an_honest_one() -> None:
    assert SIGNED != CHANGED_DOCUMENT
    assert holds(find_in(SIGNED).signatures[0])
    assert not holds(find_in(CHANGED_DOCUMENT).signatures[0])


def test_a_lie_that_makes_a_changed_document_whole_changes_nothing() -> None:
    """The service hashes its own canonical form; the one that is told is only compared."""
    found = find_in(CHANGED_DOCUMENT, isolation=Liar(as_for(SIGNED)))
    assert not holds(found.signatures[0])
    assert not found.signatures[0].objects[0].is_intact
    assert "contradiction" in said_of(found)


@pytest.mark.parametrize("name", [one for one in LIES if one != "digests of another document"])
def test_a_lie_about_a_whole_document_is_a_contradiction(name: str) -> None:
    found = find_in(SIGNED, isolation=Liar(LIES[name]))
    assert "contradiction" in said_of(found)
    assert not holds(found.signatures[0])


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (ParsingFailed("crashed"), "crashed"),
        (ParsingFailed("too_slow"), "too_slow"),
        (DocumentRefused("doctype"), "doctype"),
    ],
)
def test_without_a_second_reader_no_signature_holds(failure: Exception, code: str) -> None:
    found = find_in(SIGNED, isolation=Silent(failure))
    assert code in said_of(found)
    assert not any(map(holds, found.signatures))


def test_octets_that_only_the_walls_can_make_are_marked_as_such() -> None:
    """What is not noticed: another choice of nodes, where an expression is not computed twice."""
    xml = sign_by_xmlsec(DOCUMENT, Way(transforms=(ENVELOPED, BY_TEXT, C14N)))
    honest = find_in(xml)
    assert holds(honest.signatures[0])
    assert "reference_not_recomputed" in said_of(honest)


def test_octets_of_something_that_is_not_in_the_document_are_refused() -> None:
    """A process in other hands brings along what was signed elsewhere."""
    xml = sign_by_xmlsec(DOCUMENT, Way(transforms=(ENVELOPED, BY_TEXT, C14N)))
    changed = xml.replace(b'<b Id="part">1</b>', CHANGED)
    assert changed != xml

    def lie(asked: OctetsAsked, found: OctetsFound) -> OctetsFound:
        if not asked.wanted[0].is_written:
            return found
        return msgspec.structs.replace(
            found, parts=(Part(1, hashlib.sha256(b"1").digest(), written=1),)
        )

    found = find_in(changed, isolation=Liar(lie, written=b"1"))
    assert not holds(found.signatures[0])
    assert "contradiction" in said_of(found)
