"""Names that are defined elsewhere: namespaces and algorithms of XML signatures.

What lives here: identifiers, by the prefix or the name that this package uses for them.
Source: W3C XML Signature 1.1 §6; RFC 6931 and RFC 9231 §2.3 (ECDSA, RSASSA-PSS without parameters:
MGF1 with the same hash, a salt as long as it); ETSI EN 319 132-1 Annex C; ETSI EN 319 162-1 §A.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"
XADES_141: Final = "http://uri.etsi.org/01903/v1.4.1#"
ASIC: Final = "http://uri.etsi.org/02918/v1.2.1#"
REPORT: Final = "http://uri.etsi.org/19102/v1.2.1#"
MANIFEST: Final = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"

NAMESPACES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ds": DS,
        "xades": XADES,
        "xades141": XADES_141,
        "asic": ASIC,
        "manifest": MANIFEST,
        "vr": REPORT,
    }
)
"""By the prefixes that we write."""

C14N: Final = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
EXCLUSIVE_C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED: Final = f"{DS}enveloped-signature"
BASE64: Final = f"{DS}base64"
XPATH: Final = "http://www.w3.org/TR/1999/REC-xpath-19991116"
XPATH_FILTER: Final = "http://www.w3.org/2002/06/xmldsig-filter2"
WITHOUT_SIGNATURES: Final = "not(ancestor-or-self::ds:Signature)"
"""XPath for a document without any signature in it (XML Signature 1.1 §6.6.3)."""

SIGNED_PROPERTIES: Final = "http://uri.etsi.org/01903#SignedProperties"
"""The type of the reference to the signed properties, in every version of XAdES."""

DIGESTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "sha256": "http://www.w3.org/2001/04/xmlenc#sha256",
        "sha384": "http://www.w3.org/2001/04/xmldsig-more#sha384",
        "sha512": "http://www.w3.org/2001/04/xmlenc#sha512",
    }
)
"""Hashes, by the name of `hashlib`."""

_PSS_SHA256: Final = "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"
SIGNATURES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ES256": "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
        "ES384": "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
        "PS256-3072": _PSS_SHA256,
        "PS256-4096": _PSS_SHA256,
    }
)
"""Signatures, by the kind of key in `keystore.key_types`."""
