"""Every table says whose data it holds, why, how long and under which rule; every column its class.

Source: architecture, "State" (ground rules of the data).
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import pytest
from sqlalchemy import BigInteger, Column, MetaData, String, Table

from idp.storage.declared import BASIC, found_by, found_through, not_given
from idp.storage.held import find_gaps
from idp.storage.table_modules import declared_metadata
from tests.support.stores import all_metadata

_SUBJECTS: Final = {"person", "organisation", "client", "operator", "none"}
_CLASSES: Final = {"none", "basic", "sensitive", "secret"}


def _problems(table: Table) -> list[str]:
    found = []
    info = table.info
    if info.get("subject") not in _SUBJECTS:
        found.append(f"{table.name}: subject is one of {sorted(_SUBJECTS)}")
    found += [
        f"{table.name}: says no {name}"
        for name in ("purpose", "retention", "legal")
        if not str(info.get(name) or "").strip()
    ]
    try:
        dt.date.fromisoformat(str(info.get("legal_from")))
    except ValueError:
        found.append(f"{table.name}: legal_from is a date")
    for column in table.columns:
        if column.info.get("data") not in _CLASSES:
            found.append(f"{column}: data is one of {sorted(_CLASSES)}")
        if column.name.endswith("_ms") and not isinstance(column.type, BigInteger):
            found.append(f"{column}: epoch milliseconds need BigInteger")
    return found


def test_every_table_and_column_is_declared() -> None:
    tables = [table for metadata in all_metadata() for table in metadata.tables.values()]
    assert tables
    problems = [problem for table in tables for problem in _problems(table)]
    assert not problems, "\n".join(problems)


def test_every_table_about_people_takes_part_in_export_and_erasing() -> None:
    """Law 91/2025/QH15 Art. 4: `idp/storage/declared.py` says what a new table has to declare."""
    gaps = list(find_gaps(*all_metadata()))
    assert not gaps, "\n".join(gaps)


def test_the_list_of_files_with_tables_is_whole() -> None:
    """Processes that answer browsers read those alone."""
    declared = {name for metadata in declared_metadata() for name in metadata.tables}
    assert declared == {name for metadata in all_metadata() for name in metadata.tables}


@pytest.mark.parametrize(
    ("columns", "export"),
    [
        (["somebody"], {}),
        (["account_id", "name_sealed"], {}),
        (["somebody"], found_by("account_key")),
        (["session_id"], found_through("nothing", session_id="session_id")),
        (["account_id"], not_given("no reason to keep it when the person is gone")),
    ],
)
def test_a_table_about_people_that_leaves_a_question_open_is_refused(
    columns: list[str], export: dict[str, object]
) -> None:
    metadata = MetaData()
    made = [Column(name, String, info=BASIC) for name in columns]
    Table("example", metadata, *made, info={"subject": "person", **export})
    assert list(find_gaps(metadata))


def test_no_two_packages_use_one_table_name() -> None:
    names = [name for metadata in all_metadata() for name in metadata.tables]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("missing", ["subject", "purpose", "retention", "legal", "legal_from"])
def test_a_declaration_that_lacks_something_is_refused(missing: str) -> None:
    whole = {
        "subject": "none",
        "purpose": "an example",
        "retention": "none",
        "legal": "none",
        "legal_from": "2026-01-01",
    }
    assert not _problems(Table("example", MetaData(), info=whole))
    assert _problems(Table("example", MetaData(), info={**whole, missing: ""}))
