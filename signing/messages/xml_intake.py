"""What is asked about an XML document before it is taken in.

What lives here: the task `LOOK_AT_XML` with its argument and answer.
Not here: the look (`signing/parsing/xml_intake.py`), what follows from it (`signing/intake.py`).
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from signing.isolation.task import Task

_Name = Annotated[str, msgspec.Meta(max_length=1_000)]


class XmlAsked(msgspec.Struct, frozen=True):
    """Asks what an XML document is; one with more elements is refused.

    Takes   most_enveloped_bytes, most_enveloped_elements: for an enveloped signature.
    """

    most_elements: int
    most_enveloped_bytes: int
    most_enveloped_elements: int


class XmlFacts(msgspec.Struct, frozen=True):
    """What an XML document is, for information.

    Takes   root: its name without a prefix; namespace: or empty; signatures: ds:Signature elements,
            of which nothing is verified; no_enveloped: why no enveloped signature can be put into
            it, as the reason of a refusal, or empty; nodes: of its canonical form.
    """

    root: _Name
    namespace: _Name
    elements: int
    signatures: int
    no_enveloped: Annotated[str, msgspec.Meta(max_length=64, pattern="^[a-z_]*$")] = ""
    nodes: int = 0


LOOK_AT_XML: Final = Task("signing.parsing.xml_intake:look_at_xml", XmlAsked, XmlFacts)
"""Input: the document.  Refused: see `signing.intake.REASONS`."""
