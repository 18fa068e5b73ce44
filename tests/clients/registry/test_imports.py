"""Import files: what they may say, what they come to, and where an error is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.registry import (
    DEFAULT_CONTROLLER_ID,
    Act,
    ApplicationType,
    AuthMethod,
    GrantType,
    ImportedEntry,
    ImportInvalid,
    Pkce,
    ProfileName,
    Registry,
    RegistryEditor,
    StatutoryBases,
    is_live_secret,
    parse_document,
)
from clients.registry.imports import import_document
from idp.storage.database import Database

Edit = Callable[..., Any]
Take = Callable[..., tuple[ImportedEntry, ...]]

_SECRET = "a-secret-from-elsewhere-0123456789abcdef"
_SUITE = f"""
[[clients]]
client_id = "suite"
client_secret = "{_SECRET}"
redirect_uris = ["https://localhost.example:8443/test/a/antin/callback"]
post_logout_redirect_uris = ["https://localhost.example:8443/test/a/antin/post_logout_redirect"]
backchannel_logout_uri = "https://localhost.example:8443/test/a/antin/backchannel_logout"
token_endpoint_auth_method = "client_secret_basic"
pkce = "if_sent"
"""
_WHOLE = """
[[controllers]]
controller_id = "agency"
name_vi = "Sở Thử nghiệm"
name_en = "Department of Examples"
dpo_email = "dpo@agency.example"
dpo_phone = "1900 0000"
privacy_uri = "https://agency.example/privacy"

[[sectors]]
sector_id = "land"
controller_id = "agency"
name_vi = "Đất đai"
name_en = "Land"

[[clients]]
client_id = "portal"
name_vi = "Cổng đất đai"
name_en = "Land portal"
sector_id = "land"
token_endpoint_auth_method = "private_key_jwt"
redirect_uris = ["https://land.example/callback"]
grant_types = ["authorization_code", "client_credentials"]
scope = "openid profile identity"
claims = ["name", "personal_id_number"]
resources = ["https://api.land.example/"]
required_level = 2
capacities = "person_only"
policy_uri = "https://land.example/privacy"

[[clients.jwks.keys]]
kty = "EC"
crv = "P-256"
kid = "k1"
x = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"

[[clients.purposes]]
scope = "identity"
purpose_vi = "Xác định người sử dụng đất"
purpose_en = "To identify the holder of land"
retention_vi = "Theo hồ sơ địa chính"
retention_en = "As long as the land register"

[[clients]]
client_id = "old"
client_name = "Cổng cũ"
sector_id = "land"
profile = "legacy"
redirect_uris = ["https://old.example/"]
scopes = ["openid", "vnconnect"]
claims = ["HoVaTen"]
source_allow_list = ["192.0.2.7", "2001:db8::/32"]
legal_reference = "QĐ 31/2021/QĐ-TTg"
end_date = 2027-12-31

[[resource_servers]]
identifier = "https://api.land.example/"
name_vi = "Kho dữ liệu đất đai"
name_en = "Land data"
sector_id = "land"
client_id = "portal"
scopes = ["parcels.read"]

[[statutory_bases]]
client_id = "portal"
scope = "identity"
procedure = "1.000001.000.00.00.H99"
legal_ref = "Luật Thử nghiệm điều 5"
valid_from = 2026-01-01
"""


@pytest.fixture
def take(registry: Registry, database: Database, now: datetime) -> Take:
    """Take a file in, in a transaction of its own."""

    def run(
        text: str, *, for_sandbox: bool = False, at: datetime = now
    ) -> tuple[ImportedEntry, ...]:
        document = parse_document(text.encode(), file="portal.toml", for_sandbox=for_sandbox)
        with database.transaction() as tx:
            return import_document(registry, document, tx=tx, operator="first", now=at)

    return run


def test_a_file_with_a_client_alone_is_whole(take: Take, registry: Registry, now: datetime) -> None:
    (entry,) = take(_SUITE)
    assert entry.act is Act.ADDED
    assert entry.new_secret is None
    client = registry.find_client("suite", now=now)
    assert client is not None
    assert client.name_vi == client.name_en == "suite"
    assert client.controller_id == DEFAULT_CONTROLLER_ID
    assert client.pkce is Pkce.IF_SENT
    assert client.scopes == {"openid"}
    assert is_live_secret(_SECRET, known=client.secrets, now=now)


def test_in_the_sandbox_a_client_gets_what_a_portal_may_have(
    take: Take, registry: Registry, now: datetime
) -> None:
    take(_SUITE.replace(_SECRET, "short"), for_sandbox=True)
    client = registry.find_client("suite", now=now)
    assert client is not None
    assert client.scopes >= {"openid", "profile", "email", "address", "phone", "offline_access"}
    assert client.grant_types == {GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN}


def test_in_the_sandbox_a_profile_still_holds(
    take: Take, registry: Registry, now: datetime
) -> None:
    legacy = _WHOLE.replace('scopes = ["openid", "vnconnect"]\n', "")
    take(legacy, for_sandbox=True)
    client = registry.find_client("old", now=now)
    assert client is not None
    assert client.grant_types == {GrantType.AUTHORIZATION_CODE}
    assert "offline_access" not in client.scopes
    assert "vnconnect" in client.scopes


def test_everything_a_file_can_say_is_taken(take: Take, registry: Registry, now: datetime) -> None:
    entries = take(_WHOLE)
    assert [(entry.table, entry.act) for entry in entries] == [
        ("controllers", Act.ADDED),
        ("sectors", Act.ADDED),
        ("clients", Act.ADDED),
        ("clients", Act.ADDED),
        ("resource_servers", Act.ADDED),
        ("statutory_bases", Act.ADDED),
    ]
    portal = registry.find_client("portal", now=now)
    old = registry.find_client("old", now=now)
    assert portal is not None
    assert old is not None
    assert portal.controller_id == old.controller_id == "agency"
    assert portal.scopes == {"openid", "profile", "identity"}
    assert portal.find_purpose("identity") is not None
    assert portal.token_endpoint_auth_method is AuthMethod.PRIVATE_KEY_JWT
    assert not portal.secrets
    assert old.profile is ProfileName.LEGACY
    assert old.token_endpoint_auth_method is AuthMethod.POST
    assert old.pkce is Pkce.IF_SENT
    assert old.source_allow_list == (ip_network("192.0.2.7/32"), ip_network("2001:db8::/32"))
    assert registry.audiences_of("portal", now=now) == {"https://api.land.example/"}
    assert registry.find_controller("agency", now=now) is not None


def test_a_second_time_changes_nothing(take: Take, registry: Registry, now: datetime) -> None:
    first = take(_WHOLE + _SUITE)
    clients = registry.list_clients()
    again = take(_WHOLE + _SUITE, at=now + timedelta(days=1))
    assert {entry.act for entry in again} == {Act.UNCHANGED}
    assert not any(entry.secret_changed or entry.new_secret for entry in again)
    assert [entry.key for entry in again] == [entry.key for entry in first]
    assert registry.list_clients() == clients


def test_a_secret_is_made_where_none_is_given_and_shows_only_once(
    take: Take, registry: Registry, now: datetime
) -> None:
    text = _SUITE.replace(f'client_secret = "{_SECRET}"\n', "")
    (entry,) = take(text)
    assert entry.new_secret is not None
    assert entry.new_secret.raw not in repr(entry)
    client = registry.find_client("suite", now=now)
    assert client is not None
    assert is_live_secret(entry.new_secret.raw, known=client.secrets, now=now)
    (again,) = take(text)
    assert again.new_secret is None


def test_a_changed_file_changes_what_it_names_and_nothing_else(
    take: Take, registry: Registry, now: datetime
) -> None:
    take(_WHOLE)
    take(_SUITE)
    (entry,) = take(_SUITE.replace('pkce = "if_sent"', 'pkce = "required"'))
    assert entry.act is Act.CHANGED
    assert not entry.secret_changed
    client = registry.find_client("suite", now=now)
    assert client is not None
    assert client.pkce is Pkce.REQUIRED
    assert registry.find_client("portal", now=now) is not None


def test_a_disabled_client_stays_disabled(
    take: Take, registry: Registry, now: datetime, edit: Edit
) -> None:
    take(_SUITE)
    edit(RegistryEditor.disable_client, "suite")
    take(_SUITE.replace("if_sent", "required"))
    assert registry.find_client("suite", now=now) is None


def test_an_old_file_does_not_bring_an_old_secret_back(take: Take, edit: Edit) -> None:
    take(_SUITE)
    edit(RegistryEditor.rotate_secret, "suite", overlap=timedelta(0))
    with pytest.raises(ImportInvalid) as refusal:
        take(_SUITE)
    assert (refusal.value.table, refusal.value.index) == ("clients", 1)
    assert refusal.value.field == "client_secret"
    assert _SECRET not in str(refusal.value)


def test_an_imported_basis_waits_for_a_second_operator(
    take: Take, registry: Registry, now: datetime, edit: Edit
) -> None:
    entry = take(_WHOLE)[-1]
    asked = {"scope": "identity", "procedure": "1.000001.000.00.00.H99", "now": now}
    assert registry.statutory_basis("portal", **asked) is None
    edit(StatutoryBases.approve, entry.key, approved_by="second")
    found = registry.statutory_basis("portal", **asked)
    assert found is not None
    assert found.valid_from.isoformat() == "2025-12-31T17:00:00+00:00"


def test_a_file_that_fails_late_leaves_nothing_behind(
    take: Take, registry: Registry, now: datetime
) -> None:
    with pytest.raises(ImportInvalid) as refusal:
        take(_WHOLE.replace('scope = "identity"\nprocedure', 'scope = "email"\nprocedure'))
    assert refusal.value.table == "statutory_bases"
    assert registry.find_client("portal", now=now) is None
    assert registry.find_controller("agency", now=now) is None


def test_keys_may_be_pasted_as_json(take: Take, registry: Registry, now: datetime) -> None:
    pasted = """
[[clients]]
client_id = "keyed"
profile = "fapi2"
redirect_uris = ["https://keyed.example/"]
jwks = '''
{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}
'''
"""
    take(pasted)
    client = registry.find_client("keyed", now=now)
    assert client is not None
    assert client.jwks is not None
    assert client.token_endpoint_auth_method is AuthMethod.PRIVATE_KEY_JWT


def test_an_installed_app_needs_no_more_than_its_redirects(
    take: Take, registry: Registry, now: datetime
) -> None:
    take(
        '[[clients]]\nclient_id = "app"\napplication_type = "native"\n'
        'redirect_uris = ["http://127.0.0.1/callback"]\nresponse_types = ["code"]\n'
    )
    client = registry.find_client("app", now=now)
    assert client is not None
    assert client.is_public
    assert client.application_type is ApplicationType.NATIVE


_BASIS = """
[[statutory_bases]]
client_id = "a"
scope = "openid"
procedure = "p"
legal_ref = "l"
"""
_MINIMAL = '[[clients]]\nclient_id = "a"\nredirect_uris = ["https://a.example/"]\n'


@pytest.mark.parametrize(
    ("text", "table", "index", "field"),
    [
        ("[[clients]\n", None, None, None),
        ("[[client]]\n", "client", None, None),
        ('[clients]\nclient_id = "a"\n', "clients", None, None),
        ("clients = [1]\n", "clients", 1, "clients"),
        ("[[clients]]\n", "clients", 1, "client_id"),
        (_MINIMAL + "client_id = 5\n", None, None, None),
        (_MINIMAL * 2, "clients", 2, "client_id"),
        (_MINIMAL + 'redirect_uri = "https://a.example/"\n', "clients", 1, "redirect_uri"),
        ('[[clients]]\nclient_id = "a"\nredirect_uris = "x"\n', "clients", 1, "redirect_uris"),
        ('[[clients]]\nclient_id = "a"\nredirect_uris = [1]\n', "clients", 1, "redirect_uris[1]"),
        (_MINIMAL + 'pkce = "plain"\n', "clients", 1, "pkce"),
        (_MINIMAL + "required_level = true\n", "clients", 1, "required_level"),
        (_MINIMAL + 'required_level = "2"\n', "clients", 1, "required_level"),
        (_MINIMAL + "acr_aliases = 1\n", "clients", 1, "acr_aliases"),
        (_MINIMAL + 'grant_types = ["password"]\n', "clients", 1, "grant_types"),
        (_MINIMAL + 'response_types = ["token"]\n', "clients", 1, "response_types"),
        (_MINIMAL + 'end_date = "2027-12-31"\n', "clients", 1, "end_date"),
        (_MINIMAL + "end_date = 2027-12-31T00:00:00Z\n", "clients", 1, "end_date"),
        (_MINIMAL + 'source_allow_list = ["x"]\n', "clients", 1, "source_allow_list[1]"),
        (_MINIMAL + "jwks = 5\n", "clients", 1, "jwks"),
        (_MINIMAL + 'jwks = "{"\n', "clients", 1, "jwks"),
        (_MINIMAL + 'purposes = "x"\n', "clients", 1, "purposes"),
        (_MINIMAL + "purposes = [1]\n", "clients", 1, "purposes[1]"),
        (_MINIMAL + 'purposes = [{ scope = "openid" }]\n', "clients", 1, "purposes[1].purpose_vi"),
        (_MINIMAL + 'sector_id = "unknown"\n', "clients", 1, "sector_id"),
        (_MINIMAL + 'client_secret = "short"\n', "clients", 1, "client_secret"),
        (_MINIMAL + f'client_secret = "{"é" * 40}"\n', "clients", 1, "client_secret"),
        (
            _MINIMAL + f'token_endpoint_auth_method = "none"\nclient_secret = "{_SECRET}"\n',
            "clients",
            1,
            "client_secret",
        ),
        (_MINIMAL + '[[controllers]]\ncontroller_id = "b"\n', "controllers", 1, "name_vi"),
        (
            '[[sectors]]\nsector_id = "s"\nname_vi = "S"\ncontroller_id = "x"\n',
            "sectors",
            1,
            "controller_id",
        ),
        (
            '[[resource_servers]]\nidentifier = "x"\nname_vi = "X"\n',
            "resource_servers",
            1,
            "identifier",
        ),
        (
            _BASIS + "valid_from = 2026-01-01T00:00:00\n",
            "statutory_bases",
            1,
            "valid_from",
        ),
        (
            _BASIS + 'valid_from = 2026-01-01\napproved_by = "first"\n',
            "statutory_bases",
            1,
            "approved_by",
        ),
    ],
)
def test_an_error_says_where_it_is(
    take: Take, text: str, table: str | None, index: int | None, field: str | None
) -> None:
    """RFC 7591 §3.2.2, for people: file, table, number, field, reason."""
    with pytest.raises(ImportInvalid) as refusal:
        take(text)
    assert refusal.value.file == "portal.toml"
    assert (refusal.value.table, refusal.value.index, refusal.value.field) == (table, index, field)
    assert str(refusal.value).startswith("portal.toml: ")


@pytest.mark.parametrize("raw", [b"\xff", b"x" * 11_000_000, b"\x00"])
def test_what_is_not_toml_is_refused(raw: bytes) -> None:
    with pytest.raises(ImportInvalid):
        parse_document(raw, file="portal.toml")


@given(raw=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with suppress(ImportInvalid):
        assert parse_document(raw, file="portal.toml").file == "portal.toml"
