"""Uses of keys are read off an index of their own, however often somebody signed in."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from idp.history import HistoryPlace
from idp.ids import AccountId
from idp.storage.key_uses import uses_query
from tests.support.provider import Provider

_INDEX = "log_event_of_use"


@pytest.mark.parametrize("before", [None, HistoryPlace(1_700_000_000_000, "w", 3)])
def test_the_index_of_uses_leads_to_the_page(
    provider_on_both: Provider, before: HistoryPlace | None
) -> None:
    query = uses_query(AccountId("acc_x"), before=before, limit=20)
    with provider_on_both.services.database.read() as connection:
        compiled = query.compile(connection, compile_kwargs={"literal_binds": True})
        if connection.dialect.name == "sqlite":
            plan = connection.execute(text(f"EXPLAIN QUERY PLAN {compiled}")).all()
        else:
            connection.exec_driver_sql("SET enable_seqscan = off")
            plan = connection.execute(text(f"EXPLAIN {compiled}")).all()
    told = " ".join(str(row[-1]) for row in plan)
    assert _INDEX in told
