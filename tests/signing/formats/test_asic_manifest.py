"""A manifest is XML that says what it was given, whatever that is."""

from __future__ import annotations

import base64
from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from signing.errors import DocumentRefused
from signing.formats.asic_container import check_name, reference
from signing.formats.asic_manifest import ManifestEntry, write_manifest

DS = "{http://www.w3.org/2000/09/xmldsig#}"


@given(st.text(min_size=1, max_size=60), st.binary(min_size=32, max_size=32))
def test_whatever_a_document_is_called_the_manifest_means_it(name: str, digest: bytes) -> None:
    """RFC 3986 §2.1, XML 1.0 §2.4: nothing in a name becomes markup."""
    try:
        checked = check_name(name)
    except DocumentRefused:
        return
    raw = write_manifest(
        [ManifestEntry(reference(checked), digest)],
        signed_by="META-INF/signature001.p7s",
        signature_type="application/pkcs7-signature",
        hash_name="sha256",
    )
    signed_by, entry = etree.fromstring(raw)
    assert signed_by.get("URI") == "META-INF/signature001.p7s"
    assert unquote(entry.get("URI")) == checked
    assert base64.b64decode(entry.find(f"{DS}DigestValue").text) == digest
