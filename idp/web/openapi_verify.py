"""The description of checking documents, for whoever writes programs that do.

What lives here: the operations of `/verify` and their schemas, as parts of the document that
`openapi.py` puts together.
Source: OpenAPI 3.1.1; RFC 7578; ETSI EN 319 102-1 §5.1.3 (indications); TS 119 102-2 (XML form).
Not here: reading a body (`idp/web/verify/asked.py`), the members of a report
(`signing/validation/report/json.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final

from idp.web.verify.asked import MOST_FILES
from signing.validation.found import Form, ObjectKind, Packaging, TimestampKind
from signing.validation.model import ChangeKind, RevocationState, StatusOrigin, Step
from signing.validation.report.summary import Answer, Integrity
from signing.validation.verdict import Indication, SubIndication

_JSON: Final = "application/json"
_TEXT: Final = {"type": "string"}
_MAYBE: Final = {"type": ["string", "null"]}
_NUMBER: Final = {"type": "integer"}
_YES_NO: Final = {"type": "boolean"}
_INSTANT: Final = {"type": "string", "format": "date-time"}
_MAYBE_INSTANT: Final = {"type": ["string", "null"], "format": "date-time"}
_FILE: Final = {"type": "string", "contentMediaType": "application/octet-stream"}
_BASE64: Final = {
    "type": "string",
    "contentEncoding": "base64",
    "pattern": "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
}
_SECURITY: Final[list[dict[str, list[str]]]] = [{}, {"accessToken": []}]


def verify_paths() -> dict[str, Any]:
    """The paths of the API."""
    return {
        "/verify": {"post": _check()},
        "/verify/reports/{report_id}/{form}": {"get": _report()},
    }


def _check() -> dict[str, Any]:
    several = {"type": "array", "items": _FILE, "minItems": 1, "maxItems": MOST_FILES}
    form = {
        "type": "object",
        "properties": {
            "file": several,
            "content": {"type": "array", "items": _FILE, "maxItems": MOST_FILES},
            "digest": {
                "type": "string",
                "description": "`sha256:` and hexadecimal digits, of a document that stays away.",
            },
            "keep": {"type": "string", "description": "`true`: a lasting report, with a token."},
        },
        "required": ["file"],
    }
    answers = {
        _JSON: {
            "schema": {
                "anyOf": [
                    _schema("VerificationReport"),
                    {
                        "type": "object",
                        "properties": {"reports": _several("VerificationReport")},
                        "required": ["reports"],
                    },
                ]
            }
        },
        "text/html": {"schema": _TEXT},
        "application/xml": {"schema": _TEXT},
        "application/pdf": {"schema": _FILE},
    }
    return {
        "operationId": "verify",
        "summary": "Check the signatures of files: valid, invalid, or not to be determined.",
        "description": (
            "Nobody signs in; files are not kept. `Accept` chooses the form of the answer: JSON, a "
            "page, XML (ETSI TS 119 102-2) or a sealed PDF; several files are answered as "
            "`reports`. Documents beside the signature go into `content`, or as digests into "
            "`detached`. A portal with a token for signing may ask for a lasting report (`keep`)."
        ),
        "security": _SECURITY,
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": form},
                _JSON: {"schema": _schema("VerificationRequest")},
            },
        },
        "responses": {
            "200": {"description": "What came out; see `answer`.", "content": answers},
            "400": _refused("The body cannot be read."),
            "401": _refused("A token was sent and is not taken."),
            "403": _refused("The token does not allow it."),
            "404": _refused("No PDF is made here: nothing seals it."),
            "411": _refused("A form needs its length."),
            "413": _refused("Too large."),
            "415": _refused("Neither JSON nor a form with files."),
            "422": _refused("No file, too many files, or a digest that is none."),
            "429": _refused("Too many files from this address; see Retry-After."),
            "500": _refused("Something went wrong here."),
            "503": _refused("Not at this moment; see Retry-After. Reports may say so as well."),
        },
    }


def _report() -> dict[str, Any]:
    return {
        "operationId": "verificationReport",
        "summary": "A report again, for a quarter of an hour; or one that was kept.",
        "security": _SECURITY,
        "parameters": [
            {"name": "report_id", "in": "path", "required": True, "schema": _TEXT},
            {
                "name": "form",
                "in": "path",
                "required": True,
                "schema": {"enum": ["json", "xml", "pdf"]},
            },
        ],
        "responses": {
            "200": {
                "description": "The report.",
                "content": {
                    _JSON: {"schema": _schema("VerificationReport")},
                    "application/xml": {"schema": _TEXT},
                    "application/pdf": {"schema": _FILE},
                },
            },
            "401": _refused("A token was sent and is not taken."),
            "403": _refused("The token does not allow it."),
            "404": {"description": "No such report, or no longer.", "content": {"*/*": {}}},
            "500": {"description": "Something went wrong here.", "content": {"*/*": {}}},
            "503": {"description": "Not at this moment.", "content": {"*/*": {}}},
        },
    }


def verify_schemas() -> dict[str, Any]:
    """The schemas of the API."""
    beside = _shape_alone(
        (),
        name=_TEXT,
        content=_BASE64,
        digests={
            "type": "object",
            "description": "By `sha256`, `sha384` or `sha512`, hexadecimal digits.",
            "additionalProperties": {"type": "string", "pattern": "^[0-9A-Fa-f]+$"},
        },
    )
    return {
        "VerificationRequest": _shape_alone(
            ("content",),
            content=_BASE64,
            name=_TEXT,
            detached={"type": "array", "items": beside, "maxItems": MOST_FILES},
            keep=_YES_NO,
        ),
        "VerificationReport": _of_documents(),
        "VerifiedSignature": _of_signatures(),
        "VerifiedTimestamp": _of_timestamps(),
        "VerifiedCertificate": _of_certificates(),
        "VerificationReason": _shape(
            ("code", "facts"),
            code=_TEXT,
            facts={"type": "object", "additionalProperties": _TEXT},
        ),
    }


def _of_documents() -> dict[str, Any]:
    required = ("version", "answer", "indication", "document", "checked_at", "signatures")
    return _shape(
        required,
        version={"const": "1"},
        answer=_one_of(Answer),
        **_conclusion(),
        document=_shape(
            ("name", "kind", "size", "sha256"),
            name=_TEXT,
            kind=_TEXT,
            size=_NUMBER,
            sha256=_TEXT,
        ),
        checked_at=_INSTANT,
        findings=_several("VerificationReason"),
        signatures=_several("VerifiedSignature"),
        timestamps=_several("VerifiedTimestamp"),
        policy=_TEXT,
        sources={"type": "array", "items": _TEXT},
        kept=_shape(("report_id", "until"), report_id=_TEXT, until=_INSTANT),
    )


def _of_signatures() -> dict[str, Any]:
    holder = _shape(
        ("name", "issuer"),
        name=_TEXT,
        organization=_MAYBE,
        organization_identifier=_MAYBE,
        title=_MAYBE,
        issuer=_TEXT,
    )
    holder["type"] = ["object", "null"]
    return _shape(
        ("id", "form", "level", "indication", "integrity", "signer", "checks"),
        id=_TEXT,
        parent=_MAYBE,
        form=_one_of(Form),
        packaging=_one_of(Packaging),
        level=_TEXT,
        place=_TEXT,
        **_conclusion(),
        integrity=_one_of(Integrity),
        covers_whole=_YES_NO,
        signer=holder,
        claimed_signing_time=_MAYBE_INSTANT,
        proved_signing_time=_MAYBE_INSTANT,
        best_signature_time=_MAYBE_INSTANT,
        is_certificate_valid_at_signing={"type": ["boolean", "null"]},
        is_key_confirmed={"type": ["boolean", "null"]},
        is_sandbox=_YES_NO,
        algorithm=_TEXT,
        hash=_TEXT,
        stated_reason=_TEXT,
        production_place=_TEXT,
        signature_policy=_MAYBE,
        commitments={"type": "array", "items": _TEXT},
        claimed_roles={"type": "array", "items": _TEXT},
        objects={"type": "array", "items": _of_objects()},
        changes={"type": "array", "items": _of_changes()},
        revision_bytes={"type": ["integer", "null"]},
        checks={
            "type": "array",
            "items": _shape(("step", "indication"), step=_one_of(Step), **_conclusion()),
        },
        timestamps=_several("VerifiedTimestamp"),
        certificates=_several("VerifiedCertificate"),
    )


def _of_objects() -> dict[str, Any]:
    return _shape(
        ("name", "kind", "is_found", "is_intact"),
        name=_TEXT,
        kind=_one_of(ObjectKind),
        hash=_TEXT,
        digest=_TEXT,
        is_found=_YES_NO,
        is_intact=_YES_NO,
    )


def _of_changes() -> dict[str, Any]:
    return _shape(
        ("kind", "is_allowed"),
        kind=_one_of(ChangeKind),
        is_allowed=_YES_NO,
        code=_MAYBE,
        pages={"type": "array", "items": _NUMBER},
    )


def _of_timestamps() -> dict[str, Any]:
    return _shape(
        ("id", "kind", "indication"),
        id=_TEXT,
        kind=_one_of(TimestampKind),
        **_conclusion(),
        generated_at=_MAYBE_INSTANT,
        authority=_MAYBE,
        hash=_TEXT,
        policy=_MAYBE,
        certificates=_several("VerifiedCertificate"),
    )


def _of_certificates() -> dict[str, Any]:
    return _shape(
        ("subject", "issuer", "serial_number", "sha256", "not_before", "not_after", "revocation"),
        subject=_TEXT,
        issuer=_TEXT,
        serial_number=_TEXT,
        sha256=_TEXT,
        not_before=_INSTANT,
        not_after=_INSTANT,
        policies={"type": "array", "items": _TEXT},
        trust_anchor=_MAYBE,
        revocation=_shape(
            ("state", "origin"),
            state=_one_of(RevocationState),
            origin=_one_of(StatusOrigin),
            kind=_MAYBE,
            produced_at=_MAYBE_INSTANT,
            this_update=_MAYBE_INSTANT,
            next_update=_MAYBE_INSTANT,
            revoked_at=_MAYBE_INSTANT,
            reason=_MAYBE,
        ),
    )


def _conclusion() -> dict[str, Any]:
    return {
        "indication": _one_of(Indication),
        "sub_indication": {"enum": [*(one.value for one in SubIndication), None]},
        "reasons": _several("VerificationReason"),
        "warnings": _several("VerificationReason"),
    }


def _one_of(words: type[StrEnum]) -> dict[str, Any]:
    return {"enum": [one.value for one in words]}


def _schema(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _several(name: str) -> dict[str, Any]:
    return {"type": "array", "items": _schema(name)}


def _shape(required: Iterable[str], **members: Any) -> dict[str, Any]:
    return {"type": "object", "properties": members, "required": list(required)}


def _shape_alone(required: Iterable[str], **members: Any) -> dict[str, Any]:
    """Of what is sent: a member that is misspelt is refused, not passed over."""
    return {**_shape(required, **members), "additionalProperties": False}


def _refused(description: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {_JSON: {"schema": _schema("Error")}, "text/html": {"schema": _TEXT}},
    }
