"""The values that travel between the files of this package and the portal.

What lives here: frozen carriers without behaviour beyond reading themselves.  Nothing here
fetches or verifies: a `VerifiedClaims` is made by `jose.py` alone, after the signature held.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import NewType, Self

from clients.sdk.errors import ResponseMalformed

VerifiedClaims = NewType("VerifiedClaims", Mapping[str, object])
"""Claims of a JWT whose signature, issuer and audience were checked."""


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """Text that no log may show; say `reveal()` where it is really needed."""

    _text: str

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What the portal uses of the provider's metadata, already checked by `discovery.py`."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    end_session_endpoint: str | None
    has_iss_in_response: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingLogin:
    """One sign-in that was started: keep it at the server, bound to the browser by a cookie.

    It is needed once, by `finish_login`.  Whoever reads it could finish the sign-in with a stolen
    code, so it belongs in a session at the server or in an encrypted cookie, never in a URL.
    """

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
    started_at_epoch_s: int
    acr_values: tuple[str, ...] = ()
    max_age_s: int | None = None
    is_reauthentication: bool = False
    resource: str | None = None

    def to_json(self) -> str:
        """Return the text that `from_json` reads."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote.

        Raises  ResponseMalformed when it is something else.
        """
        try:
            members = json.loads(text)
            return cls(**{**members, "acr_values": tuple(members["acr_values"])})
        except (ValueError, TypeError, KeyError) as error:
            raise ResponseMalformed("kept_state_unreadable") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedLogin:
    """Where to send the browser, and what to keep until it is back."""

    url: str = field(repr=False)
    state_to_keep: PendingLogin


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What the token endpoint gave; `expires_at` is aware UTC, or None when it was not said."""

    access_token: Secret
    id_token: Secret
    refresh_token: Secret | None
    expires_at: datetime | None
    scope: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A finished sign-in: verified claims of the ID token, and the tokens that came with it."""

    claims: VerifiedClaims = field(repr=False)
    tokens: Tokens

    @property
    def subject(self) -> str:
        """The person, under the name that this portal's sector knows."""
        return str(self.claims["sub"])

    @property
    def sid(self) -> str | None:
        """The session at the provider, as back-channel logout will name it."""
        return text_claim(self.claims, "sid")

    @property
    def acr(self) -> str | None:
        """The level of this sign-in (`urn:vn:auth:1` … `:4`)."""
        return text_claim(self.claims, "acr")

    @property
    def authenticated_at(self) -> datetime | None:
        """When the oldest factor of this sign-in was used."""
        value = self.claims.get("auth_time")
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return datetime.fromtimestamp(value, tz=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutNotice:
    """Whose sessions to end: those of `sid` when it is there, else all of `subject`."""

    subject: str | None
    sid: str | None


def text_claim(claims: Mapping[str, object], name: str) -> str | None:
    """Return a claim that is non-empty text, else None."""
    value = claims.get(name)
    return value if isinstance(value, str) and value else None
