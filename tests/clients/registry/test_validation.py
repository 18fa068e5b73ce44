"""A registration obeys its profile and the specifications, or names the field that does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from clients.registry import (
    PROFILES,
    ApplicationType,
    AuthMethod,
    Client,
    ClientInvalid,
    Controller,
    GrantType,
    Pkce,
    ProfileName,
    ResourceServer,
    ScopePurpose,
    Sector,
)
from clients.registry.validation import (
    RESERVED_SCOPES,
    verify_client,
    verify_controller,
    verify_resource_server,
    verify_sector,
)
from idp.oauth.consent import SINGLE_CLAIMS
from idp.oauth.scopes import SCOPE_CLAIMS

_STANDARD = ProfileName.STANDARD
_FAPI2 = ProfileName.FAPI2
_LEGACY = ProfileName.LEGACY
_CODE = GrantType.AUTHORIZATION_CODE
_REFRESH = GrantType.REFRESH_TOKEN
_MACHINE = GrantType.CLIENT_CREDENTIALS
_PURPOSE = ScopePurpose(
    scope="openid", purpose_vi="a", purpose_en="a", retention_vi="a", retention_en="a"
)

Portal = Callable[..., Client]


@pytest.mark.parametrize("profile", list(ProfileName))
def test_an_ordinary_client_of_each_profile_is_accepted(
    portal: Portal, profile: ProfileName
) -> None:
    verify_client(portal(profile))


def test_an_installed_app_is_accepted(portal: Portal) -> None:
    verify_client(
        portal(
            application_type=ApplicationType.NATIVE,
            token_endpoint_auth_method=AuthMethod.NONE,
            redirect_uris=("vn.example.app:/callback", "http://127.0.0.1/callback"),
        )
    )


def test_a_machine_needs_no_redirect(portal: Portal) -> None:
    verify_client(portal(grant_types=frozenset({_MACHINE}), redirect_uris=()))


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("client_id", {"client_id": ""}),
        ("client_id", {"client_id": "a b"}),
        ("client_id", {"client_id": "a:b"}),
        ("client_id", {"client_id": "x" * 129}),
        ("name_vi", {"name_vi": " "}),
        ("name_en", {"name_en": "a\nb"}),
        ("name_en", {"name_en": "\u202egnp.exe"}),
        ("jwks", {"token_endpoint_auth_method": AuthMethod.PRIVATE_KEY_JWT}),
        ("jwks", {"jwks": {"keys": []}}),
        ("jwks_uri", {"jwks_uri": "http://portal.example/jwks"}),
        ("jwks_uri", {"jwks_uri": "http://127.0.0.1/jwks"}),
        ("redirect_uris", {"redirect_uris": ()}),
        ("redirect_uris", {"redirect_uris": ("https://a.example/",) * 2}),
        ("redirect_uris", {"redirect_uris": tuple(f"https://a.example/{n}" for n in range(101))}),
        ("redirect_uris[2]", {"redirect_uris": ("https://a.example/", "http://a.example/")}),
        ("post_logout_redirect_uris[1]", {"post_logout_redirect_uris": ("https://a.example/#",)}),
        ("grant_types", {"grant_types": frozenset()}),
        ("grant_types", {"grant_types": frozenset({_REFRESH})}),
        ("grant_types", {"scopes": frozenset({"openid", "offline_access"})}),
        ("refresh_lifetime_s", {"refresh_lifetime_s": 299}),
        ("refresh_lifetime_s", {"refresh_lifetime_s": 10**9}),
        ("scopes", {"scopes": frozenset({"a b"})}),
        ("scopes", {"scopes": frozenset({'a"b'})}),
        ("scopes", {"scopes": frozenset({""})}),
        ("scopes", {"scopes": frozenset({"vnconnect"})}),
        ("resources", {"resources": frozenset({"not a uri"})}),
        ("resources", {"resources": frozenset({"https://api.example/#x"})}),
        ("purposes", {"purposes": (_PURPOSE, _PURPOSE)}),
        ("purposes", {"purposes": (replace(_PURPOSE, scope="email"),)}),
        ("purpose_vi", {"purposes": (replace(_PURPOSE, purpose_vi=""),)}),
        ("retention_en", {"purposes": (replace(_PURPOSE, retention_en=""),)}),
        ("required_level", {"required_level": 0}),
        ("required_level", {"required_level": 3}),
        ("required_account_level", {"required_account_level": 3}),
        ("id_token_signed_response_alg", {"id_token_signed_response_alg": "none"}),
        ("id_token_signed_response_alg", {"id_token_signed_response_alg": "HS256"}),
        ("userinfo_signed_response_alg", {"userinfo_signed_response_alg": "none"}),
        ("backchannel_logout_uri", {"backchannel_logout_uri": "http://portal.example/out"}),
        ("backchannel_logout_uri", {"backchannel_logout_uri": "https://portal.example/#out"}),
        (
            "backchannel_logout_session_required",
            {"backchannel_logout_session_required": True, "backchannel_logout_uri": None},
        ),
        ("policy_uri", {"policy_uri": "javascript:alert(1)"}),
        ("legal_reference", {"legal_reference": ""}),
    ],
)
def test_a_wrong_field_is_named(portal: Portal, field: str, changes: dict[str, Any]) -> None:
    """RFC 7591 §2 and §3.2.2: invalid_client_metadata, said field by field."""
    with pytest.raises(ClientInvalid) as refusal:
        verify_client(portal(**changes))
    assert refusal.value.field == field
    assert refusal.value.reason


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("pkce", {"pkce": Pkce.IF_SENT}),
        ("grant_types", {"grant_types": frozenset({_MACHINE})}),
    ],
)
def test_a_public_client_proves_its_code_and_has_no_grant_of_its_own(
    portal: Portal, field: str, changes: dict[str, Any]
) -> None:
    """RFC 9700 §2.1.1: public clients MUST use PKCE; RFC 6749 §4.4: confidential clients only."""
    with pytest.raises(ClientInvalid) as refusal:
        verify_client(portal(token_endpoint_auth_method=AuthMethod.NONE, **changes))
    assert refusal.value.field == field


@pytest.mark.parametrize("method", [AuthMethod.BASIC, AuthMethod.POST, AuthMethod.PRIVATE_KEY_JWT])
def test_an_installed_app_gets_no_secret(portal: Portal, method: AuthMethod) -> None:
    """RFC 8252 §8.5: a secret that is shipped to many users is none."""
    with pytest.raises(ClientInvalid) as refusal:
        verify_client(
            portal(application_type=ApplicationType.NATIVE, token_endpoint_auth_method=method)
        )
    assert refusal.value.field == "token_endpoint_auth_method"


def test_keys_inline_and_keys_by_address_exclude_each_other(
    portal: Portal, ec_key: dict[str, str]
) -> None:
    """RFC 7591 §2: jwks_uri and jwks MUST NOT both be present."""
    with pytest.raises(ClientInvalid) as refusal:
        verify_client(portal(jwks={"keys": [ec_key]}, jwks_uri="https://portal.example/jwks"))
    assert refusal.value.field == "jwks_uri"


@pytest.mark.parametrize(
    ("profile", "field", "changes"),
    [
        (_FAPI2, "token_endpoint_auth_method", {"token_endpoint_auth_method": AuthMethod.BASIC}),
        (_FAPI2, "token_endpoint_auth_method", {"token_endpoint_auth_method": AuthMethod.NONE}),
        (_FAPI2, "pkce", {"pkce": Pkce.IF_SENT}),
        (_FAPI2, "id_token_signed_response_alg", {"id_token_signed_response_alg": "RS256"}),
        (_FAPI2, "scopes", {"scopes": frozenset({"openid", "vnconnect"})}),
        (_LEGACY, "token_endpoint_auth_method", {"token_endpoint_auth_method": AuthMethod.BASIC}),
        (_LEGACY, "token_endpoint_auth_method", {"token_endpoint_auth_method": AuthMethod.NONE}),
        (_LEGACY, "grant_types", {"grant_types": frozenset({_CODE, _REFRESH})}),
        (_LEGACY, "grant_types", {"grant_types": frozenset({_CODE, _MACHINE})}),
        (_LEGACY, "scopes", {"scopes": frozenset({"openid", "sign"})}),
        (_LEGACY, "scopes", {"scopes": frozenset({"openid", "offline_access"})}),
        (_LEGACY, "required_level", {"required_level": 2}),
        (_LEGACY, "claims", {"claims": None}),
        (_LEGACY, "claims", {"claims": frozenset()}),
        (_LEGACY, "legal_reference", {"legal_reference": None}),
        (_LEGACY, "end_date", {"end_date": None}),
        (_LEGACY, "source_allow_list", {"source_allow_list": ()}),
    ],
)
def test_a_profile_holds_its_clients(
    portal: Portal, profile: ProfileName, field: str, changes: dict[str, Any]
) -> None:
    """FAPI 2.0 Security Profile §5.3.2.1 and the terms under which legacy portals are served."""
    with pytest.raises(ClientInvalid) as refusal:
        verify_client(portal(profile, **changes))
    assert refusal.value.field in {field, "grant_types"}


def test_codes_of_legacy_clients_live_half_as_long() -> None:
    assert {name: profile.code_lifetime_s for name, profile in PROFILES.items()} == {
        _STANDARD: 60,
        _FAPI2: 60,
        _LEGACY: 30,
    }
    assert not PROFILES[_LEGACY].may_sign
    assert PROFILES[_LEGACY].level_cap == 1


@pytest.mark.parametrize(
    "identifier",
    ["", "api", "https://api.example/#x", "https://api.example/?x", "https://a b/", "https:"],
)
def test_what_cannot_be_an_audience_is_no_resource_server(identifier: str) -> None:
    """RFC 8707 §2: an absolute URI, without fragment."""
    with pytest.raises(ClientInvalid) as refusal:
        verify_resource_server(ResourceServer(identifier=identifier, name_vi="a", name_en="a"))
    assert refusal.value.field == "identifier"


@pytest.mark.parametrize("identifier", ["https://api.example/v1", "urn:example:api"])
def test_an_absolute_uri_can_be_an_audience(identifier: str) -> None:
    verify_resource_server(ResourceServer(identifier=identifier, name_vi="a", name_en="a"))


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("controller_id", {"controller_id": "a b"}),
        ("name_vi", {"name_vi": ""}),
        ("dpo_email", {"dpo_email": "nobody"}),
        ("dpo_phone", {"dpo_phone": ""}),
        ("privacy_uri", {"privacy_uri": "http://agency.example/"}),
    ],
)
def test_a_controller_can_be_named_and_reached(field: str, changes: dict[str, str]) -> None:
    """Law 91/2025/QH15 art. 9 and 33: who answers for the data stands on the consent screen."""
    controller = Controller(
        controller_id="agency",
        name_vi="Cơ quan",
        name_en="Agency",
        dpo_email="dpo@agency.example",
        dpo_phone="1900 0000",
        privacy_uri="https://agency.example/privacy",
    )
    verify_controller(controller)
    with pytest.raises(ClientInvalid) as refusal:
        verify_controller(replace(controller, **changes))
    assert refusal.value.field == field


def test_a_resource_server_uses_no_name_of_the_providers_own_scopes() -> None:
    """RFC 6749 §3.3: `profile` at an API would be taken for the person's profile here."""
    assert {*SCOPE_CLAIMS, SINGLE_CLAIMS} == RESERVED_SCOPES
    for scope in RESERVED_SCOPES:
        server = ResourceServer(
            identifier="https://api.example/", name_vi="a", name_en="a",
            scopes=frozenset({"doc.read", scope}),
        )  # fmt: skip
        with pytest.raises(ClientInvalid) as refused:
            verify_resource_server(server)
        assert refused.value.field == "scopes"


def test_a_sector_has_an_id() -> None:
    with pytest.raises(ClientInvalid) as refusal:
        verify_sector(Sector(sector_id="", controller_id="a", name_vi="a", name_en="a"))
    assert refusal.value.field == "sector_id"


def test_an_end_date_is_a_whole_day_in_viet_nam(portal: Portal) -> None:
    client = portal(_LEGACY, end_date=date(2027, 12, 31))
    assert client.ends_at is not None
    assert client.ends_at.isoformat() == "2028-01-01T00:00:00+07:00"
