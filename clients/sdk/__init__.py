"""How a portal lets people sign in and sign documents at Ấn Tín, whatever its framework.

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
    SigningAnswerMalformed,
    SigningEventInvalid,
    SigningRefused,
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
from clients.sdk.signing_model import (
    DocumentToSign,
    RequestedDocument,
    RequestedSigner,
    SignedDocument,
    SignerWanted,
    SigningEvent,
    SigningRequest,
    SigningState,
)
from clients.sdk.transport import HttpAnswer, HttpRequest, Transport, Urllib3Transport
from clients.sdk.verification import DocumentBeside, VerificationReport, VerifiedSignature

__all__ = [
    "AccessTokenRefused",
    "AuthorizationRefused",
    "DocumentBeside",
    "DocumentToSign",
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
    "RequestedDocument",
    "RequestedSigner",
    "ResponseMalformed",
    "SdkError",
    "Secret",
    "SettingsInvalid",
    "SignedDocument",
    "SignerWanted",
    "SigningAnswerMalformed",
    "SigningEvent",
    "SigningEventInvalid",
    "SigningRefused",
    "SigningRequest",
    "SigningState",
    "StartedLogin",
    "StateMismatch",
    "TokenAnswerMalformed",
    "TokenRequestRefused",
    "Tokens",
    "Transport",
    "Urllib3Transport",
    "UserinfoInvalid",
    "VerificationReport",
    "VerifiedClaims",
    "VerifiedSignature",
    "is_level_reached",
    "level_of",
]
