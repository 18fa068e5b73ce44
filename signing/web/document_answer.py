"""A document as an answer over HTTP: what was handed over, and what was signed.

What lives here: names, media types and headers of downloads, for the API and for the pages.
Source: RFC 6266, RFC 8187 (names), RFC 9530 (Repr-Digest); RFC 5652, ETSI EN 319 162-1 (types).
Not here: who may have it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

from flask import Response

from signing.blobs import DocumentStore
from signing.errors import DocumentGone
from signing.isolation.blob import Blob
from signing.model import Document, SignatureFormat

_MEDIA_TYPES: Final = {
    SignatureFormat.PADES: "application/pdf",
    SignatureFormat.XADES_ENVELOPED: "application/xml",
    SignatureFormat.XADES_ENVELOPING: "application/xml",
    SignatureFormat.XADES_DETACHED: "application/xml",
    SignatureFormat.CADES_DETACHED: "application/pkcs7-signature",
    SignatureFormat.CADES_ENVELOPING: "application/pkcs7-mime",
    SignatureFormat.ASIC_S_CADES: "application/vnd.etsi.asic-s+zip",
    SignatureFormat.ASIC_E_CADES: "application/vnd.etsi.asic-e+zip",
    SignatureFormat.ASIC_E_XADES: "application/vnd.etsi.asic-e+zip",
}
_ENDINGS: Final = {
    SignatureFormat.XADES_ENVELOPING: ".xml",
    SignatureFormat.XADES_DETACHED: ".xades.xml",
    SignatureFormat.CADES_DETACHED: ".p7s",
    SignatureFormat.CADES_ENVELOPING: ".p7m",
    SignatureFormat.ASIC_S_CADES: ".asics",
    SignatureFormat.ASIC_E_CADES: ".asice",
    SignatureFormat.ASIC_E_XADES: ".asice",
}
_ANY: Final = "application/octet-stream"


def answer_signed(document: Document, *, name: str, documents: DocumentStore) -> Response:
    """The signed document, or the signature beside it.

    Takes   name: of what was handed over.
    Raises  DocumentGone.
    """
    result = document.result
    if result is None:
        raise DocumentGone
    content = documents.open_part(result)
    return answer_result(content, name=name, signature_format=document.format)


def answer_result(
    content: Blob | bytes, *, name: str, signature_format: SignatureFormat
) -> Response:
    """The same of what was found and read already."""
    return answer_document(
        content,
        name=name + _ENDINGS.get(signature_format, ""),
        media_type=_MEDIA_TYPES[signature_format],
    )


def answer_document(content: Blob | bytes, *, name: str, media_type: str = "") -> Response:
    """A document as a download; a blob is closed when it was sent.

    Takes   media_type: empty for one that no browser shall take for something.
    """
    if isinstance(content, Blob):
        size, digest = content.size, content.digest("sha256")
    else:
        size, digest = len(content), hashlib.sha256(content).digest()
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Length": str(size),
        "Repr-Digest": f"sha-256=:{base64.b64encode(digest).decode()}:",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    body = _sent(content) if isinstance(content, Blob) else content
    return Response(body, headers=headers, mimetype=media_type or _ANY)


def _sent(blob: Blob) -> Iterator[bytes]:
    with blob:
        yield from blob.chunks()
