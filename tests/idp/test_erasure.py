"""Deleting a person: every declared table is walked, and what stays is owed to the law.

Source: Law 91/2025/QH15 Art. 4 (deletion); architecture, "State" (the data key is destroyed).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import Table, select

from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.lifecycle import AccountLifecycle, make_account
from idp.accounts.model import AccountKind, AccountLevel, IdentifierKind, Profile
from idp.services import Services, build_services
from idp.settings import Settings
from idp.signing_means import SigningMeans
from idp.storage.accounts import account, find_row
from idp.storage.database import Database
from idp.storage.declared import SEALED
from idp.storage.held import Person, held_tables, read_held
from keystore.destruction import DestructionList
from keystore.errors import KeystoreError
from keystore.purposes import SealPurpose
from tests.support.filled_tables import MARK, fill_tables, person_tables
from tests.support.provider import KEK
from tests.support.stores import all_metadata

NAME: Final = "Nguyễn Thị Thử Xóa"
NUMBER: Final = "003091000017"
OPENED: Final = ("account", "identifier", "log_event")

OWED_TO_THE_LAW: Final = {
    "account": "NĐ 69/2024/NĐ-CP Art. 17(2)",
    "breach_account": "NĐ 356/2025/NĐ-CP Art. 28, 29",
    "certificate": "Decree 23/2025/ND-CP on electronic signatures and trust services",
    "consent": "NĐ 356/2025/NĐ-CP Art. 6",
    "crl": "Decree 23/2025/ND-CP on electronic signatures and trust services",
    "data_request": "NĐ 356/2025/NĐ-CP Art. 5",
    "document_blob": "Law 20/2023/QH15 Art. 23; Circular 15/2025/TT-BKHCN Art. 5",
    "log_event": "Decree 69/2024/ND-CP, Article 17(2); Decree 165/2025/ND-CP, Article 17(10)",
    "mandate": "Law on Enterprises 59/2020/QH14 Art. 12",
    "ocsp_response": "Decree 23/2025/ND-CP on electronic signatures and trust services",
    "outbox": "Law 91/2025/QH15",
    "personal_key": "Decree 23/2025/ND-CP on electronic signatures and trust services",
    "signature_evidence": "Circular 15/2025/TT-BKHCN Art. 5",
    "signing_document": "Law 20/2023/QH15 Art. 23; Circular 15/2025/TT-BKHCN Art. 5",
    "signing_half": "Law 20/2023/QH15 Art. 23; Circular 15/2025/TT-BKHCN Art. 5",
    "signing_preparation": "Law 20/2023/QH15 Art. 23; Circular 15/2025/TT-BKHCN Art. 5",
    "signing_request": "Law 20/2023/QH15 Art. 23; Circular 15/2025/TT-BKHCN Art. 5",
    "signing_slot": "Law 20/2023/QH15 Art. 23; Circular 15/2025/TT-BKHCN Art. 5",
    "spent_activation": "Decree 23/2025/ND-CP on electronic signatures and trust services",
    "validation_report": "Circular 15/2025/TT-BKHCN Art. 6",
}
"""What may stay of somebody who was erased, and by which rule: whoever lets more stay says so
here too."""

_NONCE_BYTES: Final = 32
"""In front of what is personal in a row of the log; rows that concern nobody have nothing else."""

READABLE: Final = {"signature_evidence", "signing_request", "validation_report"}
"""What is sealed under keys of the service and can still be opened: documents, for their time."""


@pytest.fixture
def services(database: Database, tmp_path: Path, now: datetime) -> Iterator[Services]:
    settings = Settings(var=tmp_path, kek=KEK)
    made = build_services(settings, time=lambda: now, database=database, is_sandbox=True)
    yield made
    made.clock.close()
    made.ephemeral.close()


@pytest.fixture
def lifecycle(services: Services, tmp_path: Path) -> AccountLifecycle:
    means = services.signing_means(log=services.log)
    return AccountLifecycle(
        services.database,
        sealer=services.sealer,
        log=services.log,
        sign_out=services.sessions.end_all_in,
        destructions=DestructionList(tmp_path / "destroyed", sealer=services.sealer),
        # the certificate of the filled tables is of no authority that could revoke it
        signing_means=SigningMeans(None, services.outbox, services.sealer, means.requests),
    )


@pytest.fixture
def person(services: Services, lifecycle: AccountLifecycle, now: datetime) -> Person:
    """Somebody of whom every table holds something."""
    made = make_account(
        kind=AccountKind.CITIZEN,
        level=AccountLevel.TWO,
        profile=Profile(NAME),
        identifiers=[ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, NUMBER)],
        now=now,
    )
    lifecycle.open(made)
    with services.database.read() as connection:
        row = find_row(connection, made.account_id)
    assert row is not None
    found = Person.of(row)
    fill_tables(services.database, found, sealer=services.sealer, without=OPENED)
    return found


def rows_of(services: Services, table: Table) -> list[dict[str, Any]]:
    with services.database.read() as connection:
        return [dict(row) for row in connection.execute(select(table)).mappings()]


def test_what_may_stay_is_listed_with_the_law_and_the_time() -> None:
    kept = {one.name: one for one in held_tables() if one.kept}
    assert {name: one.kept_legal for name, one in kept.items()} == OWED_TO_THE_LAW
    assert all(one.kept_until for one in kept.values())


def test_nothing_readable_stays_that_is_not_owed_to_the_law(
    services: Services, lifecycle: AccountLifecycle, person: Person, now: datetime
) -> None:
    """Law 91/2025/QH15 Art. 4: every table of every metadata is walked."""
    lifecycle.erase(person.account_id, reason="asked", now=now)
    everything = {
        table: rows_of(services, table) for one in all_metadata() for table in one.sorted_tables
    }
    naming, readable = set(), set()
    for table, rows in everything.items():
        for row in rows:
            said = repr(list(row.values()))
            for personal in (NAME, NUMBER, MARK):
                assert personal not in said, f"{table.name} says {personal}"
            if person.account_id in said or _leads_to(table, row, person):
                naming.add(table.name)
            if _is_opened(services, table, row, person):
                readable.add(table.name)
    assert naming <= set(OWED_TO_THE_LAW), "tables that still lead to the person"
    assert readable <= READABLE, "sealed columns that still open"
    assert readable <= set(OWED_TO_THE_LAW)
    left = {table.name for table, rows in everything.items() if rows} & set(person_tables())
    assert left <= set(OWED_TO_THE_LAW), "rows about the person that no rule keeps"


def _leads_to(table: Table, row: dict[str, Any], person: Person) -> bool:
    return any(
        row[column.name] == person.account_key
        for column in table.columns
        if any(key.column is account.c.account_key for key in column.foreign_keys)
    )


def _is_opened(services: Services, table: Table, row: dict[str, Any], person: Person) -> bool:
    """Whether anything sealed in the row opens with what the service still has."""
    for column in table.columns:
        if SEALED not in column.info or row[column.name] is None:
            continue
        scheme, context_of, _form = column.info[SEALED]
        if scheme == "personal":
            continue  # its key is gone, see the test below
        known = {"account_id": person.account_id, **row}
        context = context_of(known) if callable(context_of) else context_of.format_map(known)
        purpose = SealPurpose.DOCUMENT if scheme == "document" else SealPurpose.LOG
        try:
            plain = services.sealer.unseal(purpose, row[column.name], context=context)
        except KeystoreError:
            continue
        if scheme == "document" or plain[_NONCE_BYTES:]:
            return True
    return False


def test_no_key_is_left_that_opens_what_was_sealed_for_the_person(
    services: Services, lifecycle: AccountLifecycle, person: Person, now: datetime
) -> None:
    """Architecture, "State": deleting a person destroys the data key."""
    lifecycle.erase(person.account_id, reason="asked", now=now)
    everything = repr(
        [
            list(row.values())
            for one in all_metadata()
            for table in one.sorted_tables
            for row in rows_of(services, table)
        ]
    )
    assert repr(person.data_key) not in everything
    for table in held_tables():
        nobody = Person(person.account_id, person.account_key, b"")
        for row in read_held(services.database, table.name, person=nobody, sealer=services.sealer):
            for name, value in row.items():
                column = person_tables()[table.name].columns.get(name)
                if column is not None and column.info.get(SEALED, ("",))[0] in {"personal", "log"}:
                    assert value in (None, {"withheld": "sealed for somebody else"})
