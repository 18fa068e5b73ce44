"""Refused sign-ins: one number per account and minute in the log."""

from __future__ import annotations

import json
from datetime import timedelta

from idp.accounts.login import Source
from idp.accounts.refusals import RefusedSignIns
from idp.model import Factor
from keystore.log.events import EventType
from keystore.log.record import log_event

NUMBER = "003091000017"
MINUTE = timedelta(minutes=1)


def logged(house) -> list[tuple[str | None, dict]]:
    refused = log_event.select().where(log_event.c.type == EventType.LOGIN_REFUSED_MANY)
    with house.database.read() as connection:
        return [(row.account_id, json.loads(row.facts)) for row in connection.execute(refused)]


def flush(house, *, after) -> int:
    refusals = RefusedSignIns(house.store, sealer=house.sealer)
    return refusals.flush(house.database, log=house.log, now=house.now + after)


def test_refusals_become_one_event_per_account_and_minute(house) -> None:
    me = house.add_citizen(NUMBER, password="ổ khoá thử nghiệm").account_id
    login = house.login()
    for after in (timedelta(), timedelta(seconds=1), MINUTE):
        login.check_password(
            raw_identifier=NUMBER,
            raw_password="sai",
            source=Source("192.0.2.7"),
            now=house.now + after,
        )
    login.check_otp(account_id=me, raw_code="000000", source=Source("192.0.2.7"), now=house.now)
    for number in ("005091000018", "005091000026"):
        login.check_password(
            raw_identifier=number, raw_password="sai", source=Source("192.0.2.7"), now=house.now
        )
    assert flush(house, after=MINUTE) == 0
    assert flush(house, after=5 * MINUTE) == 4
    counts = {
        (account_id, facts["factor"], facts["minute"][-11:-6]): facts["count"]
        for account_id, facts in logged(house)
    }
    assert counts == {
        (me, "pwd", "03:04"): 2,
        (me, "pwd", "03:05"): 1,
        (me, "otp", "03:04"): 1,
        (None, "pwd", "03:04"): 2,
    }


def test_a_minute_is_written_once(house) -> None:
    RefusedSignIns(house.store, sealer=house.sealer).note(
        None, subject="x", factor=Factor.PASSWORD, now=house.now
    )
    assert flush(house, after=5 * MINUTE) == 1
    assert flush(house, after=5 * MINUTE) == 0
    assert flush(house, after=6 * MINUTE) == 0


def test_minutes_that_were_missed_are_made_up_for(house) -> None:
    refusals = RefusedSignIns(house.store, sealer=house.sealer)
    flush(house, after=timedelta())
    for number in range(3):
        refusals.note(
            None, subject="x", factor=Factor.PASSWORD, now=house.now + number * 10 * MINUTE
        )
    assert flush(house, after=60 * MINUTE) == 3


def test_refusals_are_noted_at_the_same_price_for_nobody(house) -> None:
    calls: list[str] = []

    class Recording:
        def count(self, *_args, **_named):
            calls.append("count")
            return 1

        def put(self, *_args, **_named):
            calls.append("put")

    refusals = RefusedSignIns(Recording(), sealer=house.sealer)
    me = house.add_citizen(NUMBER).account_id
    refusals.note(me, subject=NUMBER, factor=Factor.PASSWORD, now=house.now)
    for_somebody, calls[:] = list(calls), []
    refusals.note(None, subject="005091000018", factor=Factor.PASSWORD, now=house.now)
    assert calls == for_somebody
