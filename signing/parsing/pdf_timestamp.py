"""A timestamp over a whole PDF is prepared.

What lives here: a field with a dictionary of the type DocTimeStamp, as one increment.  It is never
seen and has no appearance, so that it may follow any signature.
Source: ISO 32000-2 §12.8.5; ETSI EN 319 142-1 §5.4.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from signing.messages.pdf_signature import HoleAnswered, TimestampAsked
from signing.parsing.pdf_form import NOWHERE, add_field, signature_fields
from signing.parsing.pdf_page_tree import find_page
from signing.parsing.pdf_signature_dictionary import SignatureDictionary
from signing.parsing.pdf_update import open_update


def add_timestamp(
    asked: TimestampAsked, inputs: Sequence[memoryview], output: BinaryIO
) -> HoleAnswered:
    """Write the increment of a document timestamp.

    Raises  DocumentRefused: encrypted, damaged.
    """
    with open_update(inputs[: asked.parts]) as update:
        timestamp = SignatureDictionary(
            kind="/DocTimeStamp", sub_filter="/ETSI.RFC3161", hole_bytes=asked.hole_bytes
        )
        field = add_field(
            update,
            page=find_page(update.root, 0),
            rectangle=NOWHERE,
            value=update.add_object(timestamp),
            stem="Timestamp",
            is_first=not any(each.is_filled for each in signature_fields(update.root)),
        )
        update.declare_extension()
        start, end = timestamp.write_increment(update, output)
    return HoleAnswered(field=field.name, start=start, end=end)
