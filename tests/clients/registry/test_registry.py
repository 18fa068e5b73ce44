"""The registry over each database: what is registered is found, what is not or no more is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from sqlalchemy import event, inspect

from clients.registry import (
    DEFAULT_CONTROLLER_ID,
    DEFAULT_SECTOR_ID,
    ApplicationType,
    AuthMethod,
    Capacities,
    Client,
    ClientInvalid,
    ClientStatus,
    Controller,
    GrantType,
    ProfileName,
    Registry,
    RegistryEditor,
    ResourceServer,
    ScopePurpose,
    Sector,
)
from idp.storage.database import Database

Portal = Callable[..., Client]
Add = Callable[..., Client]
Edit = Callable[..., Any]

_FIVE_SECONDS = timedelta(seconds=5)


@pytest.fixture
def statements(database: Database) -> list[str]:
    """Every SQL statement that reaches the database from here on."""
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    return seen


@pytest.mark.parametrize("profile", list(ProfileName))
def test_what_is_registered_is_found_as_it_was(
    registry: Registry, add: Add, portal: Portal, now: datetime, profile: ProfileName
) -> None:
    added = add(profile)
    assert registry.find_client("portal", now=now) == replace(
        added, created_at=now.replace(microsecond=0)
    )


def test_every_field_survives_storage(
    registry: Registry, now: datetime, ec_key: dict[str, str], edit: Edit
) -> None:
    purpose = ScopePurpose(
        scope="email",
        purpose_vi="Gửi kết quả giải quyết hồ sơ",
        purpose_en="To send the result",
        retention_vi="05 năm",
        retention_en="5 years",
        required=False,
    )
    client = Client(
        client_id="every.field_~-",
        name_vi="Ứng dụng thử nghiệm",
        name_en="Example",
        application_type=ApplicationType.WEB,
        token_endpoint_auth_method=AuthMethod.PRIVATE_KEY_JWT,
        jwks={"keys": [ec_key]},
        redirect_uris=("https://b.example/", "https://a.example/"),
        post_logout_redirect_uris=("https://b.example/out",),
        grant_types=frozenset(GrantType),
        scopes=frozenset({"openid", "email", "offline_access"}),
        claims=frozenset({"email", "email_verified"}),
        resources=frozenset({"https://api.example/"}),
        required_level=2,
        required_account_level=2,
        capacities=Capacities.ORGANISATION_ONLY,
        backchannel_logout_uri="https://b.example/bye",
        backchannel_logout_session_required=True,
        id_token_signed_response_alg="RS256",
        userinfo_signed_response_alg="ES256",
        refresh_lifetime_s=3600,
        acr_aliases=True,
        source_allow_list=(ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")),
        legal_reference="QĐ 1/2026",
        end_date=date(2030, 1, 2),
        purposes=(purpose,),
        policy_uri="https://b.example/privacy",
        created_at=now.replace(microsecond=0),
    )
    edit(RegistryEditor.ensure_defaults)
    edit(RegistryEditor.add_client, client)
    assert registry.find_client("every.field_~-", now=now) == client
    assert registry.list_clients() == (client,)


def test_a_known_client_costs_no_statement(
    registry: Registry, add: Add, portal: Portal, now: datetime, statements: list[str]
) -> None:
    add()
    registry.find_client("portal", now=now)
    statements.clear()
    for _ in range(100):
        assert registry.find_client("portal", now=now + timedelta(seconds=4)) is not None
    assert not statements
    registry.find_client("portal", now=now + _FIVE_SECONDS)
    assert statements


@pytest.mark.parametrize(
    "client_id", ["", "unknown", "x" * 129, "a\x00b", "\ud800", "'; --", "é" * 9]
)
def test_unknown_clients_are_not_found_whatever_they_are_called(
    registry: Registry, add: Add, now: datetime, client_id: str
) -> None:
    add()
    assert registry.find_client(client_id, now=now) is None
    assert registry.find_resource_server(client_id, now=now) is None


def test_a_disabled_client_is_as_good_as_unknown_until_it_is_enabled(
    registry: Registry, add: Add, portal: Portal, now: datetime, edit: Edit
) -> None:
    add()
    assert registry.find_client("portal", now=now) is not None
    assert edit(RegistryEditor.disable_client, "portal")
    assert registry.find_client("portal", now=now) is None
    named = registry.find_registered_client("portal", now=now)
    assert named is not None
    assert named.status is ClientStatus.DISABLED
    assert not edit(RegistryEditor.disable_client, "portal")
    assert edit(RegistryEditor.enable_client, "portal")
    assert registry.find_client("portal", now=now) is not None


def test_another_process_sees_a_change_within_five_seconds(
    registry: Registry, add: Add, portal: Portal, database: Database, now: datetime
) -> None:
    add()
    assert registry.find_client("portal", now=now) is not None
    elsewhere = RegistryEditor(Registry(database))
    with database.transaction() as tx:
        elsewhere.disable_client(tx, "portal", now=now)
    assert registry.find_client("portal", now=now + timedelta(seconds=4)) is not None
    assert registry.find_client("portal", now=now + _FIVE_SECONDS) is None


def test_a_change_that_is_rolled_back_is_not_seen(
    registry: Registry, editor: RegistryEditor, add: Add, database: Database, now: datetime
) -> None:
    add()

    def disable_and_fail() -> None:
        with database.transaction() as tx:
            editor.disable_client(tx, "portal", now=now)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        disable_and_fail()
    assert registry.find_client("portal", now=now) is not None


def test_a_client_ends_with_the_last_moment_of_its_end_date(
    registry: Registry, add: Add, portal: Portal
) -> None:
    add(ProfileName.LEGACY, end_date=date(2027, 12, 31))
    midnight = datetime.fromisoformat("2028-01-01T00:00:00+07:00")
    assert registry.find_client("portal", now=midnight - timedelta(milliseconds=1)) is not None
    assert registry.find_client("portal", now=midnight) is None


def test_an_allow_list_admits_its_networks_and_no_other(portal: Portal) -> None:
    client = portal(source_allow_list=(ip_network("192.0.2.0/24"), ip_network("2001:db8::/64")))
    for address in ("192.0.2.7", "::ffff:192.0.2.7", "2001:db8::5"):
        assert client.admits_source(ip_address(address))
    for address in ("192.0.3.7", "::ffff:192.0.3.7", "2001:db8:0:1::5", "::1"):
        assert not client.admits_source(ip_address(address))
    assert portal().admits_source(ip_address("198.51.100.1"))


def test_an_allow_list_of_claims_is_the_whole_list(portal: Portal) -> None:
    assert portal().may_receive("email")
    assert portal(claims=frozenset({"name"})).may_receive("name")
    assert not portal(claims=frozenset({"name"})).may_receive("email")
    assert not portal(claims=frozenset()).may_receive("name")


def test_a_resource_server_introspects_for_its_own_audiences_only(
    registry: Registry, add: Add, portal: Portal, now: datetime, edit: Edit
) -> None:
    """RFC 7662 §4: answers go to the protected resource that the token is meant for."""
    add()
    server = ResourceServer(
        identifier="https://api.example/v1",
        name_vi="Kho dữ liệu",
        name_en="Store",
        client_id="portal",
        scopes=frozenset({"cases.read"}),
    )
    assert registry.audiences_of("portal", now=now) == frozenset()
    assert edit(RegistryEditor.save_resource_server, server)
    assert not edit(RegistryEditor.save_resource_server, server)
    assert registry.find_resource_server("https://api.example/v1", now=now) == server
    assert registry.find_resource_server("https://api.example/v1/", now=now) is None
    assert registry.audiences_of("portal", now=now) == {"https://api.example/v1"}
    assert registry.audiences_of("other", now=now) == frozenset()


def test_scopes_of_every_resource_server_are_known_together(
    registry: Registry, add: Add, now: datetime, edit: Edit
) -> None:
    add()
    assert registry.scopes_of_resource_servers(now=now) == frozenset()
    for name in ("cases", "tax"):
        server = ResourceServer(
            identifier=f"https://{name}.example/",
            name_vi="Kho",
            name_en="Store",
            scopes=frozenset({f"{name}.read"}),
        )
        assert edit(RegistryEditor.save_resource_server, server)
    assert registry.scopes_of_resource_servers(now=now) == {"cases.read", "tax.read"}


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("sector_id", {"sector_id": "unknown"}),
        ("client_id", {"client_id": "unknown"}),
        ("client_id", {"client_id": "public"}),
    ],
)
def test_a_resource_server_hangs_on_what_exists(
    add: Add, field: str, changes: dict[str, str], edit: Edit
) -> None:
    """RFC 7662 §2.1: the endpoint MUST require authorization, so a public client cannot ask."""
    add(client_id="public", token_endpoint_auth_method=AuthMethod.NONE)
    server = ResourceServer(identifier="urn:example:api", name_vi="a", name_en="a")
    with pytest.raises(ClientInvalid) as refusal:
        edit(RegistryEditor.save_resource_server, replace(server, **changes))
    assert refusal.value.field == field


def test_controllers_and_sectors_are_found_and_changed(
    registry: Registry, now: datetime, edit: Edit
) -> None:
    controller = Controller(
        controller_id="agency",
        name_vi="Sở Thử nghiệm",
        name_en="Department of Examples",
        dpo_email="dpo@agency.example",
    )
    sector = Sector(sector_id="land", controller_id="agency", name_vi="Đất đai", name_en="Land")
    assert registry.find_controller("agency", now=now) is None
    assert edit(RegistryEditor.save_controller, controller)
    assert edit(RegistryEditor.save_sector, sector)
    assert registry.find_controller("agency", now=now) == controller
    assert registry.find_sector("land", now=now) == sector
    renamed = replace(controller, name_vi="Sở Thử nghiệm mới")
    assert edit(RegistryEditor.save_controller, renamed)
    assert not edit(RegistryEditor.save_sector, sector)
    assert registry.find_controller("agency", now=now) == renamed


def test_defaults_are_made_once_and_not_overwritten(
    registry: Registry, now: datetime, edit: Edit
) -> None:
    named = Controller(controller_id=DEFAULT_CONTROLLER_ID, name_vi="Bộ Thử nghiệm", name_en="M")
    edit(RegistryEditor.ensure_defaults)
    edit(RegistryEditor.save_controller, named)
    edit(RegistryEditor.ensure_defaults)
    assert registry.find_controller(DEFAULT_CONTROLLER_ID, now=now) == named
    assert registry.find_sector(DEFAULT_SECTOR_ID, now=now) is not None


def test_the_way_to_a_client_and_its_secrets_is_indexed(database: Database) -> None:
    found = inspect(database.engine)
    assert found.get_pk_constraint("client")["constrained_columns"] == ["client_id"]
    assert found.get_pk_constraint("client_secret")["constrained_columns"][0] == "client_id"
