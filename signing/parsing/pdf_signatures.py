"""Which signatures a PDF has, and which evidence.

What lives here: reading what the dictionaries say.  **Nothing is verified**: whoever asks hashes,
verifies and judges.
Source: ISO 32000-2 §12.8.1, §12.8.4.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from pyhanko.pdf_utils import generic

from signing.errors import DocumentRefused
from signing.messages.pdf_signature import FoundSignature, SignaturesAnswered, SignaturesAsked
from signing.parsing.pdf_form import SignatureField, signature_fields
from signing.parsing.pdf_material import STORED, stored
from signing.parsing.pdf_update import entry, open_update


def find_signatures(
    asked: SignaturesAsked, inputs: Sequence[memoryview], _output: BinaryIO
) -> SignaturesAnswered:
    """Every filled signature field in the order of signing, and what is in the security store.

    Raises  DocumentRefused: encrypted, damaged.
    """
    with open_update(inputs[: asked.parts]) as update:
        found = [
            _found(field, value)
            for field in signature_fields(update.root)
            if (value := field.value) is not None
        ]
        material = {name: stored(update.root, key) for name, key in STORED.items()}
    return SignaturesAnswered(signatures=tuple(sorted(found, key=lambda one: one.end)), **material)


def _found(field: SignatureField, value: generic.DictionaryObject) -> FoundSignature:
    ranges = entry(value, "/ByteRange")
    if not isinstance(ranges, generic.ArrayObject) or len(ranges) != 4:
        raise DocumentRefused("damaged")
    first, start, end, rest = (int(each.get_object()) for each in ranges)
    return FoundSignature(
        field=field.name,
        is_timestamp=entry(value, "/Type") == "/DocTimeStamp",
        sub_filter=str(entry(value, "/SubFilter") or "").removeprefix("/"),
        byte_range=(first, start, end, rest),
    )
