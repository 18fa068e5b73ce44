"""The description of the JSON endpoints, for programs and for people who write them.

What lives here: an OpenAPI 3.1 document as constant bytes.  Pages are not in it.  It says what a
developer needs before reading the specifications that it names, and nothing that they say better.
Source: OpenAPI 3.1.1; the RFCs named at each operation.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, Final

import msgspec

from idp.web.openapi_sign import sign_paths, sign_schemas
from idp.web.openapi_verify import verify_paths, verify_schemas

_FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = "application/json"
_TEXT: Final = {"type": "string"}
_NUMBER: Final = {"type": "integer"}
_CLIENT_SECURITY: Final[list[dict[str, list[str]]]] = [{"clientSecretBasic": []}, {}]
"""Or without the header: by `client_secret` or `client_assertion` in the body."""
_CLIENT_FIELDS: Final = {
    "client_id": _TEXT,
    "client_secret": _TEXT,
    "client_assertion_type": {"const": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
    "client_assertion": _TEXT,
}


def openapi_document(issuer: str, *, signs: bool) -> bytes:
    """The document as JSON.

    Takes   signs: whether portals have documents signed at this deployment.
    """
    return msgspec.json.encode(openapi_members(issuer, signs=signs))


def openapi_members(issuer: str, *, signs: bool) -> dict[str, Any]:
    """The members, in a readable order."""
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Ấn Tín",
            "summary": "Sign in once to every public portal: OpenID Connect and OAuth 2.0",
            "description": (
                "The endpoints that programs call. Browsers are sent to /authorize and /logout, "
                "which are described by OpenID Connect and not here."
            ),
            "version": version("antin"),
        },
        "servers": [{"url": issuer}],
        "externalDocs": {"url": f"{issuer}/.well-known/openid-configuration"},
        "paths": {
            "/token": {"post": _token()},
            "/userinfo": {"get": _userinfo("userinfo"), "post": _userinfo("userinfoByPost")},
            "/revoke": {"post": _revoke()},
            "/introspect": {"post": _introspect()},
            "/jwks": {"get": _constant("jwks", "The public keys (RFC 7517).", "JwkSet")},
            "/.well-known/openid-configuration": {
                "get": _constant(
                    "openidConfiguration", "What this provider can do (OIDC Discovery).", "Metadata"
                )
            },
            "/.well-known/oauth-authorization-server": {
                "get": _constant(
                    "authorizationServer", "The same for OAuth clients (RFC 8414).", "Metadata"
                )
            },
            "/openapi.json": {"get": _constant("openapi", "This document.", None)},
            "/healthz": {"get": _word("healthz", "Whether the process is alive.")},
            "/readyz": {"get": _word("readyz", "Whether requests should be sent here.")},
            **(sign_paths() if signs else {}),
            **verify_paths(),
        },
        "components": {
            "schemas": _schemas() | (sign_schemas() if signs else {}) | verify_schemas(),
            "responses": _responses(),
            "securitySchemes": _security(),
        },
    }


def _token() -> dict[str, Any]:
    fields = {
        "grant_type": {"enum": ["authorization_code", "refresh_token", "client_credentials"]},
        "code": _TEXT,
        "redirect_uri": {"type": "string", "format": "uri"},
        "code_verifier": {"type": "string", "minLength": 43, "maxLength": 128},
        "refresh_token": _TEXT,
        "scope": _TEXT,
        "resource": {"type": "string", "format": "uri"},
        **_CLIENT_FIELDS,
    }
    return {
        "operationId": "token",
        "summary": "Exchange a code or a refresh token, or ask for a token of the client's own.",
        "description": "RFC 6749 §4.1.3, §4.4, §6; RFC 7636; RFC 8707; RFC 7523.",
        "security": _CLIENT_SECURITY,
        "requestBody": _form(fields, required=["grant_type"]),
        "responses": {
            "200": _ok("Tokens.", "Tokens"),
            "400": _ref("Refused"),
            "401": _ref("ClientUnknown"),
            **_common(),
        },
    }


def _userinfo(operation: str) -> dict[str, Any]:
    answer = _ok("What the person agreed to share with this client.", "Claims")
    answer["content"]["application/jwt"] = {"schema": _TEXT}
    return {
        "operationId": operation,
        "summary": "Claims about the person.",
        "description": "OpenID Connect Core §5.3. Signed for clients that are registered so.",
        "security": [{"accessToken": []}],
        "responses": {"200": answer, "401": _ref("TokenRefused"), **_common()},
    }


def _revoke() -> dict[str, Any]:
    return {
        "operationId": "revoke",
        "summary": "End what a token of the caller belongs to.",
        "description": "RFC 7009: unknown tokens are answered with 200 too.",
        "security": _CLIENT_SECURITY,
        "requestBody": _form(
            {"token": _TEXT, "token_type_hint": _TEXT, **_CLIENT_FIELDS}, required=["token"]
        ),
        "responses": {
            "200": {"description": "The token works no more."},
            "400": _ref("Refused"),
            "401": _ref("ClientUnknown"),
            **_common(),
        },
    }


def _introspect() -> dict[str, Any]:
    return {
        "operationId": "introspect",
        "summary": "What an access token for the calling resource server is worth now.",
        "description": "RFC 7662: a token that is for somebody else is inactive.",
        "security": _CLIENT_SECURITY,
        "requestBody": _form({"token": _TEXT, **_CLIENT_FIELDS}, required=["token"]),
        "responses": {
            "200": _ok("Active or not.", "Introspection"),
            "400": _ref("Refused"),
            "401": _ref("ClientUnknown"),
            **_common(),
        },
    }


def _constant(operation: str, summary: str, schema: str | None) -> dict[str, Any]:
    answer = _ok("The document.", schema)
    responses: dict[str, Any] = {"200": answer}
    if operation == "jwks":
        answer["content"] = {"application/jwk-set+json": answer["content"][_JSON]}
        responses["503"] = _ref("Interrupted")
    return {"operationId": operation, "summary": summary, "security": [], "responses": responses}


def _word(operation: str, summary: str) -> dict[str, Any]:
    plain = {"text/plain": {"schema": _TEXT}}
    responses: dict[str, Any] = {"200": {"description": "Yes.", "content": plain}}
    if operation == "readyz":
        responses["503"] = {"description": "Not now.", "content": plain}
    return {"operationId": operation, "summary": summary, "security": [], "responses": responses}


def _form(fields: dict[str, Any], *, required: list[str]) -> dict[str, Any]:
    schema = {"type": "object", "properties": fields, "required": required}
    return {"required": True, "content": {_FORM: {"schema": schema}}}


def _ok(description: str, schema: str | None) -> dict[str, Any]:
    shape = {"type": "object"} if schema is None else {"$ref": f"#/components/schemas/{schema}"}
    return {"description": description, "content": {_JSON: {"schema": shape}}}


def _ref(response: str) -> dict[str, str]:
    return {"$ref": f"#/components/responses/{response}"}


def _common() -> dict[str, Any]:
    return {
        "411": _ref("Refused"),
        "413": _ref("Refused"),
        "500": _ref("Broken"),
        "503": _ref("Interrupted"),
    }


def _schemas() -> dict[str, Any]:
    def shape(required: list[str], **members: Any) -> dict[str, Any]:
        return {"type": "object", "properties": members, "required": required}

    return {
        "Tokens": shape(
            ["access_token", "token_type", "expires_in"],
            access_token=_TEXT,
            token_type={"const": "Bearer"},
            expires_in=_NUMBER,
            id_token=_TEXT,
            refresh_token=_TEXT,
            scope=_TEXT,
        ),
        "Claims": shape(["sub"], sub=_TEXT),
        "Introspection": shape(
            ["active"],
            active={"type": "boolean"},
            iss=_TEXT,
            sub=_TEXT,
            aud=_TEXT,
            client_id=_TEXT,
            scope=_TEXT,
            exp=_NUMBER,
            iat=_NUMBER,
        ),
        "JwkSet": shape(["keys"], keys={"type": "array", "items": {"type": "object"}}),
        "Metadata": shape(["issuer", "jwks_uri"], issuer=_TEXT, jwks_uri=_TEXT),
        "Error": shape(["error"], error=_TEXT, error_description=_TEXT),
    }


def _responses() -> dict[str, Any]:
    def said(description: str, **headers: str) -> dict[str, Any]:
        answer = _ok(description, "Error")
        if headers:
            answer["headers"] = {
                name.replace("_", "-"): {"description": text, "schema": _TEXT}
                for name, text in headers.items()
            }
        return answer

    return {
        "Refused": said("The request was refused; `error` says why."),
        "ClientUnknown": said(
            "The client did not authenticate.", WWW_Authenticate="when it used the header"
        ),
        "TokenRefused": {
            "description": "The token is not taken (RFC 6750 §3); there is no body.",
            "headers": {"WWW-Authenticate": {"schema": _TEXT}},
        },
        "Broken": said("Something went wrong here."),
        "Interrupted": said(
            "A store does not answer; nothing was done.", Retry_After="seconds to wait"
        ),
    }


def _security() -> dict[str, Any]:
    return {
        "clientSecretBasic": {"type": "http", "scheme": "basic"},
        "accessToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    }
