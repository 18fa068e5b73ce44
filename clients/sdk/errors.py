"""What can go wrong between a portal and the provider, as data.

What lives here: one root and one class per thing that happens.  Each carries a stable `code` and
facts as fields; the sentence for a person is the portal's to make, in the person's language.
No field and no message ever holds a token, a secret or a claim value.
"""

from __future__ import annotations

from typing import ClassVar


class SdkError(Exception):
    """Root of everything that this package raises on purpose."""

    code: ClassVar[str] = "sdk_error"


class SettingsInvalid(SdkError):
    """The portal was put together wrongly; `name` says which setting, `reason` why."""

    code: ClassVar[str] = "settings_invalid"

    def __init__(self, name: str, *, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


class ProviderUnavailable(SdkError):
    """No answer, a broken answer, or 5xx: nothing is wrong with the person; try again later.

    `where` names the part that was asked (`metadata`, `jwks`, `token`, `userinfo`).
    """

    code: ClassVar[str] = "provider_unavailable"

    def __init__(self, where: str, *, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where = where
        self.reason = reason


class MetadataInvalid(SdkError):
    """The provider's metadata may not be used; `reason` is one lower_snake word."""

    code: ClassVar[str] = "metadata_invalid"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ResponseMalformed(SdkError):
    """The browser brought back something that is no authorization response."""

    code: ClassVar[str] = "response_malformed"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class StateMismatch(SdkError):
    """The response does not belong to the sign-in that this browser started (RFC 6749 §10.12)."""

    code: ClassVar[str] = "state_mismatch"


class LoginExpired(SdkError):
    """The sign-in was started too long ago: start again."""

    code: ClassVar[str] = "login_expired"


class IssuerMismatch(SdkError):
    """The response comes from, or is said to come from, another provider (RFC 9207 §2.4)."""

    code: ClassVar[str] = "issuer_mismatch"


class AuthorizationRefused(SdkError):
    """The provider, or the person, said no; `error` is the code of the protocol.

    `error` is one of RFC 6749 §4.1.2.1, OIDC Core §3.1.2.6 or the provider's own
    (`access_denied`, `login_required`, `unmet_authentication_requirements`, …).
    """

    code: ClassVar[str] = "authorization_refused"

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class TokenRequestRefused(SdkError):
    """The token endpoint said no; `error` is the code of RFC 6749 §5.2 (`invalid_grant`, …)."""

    code: ClassVar[str] = "token_request_refused"

    def __init__(self, error: str, *, status: int) -> None:
        super().__init__(f"{status} {error}")
        self.error = error
        self.status = status


class TokenAnswerMalformed(SdkError):
    """The token endpoint answered 200 with something that is no token response."""

    code: ClassVar[str] = "token_answer_malformed"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class JwtMalformed(SdkError):
    """A JWT cannot be read, or its signature does not hold; `reason` is one lower_snake word."""

    code: ClassVar[str] = "jwt_malformed"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class KeyUnknown(SdkError):
    """The provider publishes no key of this `kid` for this algorithm."""

    code: ClassVar[str] = "key_unknown"


class IdTokenInvalid(SdkError):
    """The ID token fails step `step` of OIDC Core §3.1.3.7; `reason` is one lower_snake word.

    Step 0 is the shape of the token itself (§2), step 14 the `at_hash` (§3.1.3.8).
    """

    code: ClassVar[str] = "id_token_invalid"

    def __init__(self, step: int, reason: str) -> None:
        super().__init__(f"step {step}: {reason}")
        self.step = step
        self.reason = reason


class RefreshedIdTokenInvalid(SdkError):
    """A refreshed ID token speaks of someone or something else (OIDC Core §12.2)."""

    code: ClassVar[str] = "refreshed_id_token_invalid"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class LogoutTokenInvalid(SdkError):
    """The logout token fails step `step` of OIDC Back-Channel Logout 1.0 §2.6."""

    code: ClassVar[str] = "logout_token_invalid"

    def __init__(self, step: int, reason: str) -> None:
        super().__init__(f"step {step}: {reason}")
        self.step = step
        self.reason = reason


class UserinfoInvalid(SdkError):
    """The userinfo answer may not be used; `reason` is one lower_snake word."""

    code: ClassVar[str] = "userinfo_invalid"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class AccessTokenRefused(SdkError):
    """The access token is no longer accepted: refresh it, or let the person sign in again."""

    code: ClassVar[str] = "access_token_refused"


class NotOffered(SdkError):
    """The provider's metadata names no such endpoint; `what` is its name there."""

    code: ClassVar[str] = "not_offered"

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class SigningRefused(SdkError):
    """The provider does not do what was asked about signing.

    `error` is its code, stable and listed in the guide for portals (`signer_unknown`, `encrypted`,
    `digest_length`, `request_unknown`, …); `part` says what it is about (`documents[3].digest`);
    `state` in which state the request is, where that is why; `status` is of HTTP.
    """

    code: ClassVar[str] = "signing_refused"

    def __init__(self, error: str, *, status: int, part: str = "", state: str = "") -> None:
        super().__init__(" ".join(word for word in (str(status), error, part, state) if word))
        self.error = error
        self.status = status
        self.part = part
        self.state = state


class SigningAnswerMalformed(SdkError):
    """The provider answered with something that is no request and no document; `reason` says what.

    `digest`: a signed document did not come whole; fetch it again.
    """

    code: ClassVar[str] = "signing_answer_malformed"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SigningEventInvalid(SdkError):
    """A pushed event fails step `step` of `signing_events.verify_signing_event`."""

    code: ClassVar[str] = "signing_event_invalid"

    def __init__(self, step: int, reason: str) -> None:
        super().__init__(f"step {step}: {reason}")
        self.step = step
        self.reason = reason

    @property
    def is_repeated(self) -> bool:
        """Whether it was taken before: answer 202, or it is told for days."""
        return self.reason == "repeated"

    @property
    def err(self) -> str:
        """The code for the answer's JSON (RFC 8935 §2.4)."""
        if self.step == 2:
            return "invalid_key"
        named = {"issuer": "invalid_issuer", "audience": "invalid_audience"}
        return named.get(self.reason, "invalid_request")
