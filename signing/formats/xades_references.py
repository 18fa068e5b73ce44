"""What an XML signature is over: references, each with the way to the octets that are hashed.

What lives here: ds:Reference for a file beside the signature, for a document inside of it, for the
document around it, and for the signed properties.
Source: W3C XML Signature 1.1 §4.4.3 and §6.6; RFC 3986 §2.1 and §3.3 (file names); ETSI EN
319 132-1 §6.3 (the reference to the signed properties).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from signing.errors import DocumentRefused
from signing.formats.asic_container import reference
from signing.formats.mime_types import check_mime_type
from signing.formats.xades_properties import base64_of
from signing.formats.xml_names import (
    BASE64,
    C14N,
    DIGESTS,
    ENVELOPED,
    EXCLUSIVE_C14N,
    SIGNED_PROPERTIES,
    WITHOUT_SIGNATURES,
    XPATH,
)
from signing.formats.xml_text import Element, element

_LONGEST_NAME: Final = 1_024


@dataclass(frozen=True, slots=True)
class SignedFile:
    """A file that is signed where it is.

    Takes   name: as it is found from the signature, folders separated by `/`; in a reference it is
            percent-encoded UTF-8, letter by letter as given;
            digest: by the hash of the signatory's key.
    """

    name: str
    mime_type: str
    digest: bytes = field(repr=False)


def file_reference(file: SignedFile, *, reference_id: str, hash_name: str) -> Element:
    """A reference to the octets of a file."""
    return _reference(
        reference(file.name),
        digest=file.digest,
        hash_name=hash_name,
        reference_id=reference_id,
    )


def object_reference(
    object_id: str, *, digest: bytes, reference_id: str, hash_name: str
) -> Element:
    """A reference to the octets that stand in base64 in an object of the signature."""
    return _reference(
        f"#{object_id}",
        element("ds:Transform", attributes={"Algorithm": BASE64}),
        digest=digest,
        hash_name=hash_name,
        reference_id=reference_id,
    )


def document_reference(
    *, digest: bytes, reference_id: str, hash_name: str, is_alone: bool
) -> Element:
    """A reference to the document around the signature.

    Takes   digest: of the canonical form without any signature;
            is_alone: whether only this signature is left out; otherwise all are.
    """
    transforms = [element("ds:Transform", attributes={"Algorithm": ENVELOPED})]
    if not is_alone:
        expression = element("ds:XPath", WITHOUT_SIGNATURES)
        transforms.append(element("ds:Transform", expression, attributes={"Algorithm": XPATH}))
    transforms.append(element("ds:Transform", attributes={"Algorithm": C14N}))
    return _reference(
        "", *transforms, digest=digest, hash_name=hash_name, reference_id=reference_id
    )


def properties_reference(properties_id: str, *, digest: bytes, hash_name: str) -> Element:
    """A reference to the signed properties."""
    return _reference(
        f"#{properties_id}",
        element("ds:Transform", attributes={"Algorithm": EXCLUSIVE_C14N}),
        digest=digest,
        hash_name=hash_name,
        kind=SIGNED_PROPERTIES,
    )


def check_files(files: tuple[SignedFile, ...], *, digest_bytes: int) -> None:
    """Refuse names, kinds and digests that cannot stand in a signature.

    Raises  DocumentRefused: `no_documents`, `name_unusable`, `name_twice`, `mime_type`,
            `wrong_digest_length`.
    """
    if not files:
        raise DocumentRefused("no_documents")
    if len({one.name for one in files}) != len(files):
        raise DocumentRefused("name_twice")
    for one in files:
        check_mime_type(one.mime_type)
        if len(one.digest) != digest_bytes:
            raise DocumentRefused("wrong_digest_length")
        if not is_plain_path(one.name):
            raise DocumentRefused("name_unusable")


def is_plain_path(name: str) -> bool:
    """Whether a name leads from where the signature is to somewhere below, and is text."""
    if (
        not name
        or len(name) > _LONGEST_NAME
        or any(ord(one) < 0x20 for one in name)
        or "\\" in name
    ):
        return False
    if any(0xD800 <= ord(one) <= 0xDFFF for one in name):
        return False
    return all(part not in {"", ".", ".."} for part in name.split("/"))


def _reference(
    uri: str,
    *transforms: Element,
    digest: bytes,
    hash_name: str,
    reference_id: str = "",
    kind: str = "",
) -> Element:
    attributes = {"URI": uri}
    if reference_id:
        attributes["Id"] = reference_id
    if kind:
        attributes["Type"] = kind
    way = (element("ds:Transforms", *transforms),) if transforms else ()
    return element(
        "ds:Reference",
        *way,
        element("ds:DigestMethod", attributes={"Algorithm": DIGESTS[hash_name]}),
        element("ds:DigestValue", base64_of(digest)),
        attributes=attributes,
    )
