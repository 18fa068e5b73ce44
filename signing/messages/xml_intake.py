"""What is asked about an XML document before it is taken in.

What lives here: the task `LOOK_AT_XML` with its argument and answer.
Not here: the look (`signing/parsing/xml_intake.py`), what follows from it (`signing/intake.py`).
"""

from __future__ import annotations

from typing import Final

import msgspec

from signing.isolation.task import Task


class XmlAsked(msgspec.Struct, frozen=True):
    """Asks what an XML document is; one with more elements is refused."""

    most_elements: int


class XmlFacts(msgspec.Struct, frozen=True):
    """What an XML document is, for information.

    Takes   root: its name without a prefix; namespace: or empty; signatures: ds:Signature elements,
            of which nothing is verified.
    """

    root: str
    namespace: str
    elements: int
    signatures: int


LOOK_AT_XML: Final = Task("signing.parsing.xml_intake:look_at_xml", XmlAsked, XmlFacts)
"""Input: the document.  Refused: see `signing.intake.REASONS`."""
