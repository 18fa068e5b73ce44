"""What a registration leaves open, for the operator to see in every list.

What lives here: a table of codes, each with its sentence, its source and the question that finds
it.  A weakness is permitted by the client's profile; what is not permitted is refused by
`validation.py` and never comes here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from clients.registry.model import ApplicationType, AuthMethod, Client, GrantType, Pkce, ProfileName
from clients.registry.redirects import is_loopback

PERSONAL_SCOPES: Final = frozenset(
    {"profile", "email", "phone", "address", "identity", "organization", "vnconnect"}
)
"""Scopes that give something of a person, so that a purpose belongs beside them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weakness:
    """One thing that a client could do better."""

    code: str
    sentence: str
    source: str
    applies: Callable[[Client], bool] = field(repr=False, compare=False)


def _redirects_with_scheme_of_its_own(client: Client) -> bool:
    return any(not uri.startswith(("https:", "http:")) for uri in client.redirect_uris)


WEAKNESSES: Final[tuple[Weakness, ...]] = (
    Weakness(
        code="legacy_profile",
        sentence="lives under the legacy profile until its end date",
        source="RFC 9700 §2",
        applies=lambda client: client.profile is ProfileName.LEGACY,
    ),
    Weakness(
        code="pkce_if_sent",
        sentence="may start without PKCE: an injected code is not noticed",
        source="RFC 9700 §2.1.1",
        applies=lambda client: (
            client.pkce is Pkce.IF_SENT and GrantType.AUTHORIZATION_CODE in client.grant_types
        ),
    ),
    Weakness(
        code="secret_in_body",
        sentence="sends its secret in the request body, where it is easily logged",
        source="RFC 6749 §2.3.1",
        applies=lambda client: client.token_endpoint_auth_method is AuthMethod.POST,
    ),
    Weakness(
        code="public_web_client",
        sentence="runs in browsers and cannot prove who it is",
        source="RFC 6749 §2.1",
        applies=lambda client: client.is_public and client.application_type is ApplicationType.WEB,
    ),
    Weakness(
        code="http_redirect",
        sentence="takes codes over plain http on its own machine",
        source="RFC 9700 §4.1.3",
        applies=lambda client: (
            client.application_type is ApplicationType.WEB
            and any(is_loopback(uri) for uri in client.redirect_uris)
        ),
    ),
    Weakness(
        code="localhost_redirect",
        sentence="names localhost instead of a loopback address",
        source="RFC 8252 §8.3",
        applies=lambda client: (
            client.application_type is ApplicationType.NATIVE
            and any(uri.startswith("http://localhost") for uri in client.redirect_uris)
        ),
    ),
    Weakness(
        code="private_use_scheme",
        sentence="takes codes under a scheme that another app can claim",
        source="RFC 8252 §8.6",
        applies=_redirects_with_scheme_of_its_own,
    ),
    Weakness(
        code="no_backchannel_logout",
        sentence="does not hear of it when a person signs out elsewhere",
        source="OpenID Connect Back-Channel Logout 1.0 §2",
        applies=lambda client: (
            client.backchannel_logout_uri is None
            and client.application_type is ApplicationType.WEB
            and GrantType.AUTHORIZATION_CODE in client.grant_types
        ),
    ),
    Weakness(
        code="http_backchannel",
        sentence="hears of sign-outs over plain http",
        source="OpenID Connect Back-Channel Logout 1.0 §2.2",
        applies=lambda client: (
            client.backchannel_logout_uri is not None and is_loopback(client.backchannel_logout_uri)
        ),
    ),
    Weakness(
        code="rs256",
        sentence="wants RSA PKCS#1 v1.5 signatures instead of ES256",
        source="RFC 8725 §3.2",
        applies=lambda client: (
            "RS256" in (client.id_token_signed_response_alg, client.userinfo_signed_response_alg)
        ),
    ),
    Weakness(
        code="bearer_access_tokens",
        sentence="gets access tokens that whoever holds them can use",
        source="FAPI 2.0 Security Profile §5.3.2.1",
        applies=lambda client: client.profile is ProfileName.FAPI2,
    ),
    Weakness(
        code="identity_without_allow_list",
        sentence="may ask for the national number and has no allow-list of claims",
        source="Law 91/2025/QH15 art. 3",
        applies=lambda client: "identity" in client.scopes and client.claims is None,
    ),
    Weakness(
        code="purpose_missing",
        sentence="asks for personal data without a registered purpose",
        source="Law 91/2025/QH15 art. 9",
        applies=lambda client: any(
            scope in PERSONAL_SCOPES and client.find_purpose(scope) is None
            for scope in client.scopes
        ),
    ),
)


def find_weaknesses(client: Client) -> tuple[Weakness, ...]:
    """What a client leaves open, gravest first."""
    return tuple(weakness for weakness in WEAKNESSES if weakness.applies(client))
