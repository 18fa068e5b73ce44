"""A whole signing request in one statement.

What lives here: `find_request`, and `find_request_and_window` for its signer, who may have a window
open.  A request is read by every page and every answer about it: itself, its documents and signers
are rows of one answer, which a database gives as of one moment without a transaction around it.
Not here: their tables (`request_tables`, `preparations`), what changes them (`requests`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    LargeBinary,
    Select,
    String,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    null,
    select,
    union_all,
)

from keystore.clock import from_ms
from keystore.purposes import SealPurpose
from keystore.sealing import Sealer
from keystore.statement import Statement
from signing.formats.material import Level
from signing.model import (
    BlobId,
    Document,
    DocumentKind,
    RequestId,
    RequestState,
    RequestText,
    Result,
    Role,
    SignatureFormat,
    SigningRequest,
    Slot,
    SlotState,
    StoredBlob,
)
from signing.storage.blobs import document_blob
from signing.storage.preparations import (
    CLOSES,
    Preparation,
    PreparationState,
    open_preparation,
    signing_preparation,
)
from signing.storage.request_tables import signing_document, signing_request, signing_slot

_b = document_blob.c
_r, _d, _s, _p = signing_request.c, signing_document.c, signing_slot.c, signing_preparation.c
_TEXTS: Final = 6
_ID: Final = bindparam("id", type_=String)
_DOCUMENT: Final = 1
_SLOT: Final = 2
_WINDOW: Final = 3

_decode: Final = msgspec.msgpack.Decoder(RequestText).decode


@dataclass(frozen=True, slots=True)
class _Most:
    """Of how many columns the widest part has."""

    numbers: int
    octets: int


_BARE: Final = _Most(numbers=4, octets=1)
_WITH_WINDOWS: Final = _Most(numbers=6, octets=2)


def _part(
    number: int,
    position: Any,
    *,
    of: Any,
    texts: Sequence[Any],
    numbers: Sequence[Any],
    octets: Sequence[Any],
    most: _Most,
) -> Select[Any]:
    """One of the tables in columns that all share, what is left over being nothing."""

    def fill(columns: Sequence[Any], wanted: int, *, name: str, kind: Any) -> list[Any]:
        filled = [*columns, *[cast(null(), kind)] * (wanted - len(columns))]
        return [column.label(f"{name}{at}") for at, column in enumerate(filled)]

    return select(
        literal_column(str(number), Integer).label("part"),
        position.label("position"),
        *fill(texts, _TEXTS, name="t", kind=Text),
        *fill(numbers, most.numbers, name="n", kind=BigInteger),
        *fill([cast(one, LargeBinary) for one in octets], most.octets, name="o", kind=LargeBinary),
    ).where(of == _ID)


def _parts(most: _Most) -> tuple[Select[Any], ...]:
    """A request, its documents and its signers; beside windows with what opens the documents."""
    has_keys = most is _WITH_WINDOWS
    documents = _part(
        _DOCUMENT,
        _d.position,
        of=_d.request_id,
        texts=(_d.kind, _d.format, _d.hash_name, _d.original_id, _d.result_id),
        numbers=(
            *(_d.size_bytes, _d.pages, _d.result_offset, _d.result_bytes),
            *((_b.size_bytes, _b.expires_ms) if has_keys else ()),
        ),
        octets=(_d.digest, *((_b.key_sealed,) if has_keys else ())),
        most=most,
    )
    if has_keys:
        is_newest = _b.blob_id == func.coalesce(_d.result_id, _d.original_id)
        documents = documents.select_from(signing_document.outerjoin(document_blob, is_newest))
    return (
        _part(
            0,
            literal_column("0", Integer),
            of=_r.request_id,
            texts=(_r.client_id, _r.state, _r.reason, _r.level, _r.return_uri, _r.webhook_uri),
            numbers=(_r.window_s, _r.created_ms, _r.expires_ms, _r.ended_ms),
            octets=(_r.text_sealed,),
            most=most,
        ),
        documents,
        _part(
            _SLOT,
            _s.position,
            of=_s.request_id,
            texts=(_s.account_id, _s.organisation_id, _s.role, _s.state, _s.key_id),
            numbers=(_s.ended_ms,),
            octets=(_s.certificate_sha256,),
            most=most,
        ),
    )


_ALL: Final = Statement(union_all(*_parts(_BARE)).order_by("part", "position"))
_ALL_AND_WINDOWS: Final = Statement(
    union_all(
        *_parts(_WITH_WINDOWS),
        _part(
            _WINDOW,
            _p.slot,
            of=_p.request_id,
            texts=(_p.prepared_id,),
            numbers=(_p.created_ms, CLOSES),
            octets=(_p.challenge, _p.activation_sealed),
            most=_WITH_WINDOWS,
        ).where(_p.state == PreparationState.OPEN),
    ).order_by("part", "position")
)


def find_request(
    connection: Connection, request_id: str, *, sealer: Sealer
) -> SigningRequest | None:
    """A request with its documents and signers, as of one moment, or None.

    Raises  SealBroken.
    """
    return _request(_ALL.all(connection, {"id": request_id}), request_id, sealer=sealer)


def find_request_and_window(
    connection: Connection, request_id: str, *, sealer: Sealer
) -> tuple[SigningRequest, Preparation | None] | None:
    """The same, and what the one whose turn it is may confirm, where a window was opened for her.

    Documents come with what opens them.  Whether the time of the window is over is for the caller
    to look at.
    Raises  SealBroken.
    """
    rows = _ALL_AND_WINDOWS.all(connection, {"id": request_id})
    request = _request([one for one in rows if one.part != _WINDOW], request_id, sealer=sealer)
    if request is None:
        return None
    slot = request.current_slot
    for row in rows:
        if row.part == _WINDOW and slot is not None and row.position == slot.position:
            return request, open_preparation(
                request_id,
                slot.position,
                challenge=row.o0,
                activation_sealed=row.o1,
                prepared_id=row.t0,
                created_ms=row.n0,
                expires_ms=row.n1,
                sealer=sealer,
            )
    return request, None


def text_context(request_id: str) -> str:
    """What the text of a request is sealed for."""
    return f"signing_request:{request_id}"


def _request(rows: Sequence[Any], request_id: str, *, sealer: Sealer) -> SigningRequest | None:
    if not rows or rows[0].part:
        return None
    row, parts = rows[0], rows[1:]
    text = _decode(sealer.unseal(SealPurpose.DOCUMENT, row.o0, context=text_context(request_id)))
    return SigningRequest(
        request_id=RequestId(request_id),
        client_id=row.t0,
        state=RequestState(row.t1),
        reason=row.t2,
        level=Level(row.t3),
        created_at=from_ms(row.n1),
        expires_at=from_ms(row.n2),
        ended_at=None if row.n3 is None else from_ms(row.n3),
        window=timedelta(seconds=row.n0),
        return_uri=row.t4,
        webhook_uri=row.t5,
        text=text,
        documents=tuple(_document(one) for one in parts if one.part == _DOCUMENT),
        slots=tuple(_slot(one) for one in parts if one.part != _DOCUMENT),
    )


def _document(row: Any) -> Document:
    return Document(
        position=row.position,
        kind=DocumentKind(row.t0),
        format=SignatureFormat(row.t1),
        size_bytes=row.n0,
        hash_name=row.t2,
        digest=row.o0,
        pages=row.n1,
        original_id=None if row.t3 is None else BlobId(row.t3),
        result=None if row.t4 is None else Result(BlobId(row.t4), row.n2, row.n3),
        stored=_stored(row),
    )


def _stored(row: Any) -> StoredBlob | None:
    """What opens the newest revision, in an answer that has it."""
    key_sealed = getattr(row, "o1", None)
    blob_id = row.t4 or row.t3
    if key_sealed is None or blob_id is None:
        return None
    return StoredBlob(BlobId(blob_id), key_sealed, row.n4, from_ms(row.n5))


def _slot(row: Any) -> Slot:
    return Slot(
        position=row.position,
        account_id=row.t0,
        role=Role(row.t2),
        organisation_id=row.t1,
        state=SlotState(row.t3),
        ended_at=None if row.n0 is None else from_ms(row.n0),
        key_id=row.t4,
        certificate_sha256=row.o0,
    )
