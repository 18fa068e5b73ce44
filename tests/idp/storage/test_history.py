"""A page of a history is read off the index, however long the history is."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from idp.history import HistoryPlace
from idp.ids import AccountId
from idp.own_history import PAGE_ROWS, SHOWN
from idp.storage.history import history_query
from tests.support.provider import Provider


@pytest.mark.parametrize("before", [None, HistoryPlace(1_700_000_000_000, "w", 3)])
def test_the_index_leads_to_the_page(provider: Provider, before: HistoryPlace | None) -> None:
    """The time of five years' history is measured by the benchmark; the plan is why it holds."""
    query = history_query(AccountId("acc_x"), types=SHOWN, before=before, limit=PAGE_ROWS)
    with provider.services.database.read() as connection:
        compiled = query.compile(connection, compile_kwargs={"literal_binds": True})
        plan = connection.execute(text(f"EXPLAIN QUERY PLAN {compiled}")).all()
    told = " ".join(str(row[-1]) for row in plan)
    assert "log_event_by_account (account_id=?" in told
    assert "SCAN" not in told
