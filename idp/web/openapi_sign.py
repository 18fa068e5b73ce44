"""The description of the signing API, for whoever writes a portal.

What lives here: the operations of `/sign/requests` and their schemas, as parts of the document that
`openapi.py` puts together where this deployment signs.
Source: OpenAPI 3.1.1; RFC 6750, RFC 7578; draft-ietf-httpapi-idempotency-key-header.
Not here: what is allowed when (`signing/new_request.py`), reading a body
(`signing/web/request_body.py`).
"""

from __future__ import annotations

from typing import Any, Final

from signing.formats.material import Level
from signing.model import (
    LONGEST_LIFETIME,
    MOST_DOCUMENTS,
    MOST_SIGNERS,
    DocumentKind,
    RequestState,
    Role,
    SignatureFormat,
    SlotState,
)

_JSON: Final = "application/json"
_TEXT: Final = {"type": "string"}
_NUMBER: Final = {"type": "integer"}
_URI: Final = {"type": "string", "format": "uri"}
_INSTANT: Final = {"type": "string", "format": "date-time"}
_SECURITY: Final[list[dict[str, list[str]]]] = [{"accessToken": []}]
_ID: Final = {"name": "request_id", "in": "path", "required": True, "schema": _TEXT}
_POSITION: Final = {"name": "position", "in": "path", "required": True, "schema": _NUMBER}
_WAIT: Final = {
    "name": "wait",
    "in": "query",
    "description": "Seconds, at most 25: the answer comes when something changed, or then.",
    "schema": {"type": "integer", "minimum": 0, "maximum": 25},
}
_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": (
        "Unique for this portal: within 24 hours the same key with the same body is answered "
        "as it was the first time, with another body it is refused (422)."
    ),
    "schema": {"type": "string", "minLength": 1, "maxLength": 128},
}


def sign_paths() -> dict[str, Any]:
    """The paths of the API."""
    one = "/sign/requests/{request_id}"
    return {
        "/sign/requests": {"post": _create()},
        one: {"get": _status(), "delete": _withdraw()},
        f"{one}/documents/{{position}}": {"get": _document()},
    }


def _create() -> dict[str, Any]:
    body = {"$ref": "#/components/schemas/NewSigningRequest"}
    form = {
        "type": "object",
        "properties": {"request": body},
        "required": ["request"],
        "additionalProperties": {"type": "string", "contentMediaType": "application/octet-stream"},
        "description": "Further parts are documents, named by `part` in the request.",
    }
    made = _ok("Made; the person is sent to `sign_uri`.", "SigningRequest")
    return {
        "operationId": "createSigningRequest",
        "summary": "Ask people to sign documents, or hashes of documents.",
        "description": (
            "With an access token of the portal's own (client credentials, scope `sign`, resource "
            "`{issuer}/sign`). Nobody signs but the people who are named, each on our own pages."
        ),
        "security": _SECURITY,
        "parameters": [_KEY],
        "requestBody": {
            "required": True,
            "content": {_JSON: {"schema": body}, "multipart/form-data": {"schema": form}},
        },
        "responses": {
            "201": made,
            "400": _refused("The body cannot be read."),
            "422": _refused("The request cannot be taken; `error` says why, `part` where."),
            "415": _refused("Neither JSON nor a form with parts."),
            "429": _refused(
                "Too many requests within a minute, open at a time, or waiting for one person."
            ),
            **_common(),
            "411": _refused("A form needs its length."),
            "413": _refused("Too large."),
        },
    }


def _status() -> dict[str, Any]:
    return {
        "operationId": "signingRequest",
        "summary": "How a request stands.",
        "security": _SECURITY,
        "parameters": [_ID, _WAIT],
        "responses": {
            "200": _ok("The request.", "SigningRequest"),
            "404": _refused("None of this portal's."),
            **_common(),
        },
    }


def _withdraw() -> dict[str, Any]:
    return {
        "operationId": "withdrawSigningRequest",
        "summary": "Withdraw a request that nobody has confirmed.",
        "security": _SECURITY,
        "parameters": [_ID],
        "responses": {
            "200": _ok("The request; it failed as `withdrawn`.", "SigningRequest"),
            "404": _refused("None of this portal's."),
            "409": _refused("It no longer waits; `state` says how it stands."),
            **_common(),
        },
    }


def _document() -> dict[str, Any]:
    return {
        "operationId": "signedDocument",
        "summary": "A signed document, or the signature beside it.",
        "security": _SECURITY,
        "parameters": [_ID, _POSITION],
        "responses": {
            "200": {
                "description": "The document.",
                "headers": {"Repr-Digest": {"description": "RFC 9530", "schema": _TEXT}},
                "content": {"*/*": {}},
            },
            "404": _refused("None of this portal's, or no such document."),
            "409": _refused("Not signed; `state` says how it stands."),
            "410": _refused("Its time is over."),
            **_common(),
        },
    }


def sign_schemas() -> dict[str, Any]:
    """The schemas of the API."""
    document = {
        "name": _TEXT,
        "media_type": _TEXT,
        "content": {"type": "string", "contentEncoding": "base64"},
        "part": {"type": "string", "description": "Name of the part of the form that holds it."},
        "digest": {"type": "string", "description": "base64url, where it stays with its owner."},
        "hash": {"enum": ["sha256", "sha384", "sha512"]},
        "format": {"enum": [*SignatureFormat]},
    }
    signer = {
        "sub": {"type": "string", "description": "The person as the portal knows her."},
        "role": {"enum": [*Role]},
        "organization": {"type": "string", "description": "Enterprise code: for whom she signs."},
    }
    new = {
        "title": {"type": "string", "minLength": 1, "maxLength": 200},
        "documents": {
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_DOCUMENTS,
            "items": _shape(document, required=["name"]),
        },
        "signers": {
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_SIGNERS,
            "description": "In the order in which they sign; the organisation's seal comes last.",
            "items": _shape(signer, required=["sub"]),
        },
        "level": {"enum": [*Level]},
        "reason": _TEXT,
        "location": _TEXT,
        "appearance": {"type": ["object", "array"], "description": "One for all, or each its own."},
        "return_uri": {**_URI, "description": "`request_id` and `state` are added as query."},
        "webhook_uri": _URI,
        "expires_in": {
            "type": "integer",
            "minimum": 60,
            "maximum": int(LONGEST_LIFETIME.total_seconds()),
        },
        "confirmation_window": {"type": "integer", "minimum": 30, "maximum": 300},
    }
    shown_document = {
        "position": _NUMBER,
        "name": _TEXT,
        "kind": {"enum": [*DocumentKind]},
        "format": {"enum": [*SignatureFormat]},
        "size": _NUMBER,
        "hash": _TEXT,
        "digest": _TEXT,
        "pages": _NUMBER,
        "signed_uri": _URI,
    }
    shown_signer = {
        "position": _NUMBER,
        "role": {"enum": [*Role]},
        "state": {"enum": [*SlotState]},
        "ended_at": _INSTANT,
    }
    shown = {
        "request_id": _TEXT,
        "state": {"enum": [*RequestState]},
        "sign_uri": _URI,
        "level": {"enum": [*Level]},
        "created_at": _INSTANT,
        "expires_at": _INSTANT,
        "ended_at": _INSTANT,
        "reason": _TEXT,
        "documents": {"type": "array", "items": _shape(shown_document, required=["position"])},
        "signers": {"type": "array", "items": _shape(shown_signer, required=["position"])},
    }
    refusal = {"error": _TEXT, "error_description": _TEXT, "part": _TEXT, "state": _TEXT}
    always = ["request_id", "state", "sign_uri", "level", "documents", "signers"]
    return {
        "NewSigningRequest": {
            **_shape(new, required=["title", "documents", "signers"]),
            "additionalProperties": False,
        },
        "SigningRequest": _shape(shown, required=always),
        "SigningRefusal": _shape(refusal, required=["error"]),
    }


def _shape(members: dict[str, Any], *, required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": members, "required": required}


def _ok(description: str, schema: str) -> dict[str, Any]:
    shape = {"$ref": f"#/components/schemas/{schema}"}
    return {"description": description, "content": {_JSON: {"schema": shape}}}


def _refused(description: str) -> dict[str, Any]:
    return _ok(description, "SigningRefusal")


def _common() -> dict[str, Any]:
    unknown = _refused("The token is not taken (RFC 6750 §3).")
    unknown["headers"] = {"WWW-Authenticate": {"schema": _TEXT}}
    return {
        "401": unknown,
        "403": _refused("The token does not allow signing."),
        "500": {"$ref": "#/components/responses/Broken"},
        "503": {"$ref": "#/components/responses/Interrupted"},
    }
