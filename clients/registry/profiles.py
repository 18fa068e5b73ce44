"""What a client may do, by profile: one table, as data.

What lives here: the three profiles of the design and nothing that decides.  `validation.py` holds a
registration against them, the endpoints read lifetimes and caps from them, `weaknesses.py` shows
the operator what is left open.  Source: RFC 9700; FAPI 2.0 Security Profile §5.3.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from clients.registry.model import AuthMethod, Client, GrantType, Pkce, ProfileName


class RefreshRule(StrEnum):
    """What happens to a refresh token when it is used."""

    FORBIDDEN = "forbidden"
    ROTATED = "rotated"
    BOUND_TO_KEY = "bound_to_key"  # not rotated: only the holder of the client's key can use it


class AssertionAudience(StrEnum):
    """What a client assertion may name as its audience; a list is never taken."""

    ISSUER = "issuer"
    TOKEN_ENDPOINT = "token_endpoint"


class ClaimNaming(StrEnum):
    """Under which names userinfo gives what is known of a person."""

    STANDARD = "standard"
    VNCONNECT = "vnconnect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One column of the table.

    `scopes` None means: any scope that exists, except `scopes_refused`.  `level_cap` is the highest
    level of a sign-in that the client may rely on.
    """

    name: ProfileName
    auth_methods: frozenset[AuthMethod]
    assertion_audiences: frozenset[AssertionAudience]
    pkce_modes: frozenset[Pkce]
    code_lifetime_s: int
    grant_types: frozenset[GrantType]
    refresh: RefreshRule
    level_cap: int
    scopes: frozenset[str] | None
    scopes_refused: frozenset[str]
    signed_response_algs: frozenset[str]
    may_sign: bool
    needs_legal_reference: bool
    needs_end_date: bool
    needs_claim_allow_list: bool
    needs_source_allow_list: bool
    claim_naming: ClaimNaming


_STANDARD: Final = Profile(
    name=ProfileName.STANDARD,
    auth_methods=frozenset(AuthMethod),
    assertion_audiences=frozenset(AssertionAudience),
    pkce_modes=frozenset(Pkce),
    code_lifetime_s=60,
    grant_types=frozenset(GrantType),
    refresh=RefreshRule.ROTATED,
    level_cap=4,
    scopes=None,
    scopes_refused=frozenset({"vnconnect"}),
    signed_response_algs=frozenset({"ES256", "RS256"}),
    may_sign=True,
    needs_legal_reference=False,
    needs_end_date=False,
    needs_claim_allow_list=False,
    needs_source_allow_list=False,
    claim_naming=ClaimNaming.STANDARD,
)

_FAPI2: Final = Profile(
    name=ProfileName.FAPI2,
    auth_methods=frozenset({AuthMethod.PRIVATE_KEY_JWT}),
    assertion_audiences=frozenset({AssertionAudience.ISSUER}),
    pkce_modes=frozenset({Pkce.REQUIRED}),
    code_lifetime_s=60,
    grant_types=frozenset(GrantType),
    refresh=RefreshRule.BOUND_TO_KEY,
    level_cap=4,
    scopes=None,
    scopes_refused=frozenset({"vnconnect"}),
    signed_response_algs=frozenset({"ES256"}),
    may_sign=True,
    needs_legal_reference=False,
    needs_end_date=False,
    needs_claim_allow_list=False,
    needs_source_allow_list=False,
    claim_naming=ClaimNaming.STANDARD,
)

_LEGACY: Final = Profile(
    name=ProfileName.LEGACY,
    auth_methods=frozenset({AuthMethod.POST}),
    assertion_audiences=frozenset(),
    pkce_modes=frozenset({Pkce.IF_SENT, Pkce.REQUIRED}),
    code_lifetime_s=30,
    grant_types=frozenset({GrantType.AUTHORIZATION_CODE}),
    refresh=RefreshRule.FORBIDDEN,
    level_cap=1,
    scopes=frozenset(
        {"openid", "profile", "email", "phone", "address", "identity", "organization", "vnconnect"}
    ),
    scopes_refused=frozenset(),
    signed_response_algs=frozenset({"ES256", "RS256"}),
    may_sign=False,
    needs_legal_reference=True,
    needs_end_date=True,
    needs_claim_allow_list=True,
    needs_source_allow_list=True,
    claim_naming=ClaimNaming.VNCONNECT,
)

PROFILES: Final[Mapping[ProfileName, Profile]] = MappingProxyType(
    {profile.name: profile for profile in (_STANDARD, _FAPI2, _LEGACY)}
)


def profile_of(client: Client) -> Profile:
    """The profile that a client was registered under."""
    return PROFILES[client.profile]
