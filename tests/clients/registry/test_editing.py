"""What an operator changes, and what an operator cannot change."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

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
from idp.storage.database import Database

Portal = Callable[..., Client]
Add = Callable[[Client], Client]

_DAY = timedelta(days=1)


@pytest.fixture
def is_live(registry: Registry) -> Callable[..., bool]:
    """Whether a secret opens the portal at an instant."""

    def ask(raw: str, *, at: datetime) -> bool:
        client = registry.find_client("portal", now=at)
        assert client is not None
        return is_live_secret(raw, known=client.secrets, now=at)

    return ask


def test_an_id_is_registered_once(add: Add, portal: Portal) -> None:
    add(portal())
    with pytest.raises(AlreadyRegistered):
        add(portal(name_vi="Cổng khác"))


def test_of_many_who_register_one_id_at_once_one_succeeds(
    registry: Registry,
    editor: RegistryEditor,
    add: Add,
    portal: Portal,
    database: Database,
    now: datetime,
) -> None:
    add(portal(client_id="first"))
    outcomes: list[str] = []

    def register(name: str) -> None:
        try:
            with database.transaction() as tx:
                editor.add_client(tx, portal(name_vi=name), now=now)
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
    registry: Registry,
    editor: RegistryEditor,
    add: Add,
    portal: Portal,
    database: Database,
    now: datetime,
) -> None:
    with pytest.raises(ClientInvalid):
        add(portal(redirect_uris=("http://portal.example/",)))
    assert registry.find_client("portal", now=now) is None
    client = add(portal())
    with pytest.raises(ClientInvalid), database.transaction() as tx:
        editor.change_client(tx, replace(client, required_level=9), now=now)


@pytest.mark.parametrize(
    ("field", "changes"),
    [("sector_id", {"sector_id": "unknown"}), ("controller_id", {"controller_id": "unknown"})],
)
def test_a_client_belongs_to_a_sector_of_its_controller(
    add: Add, portal: Portal, field: str, changes: dict[str, str]
) -> None:
    with pytest.raises(ClientInvalid) as refusal:
        add(portal(**changes))
    assert refusal.value.field == field


def test_a_client_cannot_move_to_another_sector(
    editor: RegistryEditor, add: Add, portal: Portal, database: Database, now: datetime
) -> None:
    """OpenID Connect Core §8.1: the subject is computed from the sector and never reassigned."""
    client = add(portal())
    with pytest.raises(ClientInvalid) as refusal, database.transaction() as tx:
        editor.save_sector(
            tx,
            Sector(
                sector_id="other",
                controller_id=client.controller_id,
                name_vi="Khác",
                name_en="Other",
            ),
            now=now,
        )
        editor.change_client(tx, replace(client, sector_id="other"), now=now)
    assert refusal.value.field == "sector_id"


def test_a_change_is_seen_at_once_and_keeps_secrets_and_birth(
    registry: Registry,
    editor: RegistryEditor,
    add: Add,
    portal: Portal,
    database: Database,
    now: datetime,
    is_live: Callable[..., bool],
) -> None:
    client = add(portal())
    with database.transaction() as tx:
        secret = editor.rotate_secret(tx, "portal", overlap=_DAY, now=now)
    born = registry.find_client("portal", now=now)
    later = now + _DAY
    with database.transaction() as tx:
        editor.change_client(tx, replace(client, name_vi="Tên mới"), now=later)
    found = registry.find_client("portal", now=later)
    assert found is not None
    assert born is not None
    assert found == replace(born, name_vi="Tên mới")
    assert is_live(secret.raw, at=later)


def test_a_new_secret_lets_the_old_one_live_for_the_overlap(
    editor: RegistryEditor,
    add: Add,
    portal: Portal,
    database: Database,
    now: datetime,
    is_live: Callable[..., bool],
) -> None:
    add(portal())
    with database.transaction() as tx:
        old = editor.rotate_secret(tx, "portal", overlap=_DAY, now=now)
    with database.transaction() as tx:
        new = editor.rotate_secret(tx, "portal", overlap=_DAY, now=now)
    assert is_live(old.raw, at=now)
    assert is_live(new.raw, at=now)
    assert not is_live(old.raw, at=now + _DAY)
    assert is_live(new.raw, at=now + 365 * _DAY)


def test_never_more_than_two_secrets_are_live(
    registry: Registry,
    editor: RegistryEditor,
    add: Add,
    portal: Portal,
    database: Database,
    now: datetime,
    is_live: Callable[..., bool],
) -> None:
    add(portal())
    made = []
    for step in range(10):
        at = now + timedelta(minutes=step)
        with database.transaction() as tx:
            made.append(editor.rotate_secret(tx, "portal", overlap=_DAY, now=at).raw)
        assert [is_live(raw, at=at) for raw in made[-3:]] == [False, True, True][-len(made[-3:]) :]
    client = registry.find_client("portal", now=now + _DAY)
    assert client is not None
    assert len(client.secrets) <= 7


def test_without_overlap_the_old_secret_ends_at_once(
    editor: RegistryEditor,
    add: Add,
    portal: Portal,
    database: Database,
    now: datetime,
    is_live: Callable[..., bool],
) -> None:
    add(portal())
    with database.transaction() as tx:
        leaked = editor.rotate_secret(tx, "portal", overlap=_DAY, now=now)
    with database.transaction() as tx:
        editor.rotate_secret(tx, "portal", overlap=timedelta(0), now=now)
    assert not is_live(leaked.raw, at=now)


def test_a_secret_out_of_use_does_not_come_back(
    editor: RegistryEditor, add: Add, portal: Portal, database: Database, now: datetime
) -> None:
    add(portal())
    chosen = "chosen-elsewhere-" + "x" * 30
    with database.transaction() as tx:
        assert editor.set_secret(tx, "portal", raw_secret=chosen, overlap=_DAY, now=now)
        assert not editor.set_secret(tx, "portal", raw_secret=chosen, overlap=_DAY, now=now)
    with database.transaction() as tx:
        editor.rotate_secret(tx, "portal", overlap=timedelta(0), now=now)
    with pytest.raises(ClientInvalid) as refusal, database.transaction() as tx:
        editor.set_secret(tx, "portal", raw_secret=chosen, overlap=_DAY, now=now)
    assert refusal.value.field == "client_secret"
    assert chosen not in str(refusal.value)


def test_a_client_that_turns_to_keys_loses_its_secrets(
    editor: RegistryEditor,
    add: Add,
    portal: Portal,
    database: Database,
    now: datetime,
    ec_key: dict[str, str],
    is_live: Callable[..., bool],
) -> None:
    client = add(portal())
    with database.transaction() as tx:
        secret = editor.rotate_secret(tx, "portal", overlap=_DAY, now=now)
    keyed = replace(
        client, token_endpoint_auth_method=AuthMethod.PRIVATE_KEY_JWT, jwks={"keys": [ec_key]}
    )
    with database.transaction() as tx:
        editor.change_client(tx, keyed, now=now)
    assert not is_live(secret.raw, at=now)
    with pytest.raises(ClientInvalid), database.transaction() as tx:
        editor.rotate_secret(tx, "portal", overlap=_DAY, now=now)


def test_what_is_not_registered_cannot_be_changed(
    editor: RegistryEditor, add: Add, portal: Portal, database: Database, now: datetime
) -> None:
    add(portal(client_id="other"))
    acts: list[Callable[..., object]] = [
        lambda tx: editor.disable_client(tx, "portal", now=now),
        lambda tx: editor.enable_client(tx, "portal", now=now),
        lambda tx: editor.rotate_secret(tx, "portal", overlap=_DAY, now=now),
        lambda tx: editor.change_client(tx, portal(), now=now),
    ]
    for act in acts:
        with pytest.raises(NotRegistered), database.transaction() as tx:
            act(tx)
