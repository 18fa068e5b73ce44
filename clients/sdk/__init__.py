"""How a portal lets people sign in at Ấn Tín: an OpenID Connect relying party for any framework.

What lives here: the public names.  Start at `Portal`.  The package needs urllib3 and joserfc and
nothing else, imports nothing of the provider, and keeps no state beyond cached public documents.
"""

from clients.sdk.errors import (
    AccessTokenRefused,
    AuthorizationRefused,
    IdTokenInvalid,
    IssuerMismatch,
    LoginExpired,
    LogoutTokenInvalid,
    MetadataInvalid,
    NotOffered,
    ProviderUnavailable,
    RefreshedIdTokenInvalid,
    ResponseMalformed,
    SdkError,
    SettingsInvalid,
    StateMismatch,
    TokenAnswerMalformed,
    TokenRequestRefused,
    UserinfoInvalid,
)
from clients.sdk.levels import is_level_reached, level_of
from clients.sdk.logout import MemoryReplayStore, ReplayStore
from clients.sdk.model import (
    Login,
    LogoutNotice,
    Metadata,
    PendingLogin,
    Secret,
    StartedLogin,
    Tokens,
    VerifiedClaims,
)
from clients.sdk.portal import Portal
from clients.sdk.transport import HttpAnswer, HttpRequest, Transport, Urllib3Transport

__all__ = [
    "AccessTokenRefused",
    "AuthorizationRefused",
    "HttpAnswer",
    "HttpRequest",
    "IdTokenInvalid",
    "IssuerMismatch",
    "Login",
    "LoginExpired",
    "LogoutNotice",
    "LogoutTokenInvalid",
    "MemoryReplayStore",
    "Metadata",
    "MetadataInvalid",
    "NotOffered",
    "PendingLogin",
    "Portal",
    "ProviderUnavailable",
    "RefreshedIdTokenInvalid",
    "ReplayStore",
    "ResponseMalformed",
    "SdkError",
    "Secret",
    "SettingsInvalid",
    "StartedLogin",
    "StateMismatch",
    "TokenAnswerMalformed",
    "TokenRequestRefused",
    "Tokens",
    "Transport",
    "Urllib3Transport",
    "UserinfoInvalid",
    "VerifiedClaims",
    "is_level_reached",
    "level_of",
]
