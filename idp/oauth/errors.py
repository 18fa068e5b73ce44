"""The error codes of the protocols, as exceptions.

What lives here: errors of the authorization endpoint (which may or may not be sent back to the
client) and of the direct endpoints.  `description` is for the client's developer: English ASCII
without personal data or anything the client sent.  Sources: RFC 6749 §4.1.2.1 and §5.2, OpenID
Connect Core §3.1.2.6, RFC 8707 §2, OpenID Connect Unmet Authentication Requirements §2.
"""

from __future__ import annotations

from typing import ClassVar

from idp.errors import AntinError


class OAuthError(AntinError):
    """Root of what an OAuth client is told; `status` is for endpoints that answer directly."""

    code: ClassVar[str] = "invalid_request"
    status: ClassVar[int] = 400

    def __init__(self, description: str) -> None:
        super().__init__(f"{self.code}: {description}")
        self.description = description


class UnknownClient(AntinError):
    """No such client, or it is switched off: shown to the person, never redirected."""

    code: ClassVar[str] = "unknown_client"


class RedirectUriMismatch(AntinError):
    """The redirect URI is missing or not registered: never redirected to.  RFC 6749 §4.1.2.1."""

    code: ClassVar[str] = "redirect_uri_mismatch"


class ConsentUnknown(AntinError):
    """The person has no such consent."""

    code: ClassVar[str] = "consent_unknown"


class MalformedParameters(AntinError):
    """The request could not be read far enough to know who sent it."""

    code: ClassVar[str] = "invalid_request"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class InvalidRequest(OAuthError):
    """RFC 6749 §4.1.2.1, §5.2."""

    code = "invalid_request"


class InvalidClient(OAuthError):
    """RFC 6749 §5.2: client authentication failed; says the same for every cause."""

    code = "invalid_client"
    status = 401

    def __init__(self, description: str = "client authentication failed") -> None:
        super().__init__(description)


class InvalidGrant(OAuthError):
    """RFC 6749 §5.2: code or refresh token is unknown, expired, spent or another client's."""

    code = "invalid_grant"


class UnauthorizedClient(OAuthError):
    """RFC 6749 §5.2."""

    code = "unauthorized_client"


class UnsupportedGrantType(OAuthError):
    """RFC 6749 §5.2."""

    code = "unsupported_grant_type"


class InvalidScope(OAuthError):
    """RFC 6749 §4.1.2.1."""

    code = "invalid_scope"


class InvalidTarget(OAuthError):
    """RFC 8707 §2: the resource is unknown or not for this client."""

    code = "invalid_target"


class UnsupportedResponseType(OAuthError):
    """RFC 6749 §4.1.2.1."""

    code = "unsupported_response_type"


class AccessDenied(OAuthError):
    """RFC 6749 §4.1.2.1: the person or a rule said no."""

    code = "access_denied"


class LoginRequired(OAuthError):
    """OpenID Connect Core §3.1.2.6."""

    code = "login_required"


class InteractionRequired(OAuthError):
    """OpenID Connect Core §3.1.2.6."""

    code = "interaction_required"


class AccountSelectionRequired(OAuthError):
    """OpenID Connect Core §3.1.2.6."""

    code = "account_selection_required"


class ConsentRequired(OAuthError):
    """OpenID Connect Core §3.1.2.6."""

    code = "consent_required"


class RequestNotSupported(OAuthError):
    """OpenID Connect Core §3.1.2.6: the `request` parameter."""

    code = "request_not_supported"


class RequestUriNotSupported(OAuthError):
    """OpenID Connect Core §3.1.2.6: the `request_uri` parameter."""

    code = "request_uri_not_supported"


class RegistrationNotSupported(OAuthError):
    """OpenID Connect Core §3.1.2.6: the `registration` parameter."""

    code = "registration_not_supported"


class UnmetAuthenticationRequirements(OAuthError):
    """An essential `acr`, or what the client's policy demands, cannot be reached."""

    code = "unmet_authentication_requirements"


class UnsupportedTokenType(OAuthError):
    """RFC 7009 §2.2.1: a token of this kind cannot be revoked."""

    code = "unsupported_token_type"


class InvalidToken(OAuthError):
    """RFC 6750 §3.1."""

    code = "invalid_token"
    status = 401


class InsufficientScope(OAuthError):
    """RFC 6750 §3.1."""

    code = "insufficient_scope"
    status = 403
