"""What the two halves of a signature share: what is kept in between, and the document to both.

What lives here: `PreparedWork`, and a document as formats take it, out of what is at rest.
Source: ADR 0018.
Not here: the halves (`signing/authorize`, `signing/halves`), where it is kept
(`signing/storage/preparations`).
"""

from __future__ import annotations

import hmac
from contextlib import ExitStack
from typing import Final

import msgspec

from keystore.clock import from_ms
from signing.blobs import DocumentStore
from signing.errors import DocumentRefused
from signing.formats.material import Level, Signatory
from signing.formats.table import Act, Half, Material
from signing.model import Document, DocumentKind, SigningRequest


class PreparedWork(msgspec.Struct, frozen=True):
    """What is kept of a window until it is confirmed; sealed at rest."""

    certificate: bytes
    chain: tuple[bytes, ...]
    algorithm: str
    key_id: str
    level: str
    signed_ms: int
    halves: tuple[Half, ...]

    def encode(self) -> bytes:
        """As `decode_work` takes it."""
        return _encode(self)

    @property
    def signatory(self) -> Signatory:
        """With whose certificate it was prepared."""
        return Signatory(self.certificate, self.chain, self.algorithm)

    def act(self) -> Act:
        """The act, as the second half needs it."""
        return Act(signatory=self.signatory, level=Level(self.level), now=from_ms(self.signed_ms))


_encode: Final = msgspec.msgpack.Encoder().encode
decode_work: Final = msgspec.msgpack.Decoder(PreparedWork).decode
"""What `PreparedWork.encode` made."""


def held_material(
    store: DocumentStore, request: SigningRequest, document: Document, *, held: ExitStack
) -> Material:
    """A document as formats take it; it is closed with `held`.

    Raises  DocumentRefused (document_changed): it is not what was handed over; DocumentGone;
            SealBroken.
    """
    content = None
    if document.current_id is not None:
        stored = document.stored
        if stored is None or stored.blob_id != document.current_id:
            content = held.enter_context(store.open(document.current_id))
        else:
            content = held.enter_context(store.open_stored(stored))
        if document.result is None and not hmac.compare_digest(
            content.digest(document.hash_name), document.digest
        ):
            raise DocumentRefused("document_changed")
    text = request.text.documents[document.position]
    is_first = document.result is None
    digest = document.digest if content is None or is_first else content.digest("sha256")
    return Material(
        name=text.name,
        media_type="" if document.kind is DocumentKind.DIGEST else text.media_type,
        content=content,
        digest=digest,
        hash_name=document.hash_name if content is None or is_first else "sha256",
    )
