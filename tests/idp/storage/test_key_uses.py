"""Uses of keys are read off an index of their own, however often somebody signed in."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Select, text

from idp.history import HistoryPlace
from idp.ids import AccountId
from idp.storage.key_uses import uses_query
from keystore.log.events import EventType
from keystore.log.on_record import on_record_query
from tests.support.provider import Provider

_INDEX = "log_event_of_use"


@pytest.mark.parametrize("event_type", [EventType.ACCOUNT_LEVEL_CHANGED, EventType.MANDATE_ADDED])
def test_what_happens_now_and_then_is_found_past_years_of_sign_ins(
    provider_on_both: Provider, event_type: EventType
) -> None:
    """Whether somebody was proofed is asked for every signature."""
    query = on_record_query(event_type, account_id="acc_x")
    assert "log_event_seldom" in _plan(provider_on_both, query)


@pytest.mark.parametrize("before", [None, HistoryPlace(1_700_000_000_000, "w", 3)])
def test_the_index_of_uses_leads_to_the_page(
    provider_on_both: Provider, before: HistoryPlace | None
) -> None:
    query = uses_query(AccountId("acc_x"), before=before, limit=20)
    assert _INDEX in _plan(provider_on_both, query)


def _plan(provider: Provider, query: Select[Any]) -> str:
    with provider.services.database.read() as connection:
        compiled = query.compile(connection, compile_kwargs={"literal_binds": True})
        if connection.dialect.name == "sqlite":
            plan = connection.execute(text(f"EXPLAIN QUERY PLAN {compiled}")).all()
        else:
            connection.exec_driver_sql("SET enable_seqscan = off")
            plan = connection.execute(text(f"EXPLAIN {compiled}")).all()
    return " ".join(str(row[-1]) for row in plan)
