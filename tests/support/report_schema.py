"""The schema of validation reports, as far as reports of ours use it, and who checks by it.

What lives here: `faults_of`.  Content is written as a regular expression over names of children,
each with a blank behind it; of which type something is follows from where it stands.
Source: ETSI TS 119 102-2 V1.2.1 Annex A (schema); W3C XML Schema part 2 (forms of values).
Not here: what the report says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from xml.etree import ElementTree as ET

from signing.formats.xml_names import NAMESPACES

_VR: Final = f"{{{NAMESPACES['vr']}}}"
_DS: Final = f"{{{NAMESPACES['ds']}}}"
_DIGEST: Final = "ds:DigestMethod ds:DigestValue "
_REPORT: Final = (
    "(SignatureIdentifier )?(ValidationConstraintsEvaluationReport )?(ValidationTimeInfo )?"
    "(SignersDocument )?(SignatureAttributes )?(SignerInformation )?(SignatureQuality )?"
    "(SignatureValidationProcess )?SignatureValidationStatus "
)
_STATUS: Final = "MainIndication (SubIndication )*(AssociatedValidationReportData )*"
_POE: Final = "POETime TypeOfProof (POEObject )?"
_STAMP: Final = "(AttributeObject )*TimeStampValue "
_CONTENT: Final = {
    "ValidationReport": "(SignatureValidationReport )+(SignatureValidationObjects )?"
    "(SignatureValidator )?(ds:Signature )?",
    "ValidationObject/ValidationReport": _REPORT,
    "SignatureValidationReport": _REPORT,
    "SignatureIdentifier": "(DigestAlgAndValue )?(ds:SignatureValue )?HashOnly DocHashOnly"
    " (DAIdentifier )?",
    "ValidationConstraintsEvaluationReport": "(SignatureValidationPolicy )?"
    "(ValidationConstraint )*",
    "ValidationConstraint": "ValidationConstraintIdentifier (ValidationConstraintParameter )*"
    "ConstraintStatus (ValidationStatus )?(Indications )?",
    "ConstraintStatus": "Status (OverriddenBy )?",
    "SignatureValidationStatus": _STATUS,
    "ValidationStatus": _STATUS,
    "AssociatedValidationReportData": "(TrustAnchor )?(CertificateChain )?"
    "(RelatedValidationObject )*(RevocationStatusInformation )?(CryptoInformation )?"
    "(AdditionalValidationReportData )?",
    "AdditionalValidationReportData": "(ReportData )+",
    "ReportData": "Type Value ",
    "CertificateChain": "SigningCertificate (IntermediateCertificate )*(TrustAnchor )?",
    "RevocationStatusInformation": "ValidationObjectId RevocationTime (RevocationReason )?"
    "(RevocationObject )?",
    "ValidationTimeInfo": "ValidationTime BestSignatureTime ",
    "BestSignatureTime": _POE,
    "SignersDocument": "DigestAlgAndValue ((SignersDocumentRepresentation ){1,2}"
    "|SignersDocumentRef )",
    "DigestAlgAndValue": _DIGEST,
    "SignatureAttributes": "((SigningTime|SignerRole|Reason|AllDataObjectsTimeStamp"
    "|SignatureTimeStamp|SigAndRefsTimeStamp|ArchiveTimeStamp|DocTimeStamp) )+",
    "SigningTime": "(AttributeObject )*Time ",
    "SignerRole": "(AttributeObject )*(RoleDetails )+",
    "RoleDetails": "Role EndorsementType ",
    "Reason": "(AttributeObject )*ReasonElement ",
    "AllDataObjectsTimeStamp": _STAMP,
    "SignatureTimeStamp": _STAMP,
    "SigAndRefsTimeStamp": _STAMP,
    "ArchiveTimeStamp": _STAMP,
    "DocTimeStamp": _STAMP,
    "SignerInformation": "SignerCertificate (Signer )?",
    "SignatureValidationProcess": "(SignatureValidationProcessID )?"
    "(SignatureValidationServicePolicy )?(SignatureValidationPracticeStatement )?",
    "SignatureValidationObjects": "(ValidationObject )+",
    "ValidationObject": "ObjectType ValidationObjectRepresentation (POE )?(POEProvisioning )?"
    "(ValidationReport )?",
    "ValidationObjectRepresentation": "direct |base64 |DigestAlgAndValue |URI ",
    "POEProvisioning": "POETime (ValidationObject )*(SignatureReference )*",
}
_REFERENCE: Final = frozenset(
    [
        "TrustAnchor",
        "RelatedValidationObject",
        "SigningCertificate",
        "IntermediateCertificate",
        "ValidationObjectId",
        "RevocationObject",
        "SignersDocumentRepresentation",
        "AttributeObject",
        "SignerCertificate",
    ]
)
_URI: Final = re.compile(r"[^\s]+")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_NAME: Final = re.compile(r"[A-Za-z_][\w.-]*")
_VALUES: Final = {
    **dict.fromkeys(
        ("MainIndication", "SubIndication", "ValidationConstraintIdentifier", "Status", "Type"),
        _URI,
    ),
    **dict.fromkeys(
        ("TypeOfProof", "RevocationReason", "ObjectType", "SignatureValidationProcessID", "URI"),
        _URI,
    ),
    **dict.fromkeys(
        ("Time", "TimeStampValue", "POETime", "ValidationTime", "RevocationTime"), _TIME
    ),
    **dict.fromkeys(("HashOnly", "DocHashOnly"), re.compile("true|false")),
    "EndorsementType": re.compile("certified|claimed|signed"),
    "base64": re.compile(r"[A-Za-z0-9+/]+={0,2}"),
    **dict.fromkeys(
        ("DAIdentifier", "Value", "Signer", "Role", "ReasonElement"), re.compile(r"(?s).*")
    ),
}


def faults_of(raw: bytes) -> list[str]:
    """Where a report is not what the schema says; empty when it is."""
    root = ET.fromstring(raw)  # noqa: S314 - of our own making
    if root.tag != f"{_VR}ValidationReport":
        return [f"root: {root.tag}"]
    identities = [one.attrib["id"] for one in root.iter() if "id" in one.attrib]
    faults = [f"id: {one}" for one in identities if not _NAME.fullmatch(one)]
    if len(identities) != len(set(identities)):
        faults.append("ids: one of them twice")
    return [*faults, *_faults(root, parent="", known=frozenset(identities))]


def _faults(node: ET.Element, *, parent: str, known: frozenset[str]) -> Iterator[str]:
    name = _name(node)
    if name.startswith("ds:"):
        return
    if name in _REFERENCE:
        if not set(node.attrib.get("VOReference", "?").split()) <= known or len(node):
            yield f"{parent}/{name}: leads nowhere"
        return
    if name in _VALUES:
        if len(node) or not _VALUES[name].fullmatch(node.text or ""):
            yield f"{parent}/{name}: {node.text!r}"
        return
    form = _CONTENT.get(f"{parent}/{name}") or _CONTENT.get(name)
    held = "".join(f"{_name(child)} " for child in node)
    if form is None:
        yield f"{parent}/{name}: not known"
    elif not re.fullmatch(form, held):
        yield f"{parent}/{name}: {held or 'empty'}"
    for child in node:
        yield from _faults(child, parent=name, known=known)


def _name(node: ET.Element) -> str:
    return node.tag.replace(_VR, "").replace(_DS, "ds:")
