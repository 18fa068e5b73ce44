"""Every act on the registry has its log row, or did not happen."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from clients.registry import (
    AlreadyRegistered,
    ImportInvalid,
    NotRegistered,
    Registry,
    SecondOperatorRequired,
    is_live_secret,
    parse_document,
    read_client,
)
from idp.registration import Registration
from idp.storage.database import Database
from keystore.kek import load_kek
from keystore.log.record import LogWriter, find_writers, log_event, verify_chain
from keystore.sealing import Sealer

_DOCUMENT = b"""
[[controllers]]
controller_id = "9900000016"
name_vi = "C\xc6\xa1 quan th\xe1\xbb\xad nghi\xe1\xbb\x87m"

[[clients]]
client_id = "portal"
name_vi = "C\xe1\xbb\x95ng"
name_en = "Portal"
redirect_uris = ["https://portal.example/"]
scopes = ["openid", "identity"]

[[resource_servers]]
identifier = "https://api.example/~x(1)"
name_vi = "Kho"

[[statutory_bases]]
client_id = "portal"
scope = "identity"
procedure = "1.000001.000.00.00.H99"
legal_ref = "Article 5"
valid_from = 2026-01-01
"""
_NEW = {
    "client_id": "new",
    "name_vi": "Mới",
    "name_en": "New",
    "redirect_uris": ["https://new.example/"],
}

Events = Callable[[], list[tuple[str, str | None, dict[str, Any]]]]


@pytest.fixture
def registry(database: Database) -> Registry:
    return Registry(database)


@pytest.fixture
def registration(database: Database, registry: Registry, now: datetime) -> Registration:
    kek = load_kek(file=None, value="A" * 43)
    log = LogWriter(Sealer.open(database, kek=kek, now=now), writer_id="test")
    return Registration(database, registry=registry, log=log)


@pytest.fixture
def events(database: Database) -> Events:
    """What the log says, in order: type, client, facts; every chain is whole."""

    def read() -> list[tuple[str, str | None, dict[str, Any]]]:
        rows = select(log_event).order_by(log_event.c.writer, log_event.c.seq)
        with database.transaction() as tx:
            for writer in find_writers(tx.connection):
                verify_chain(tx.connection, writer)
            return [
                (row.type, row.client_id, json.loads(row.facts))
                for row in tx.connection.execute(rows)
            ]

    return read


@pytest.fixture
def taken(registration: Registration, now: datetime) -> str:
    """The document above is taken in; the id of its statutory basis."""
    document = parse_document(_DOCUMENT, file="portal.toml")
    return registration.take_document(document, operator="first", now=now)[-1].key


def test_an_import_records_what_it_added_and_again_nothing(
    registration: Registration, taken: str, events: Events, now: datetime
) -> None:
    recorded = events()
    assert [(kind, client) for kind, client, _ in recorded] == [
        ("registry:controller:added", None),
        ("registry:client:added", "portal"),
        ("registry:resource_server:added", None),
        ("registry:statutory_basis:proposed", "portal"),
    ]
    assert all(facts["operator"] == "first" for *_, facts in recorded)
    assert recorded[-1][2]["key"] == taken
    registration.take_document(
        parse_document(_DOCUMENT, file="portal.toml"), operator="first", now=now
    )
    assert events() == recorded


def test_an_identifier_that_no_fact_may_carry_is_recorded_as_its_hash(
    taken: str, events: Events
) -> None:
    facts = [facts for *_, facts in events() if "key_sha256" in facts]
    assert [fact["table"] for fact in facts] == ["controllers", "resource_servers"]
    assert not any("9900000016" in str(fact) or "~x" in str(fact) for fact in facts)


def test_a_changed_entry_is_recorded_as_changed(
    registration: Registration, taken: str, events: Events, now: datetime
) -> None:
    changed = _DOCUMENT.replace(b'name_en = "Portal"', b'name_en = "Gate"')
    registration.take_document(parse_document(changed, file="x"), operator="second", now=now)
    assert events()[-1][:2] == ("registry:client:changed", "portal")


def test_an_import_that_fails_leaves_neither_act_nor_record(
    registration: Registration, registry: Registry, events: Events, now: datetime
) -> None:
    broken = parse_document(
        _DOCUMENT.replace(b'scope = "identity"', b'scope = "email"'), file="portal.toml"
    )
    with pytest.raises(ImportInvalid):
        registration.take_document(broken, operator="first", now=now)
    assert events() == []
    assert registry.find_client("portal", now=now) is None


def test_a_client_is_added_once(
    registration: Registration, registry: Registry, events: Events, now: datetime
) -> None:
    added = registration.add_client(read_client(_NEW), operator="first", now=now)
    assert added.new_secret is not None
    client = registry.find_client("new", now=now)
    assert client is not None
    assert is_live_secret(added.new_secret.raw, known=client.secrets, now=now)
    assert [kind for kind, *_ in events()] == ["registry:client:added"]
    with pytest.raises(AlreadyRegistered):
        registration.add_client(read_client(_NEW), operator="first", now=now)
    with pytest.raises(AlreadyRegistered):
        registration.add_client(read_client({**_NEW, "name_vi": "Khác"}), operator="first", now=now)
    assert len(events()) == 1
    unchanged = registry.find_client("new", now=now)
    assert unchanged == client


def test_disabling_and_enabling_are_recorded_once_each(
    registration: Registration, registry: Registry, taken: str, events: Events, now: datetime
) -> None:
    before = len(events())
    assert registration.disable_client("portal", operator="first", now=now)
    assert not registration.disable_client("portal", operator="first", now=now)
    assert registry.find_client("portal", now=now) is None
    assert registration.enable_client("portal", operator="first", now=now)
    assert not registration.enable_client("portal", operator="first", now=now)
    assert registry.find_client("portal", now=now) is not None
    assert [kind for kind, *_ in events()[before:]] == [
        "registry:client:disabled",
        "registry:client:enabled",
    ]


def test_a_new_secret_is_recorded_without_itself(
    registration: Registration, taken: str, events: Events, now: datetime
) -> None:
    new = registration.rotate_secret(
        "portal", overlap=timedelta(hours=24), operator="first", now=now
    )
    kind, client_id, facts = events()[-1]
    assert (kind, client_id) == ("registry:client:secret_rotated", "portal")
    assert facts == {"operator": "first", "overlap_s": 86400}
    assert new.raw not in str(events())


def test_a_basis_is_approved_by_a_second_operator_and_both_are_on_record(
    registration: Registration, registry: Registry, taken: str, events: Events, now: datetime
) -> None:
    asked = {"scope": "identity", "procedure": "1.000001.000.00.00.H99", "now": now}
    before = len(events())
    with pytest.raises(SecondOperatorRequired):
        registration.approve_basis(taken, operator="first", now=now)
    assert len(events()) == before
    registration.approve_basis(taken, operator="second", now=now)
    registration.approve_basis(taken, operator="third", now=now)
    assert registry.statutory_basis("portal", **asked) is not None
    assert events()[-1][0] == "registry:statutory_basis:approved"
    registration.end_basis(taken, operator="second", now=now)
    registration.end_basis(taken, operator="second", now=now)
    assert registry.statutory_basis("portal", **asked) is None
    assert events()[-1][0] == "registry:statutory_basis:ended"
    assert len(events()) == before + 2


def test_what_is_not_registered_leaves_no_record(
    registration: Registration, events: Events, now: datetime
) -> None:
    with pytest.raises(NotRegistered):
        registration.disable_client("portal", operator="first", now=now)
    with pytest.raises(NotRegistered):
        registration.rotate_secret("portal", overlap=timedelta(0), operator="first", now=now)
    with pytest.raises(NotRegistered):
        registration.end_basis("basis_x", operator="first", now=now)
    assert events() == []
