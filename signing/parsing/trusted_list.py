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
    TrustedListAsked,
    TrustedListFacts,
)
from signing.parsing.xml_document import read_document

_TSL: Final = "{http://uri.etsi.org/02231/v2#}"
_MORE: Final = "{http://uri.etsi.org/02231/v2/additionaltypes#}"
_DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
_LANGUAGE: Final = "{http://www.w3.org/XML/1998/namespace}lang"
_ENVELOPED: Final = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_WHOLE: Final = frozenset(
    {
        _ENVELOPED,
        "http://www.w3.org/2001/10/xml-exc-c14n#",
        "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "http://www.w3.org/2006/12/xml-c14n11",
    }
)
"""Transforms that leave nothing out but the signature (and comments)."""
_LONGEST_TEXT: Final = 1_000
_LONGEST_URI: Final = 2_000


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
            signatures=sum(1 for _ in root.iter(f"{_DS}Signature")),
            is_signed_whole=_is_signed_whole(root),
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


def _is_signed_whole(root: etree._Element) -> bool:
    """TS 119 612 annex B.6: one reference to the list itself, enveloped, canonical."""
    signatures = list(root.iter(f"{_DS}Signature"))
    if len(signatures) != 1 or signatures[0].getparent() is not root:
        return False
    own = root.get("Id")
    places = {""} if not own else {"", f"#{own}"}
    over_list = [
        one
        for one in signatures[0].findall(f"{_DS}SignedInfo/{_DS}Reference")
        if one.get("URI") in places
    ]
    if len(over_list) != 1 or (own and len(root.xpath("//*[@Id=$own]", own=own)) != 1):
        return False
    methods = [
        one.get("Algorithm") for one in over_list[0].findall(f"{_DS}Transforms/{_DS}Transform")
    ]
    return methods.count(_ENVELOPED) == 1 and all(one in _WHOLE for one in methods)


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
    return ListedStatus(
        kind=_text(told, "ServiceTypeIdentifier")[:_LONGEST_URI],
        status=_text(told, "ServiceStatus")[:_LONGEST_URI],
        since_s=_seconds(_text(told, "StatusStartingTime")),
    )


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
