"""What several requests were about, in two statements, for whoever looks back on them.

What lives here: titles, and names and digests of documents, as long as the requests are kept.
Not here: whole requests (`request_reading.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import msgspec
from sqlalchemy import Connection, bindparam, select

from keystore.errors import SealBroken
from keystore.purposes import SealPurpose
from keystore.sealing import Sealer
from signing.model import RequestText, Titled
from signing.storage.request_reading import text_context
from signing.storage.request_tables import signing_document, signing_request

_r, _d = signing_request.c, signing_document.c
MOST_DOCUMENTS: Final = 5
"""Of each request: a page that looks back on many shows the first of each."""
_TEXTS: Final = select(_r.request_id, _r.text_sealed).where(
    _r.request_id.in_(bindparam("ids", expanding=True))
)
_DOCUMENTS: Final = (
    select(_d.request_id, _d.position, _d.hash_name, _d.digest)
    .where(_d.request_id.in_(bindparam("ids", expanding=True)), _d.position < MOST_DOCUMENTS)
    .order_by(_d.request_id, _d.position)
)
_decode: Final = msgspec.msgpack.Decoder(RequestText).decode


def read_titles(
    connection: Connection, ids: Collection[str], *, sealer: Sealer
) -> Mapping[str, Titled]:
    """Those of the requests that are still there and can be read, by id."""
    if not ids:
        return {}
    asked = {"ids": sorted(ids)}
    documents: dict[str, list[tuple[int, str, bytes]]] = {}
    for request_id, position, hash_name, digest in connection.execute(_DOCUMENTS, asked):
        documents.setdefault(request_id, []).append((position, hash_name, digest))
    found = {}
    for row in connection.execute(_TEXTS, asked):
        context = text_context(row.request_id)
        try:
            text = _decode(sealer.unseal(SealPurpose.DOCUMENT, row.text_sealed, context=context))
        except (SealBroken, msgspec.MsgspecError):
            continue  # what cannot be read is not shown; the use of the key is
        names = [one.name for one in text.documents]
        found[row.request_id] = Titled(
            text.title,
            tuple(
                (names[at] if at < len(names) else "", hash_name, digest)
                for at, hash_name, digest in documents.get(row.request_id, ())
            ),
        )
    return found
