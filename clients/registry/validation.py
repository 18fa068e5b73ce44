"""Whether a registration obeys its profile and the specifications.

What lives here: a list of checks, each naming the field that broke it.  Not here: what needs the
database (does the sector exist), and anything about a request.
Source: RFC 7591 §2, OpenID Connect Registration 1.0 §2, RFC 8252 §8, RFC 9700 §2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from clients.registry.errors import ClientInvalid
from clients.registry.jwks import find_jwks_problem
from clients.registry.model import (
    ApplicationType,
    AuthMethod,
    Client,
    Controller,
    GrantType,
    Pkce,
    ResourceServer,
    Sector,
)
from clients.registry.profiles import Profile, RefreshRule, profile_of
from clients.registry.redirects import MAX_LENGTH, find_redirect_problem, is_loopback

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,127}")
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,100}")
_RESOURCE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9\-._~:/\[\]@!$&'()*+,;=%]+")
RESERVED_SCOPES: Final = frozenset(
    {
        "openid", "profile", "email", "phone", "address", "identity", "organization", "vnconnect",
        "offline_access", "claims",
    }
)  # fmt: skip
"""Names that mean something here already; `claims` stands for a purpose of single claims."""
_LEVELS: Final = (1, 2)
_SHORTEST_REFRESH_S: Final = 300
_LONGEST_REFRESH_S: Final = 366 * 24 * 3600
_MOST_ENTRIES: Final = 100
_LONGEST_TEXT: Final = 500


def verify_client(client: Client) -> None:
    """Refuse a client that contradicts its profile or a specification.

    The checks run in the order of `_CHECKS`; the first that fails is told.
    Raises  ClientInvalid (field, reason).
    """
    profile = profile_of(client)
    for check in _CHECKS:
        check(client, profile)


def verify_controller(controller: Controller) -> None:
    """Refuse a controller that could not be shown on a consent screen.

    Raises  ClientInvalid (field, reason).
    """
    _verify_id("controller_id", controller.controller_id)
    _verify_texts(name_vi=controller.name_vi, name_en=controller.name_en)
    if controller.dpo_email is not None:
        _verify_texts(dpo_email=controller.dpo_email)
        if not re.fullmatch(r"[^@\s]+@[^@\s]+", controller.dpo_email):
            raise ClientInvalid("dpo_email", reason="it is not an e-mail address")
    if controller.dpo_phone is not None:
        _verify_texts(dpo_phone=controller.dpo_phone)
    _verify_web_address("privacy_uri", controller.privacy_uri, loopback=True)


def verify_sector(sector: Sector) -> None:
    """Refuse a sector without a name.

    Raises  ClientInvalid (field, reason).
    """
    _verify_id("sector_id", sector.sector_id)
    _verify_texts(name_vi=sector.name_vi, name_en=sector.name_en)


def verify_resource_server(server: ResourceServer) -> None:
    """Refuse a resource server that cannot be an audience.

    Its identifier is an absolute URI without fragment (RFC 8707 §2) and without query.  None of its
    scopes has a name that would be taken for one about the person.
    Raises  ClientInvalid (field, reason).
    """
    _verify_texts(name_vi=server.name_vi, name_en=server.name_en)
    _verify_resource("identifier", server.identifier)
    _verify_scopes("scopes", server.scopes)
    reserved = server.scopes & RESERVED_SCOPES
    if reserved:
        raise ClientInvalid("scopes", reason=f"{min(reserved)} is a scope of the provider itself")


def _verify_identity(client: Client, _profile: Profile) -> None:
    _verify_id("client_id", client.client_id)
    _verify_texts(name_vi=client.name_vi, name_en=client.name_en)
    for purpose in client.purposes:
        _verify_texts(
            purpose_vi=purpose.purpose_vi,
            purpose_en=purpose.purpose_en,
            retention_vi=purpose.retention_vi,
            retention_en=purpose.retention_en,
        )


def _verify_authentication(client: Client, profile: Profile) -> None:
    method = client.token_endpoint_auth_method
    field = "token_endpoint_auth_method"
    if method not in profile.auth_methods:
        raise ClientInvalid(field, reason=_not_under(profile, method))
    if client.application_type is ApplicationType.NATIVE and method is not AuthMethod.NONE:
        raise ClientInvalid(
            field, reason="an installed app cannot keep a secret: none (RFC 8252 §8.5)"
        )
    has_keys = client.jwks is not None or client.jwks_uri is not None
    if method is AuthMethod.PRIVATE_KEY_JWT and not has_keys:
        raise ClientInvalid("jwks", reason="private_key_jwt needs jwks or jwks_uri")
    if client.jwks is not None and client.jwks_uri is not None:
        raise ClientInvalid("jwks_uri", reason="jwks and jwks_uri exclude each other (RFC 7591 §2)")


def _verify_keys(client: Client, _profile: Profile) -> None:
    if client.jwks is not None:
        problem = find_jwks_problem(client.jwks)
        if problem is not None:
            raise ClientInvalid("jwks", reason=problem)
    _verify_web_address("jwks_uri", client.jwks_uri, loopback=False)


def _verify_redirects(client: Client, _profile: Profile) -> None:
    for field, uris in (
        ("redirect_uris", client.redirect_uris),
        ("post_logout_redirect_uris", client.post_logout_redirect_uris),
    ):
        if len(uris) > _MOST_ENTRIES:
            raise ClientInvalid(field, reason=f"more than {_MOST_ENTRIES}")
        if len(set(uris)) != len(uris):
            raise ClientInvalid(field, reason="an address occurs twice")
        for number, uri in enumerate(uris, start=1):
            problem = find_redirect_problem(uri, application_type=client.application_type)
            if problem is not None:
                raise ClientInvalid(f"{field}[{number}]", reason=problem)
    if GrantType.AUTHORIZATION_CODE in client.grant_types and not client.redirect_uris:
        raise ClientInvalid("redirect_uris", reason="authorization_code needs at least one")


def _verify_pkce(client: Client, profile: Profile) -> None:
    if client.pkce not in profile.pkce_modes:
        raise ClientInvalid("pkce", reason=_not_under(profile, client.pkce))
    if client.is_public and client.pkce is not Pkce.REQUIRED:
        raise ClientInvalid("pkce", reason="a public client must use it (RFC 9700 §2.1.1)")


def _verify_grants(client: Client, profile: Profile) -> None:
    field = "grant_types"
    if not client.grant_types:
        raise ClientInvalid(field, reason="none is named")
    refused = client.grant_types - profile.grant_types
    if refused:
        raise ClientInvalid(field, reason=_not_under(profile, min(refused)))
    if GrantType.CLIENT_CREDENTIALS in client.grant_types and client.is_public:
        raise ClientInvalid(
            field, reason="client_credentials is for confidential clients (RFC 6749 §4.4)"
        )
    may_refresh = GrantType.REFRESH_TOKEN in client.grant_types
    if may_refresh and GrantType.AUTHORIZATION_CODE not in client.grant_types:
        raise ClientInvalid(field, reason="refresh_token needs authorization_code beside it")
    if profile.refresh is RefreshRule.FORBIDDEN and may_refresh:
        raise ClientInvalid(field, reason=_not_under(profile, GrantType.REFRESH_TOKEN))
    if "offline_access" in client.scopes and not may_refresh:
        raise ClientInvalid(field, reason="the scope offline_access needs refresh_token")
    if not _SHORTEST_REFRESH_S <= client.refresh_lifetime_s <= _LONGEST_REFRESH_S:
        raise ClientInvalid(
            "refresh_lifetime_s",
            reason=f"it is not between {_SHORTEST_REFRESH_S} and {_LONGEST_REFRESH_S}",
        )


def _verify_what_is_asked(client: Client, profile: Profile) -> None:
    _verify_scopes("scopes", client.scopes)
    refused = client.scopes & profile.scopes_refused
    if profile.scopes is not None:
        refused |= client.scopes - profile.scopes
    if refused:
        raise ClientInvalid("scopes", reason=_not_under(profile, min(refused)))
    if profile.needs_claim_allow_list and not client.claims:
        raise ClientInvalid("claims", reason=f"the profile {profile.name} needs an allow-list")
    for identifier in client.resources:
        _verify_resource("resources", identifier)
    purposes = [purpose.scope for purpose in client.purposes]
    if len(set(purposes)) != len(purposes):
        raise ClientInvalid("purposes", reason="a scope occurs twice")
    for scope in purposes:
        if scope not in client.scopes:
            raise ClientInvalid("purposes", reason=f"{scope} is not among the scopes")


def _verify_levels(client: Client, profile: Profile) -> None:
    if client.required_level not in _LEVELS or client.required_level > profile.level_cap:
        raise ClientInvalid(
            "required_level", reason=_not_under(profile, str(client.required_level))
        )
    if client.required_account_level not in (None, *_LEVELS):
        raise ClientInvalid("required_account_level", reason="it is neither 1 nor 2")


def _verify_signatures(client: Client, profile: Profile) -> None:
    for field, algorithm in (
        ("id_token_signed_response_alg", client.id_token_signed_response_alg),
        ("userinfo_signed_response_alg", client.userinfo_signed_response_alg),
    ):
        if algorithm is not None and algorithm not in profile.signed_response_algs:
            raise ClientInvalid(field, reason=_not_under(profile, algorithm))


def _verify_logout(client: Client, _profile: Profile) -> None:
    _verify_web_address("backchannel_logout_uri", client.backchannel_logout_uri, loopback=True)
    if client.backchannel_logout_session_required and client.backchannel_logout_uri is None:
        raise ClientInvalid(
            "backchannel_logout_session_required", reason="there is no backchannel_logout_uri"
        )
    _verify_web_address("policy_uri", client.policy_uri, loopback=True)


def _verify_legal_ground(client: Client, profile: Profile) -> None:
    if client.legal_reference is not None:
        _verify_texts(legal_reference=client.legal_reference)
    if profile.needs_legal_reference and client.legal_reference is None:
        raise ClientInvalid("legal_reference", reason=f"the profile {profile.name} needs one")
    if profile.needs_end_date and client.end_date is None:
        raise ClientInvalid("end_date", reason=f"the profile {profile.name} needs one")
    if profile.needs_source_allow_list and not client.source_allow_list:
        raise ClientInvalid("source_allow_list", reason=f"the profile {profile.name} needs one")


_CHECKS: Final[tuple[Callable[[Client, Profile], None], ...]] = (
    _verify_identity,
    _verify_authentication,
    _verify_keys,
    _verify_redirects,
    _verify_pkce,
    _verify_grants,
    _verify_what_is_asked,
    _verify_levels,
    _verify_signatures,
    _verify_logout,
    _verify_legal_ground,
)


def _not_under(profile: Profile, what: str) -> str:
    return f"the profile {profile.name} does not allow {what}"


def _verify_texts(**texts: str) -> None:
    for field, text in texts.items():
        if not text.strip() or len(text) > _LONGEST_TEXT or not text.isprintable():
            raise ClientInvalid(
                field, reason=f"it is not 1 to {_LONGEST_TEXT} printable characters"
            )


def _verify_scopes(field: str, scopes: Iterable[str]) -> None:
    for scope in scopes:
        if _SCOPE.fullmatch(scope) is None:
            raise ClientInvalid(field, reason="a name has other characters than RFC 6749 §3.3")


def _verify_web_address(field: str, uri: str | None, *, loopback: bool) -> None:
    if uri is None:
        return
    problem = find_redirect_problem(uri, application_type=ApplicationType.WEB)
    if problem is None and not loopback and is_loopback(uri):
        problem = "it has to be https"
    if problem is not None:
        raise ClientInvalid(field, reason=problem)


def _verify_id(field: str, value: str) -> None:
    if _ID.fullmatch(value) is None:
        raise ClientInvalid(
            field, reason="1 to 128 letters, digits, dots, tildes, hyphens, underscores"
        )


def _verify_resource(field: str, identifier: str) -> None:
    if len(identifier) > MAX_LENGTH or _RESOURCE.fullmatch(identifier) is None:
        raise ClientInvalid(
            field, reason="an absolute URI without query and fragment (RFC 8707 §2)"
        )
