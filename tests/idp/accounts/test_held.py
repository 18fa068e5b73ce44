"""What the databases hold about one person: every declared table is walked."""

from __future__ import annotations

import base64
import json

import pytest
from sqlalchemy import insert

from idp.storage.accounts import find_row
from idp.storage.declared import SEALED
from idp.storage.held import Person, held_tables, read_held
from keystore.log.record import log_event
from tests.support.filled_tables import MARK, SECRET, fill_tables, person_tables

OPENED = ("account", "identifier", "log_event")
"""Rows of these come with the account."""


def person_of(house, account_id) -> Person:
    with house.database.read() as connection:
        row = find_row(connection, account_id)
    assert row is not None
    return Person.of(row)


def read_all(house, person: Person) -> dict[str, list]:
    return {
        table.name: list(read_held(house.database, table.name, person=person, sealer=house.sealer))
        for table in held_tables()
    }


def test_every_declared_table_gives_what_it_holds_and_no_secret(house) -> None:
    """Law 91/2025/QH15 Art. 4: a person is given what is held about them."""
    me = person_of(house, house.add_citizen("003091000017", name="Nguyễn Thị Thử").account_id)
    fill_tables(house.database, me, sealer=house.sealer, without=OPENED)
    held = read_all(house, me)
    assert set(held) == set(person_tables())
    given = [table for table in held_tables() if not table.not_given]
    for table in given:
        assert held[table.name], f"{table.name} gives nothing of what it holds"
    assert "Nguyễn Thị Thử" in json.dumps(held["account"], ensure_ascii=False)
    assert held["identifier"][0]["value_sealed"] == "003091000017"
    for table in given:
        for column in person_tables()[table.name].columns:
            value = held[table.name][0].get(column.name.removesuffix("_ms"))
            if column.info["data"] == "secret" and value is not None:
                assert value == {"withheld": "secret"}, f"{column} is given"
            if SEALED in column.info and table.name not in OPENED:
                opened = json.dumps(value, ensure_ascii=False)
                as_octets = base64.b64encode(MARK.encode()).decode()
                assert MARK in opened or as_octets in opened, f"{column} is not opened"
    whole = json.dumps(held)
    assert SECRET.decode() not in whole
    assert base64.b64encode(SECRET).decode() not in whole


def test_nobody_is_given_a_row_of_somebody_else(house) -> None:
    """Law 91/2025/QH15 Art. 4: about them, and about nobody else."""
    other = person_of(house, house.add_citizen("003091000025", name="Trần Văn Khác").account_id)
    fill_tables(house.database, other, sealer=house.sealer, without=OPENED)
    me = person_of(house, house.add_citizen("003091000017").account_id)
    held = read_all(house, me)
    assert {name for name, rows in held.items() if rows} == {*OPENED}
    assert MARK not in json.dumps(held, ensure_ascii=False)
    assert other.account_id not in json.dumps(held)


@pytest.mark.parametrize("at_once", [500, 1])
def test_a_long_table_is_read_to_its_end_in_portions(house, monkeypatch, at_once: int) -> None:
    monkeypatch.setattr("idp.storage.held._PORTION", at_once)
    me = person_of(house, house.add_citizen("003091000017").account_id)
    with house.database.transaction() as tx:
        row = dict(tx.connection.execute(log_event.select()).mappings().one())
        sealed = house.sealer.seal_personal(me.data_key, bytes(32), context="log:other/2")
        # of one millisecond, in another chain
        tx.connection.execute(
            insert(log_event), {**row, "writer": "other", "seq": 2, "sealed": sealed}
        )
    rows = read_all(house, me)["log_event"]
    assert sorted(row["seq"] for row in rows) == [1, 2]
    assert rows[0]["at"].endswith("Z")
    assert {"nonce", "personal"} == set(rows[0]["sealed"])
