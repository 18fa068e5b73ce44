"""Evidence is put into the security store of a PDF (DSS).

What lives here: certificates, OCSP responses and revocation lists as streams behind those that are
there already.  Nothing is taken out, and nothing is stored twice that stands there as it is.
Entries that belong to one signature alone (VRI) stay and none is added: a reader looks at the whole
store.
Source: ISO 32000-2 §12.8.4.3; ETSI EN 319 142-1 §5.4.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import NameObject

from signing.messages.pdf_signature import MaterialAnswered, MaterialAsked
from signing.parsing.pdf_update import Update, entry, open_update

STORED: Final = {"certificates": "/Certs", "ocsp_responses": "/OCSPs", "crls": "/CRLs"}


def add_material(
    asked: MaterialAsked, inputs: Sequence[memoryview], output: BinaryIO
) -> MaterialAnswered:
    """Write the increment with what is new; nothing when nothing is.

    Raises  DocumentRefused: encrypted, damaged.
    """
    with open_update(inputs[: asked.parts]) as update:
        known = entry(update.root, "/DSS")
        is_new = not isinstance(known, generic.DictionaryObject)
        store = generic.DictionaryObject() if is_new else known
        added = sum(
            _add(update, store, key=key, entries=getattr(asked, name))
            for name, key in STORED.items()
        )
        if added == 0:
            return MaterialAnswered(added=0)
        if is_new:
            update.root["/DSS"] = update.add_object(store)
            update.update_root()
        else:
            update.update_container(store)
        update.declare_extension()
        update.write_increment(output)
    return MaterialAnswered(added=added)


def stored(root: generic.DictionaryObject, key: str) -> tuple[bytes, ...]:
    """What the store has under this key."""
    store = entry(root, "/DSS")
    if not isinstance(store, generic.DictionaryObject):
        return ()
    return tuple(_content(each) for each in entry(store, key) or ())


def _add(
    update: Update, store: generic.DictionaryObject, *, key: str, entries: Sequence[bytes]
) -> int:
    if not entries:
        return 0
    before = entry(store, key) or generic.ArrayObject()
    # NOTE: only what can be found without reading PDF counts, so that the service can look itself
    there = {_as_it_stands(each) for each in before}
    new = [each for each in dict.fromkeys(entries) if each not in there]
    streams = [update.add_object(generic.StreamObject(stream_data=each)) for each in new]
    if streams:
        store[NameObject(key)] = generic.ArrayObject([*before, *streams])
    return len(streams)


def _as_it_stands(reference: generic.PdfObject) -> bytes:
    content = reference.get_object()
    is_plain = isinstance(content, generic.StreamObject) and "/Filter" not in content
    return content.encoded_data if is_plain else b""


def _content(reference: generic.PdfObject) -> bytes:
    content = reference.get_object()
    return content.data if isinstance(content, generic.StreamObject) else b""
