"""What an operator changes, and what an operator cannot change."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from clients.registry import (
    AlreadyRegistered,
    AuthMethod,
    Client,
    ClientInvalid,
    NotRegistered,
    Registry,
    RegistryEditor,
    Sector,
    is_live_secret,
)

Portal = Callable[..., Client]
Add = Callable[..., Client]
Edit = Callable[..., Any]

_DAY = timedelta(days=1)


@pytest.fixture
def is_live(registry: Registry) -> Callable[..., bool]:
    """Whether a secret opens the portal at an instant."""

    def ask(raw: str, *, at: datetime) -> bool:
        client = registry.find_client("portal", now=at)
        assert client is not None
        return is_live_secret(raw, known=client.secrets, now=at)

    return ask


def test_an_id_is_registered_once(add: Add) -> None:
    add()
    with pytest.raises(AlreadyRegistered):
        add(name_vi="Cổng khác")


def test_of_many_who_register_one_id_at_once_one_succeeds(
    registry: Registry, add: Add, portal: Portal, now: datetime, edit: Edit
) -> None:
    add(client_id="first")
    outcomes: list[str] = []

    def register(name: str) -> None:
        try:
            edit(RegistryEditor.add_client, portal(name_vi=name))
            outcomes.append(name)
        except AlreadyRegistered:
            outcomes.append("taken")

    threads = [threading.Thread(target=register, args=(f"Cổng {n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("taken") == 7
    found = registry.find_client("portal", now=now)
    assert found is not None
    assert found.name_vi in outcomes


def test_what_a_profile_refuses_is_not_stored(
    registry: Registry, add: Add, portal: Portal, now: datetime, edit: Edit
) -> None:
    with pytest.raises(ClientInvalid):
        add(redirect_uris=("http://portal.example/",))
    assert registry.find_client("portal", now=now) is None
    client = add()
    with pytest.raises(ClientInvalid):
        edit(RegistryEditor.change_client, replace(client, required_level=9))


@pytest.mark.parametrize(
    ("field", "changes"),
    [("sector_id", {"sector_id": "unknown"}), ("controller_id", {"controller_id": "unknown"})],
)
def test_a_client_belongs_to_a_sector_of_its_controller(
    add: Add, field: str, changes: dict[str, str]
) -> None:
    with pytest.raises(ClientInvalid) as refusal:
        add(**changes)
    assert refusal.value.field == field


def test_a_client_cannot_move_to_another_sector(add: Add, edit: Edit) -> None:
    """OpenID Connect Core §8.1: the subject is computed from the sector and never reassigned."""
    client = add()
    other = Sector(
        sector_id="other", controller_id=client.controller_id, name_vi="Khác", name_en="Other"
    )
    edit(RegistryEditor.save_sector, other)
    with pytest.raises(ClientInvalid) as refusal:
        edit(RegistryEditor.change_client, replace(client, sector_id="other"))
    assert refusal.value.field == "sector_id"


def test_a_change_is_seen_at_once_and_keeps_secrets_and_birth(
    registry: Registry,
    add: Add,
    now: datetime,
    is_live: Callable[..., bool],
    edit: Edit,
) -> None:
    client = add()
    secret = edit(RegistryEditor.rotate_secret, "portal", overlap=_DAY)
    born = registry.find_client("portal", now=now)
    later = now + _DAY
    edit(RegistryEditor.change_client, replace(client, name_vi="Tên mới"), now=later)
    found = registry.find_client("portal", now=later)
    assert found is not None
    assert born is not None
    assert found == replace(born, name_vi="Tên mới")
    assert is_live(secret.raw, at=later)


def test_a_new_secret_lets_the_old_one_live_for_the_overlap(
    add: Add, now: datetime, is_live: Callable[..., bool], edit: Edit
) -> None:
    add()
    old = edit(RegistryEditor.rotate_secret, "portal", overlap=_DAY)
    new = edit(RegistryEditor.rotate_secret, "portal", overlap=_DAY)
    assert is_live(old.raw, at=now)
    assert is_live(new.raw, at=now)
    assert not is_live(old.raw, at=now + _DAY)
    assert is_live(new.raw, at=now + 365 * _DAY)


def test_never_more_than_two_secrets_are_live(
    registry: Registry,
    add: Add,
    now: datetime,
    is_live: Callable[..., bool],
    edit: Edit,
) -> None:
    add()
    made = []
    for step in range(10):
        at = now + timedelta(minutes=step)
        made.append(edit(RegistryEditor.rotate_secret, "portal", overlap=_DAY, now=at).raw)
        assert [is_live(raw, at=at) for raw in made[-3:]] == [False, True, True][-len(made[-3:]) :]
    client = registry.find_client("portal", now=now + _DAY)
    assert client is not None
    assert len(client.secrets) <= 7


def test_without_overlap_the_old_secret_ends_at_once(
    add: Add, now: datetime, is_live: Callable[..., bool], edit: Edit
) -> None:
    add()
    leaked = edit(RegistryEditor.rotate_secret, "portal", overlap=_DAY)
    edit(RegistryEditor.rotate_secret, "portal", overlap=timedelta(0))
    assert not is_live(leaked.raw, at=now)


def test_a_secret_out_of_use_does_not_come_back(add: Add, edit: Edit) -> None:
    add()
    chosen = "chosen-elsewhere-" + "x" * 30
    assert edit(RegistryEditor.set_secret, "portal", raw_secret=chosen, overlap=_DAY)
    assert not edit(RegistryEditor.set_secret, "portal", raw_secret=chosen, overlap=_DAY)
    edit(RegistryEditor.rotate_secret, "portal", overlap=timedelta(0))
    with pytest.raises(ClientInvalid) as refusal:
        edit(RegistryEditor.set_secret, "portal", raw_secret=chosen, overlap=_DAY)
    assert refusal.value.field == "client_secret"
    assert chosen not in str(refusal.value)


def test_a_client_that_turns_to_keys_loses_its_secrets(
    add: Add,
    now: datetime,
    ec_key: dict[str, str],
    is_live: Callable[..., bool],
    edit: Edit,
) -> None:
    client = add()
    secret = edit(RegistryEditor.rotate_secret, "portal", overlap=_DAY)
    keyed = replace(
        client, token_endpoint_auth_method=AuthMethod.PRIVATE_KEY_JWT, jwks={"keys": [ec_key]}
    )
    edit(RegistryEditor.change_client, keyed)
    assert not is_live(secret.raw, at=now)
    with pytest.raises(ClientInvalid):
        edit(RegistryEditor.rotate_secret, "portal", overlap=_DAY)


def test_what_is_not_registered_cannot_be_changed(add: Add, portal: Portal, edit: Edit) -> None:
    add(client_id="other")
    with pytest.raises(NotRegistered):
        edit(RegistryEditor.disable_client, "portal")
    with pytest.raises(NotRegistered):
        edit(RegistryEditor.enable_client, "portal")
    with pytest.raises(NotRegistered):
        edit(RegistryEditor.rotate_secret, "portal", overlap=_DAY)
    with pytest.raises(NotRegistered):
        edit(RegistryEditor.change_client, portal())
