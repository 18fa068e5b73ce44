"""The manifest of a container with several documents: which file has which digest.

What lives here: writing ASiCManifest as text.  What goes into it is escaped here or comes from a
table; nothing is parsed.  Source: ETSI EN 319 162-1 §4.4.3 and annex A.4 (namespace, members);
W3C XML Signature §5.1 and RFC 6931 §2.1 (identifiers of hashes); XML 1.0 §2.2 and §2.4.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import quoteattr

HASH_URIS: Final = {
    "sha256": "http://www.w3.org/2001/04/xmlenc#sha256",
    "sha384": "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "sha512": "http://www.w3.org/2001/04/xmlenc#sha512",
}
_HEAD: Final = (
    '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
    '<asic:ASiCManifest xmlns:asic="http://uri.etsi.org/02918/v1.2.1#"'
    ' xmlns:ds="http://www.w3.org/2000/09/xmldsig#">'
)
_TAIL: Final = "</asic:ASiCManifest>"


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """One document: `uri` as `asic_container.reference` makes it."""

    uri: str
    digest: bytes
    mime_type: str | None = None


def write_manifest(
    entries: Sequence[ManifestEntry], *, signed_by: str, signature_type: str, hash_name: str
) -> bytes:
    """The manifest, UTF-8.

    Takes   signed_by: the URI of the signature or timestamp over the manifest;
            signature_type: its MIME type.
    """
    method = f"<ds:DigestMethod Algorithm={quoteattr(HASH_URIS[hash_name])}/>"
    parts = [
        _HEAD,
        f"<asic:SigReference URI={quoteattr(signed_by)} MimeType={quoteattr(signature_type)}/>",
    ]
    for one in entries:
        mime = "" if one.mime_type is None else f" MimeType={quoteattr(one.mime_type)}"
        digest = base64.b64encode(one.digest).decode("ascii")
        parts.append(
            f"<asic:DataObjectReference URI={quoteattr(one.uri)}{mime}>"
            f"{method}<ds:DigestValue>{digest}</ds:DigestValue>"
            "</asic:DataObjectReference>"
        )
    return "".join([*parts, _TAIL]).encode("utf-8")
