"""Reading a list of trusted services, behind the walls.

What lives here: from the XML of ETSI TS 119 612 to plain facts.
Source: ETSI TS 119 612 V2.3.1 §5.3 (the scheme), §5.4 to §5.6 (providers, services, history),
§5.7.1 and annex B.6 (its signature: enveloped, over the whole, by Exclusive C14N).
Not here: whether the signature holds, and whose it is.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import BinaryIO, Final

from lxml import etree

from signing.errors import DocumentRefused
from signing.messages.trusted_list import (
    ListedService,
    ListedStatus,
    ListPointer,
    OpenedTrustedList,
    TrustedListAsked,
    TrustedListFacts,
)
from signing.parsing.xml_document import read_document, standing_alone

_TSL: Final = "{http://uri.etsi.org/02231/v2#}"
_MORE: Final = "{http://uri.etsi.org/02231/v2/additionaltypes#}"
_DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
_LANGUAGE: Final = "{http://www.w3.org/XML/1998/namespace}lang"
_KNOWN_EXTENSIONS: Final = frozenset(
    {"ExpiredCertsRevocationInfo", "Qualifications", "TakenOverBy", "AdditionalServiceInformation"}
)
_WEB_SITES: Final = "ForWebSiteAuthentication"
_PURPOSES: Final = frozenset({"ForeSignatures", "ForeSeals", _WEB_SITES})
_ENVELOPED: Final = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
_NAMESPACES: Final = f"{{{_EXCLUSIVE}}}InclusiveNamespaces"
_WITH_COMMENTS: Final = "WithComments"
_LONGEST_TEXT: Final = 1_000
_LONGEST_URI: Final = 2_000


def open_trusted_list(
    asked: TrustedListAsked, inputs: Sequence[memoryview], output: BinaryIO
) -> OpenedTrustedList:
    """The octets that the signature of a list is over; **nothing is verified**.

    Raises  DocumentRefused: list_malformed, and as `read_document` does.
    """
    root = read_document(bytes(inputs[0]), most_elements=asked.most_elements).getroot()
    signatures = list(root.iter(f"{_DS}Signature"))
    if len(signatures) != 1 or signatures[0].getparent() is not root:
        return OpenedTrustedList(len(signatures), b"", b"")
    try:
        signed_info = _canonical_signed_info(signatures[0])
        value = base64.b64decode(
            "".join((signatures[0].findtext(f"{_DS}SignatureValue") or "").split()), validate=True
        )
        _canonical_list(root, signatures[0], output=output)
    except (ValueError, etree.C14NError) as malformed:
        raise DocumentRefused("list_malformed") from malformed
    return OpenedTrustedList(1, signed_info, value)


def read_trusted_list(
    asked: TrustedListAsked, inputs: Sequence[memoryview], _output: BinaryIO
) -> TrustedListFacts:
    """What the list says.

    Raises  DocumentRefused: list_malformed, and as `read_document` does.
    """
    root = read_document(bytes(inputs[0]), most_elements=asked.most_elements).getroot()
    scheme = root.find(f"{_TSL}SchemeInformation")
    if root.tag != f"{_TSL}TrustServiceStatusList" or scheme is None:
        raise DocumentRefused("list_malformed")
    try:
        return TrustedListFacts(
            root_id=(root.get("Id") or "")[:_LONGEST_TEXT],
            version=int(_text(scheme, "TSLVersionIdentifier")),
            sequence=int(_text(scheme, "TSLSequenceNumber")),
            kind=_text(scheme, "TSLType")[:_LONGEST_URI],
            operator=_name(scheme, "SchemeOperatorName"),
            territory=_text(scheme, "SchemeTerritory")[:_LONGEST_TEXT],
            issued_s=_seconds(_text(scheme, "ListIssueDateTime")),
            next_update_s=_next_update(scheme),
            services=tuple(_services(root)),
            pointers=tuple(_pointers(scheme)),
        )
    except (ValueError, binascii.Error, OverflowError) as malformed:
        raise DocumentRefused("list_malformed") from malformed


def _without(root: etree._Element, signature: etree._Element) -> etree._ElementTree:
    """The enveloped-signature transform (XML Signature 1.1 §6.6.4): what follows it stays."""
    before, rest = signature.getprevious(), signature.tail or ""
    if before is None:
        root.text = (root.text or "") + rest
    else:
        before.tail = (before.tail or "") + rest
    root.remove(signature)
    return root.getroottree()


def _canonical_list(root: etree._Element, signature: etree._Element, *, output: BinaryIO) -> None:
    """The form that the reference to the whole list is over: its own transforms, in order.

    A reference within the document leaves comments out (XML Signature 1.1 §4.4.3.3).
    """
    own = root.get("Id")
    places = {"", f"#{own}"} if own else {""}
    for reference in signature.iterfind(f"{_DS}SignedInfo/{_DS}Reference"):
        if reference.get("URI") not in places:
            continue
        transforms = reference.findall(f"{_DS}Transforms/{_DS}Transform")
        forms = [one for one in transforms if one.get("Algorithm") != _ENVELOPED]
        is_exclusive, prefixes = _form_of(forms[0]) if forms else (False, None)
        whole = _without(root, signature)
        target = whole if reference.get("URI") == "" else etree.ElementTree(root)
        target.write_c14n(
            output, exclusive=is_exclusive, with_comments=False, inclusive_ns_prefixes=prefixes
        )
        return
    raise ValueError("reference")


def _form_of(method: etree._Element) -> tuple[bool, list[str] | None]:
    """Whether a canonical form is the exclusive one, and its prefixes that are treated otherwise.

    Which forms are taken at all is decided where the signature is verified.
    """
    if not (method.get("Algorithm") or "").startswith(_EXCLUSIVE):
        return False, None
    told = method.find(_NAMESPACES)
    return True, None if told is None else (told.get("PrefixList") or "").split()


def _canonical_signed_info(signature: etree._Element) -> bytes:
    signed_info = signature.find(f"{_DS}SignedInfo")
    method = None if signed_info is None else signed_info.find(f"{_DS}CanonicalizationMethod")
    if signed_info is None or method is None:
        raise ValueError("signed_info")
    is_exclusive, prefixes = _form_of(method)
    return bytes(
        etree.tostring(
            standing_alone(signed_info, inherits=lambda _: not is_exclusive),
            method="c14n",
            exclusive=is_exclusive,
            with_comments=(method.get("Algorithm") or "").endswith(_WITH_COMMENTS),
            inclusive_ns_prefixes=prefixes,
        )
    )


def _services(root: etree._Element) -> Iterator[ListedService]:
    for provider in root.iterfind(f"{_TSL}TrustServiceProviderList/{_TSL}TrustServiceProvider"):
        information = provider.find(f"{_TSL}TSPInformation")
        told = "" if information is None else _name(information, "TSPName")
        for service in provider.iterfind(f"{_TSL}TSPServices/{_TSL}TSPService"):
            now = service.find(f"{_TSL}ServiceInformation")
            if now is None:
                raise ValueError("service")
            history = service.iterfind(f"{_TSL}ServiceHistory/{_TSL}ServiceHistoryInstance")
            yield ListedService(
                provider=told,
                name=_name(now, "ServiceName"),
                certificates=_certificates(now.find(f"{_TSL}ServiceDigitalIdentity")),
                statuses=tuple(_status(one) for one in (now, *history)),
            )


def _status(told: etree._Element) -> ListedStatus:
    kind = _text(told, "ServiceTypeIdentifier")[:_LONGEST_URI]
    return ListedStatus(
        kind=kind if _is_for_us(told) else "",
        status=_text(told, "ServiceStatus")[:_LONGEST_URI],
        since_s=_seconds(_text(told, "StatusStartingTime")),
    )


def _is_for_us(told: etree._Element) -> bool:
    """Whether nothing critical about a service is unknown here, and it is not for web sites alone.

    Source  TS 119 612 §5.5.9 (critical extensions), §5.5.9.4 and annex D.4 (what a CA/QC is for).
    """
    purposes = set()
    for extension in told.iterfind(f"{_TSL}ServiceInformationExtensions/{_TSL}Extension"):
        names = {etree.QName(one).localname for one in extension.iterchildren(etree.Element)}
        if extension.get("Critical") in {"true", "1"} and not names <= _KNOWN_EXTENSIONS:
            return False
        for one in extension.iterfind(f"{_TSL}AdditionalServiceInformation/{_TSL}URI"):
            purposes.add((one.text or "").strip().rpartition("/")[2])
    return purposes & _PURPOSES != {_WEB_SITES}


def _pointers(scheme: etree._Element) -> Iterator[ListPointer]:
    for one in scheme.iterfind(f"{_TSL}PointersToOtherTSL/{_TSL}OtherTSLPointer"):
        told = one.find(f"{_TSL}AdditionalInformation")
        identities = one.findall(f"{_TSL}ServiceDigitalIdentities/{_TSL}ServiceDigitalIdentity")
        yield ListPointer(
            location=_text(one, "TSLLocation")[:_LONGEST_URI],
            territory=_told(told, f"{_TSL}SchemeTerritory")[:_LONGEST_TEXT],
            kind=_told(told, f"{_TSL}TSLType")[:_LONGEST_URI],
            media_type=_told(told, f"{_MORE}MimeType")[:_LONGEST_TEXT],
            certificates=tuple(der for each in identities for der in _certificates(each)),
        )


def _certificates(identity: etree._Element | None) -> tuple[bytes, ...]:
    if identity is None:
        return ()
    return tuple(
        base64.b64decode("".join((one.text or "").split()), validate=True)
        for one in identity.iterfind(f"{_TSL}DigitalId/{_TSL}X509Certificate")
    )


def _next_update(scheme: etree._Element) -> int | None:
    """TS 119 612 §5.3.15: an empty one says that the list is closed."""
    told = scheme.find(f"{_TSL}NextUpdate")
    if told is None:
        raise ValueError("next_update")
    text = told.findtext(f"{_TSL}dateTime")
    return None if text is None else _seconds(text.strip())


def _seconds(text: str) -> int:
    """TS 119 612 §5.1.4: times are in UTC and say so."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("time")
    return int(moment.timestamp())


def _text(parent: etree._Element, name: str) -> str:
    text = parent.findtext(f"{_TSL}{name}")
    if text is None:
        raise ValueError(name)
    return str(text).strip()


def _told(parent: etree._Element | None, name: str) -> str:
    found = None if parent is None else next(parent.iter(name), None)
    return "" if found is None else (found.text or "").strip()


def _name(parent: etree._Element, name: str) -> str:
    """A name in English where there is one: TS 119 612 §5.1.4 demands it."""
    names = parent.findall(f"{_TSL}{name}/{_TSL}Name")
    english = [one for one in names if one.get(_LANGUAGE) == "en"]
    return "" if not names else ((english or names)[0].text or "").strip()[:_LONGEST_TEXT]
