"""One signed document of a request, in one statement: for whoever fetches it.

What lives here: `find_result`.  Not here: whole requests (`request_reading.py`), who may have it
(`signing/requests.py`), its bytes (`signing/blobs.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection, bindparam, select

from keystore.clock import from_ms
from keystore.purposes import SealPurpose
from keystore.sealing import Sealer
from keystore.statement import Statement
from signing.model import BlobId, RequestState, RequestText, Result, SignatureFormat, StoredBlob
from signing.storage.blobs import document_blob
from signing.storage.request_reading import text_context
from signing.storage.request_tables import signing_document, signing_request

_r, _d, _b = signing_request.c, signing_document.c, document_blob.c
_FIND: Final = Statement(
    select(
        _r.client_id,
        _r.state,
        _r.expires_ms,
        _r.text_sealed,
        _d.format,
        _d.result_id,
        _d.result_offset,
        _d.result_bytes,
        _b.key_sealed,
        _b.size_bytes,
        _b.expires_ms.label("kept_until_ms"),
    )
    .outerjoin(
        signing_document,
        (_d.request_id == _r.request_id) & (_d.position == bindparam("position")),
    )
    .outerjoin(document_blob, _b.blob_id == _d.result_id)
    .where(_r.request_id == bindparam("id"))
)

_decode: Final = msgspec.msgpack.Decoder(RequestText).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundResult:
    """What became of one document.

    Takes   format: None where the request has no such document; result, stored: None where it is
            not signed, or no longer there; name: of what was handed over.
    """

    client_id: str
    state: RequestState
    expires_at: datetime
    format: SignatureFormat | None
    result: Result | None
    stored: StoredBlob | None
    name: str = field(repr=False)


def find_result(
    connection: Connection, request_id: str, position: int, *, sealer: Sealer
) -> FoundResult | None:
    """The newest revision of a document, by its position; None where there is no such request.

    Raises  SealBroken.
    """
    row = _FIND.one_or_none(connection, {"id": request_id, "position": position})
    if row is None:
        return None
    text = _decode(
        sealer.unseal(SealPurpose.DOCUMENT, row.text_sealed, context=text_context(request_id))
    )
    result = stored = None
    if row.result_id is not None:
        blob_id = BlobId(row.result_id)
        result = Result(blob_id, row.result_offset, row.result_bytes)
        if row.key_sealed is not None:
            stored = StoredBlob(
                blob_id=blob_id,
                key_sealed=row.key_sealed,
                size_bytes=row.size_bytes,
                expires_at=from_ms(row.kept_until_ms),
            )
    return FoundResult(
        client_id=row.client_id,
        state=RequestState(row.state),
        expires_at=from_ms(row.expires_ms),
        format=None if row.format is None else SignatureFormat(row.format),
        result=result,
        stored=stored,
        name="" if row.format is None else text.documents[position].name,
    )
