"""No page of the account reads a whole table that grows: why five years' history is quick.

What the time comes to is measured by the benchmark (`python -m bench account`); this holds the
reason for it, on both databases, for every page that the benchmark knows.  PostgreSQL is told to
scan nothing that an index leads to, so that what it does scan has none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import Connection

from bench.account import PAGES, Known, account_rules, check_table
from bench.five_years import Lived
from idp.storage.consents import consents_of
from idp.storage.mandates import list_mandates
from idp.storage.schema import all_metadata
from keystore.purposes import LOG
from tests.support.asked import telling
from tests.support.certificate_desk import CertificateDesk, authority_settings
from tests.support.provider import ISSUER, Provider
from tests.support.provider_seeds import BINH

_GROWING: Final = {
    table.name
    for metadata in all_metadata()
    for table in metadata.tables.values()
    if table.info.get("subject") == "person"
}
_SCAN: Final = re.compile(r"^SCAN (\w+)", re.MULTILINE)
_ALIAS: Final = re.compile(r"_\d+$")
Statement = tuple[str, Any]


@pytest.fixture(params=["sqlite+sql", "postgresql+redis"])
def desk(
    make_provider: Callable[..., Provider], tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[CertificateDesk]:
    provider = make_provider(request.param, **authority_settings(tmp_path))
    made = CertificateDesk(provider, folder=tmp_path)
    yield made
    made.close()


def test_no_page_of_the_account_reads_a_whole_table_that_grows(desk: CertificateDesk) -> None:
    check_table(desk.provider.app)
    browser = desk.browser(BINH)
    known = _known(desk)
    wrong = []
    with _statements() as found:
        for rule in account_rules(desk.provider.app):
            for asked in PAGES[rule](known):
                answer = browser.http.get(asked.path or rule, base_url=ISSUER)
                if answer.status_code != asked.status:
                    wrong.append((asked.path or rule, answer.status_code))
    assert wrong == []
    assert len(found) > 20
    with desk.services.database.read() as connection:
        scanned = {
            (table, statement)
            for statement, values in found.items()
            for table in _scanned(connection, statement, values)
        }
    assert scanned == set()


def test_a_scan_would_be_seen(desk: CertificateDesk) -> None:
    statement = "SELECT writer FROM log_event WHERE client_id = 'x'"
    with desk.services.database.read() as connection:
        assert list(_scanned(connection, statement, ())) == ["log_event"]


def _known(desk: CertificateDesk) -> Known:
    """Something of everything, for addresses."""
    passkey, key_id = desk.give_key(BINH)
    browser = desk.browser(BINH)
    browser.sign_in("portal", who=BINH, scope="openid profile")
    desk.sign(passkey, key_id, owner=BINH.account_id)
    desk.services.keyrings.of(LOG).ensure(desk.provider.now)
    desk.services.trust.log.sequencer.run(desk.provider.now)
    desk.provider.clock.advance(seconds=1)
    with desk.services.database.read() as connection:
        consents = tuple(one.consent_id for one in consents_of(connection, BINH.account_id))
        mandates = list_mandates(connection, BINH.account_id)
    passkeys = desk.services.passkeys.list_of(BINH.account_id)
    lived = Lived(
        account_id=BINH.account_id,
        consents=consents,
        passkeys=tuple(one.passkey_id for one in passkeys),
        mandate=mandates[0].mandate_id,
        rows_of_hers=0,
        rows=0,
    )
    return Known(desk.services, lived, years=0)


@contextmanager
def _statements() -> Iterator[dict[str, Any]]:
    """What is read meanwhile, each statement once, with values for it."""
    found: dict[str, Any] = {}

    def note(statement: str, values: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            found.setdefault(statement, values)

    with telling(note):
        yield found


def _scanned(connection: Connection, statement: str, values: Any) -> Iterator[str]:
    if connection.dialect.name == "sqlite":
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
        said = "\n".join(str(row[-1]) for row in plan)
        names = [_ALIAS.sub("", one) for one in _SCAN.findall(said)]
    else:
        connection.exec_driver_sql("SET enable_seqscan = off")
        explained = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", values)
        names = list(_whole(explained.scalar_one()[0]["Plan"]))
    yield from (one for one in names if one in _GROWING)


def _whole(node: Mapping[str, Any]) -> Iterator[str]:
    """Tables that a plan reads from end to end, by an index or without one."""
    is_by_index = str(node["Node Type"]).startswith("Index")
    if node["Node Type"] == "Seq Scan" or (is_by_index and "Index Cond" not in node):
        yield str(node["Relation Name"])
    plans: Sequence[Mapping[str, Any]] = node.get("Plans", ())
    for one in plans:
        yield from _whole(one)
