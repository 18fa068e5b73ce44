"""A report as ETSI TS 119 102-2 writes it, with the evidence that it rests upon.

What lives here: `report_xml`.  Certificates, status evidence and timestamps stand in it once, as
octets, and everything else points at them.
Source: ETSI TS 119 102-2 V1.2.1 §4 (structure, URIs of indications), Annex A (schema).
Not here: the signature of the report (`idp/report_seal`).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from signing.formats.xml_names import DIGESTS
from signing.formats.xml_text import Element, canonical, element
from signing.validation.found import SignedObject, TimestampKind
from signing.validation.model import (
    CertificateReport,
    Check,
    DocumentReport,
    RevocationState,
    SignatureReport,
    TimestampReport,
)
from signing.validation.report.summary import proved_time, signer_of
from signing.validation.verdict import Conclusion, Reason

_URN: Final = "urn:etsi:019102"
_OBJECT: Final = f"{_URN}:validationObject"
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NOT_A_CHAR: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_STAMPS: Final = {
    TimestampKind.CONTENT: "vr:AllDataObjectsTimeStamp",
    TimestampKind.SIGNATURE: "vr:SignatureTimeStamp",
    TimestampKind.REFERENCES: "vr:SigAndRefsTimeStamp",
    TimestampKind.ARCHIVE: "vr:ArchiveTimeStamp",
    TimestampKind.DOCUMENT: "vr:DocTimeStamp",
    TimestampKind.CONTAINER: "vr:ArchiveTimeStamp",
    TimestampKind.EVIDENCE: "vr:ArchiveTimeStamp",
}
_OTHER_DIGESTS: Final = {
    "sha1": "http://www.w3.org/2000/09/xmldsig#sha1",
    "sha224": "http://www.w3.org/2001/04/xmldsig-more#sha224",
}


def report_xml(report: DocumentReport) -> bytes:
    """The report as XML, UTF-8."""
    objects = _Objects()
    document = objects.document(report)
    bodies = [
        _signature(one, report, document=document, objects=objects) for one in (report.signatures)
    ]
    for stamp in report.timestamps:
        objects.timestamp(stamp)
    if not bodies:
        bodies = [
            element(
                "vr:SignatureValidationReport",
                _times(report.checked_at, best=None),
                _process(),
                _status("vr:SignatureValidationStatus", report.conclusion),
            )
        ]
    whole = element(
        "vr:ValidationReport",
        *bodies,
        element("vr:SignatureValidationObjects", *objects.elements()),
    )
    return (_HEAD + canonical(whole) + "\n").encode("utf-8")


@dataclass
class _Objects:
    """What the report rests upon, each once, by its identifier."""

    kept: dict[str, Element] = field(default_factory=dict)

    def elements(self) -> Iterator[Element]:
        """All of them, in the order in which they came up."""
        yield from self.kept.values()

    def document(self, report: DocumentReport) -> str:
        """The file itself, by its digest alone."""
        return self._add("D", report.digest, "signedData", _digest("sha256", report.digest))

    def signed(self, one: SignedObject) -> str:
        """Something that a signature is about, by its digest."""
        digest = _digest(one.hash_name, one.expected)
        return self._add("D", one.expected, "signedData", digest)

    def certificate(self, der: bytes) -> str:
        """A certificate."""
        return self._add("C", der, "certificate", _base64(der))

    def evidence(self, der: bytes, *, kind: str) -> str:
        """A status answer or a list."""
        is_list = "crl" in kind.lower()
        return self._add("R", der, "CRL" if is_list else "OCSPResponse", _base64(der))

    def timestamp(self, one: TimestampReport) -> str:
        """A token, with what came of it."""
        raw = one.token or one.identity.encode()
        shown = _base64(one.token) if one.token else element("vr:URI", f"#{one.identity}")
        proof: tuple[Element, ...] = ()
        if one.generated_at is not None and one.conclusion.is_passed:
            proof = (
                element(
                    "vr:POEProvisioning",
                    element("vr:POETime", _instant(one.generated_at)),
                ),
            )
        for certificate in one.chain:
            self.certificate(certificate.der)
        checked = element(
            "vr:ValidationReport",
            _status("vr:SignatureValidationStatus", one.conclusion),
        )
        return self._add("T", raw, "timestamp", shown, *proof, checked)

    def _add(self, prefix: str, raw: bytes, kind: str, shown: Element, *more: Element) -> str:
        identity = f"{prefix}-{hashlib.sha256(raw).hexdigest()[:40]}"
        if identity not in self.kept:
            self.kept[identity] = element(
                "vr:ValidationObject",
                element("vr:ObjectType", f"{_OBJECT}:{kind}"),
                element("vr:ValidationObjectRepresentation", shown),
                *more,
                attributes={"id": identity},
            )
        return identity


def _signature(
    one: SignatureReport, report: DocumentReport, *, document: str, objects: _Objects
) -> Element:
    signer = signer_of(one)
    signed = next((found for found in one.objects if found.hash_name), None)
    stamps = [objects.timestamp(stamp) for stamp in one.timestamps]
    parts: list[Element] = [
        element(
            "vr:SignatureIdentifier",
            *((_digest(signed.hash_name, signed.expected),) if signed is not None else ()),
            element("vr:HashOnly", "false"),
            element("vr:DocHashOnly", "false"),
            element("vr:DAIdentifier", _plain(f"{one.identity} {one.place}".strip())),
            attributes={"id": _name(one.identity)},
        ),
        element(
            "vr:ValidationConstraintsEvaluationReport",
            *(_constraint(check) for check in one.checks),
        ),
        _times(report.checked_at, best=proved_time(one)),
        _signers_document(one, report, document=document, objects=objects),
    ]
    attributes = _attributes(one, stamps=stamps)
    if attributes:  # the schema has no place for an empty list
        parts.append(element("vr:SignatureAttributes", *attributes))
    if signer is not None:
        parts.append(
            element(
                "vr:SignerInformation",
                _reference("vr:SignerCertificate", objects.certificate(signer.der)),
                element("vr:Signer", _plain(signer.common_name or signer.subject)),
            )
        )
    parts += [
        _process(),
        _status(
            "vr:SignatureValidationStatus",
            one.conclusion,
            *_chain(one.chain, objects=objects),
        ),
    ]
    return element("vr:SignatureValidationReport", *parts)


def _signers_document(
    one: SignatureReport, report: DocumentReport, *, document: str, objects: _Objects
) -> Element:
    about = [objects.signed(found) for found in one.objects if found.expected] or [document]
    return element(
        "vr:SignersDocument",
        _digest("sha256", report.digest),
        *(_reference("vr:SignersDocumentRepresentation", found) for found in about[:2]),
    )


def _attributes(one: SignatureReport, *, stamps: list[str]) -> list[Element]:
    parts = []
    if one.claimed_time is not None:
        parts.append(
            element(
                "vr:SigningTime",
                element("vr:Time", _instant(one.claimed_time)),
                attributes={"Signed": "true"},
            )
        )
    if one.claimed_roles:
        details = (
            element(
                "vr:RoleDetails",
                element("vr:Role", _plain(role)),
                element("vr:EndorsementType", "claimed"),
            )
            for role in one.claimed_roles
        )
        parts.append(element("vr:SignerRole", *details, attributes={"Signed": "true"}))
    for identity, stamp in zip(stamps, one.timestamps, strict=True):
        if stamp.generated_at is None:
            continue
        parts.append(
            element(
                _STAMPS[stamp.kind],
                _reference("vr:AttributeObject", identity),
                element("vr:TimeStampValue", _instant(stamp.generated_at)),
            )
        )
    if one.stated_reason:
        parts.append(
            element(
                "vr:Reason",
                element("vr:ReasonElement", _plain(one.stated_reason)),
                attributes={"Signed": "true"},
            )
        )
    return parts


def _chain(chain: tuple[CertificateReport, ...], *, objects: _Objects) -> Iterator[Element]:
    """What the conclusion rests upon: the chain, and who was revoked."""
    if not chain:
        return
    known = [objects.certificate(one.der) for one in chain]
    parts: list[Element] = []
    revoked: list[Element] = []
    if chain[-1].anchor:
        parts.append(_reference("vr:TrustAnchor", known[-1]))
    links = [_reference("vr:SigningCertificate", known[0])]
    last = len(chain) - 1
    for at in range(1, len(chain)):
        is_anchor = at == last and bool(chain[at].anchor)
        name = "vr:TrustAnchor" if is_anchor else "vr:IntermediateCertificate"
        links.append(_reference(name, known[at]))
    parts.append(element("vr:CertificateChain", *links))
    for identity, one in zip(known, chain, strict=True):
        found = one.revocation
        proof = objects.evidence(found.evidence, kind=found.kind) if found.evidence else None
        if found.state is RevocationState.REVOKED and found.revoked_at is not None:
            told = [
                _reference("vr:ValidationObjectId", identity),
                element("vr:RevocationTime", _instant(found.revoked_at)),
            ]
            if found.reason:
                told.append(element("vr:RevocationReason", _plain(found.reason)))
            if proof is not None:
                told.append(_reference("vr:RevocationObject", proof))
            revoked.append(element("vr:RevocationStatusInformation", *told))
        elif proof is not None:
            parts.append(_reference("vr:RelatedValidationObject", proof))
    yield element("vr:AssociatedValidationReportData", *parts, *revoked[:1])
    for further in revoked[1:]:  # one has a place in each
        yield element("vr:AssociatedValidationReportData", further)


def _constraint(check: Check) -> Element:
    return element(
        "vr:ValidationConstraint",
        element("vr:ValidationConstraintIdentifier", f"{_URN}:buildingBlock:{check.step.value}"),
        element("vr:ConstraintStatus", element("vr:Status", f"{_URN}:constraintStatus:applied")),
        _status("vr:ValidationStatus", check.conclusion),
    )


def _status(name: str, found: Conclusion, *more: Element) -> Element:
    indication = found.indication.value.lower().replace("_", "-")
    parts = [element("vr:MainIndication", f"{_URN}:mainindication:{indication}")]
    if found.sub_indication is not None:
        parts.append(
            element("vr:SubIndication", f"{_URN}:subindication:{found.sub_indication.value}")
        )
    reasons = (*found.reasons, *found.warnings)
    if reasons and not more:
        more = (element("vr:AssociatedValidationReportData", _reasons(reasons)),)
    elif reasons:
        more = (more[0].holding(_reasons(reasons)), *more[1:])
    return element(name, *parts, *more)


def _reasons(reasons: Iterable[Reason]) -> Element:
    return element(
        "vr:AdditionalValidationReportData",
        *(
            element(
                "vr:ReportData",
                element("vr:Type", f"urn:antin:reason:{reason.code}"),
                element("vr:Value", _plain(" ".join(f"{k}={v}" for k, v in reason.facts))),
            )
            for reason in reasons
        ),
    )


def _times(checked_at: datetime, *, best: datetime | None) -> Element:
    proof = "validation" if best is None else "provided"
    return element(
        "vr:ValidationTimeInfo",
        element("vr:ValidationTime", _instant(checked_at)),
        element(
            "vr:BestSignatureTime",
            element("vr:POETime", _instant(best or checked_at)),
            element("vr:TypeOfProof", f"{_URN}:poetype:{proof}"),
        ),
    )


def _process() -> Element:
    return element(
        "vr:SignatureValidationProcess",
        element("vr:SignatureValidationProcessID", f"{_URN}:validationprocess:LTA"),
    )


def _reference(name: str, identity: str) -> Element:
    return element(name, attributes={"VOReference": identity})


def _digest(hash_name: str, digest: bytes) -> Element:
    uri = DIGESTS.get(hash_name) or _OTHER_DIGESTS.get(hash_name) or f"urn:antin:{hash_name}"
    return element(
        "vr:DigestAlgAndValue",
        element("ds:DigestMethod", attributes={"Algorithm": uri}),
        element("ds:DigestValue", base64.b64encode(digest).decode("ascii")),
    )


def _base64(der: bytes) -> Element:
    return element("vr:base64", base64.b64encode(der).decode("ascii"))


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _plain(text: str) -> str:
    """Without what no XML may hold: the words come out of other people's files."""
    return _NOT_A_CHAR.sub("\ufffd", text)


def _name(identity: str) -> str:
    return "S-" + re.sub(r"[^A-Za-z0-9._-]", "-", identity)
