"""What Authlib sees of our clients, codes and requests.

What lives here: the few methods that Authlib's grants call on its own kinds of object.  Everything
they answer comes from frozen values of ours; nothing is decided here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from clients.registry.model import Client
from idp.model import Code, Grant


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """A registered client in Authlib's words."""

    registered: Client

    def check_grant_type(self, grant_type: str) -> bool:
        """Whether the client may use a grant."""
        return grant_type in self.registered.grant_types

    def get_client_id(self) -> str:
        """The client id."""
        return self.registered.client_id


@dataclass(frozen=True, slots=True)
class PresentedCode:
    """A code that was presented, not spent, with its grant; Authlib compares the redirect URI."""

    grant: Grant
    code: Code
    is_account_active: bool

    def get_redirect_uri(self) -> str:
        """What the authorization request named; RFC 6749 §4.1.3 demands the same again."""
        return self.code.redirect_uri

    def get_scope(self) -> str:
        """The granted scopes."""
        return " ".join(self.grant.scopes)


@dataclass(frozen=True, slots=True)
class SpentCode:
    """A code that was spent by this request, everything about it having been right."""

    grant: Grant
    redirect_uri: str
    refresh_token: str | None = field(repr=False)

    def get_redirect_uri(self) -> str:
        """What the authorization request named, and this request as well."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """The granted scopes."""
        return " ".join(self.grant.scopes)
