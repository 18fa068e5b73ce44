"""What a portal must be told before it can start.

What lives here: the settings, as the registration at the provider gave them.  Not here: where
they are read from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from clients.sdk.client_auth import AuthMethod


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalSettings:
    """Settings of one portal.

    `base_url` is where browsers reach it, without a slash at the end; `ca_file` (PEM) is needed
    only when the provider's certificate comes from an authority that the system does not know.
    """

    issuer: str
    base_url: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    token_endpoint_auth_method: AuthMethod | None = None
    id_token_alg: str = "ES256"
    ca_file: Path | None = None

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends the browser back to; register it to the letter."""
        return f"{self.base_url}/callback"

    @property
    def post_logout_redirect_uri(self) -> str:
        """Where the browser lands after signing out; register it to the letter."""
        return f"{self.base_url}/signed-out"

    @property
    def backchannel_logout_uri(self) -> str:
        """Where the provider posts logout tokens; register it."""
        return f"{self.base_url}/backchannel-logout"

    @property
    def signing_return_uri(self) -> str:
        """Where signers come back to; under the origin of the redirect URI, or it is refused."""
        return f"{self.base_url}/signed"

    @property
    def signing_webhook_uri(self) -> str:
        """Where the provider tells what became of a signing request; under the same origin."""
        return f"{self.base_url}/signing-events"

    @property
    def is_https(self) -> bool:
        """Whether cookies are for https alone."""
        return urlsplit(self.base_url).scheme == "https"

    @property
    def issuer_origin(self) -> str:
        """Scheme, host and port of the provider, for the Content-Security-Policy."""
        parts = urlsplit(self.issuer)
        return f"{parts.scheme}://{parts.netloc}"
