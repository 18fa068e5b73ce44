"""What a registration leaves open is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from clients.registry import (
    ApplicationType,
    AuthMethod,
    Client,
    GrantType,
    Pkce,
    ProfileName,
    ScopePurpose,
    find_weaknesses,
)
from clients.registry.weakness import WEAKNESSES

Portal = Callable[..., Client]


def _codes(client: Client) -> set[str]:
    return {weakness.code for weakness in find_weaknesses(client)}


def test_an_ordinary_new_portal_has_none(portal: Portal) -> None:
    assert _codes(portal()) == set()


def test_a_legacy_portal_has_those_it_was_let_in_with(portal: Portal) -> None:
    codes = _codes(portal(ProfileName.LEGACY, backchannel_logout_uri=None))
    assert codes >= {"legacy_profile", "pkce_if_sent", "secret_in_body", "no_backchannel_logout"}


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("pkce_if_sent", {"pkce": Pkce.IF_SENT}),
        ("secret_in_body", {"token_endpoint_auth_method": AuthMethod.POST}),
        ("public_web_client", {"token_endpoint_auth_method": AuthMethod.NONE}),
        ("http_redirect", {"redirect_uris": ("http://localhost:9999/callback",)}),
        ("http_redirect", {"redirect_uris": ("http://127.0.0.1:9999/callback",)}),
        ("no_backchannel_logout", {"backchannel_logout_uri": None}),
        ("http_backchannel", {"backchannel_logout_uri": "http://127.0.0.1:8001/out"}),
        ("rs256", {"id_token_signed_response_alg": "RS256"}),
        ("rs256", {"userinfo_signed_response_alg": "RS256"}),
        ("identity_without_allow_list", {"scopes": frozenset({"openid", "identity"})}),
        ("purpose_missing", {"scopes": frozenset({"openid", "email"})}),
        (
            "localhost_redirect",
            {
                "application_type": ApplicationType.NATIVE,
                "redirect_uris": ("http://localhost:1/callback",),
            },
        ),
        (
            "private_use_scheme",
            {
                "application_type": ApplicationType.NATIVE,
                "redirect_uris": ("vn.example.app:/callback",),
            },
        ),
    ],
)
def test_each_weakness_is_seen(portal: Portal, code: str, changes: dict[str, Any]) -> None:
    assert code in _codes(portal(**changes))


def test_a_fapi2_client_still_gets_bearer_tokens(portal: Portal) -> None:
    assert "bearer_access_tokens" in _codes(portal(ProfileName.FAPI2))


def test_a_registered_purpose_heals(portal: Portal) -> None:
    purpose = ScopePurpose(
        scope="email",
        purpose_vi="Gửi kết quả",
        purpose_en="To send the result",
        retention_vi="Đến khi hồ sơ kết thúc",
        retention_en="Until the case is closed",
    )
    client = portal(scopes=frozenset({"openid", "email"}), purposes=(purpose,))
    assert _codes(client) == set()
    assert client.find_purpose("email") == purpose
    assert client.find_purpose("phone") is None


def test_a_machine_is_not_blamed_for_what_only_sign_ins_have(portal: Portal) -> None:
    machine = portal(
        grant_types=frozenset({GrantType.CLIENT_CREDENTIALS}),
        redirect_uris=(),
        pkce=Pkce.IF_SENT,
        backchannel_logout_uri=None,
    )
    assert _codes(machine) == set()


def test_every_weakness_has_its_own_code_a_sentence_and_a_source() -> None:
    codes = [weakness.code for weakness in WEAKNESSES]
    assert len(set(codes)) == len(codes)
    assert all(weakness.sentence and weakness.source for weakness in WEAKNESSES)
