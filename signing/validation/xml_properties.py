"""What a XAdES signature says about itself, and signed: time, certificate, policy, role, place.

What lives here: reading the element SignedProperties that a signature stands for.  Versions differ
in namespaces and in little else, so elements are known by their local names; that they are inside
of what was signed is for whoever hands the element over.
Source: ETSI EN 319 132-1 §5.2; ETSI TS 101 903 v1.1.1 to v1.4.2 §7.2 (older forms).
Not here: timestamps (`xml_timestamps`); what any of it is worth.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from signing.formats.xml_names import DS, XADES, XADES_141
from signing.formats.xml_tree import Element
from signing.validation.found import CertificateReference
from signing.validation.verdict import Reason, because
from signing.validation.xml_algorithms import hash_name_of
from signing.validation.xml_keys import octets_of

NAMESPACES: Final = frozenset(
    {
        XADES,
        XADES_141,
        "http://uri.etsi.org/01903/v1.2.2#",
        "http://uri.etsi.org/01903/v1.1.1#",
        DS,
    }
)
"""Of the versions of XAdES; the oldest files have it in the namespace of signatures themselves."""
_TIME: Final = re.compile(
    r"(\d{4})[-.](\d\d)[-.](\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)?"
)
_CERTIFICATES: Final = ("SigningCertificateV2", "SigningCertificate")
_MOST: Final = 100
_LONGEST: Final = 1_000


@dataclass(frozen=True, slots=True)
class SignedProperties:
    """What is in it; texts are cut where they are longer than anybody shows.

    Takes   references: None when no certificate is named; issuer_serials: the serial numbers that
            older forms name beside the digests, in the same order, empty for none;
            data_references: what DataObjectFormat and CommitmentTypeIndication point to;
            timestamps: elements of content timestamps.
    """

    claimed_time: datetime | None = None
    references: tuple[CertificateReference, ...] | None = None
    issuer_serials: tuple[str, ...] = ()
    policy_identifier: str = ""
    commitments: tuple[str, ...] = ()
    claimed_roles: tuple[str, ...] = ()
    production_place: str = ""
    content_type: str = ""
    data_references: tuple[str, ...] = ()
    timestamps: tuple[Element, ...] = field(default=(), repr=False)
    doubts: tuple[Reason, ...] = ()


def read_properties(properties: Element) -> SignedProperties:
    """Takes   properties: an element SignedProperties that is signed, as a whole."""
    of_signature = _first(properties, "SignedSignatureProperties")
    of_data = _first(properties, "SignedDataObjectProperties")
    doubts = []
    said_time = _text(_first(of_signature, "SigningTime"))
    claimed_time, is_sure = read_time(said_time)
    if said_time and not is_sure:
        doubts.append(because("signing_time_odd"))
    certificates = [
        one
        for name in _CERTIFICATES
        for outer in _all(of_signature, name)
        for one in _all(outer, "Cert")
    ][:_MOST]
    has_certificates = any(_all(of_signature, name) for name in _CERTIFICATES)
    return SignedProperties(
        claimed_time=claimed_time,
        references=tuple(map(_reference, certificates)) if has_certificates else None,
        issuer_serials=tuple(map(_serial, certificates)),
        policy_identifier=_policy(_first(of_signature, "SignaturePolicyIdentifier")),
        commitments=tuple(_commitments(of_data)),
        claimed_roles=tuple(_roles(of_signature)),
        production_place=_place(of_signature),
        content_type=_text(_descend(of_data, "DataObjectFormat", "MimeType")),
        data_references=tuple(_data_references(of_data)),
        timestamps=tuple(
            one
            for one in (of_data.elements() if of_data is not None else ())
            if one.local in {"AllDataObjectsTimeStamp", "IndividualDataObjectsTimeStamp"}
        )[:_MOST],
        doubts=tuple(doubts),
    )


def read_time(said: str) -> tuple[datetime | None, bool]:
    """An xs:dateTime, and whether it says without doubt when that is.

    One without a zone is taken for UTC.
    """
    found = _TIME.fullmatch(said)
    if found is None:
        return None, False
    zone: timezone | None = UTC
    if found[7] and found[7] != "Z":
        offset = timedelta(hours=int(found[7][1:3]), minutes=int(found[7][4:6]))
        try:
            zone = timezone(-offset if found[7][0] == "-" else offset)
        except ValueError:
            return None, False
    try:
        naive = [int(one) for one in found.groups()[:6]]
        return datetime(*naive, tzinfo=zone).astimezone(UTC), bool(found[7])  # type: ignore[arg-type, misc]  # six numbers
    except (ValueError, OverflowError):
        return None, False


def digest_in(element: Element | None) -> tuple[str, bytes]:
    """Name of a hash and digest, of an element of kind DigestAlgAndValueType."""
    if element is None:
        return "", b""
    value = _first(element, "DigestValue")
    return (
        hash_name_of(_first(element, "DigestMethod")),
        b"" if value is None else octets_of(value),
    )


def _reference(certificate: Element) -> CertificateReference:
    hash_name, digest = digest_in(_first(certificate, "CertDigest"))
    second = _first(certificate, "IssuerSerialV2")
    return CertificateReference(
        hash_name,
        digest,
        b"" if second is None else octets_of(second),
        is_readable=bool(hash_name and digest),
    )


def _serial(certificate: Element) -> str:
    return _text(_descend(certificate, "IssuerSerial", "X509SerialNumber"))


def _policy(identifier: Element | None) -> str:
    if identifier is None:
        return ""
    if _first(identifier, "SignaturePolicyImplied") is not None:
        return "implied"
    inner = _first(_first(identifier, "SignaturePolicyId"), "SigPolicyId")
    return _text(_first(inner, "Identifier"))


def _commitments(of_data: Element | None) -> Iterator[str]:
    for one in _all(of_data, "CommitmentTypeIndication")[:_MOST]:
        said = _text(_descend(one, "CommitmentTypeId", "Identifier"))
        if said:
            yield said


def _roles(of_signature: Element | None) -> Iterator[str]:
    for name in ("SignerRoleV2", "SignerRole"):
        for outer in _all(of_signature, name):
            for roles in _all(outer, "ClaimedRoles"):
                for one in _all(roles, "ClaimedRole")[:_MOST]:
                    said = _text(one)
                    if said:
                        yield said


def _place(of_signature: Element | None) -> str:
    for name in ("SignatureProductionPlaceV2", "SignatureProductionPlace"):
        found = _first(of_signature, name)
        if found is not None:
            parts = [_text(one) for one in list(found.elements())[:_MOST]]
            return ", ".join(one for one in parts if one)[:_LONGEST]
    return ""


def _data_references(of_data: Element | None) -> Iterator[str]:
    for one in _all(of_data, "DataObjectFormat")[:_MOST]:
        yield one.get("ObjectReference")
    for one in _all(of_data, "CommitmentTypeIndication")[:_MOST]:
        for named in _all(one, "ObjectReference")[:_MOST]:
            yield _text(named)


def _all(outer: Element | None, local: str) -> Sequence[Element]:
    return [] if outer is None else [one for one in outer.elements() if one.local == local]


def _first(outer: Element | None, local: str) -> Element | None:
    found = _all(outer, local)
    return found[0] if found else None


def _descend(outer: Element | None, *locals_: str) -> Element | None:
    for local in locals_:
        outer = _first(outer, local)
    return outer


def _text(element: Element | None) -> str:
    return "" if element is None else element.text().strip()[:_LONGEST]
