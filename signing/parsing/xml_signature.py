"""Where signatures go in XML documents, and where they are; behind the walls.

What lives here: the two functions of `signing/messages/xml_signature.py`.
Reasons to refuse, beside those of `xml_document`: `signature_is_root` (an enveloped signature needs
something around it), `signature_would_break` (another signature covers the place),
`signature_unknown` (none of that id, or several and none named), `signature_not_xades`,
`signature_form` (a form of it that is not augmented).
Source: ETSI EN 319 132-1 §4.3, §5.1, §5.3; W3C XML Signature 1.1 §4.
"""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Sequence
from contextlib import suppress
from typing import BinaryIO, Final

from lxml import etree

from signing.errors import DocumentRefused
from signing.formats.xml_names import C14N, DS, EXCLUSIVE_C14N, XADES
from signing.messages.xml_signature import FindPlace, FindSignature, FoundPlace, FoundSignature
from signing.parsing.xml_coverage import SIGNATURE, would_break
from signing.parsing.xml_document import (
    count_before,
    exclusive_text,
    find_end,
    inclusive_text,
    read_document,
    write_canonical,
)

_MOST_ELEMENTS: Final = 1_000_000
_MOST_SIGNATURES: Final = 1_000
_SIGNED_INFO: Final = f"{{{DS}}}SignedInfo"
_VALUE: Final = f"{{{DS}}}SignatureValue"
_METHOD: Final = f"{_SIGNED_INFO}/{{{DS}}}SignatureMethod"
_CANONICALIZATION: Final = f"{_SIGNED_INFO}/{{{DS}}}CanonicalizationMethod"
_CERTIFICATES: Final = f"{{{DS}}}KeyInfo/{{{DS}}}X509Data/{{{DS}}}X509Certificate"
_QUALIFYING: Final = f"{{{DS}}}Object/{{{XADES}}}QualifyingProperties"
_UNSIGNED: Final = f"{{{XADES}}}UnsignedProperties"
_UNSIGNED_OF_SIGNATURE: Final = f"{{{XADES}}}UnsignedSignatureProperties"
_TIMESTAMP: Final = f"{{{XADES}}}SignatureTimeStamp"
_TOKEN: Final = f"{{{XADES}}}EncapsulatedTimeStamp"
_REVOCATION: Final = f"{{{XADES}}}RevocationValues"
_SAMPLES: Final = (
    b"<a>",
    b"<a xmlns='relative'/>",
    b"\xff\xfe" + "<a><?p?><b/></a>".encode("utf-16-le"),
    f"""<a><Signature xmlns="{DS}"><SignedInfo>
      <CanonicalizationMethod Algorithm="{C14N}"/><SignatureMethod/>
      <Reference URI="#b"/><Reference URI=""><Transforms>
      <Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116">
      <XPath xmlns:d="{DS}">not(ancestor-or-self::d:Signature)</XPath></Transform>
      </Transforms></Reference></SignedInfo><SignatureValue>AAAA</SignatureValue>
      <Object Id="b"><QualifyingProperties xmlns="{XADES}"><UnsignedProperties>
      <UnsignedSignatureProperties>x</UnsignedSignatureProperties></UnsignedProperties>
      </QualifyingProperties></Object></Signature></a>""".encode(),
    b'<?xml version="1.0" encoding="US-ASCII"?><a/>',
)
_MORE_CERTIFICATES: Final = f"{{{XADES}}}CertificateValues/{{{XADES}}}EncapsulatedX509Certificate"


def warm_up() -> None:
    """Read, count, refuse and write once of each kind, so that nothing is loaded later."""
    for raw in _SAMPLES:
        with suppress(DocumentRefused):
            find_place(FindPlace(most_elements=100), [memoryview(raw)], io.BytesIO())
        with suppress(DocumentRefused):
            find_signature(FindSignature(signature_id=""), [memoryview(raw)], io.BytesIO())


def find_place(asked: FindPlace, inputs: Sequence[memoryview], output: BinaryIO) -> FoundPlace:
    """Where an enveloped signature goes: the last thing inside of the root.

    Raises  DocumentRefused.
    """
    raw = bytes(inputs[0])
    tree = read_document(raw, most_elements=asked.most_elements)
    root = tree.getroot()
    # first of all: what comes after it may rely on how much there is
    offset, is_empty = find_end(raw, number=0)
    if root.tag == SIGNATURE:
        raise DocumentRefused("signature_is_root")
    signatures = list(root.iter(SIGNATURE))
    if len(signatures) > _MOST_SIGNATURES or would_break(root):
        raise DocumentRefused("signature_would_break")
    name = _name(root)
    for signature in signatures:
        _remove(signature)
    write_canonical(tree, output=output)
    return FoundPlace(offset=offset, is_empty=is_empty, root=name, signatures=len(signatures))


def find_signature(
    asked: FindSignature, inputs: Sequence[memoryview], output: BinaryIO
) -> FoundSignature:
    """Where a signature can be augmented, and what it is made of.

    Raises  DocumentRefused.
    """
    raw = bytes(inputs[0])
    tree = read_document(raw, most_elements=_MOST_ELEMENTS)
    signature = _choose(tree.getroot(), signature_id=asked.signature_id)
    value = _one(signature, _VALUE, reason="signature_form")
    qualifying = _one(signature, _QUALIFYING, reason="signature_not_xades")
    output.write(_signed_info(signature))
    unsigned = _unsigned(qualifying)
    place = qualifying if unsigned is None else unsigned
    if would_break(place, own=signature):
        raise DocumentRefused("signature_would_break")
    offset, is_empty = find_end(raw, number=count_before(place))
    if is_empty:
        raise DocumentRefused("signature_form")
    stamps = [] if unsigned is None else unsigned.findall(_TIMESTAMP)
    certificates = signature.findall(_CERTIFICATES)
    if unsigned is not None:
        certificates += unsigned.findall(_MORE_CERTIFICATES)
    return FoundSignature(
        signature_id=signature.get("Id", ""),
        method=_one(signature, _METHOD, reason="signature_form").get("Algorithm", ""),
        value=_decoded(value),
        value_text=exclusive_text(value),
        certificates=tuple(map(_decoded, certificates)),
        tokens=tuple(_decoded(_one(one, _TOKEN, reason="signature_form")) for one in stamps),
        token_ids=tuple(one.get("Id", "") for one in stamps),
        has_material=unsigned is not None and unsigned.find(_REVOCATION) is not None,
        has_unsigned=unsigned is not None,
        offset=offset,
        closing=_name(place),
    )


def _choose(root: etree._Element, *, signature_id: str) -> etree._Element:
    found = [
        one for one in root.iter(SIGNATURE) if not signature_id or one.get("Id") == signature_id
    ]
    if len(found) != 1:
        raise DocumentRefused("signature_unknown")
    return found[0]


def _signed_info(signature: etree._Element) -> bytes:
    method = _one(signature, _CANONICALIZATION, reason="signature_form")
    info = _one(signature, _SIGNED_INFO, reason="signature_form")
    if len(method):
        raise DocumentRefused("signature_form")
    if method.get("Algorithm") == EXCLUSIVE_C14N:
        return exclusive_text(info)
    if method.get("Algorithm") == C14N:
        return inclusive_text(info)
    raise DocumentRefused("signature_form")


def _unsigned(qualifying: etree._Element) -> etree._Element | None:
    outer = qualifying.find(_UNSIGNED)
    if outer is None:
        return None
    return _one(outer, _UNSIGNED_OF_SIGNATURE, reason="signature_form")


def _one(node: etree._Element, path: str, *, reason: str) -> etree._Element:
    found = node.findall(path)
    if len(found) != 1:
        raise DocumentRefused(reason)
    return found[0]


def _decoded(node: etree._Element) -> bytes:
    try:
        return base64.b64decode("".join((node.text or "").split()), validate=True)
    except (binascii.Error, ValueError) as malformed:
        raise DocumentRefused("signature_form") from malformed


def _name(node: etree._Element) -> str:
    local = etree.QName(node).localname
    return local if node.prefix is None else f"{node.prefix}:{local}"


def _remove(node: etree._Element) -> None:
    """Take an element out; the text behind it stays."""
    parent, before = node.getparent(), node.getprevious()
    if before is None:
        parent.text = (parent.text or "") + (node.tail or "")
    else:
        before.tail = (before.tail or "") + (node.tail or "")
    parent.remove(node)
