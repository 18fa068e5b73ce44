"""A report as JSON: codes, facts and times, for programs.

What lives here: `report_members`, and the versions of the form.  Codes are those of the standard
and of `signing/validation`; they are stable, and members are only ever added.
Source: RFC 8259; RFC 3339 (times, UTC); ETSI EN 319 102-1 (indications).
Not here: sentences; certificates and evidence as octets, which are in the XML form.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from signing.validation.found import SignedObject
from signing.validation.model import (
    CertificateReport,
    Change,
    DocumentReport,
    RevocationReport,
    SignatureReport,
    TimestampReport,
)
from signing.validation.report.summary import (
    answer_of,
    integrity_of,
    is_in_validity,
    proved_time,
    signer_of,
)
from signing.validation.verdict import Conclusion, Reason

VERSION: Final = "1"


def report_json(report: DocumentReport) -> bytes:
    """The report as JSON, UTF-8."""
    return msgspec.json.encode(report_members(report))


def report_members(report: DocumentReport) -> dict[str, Any]:
    """The members, in a readable order."""
    return {
        "version": VERSION,
        "answer": answer_of(report).value,
        **_conclusion(report.conclusion),
        "document": {
            "name": report.name,
            "kind": report.kind,
            "size": report.size,
            "sha256": report.digest.hex(),
        },
        "checked_at": _instant(report.checked_at),
        "findings": _reasons(report.findings),
        "signatures": [_signature(one) for one in report.signatures],
        "timestamps": [_timestamp(one) for one in report.timestamps],
        "policy": report.policy,
        "sources": list(report.sources),
    }


def _signature(one: SignatureReport) -> dict[str, Any]:
    signer = signer_of(one)
    return {
        "id": one.identity,
        "parent": one.parent or None,
        "form": one.form.value,
        "packaging": one.packaging.value,
        "level": one.level,
        "place": one.place,
        **_conclusion(one.conclusion),
        "integrity": integrity_of(one).value,
        "covers_whole": one.covers_whole,
        "signer": None if signer is None else _holder(signer),
        "claimed_signing_time": _instant(one.claimed_time),
        "proved_signing_time": _instant(proved_time(one)),
        "best_signature_time": _instant(one.best_signature_time),
        "is_certificate_valid_at_signing": is_in_validity(one),
        "is_key_confirmed": one.is_key_confirmed,
        "is_sandbox": one.is_sandbox,
        "algorithm": one.algorithm,
        "hash": one.hash_name,
        "stated_reason": one.stated_reason,
        "production_place": one.production_place,
        "signature_policy": one.policy_identifier or None,
        "commitments": list(one.commitments),
        "claimed_roles": list(one.claimed_roles),
        "objects": [_object(found) for found in one.objects],
        "changes": [_change(change) for change in one.changes],
        "revision_bytes": one.revision_bytes,
        "checks": [
            {"step": check.step.value, **_conclusion(check.conclusion)} for check in one.checks
        ],
        "timestamps": [_timestamp(stamp) for stamp in one.timestamps],
        "certificates": [_certificate(certificate) for certificate in one.chain],
    }


def _holder(signer: CertificateReport) -> dict[str, Any]:
    return {
        "name": signer.common_name,
        "organization": signer.organization or None,
        "organization_identifier": signer.organization_identifier or None,
        "title": signer.title or None,
        "issuer": signer.issuer_organization or signer.issuer,
    }


def _certificate(one: CertificateReport) -> dict[str, Any]:
    return {
        "subject": one.subject,
        "issuer": one.issuer,
        "serial_number": f"{one.serial_number:x}",
        "sha256": hashlib.sha256(one.der).hexdigest(),
        "not_before": _instant(one.not_before),
        "not_after": _instant(one.not_after),
        "policies": list(one.policies),
        "trust_anchor": one.anchor or None,
        "revocation": _revocation(one.revocation),
    }


def _revocation(one: RevocationReport) -> dict[str, Any]:
    return {
        "state": one.state.value,
        "origin": one.origin.value,
        "kind": one.kind or None,
        "produced_at": _instant(one.produced_at),
        "this_update": _instant(one.this_update),
        "next_update": _instant(one.next_update),
        "revoked_at": _instant(one.revoked_at),
        "reason": one.reason or None,
    }


def _timestamp(one: TimestampReport) -> dict[str, Any]:
    return {
        "id": one.identity,
        "kind": one.kind.value,
        **_conclusion(one.conclusion),
        "generated_at": _instant(one.generated_at),
        "authority": one.chain[0].common_name if one.chain else None,
        "hash": one.hash_name,
        "policy": one.policy or None,
        "certificates": [_certificate(certificate) for certificate in one.chain],
    }


def _object(one: SignedObject) -> dict[str, Any]:
    return {
        "name": one.name,
        "kind": one.kind.value,
        "hash": one.hash_name,
        "digest": one.expected.hex(),
        "is_found": one.is_found,
        "is_intact": one.is_intact,
    }


def _change(one: Change) -> dict[str, Any]:
    return {
        "kind": one.kind.value,
        "is_allowed": one.is_allowed,
        "code": one.code or None,
        "pages": list(one.pages),
    }


def _conclusion(one: Conclusion) -> dict[str, Any]:
    return {
        "indication": one.indication.value,
        "sub_indication": None if one.sub_indication is None else one.sub_indication.value,
        "reasons": _reasons(one.reasons),
        "warnings": _reasons(one.warnings),
    }


def _reasons(found: Iterable[Reason]) -> list[dict[str, Any]]:
    return [{"code": one.code, "facts": dict(one.facts)} for one in found]


def _instant(at: datetime | None) -> str | None:
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
