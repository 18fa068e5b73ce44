"""Consents with their evidence, in SQL."""

from __future__ import annotations

from datetime import datetime, timedelta

from idp.ids import AccountId, ConsentId, make_id
from idp.model import Consent
from idp.storage.consents import (
    add_consent,
    consents_of,
    find_consent,
    live_consents,
    withdraw_consent,
)
from idp.storage.database import Database

_ACCOUNT = AccountId("acc_" + "1" * 32)


def a_consent(now: datetime, *, client_id: str = "portal") -> Consent:
    return Consent(
        consent_id=ConsentId(make_id("con")),
        account_id=_ACCOUNT,
        client_id=client_id,
        kind="consent",
        scopes=("profile", "email"),
        shared=("name",),
        language="vi",
        text_version="2026-11",
        text_sha256="0" * 64,
        legal_reference=None,
        given_at=now,
    )


def test_what_was_given_is_found_with_its_text(database: Database, now: datetime) -> None:
    given = a_consent(now)
    with database.transaction() as tx:
        add_consent(tx, given, text_sealed=b"sealed")
    with database.read() as connection:
        assert find_consent(connection, given.consent_id) == (given, b"sealed")
        assert find_consent(connection, ConsentId("con_x")) is None
        assert live_consents(connection, _ACCOUNT, client_id="portal") == (given,)
        assert live_consents(connection, _ACCOUNT, client_id="other") == ()
        assert live_consents(connection, AccountId("acc_x"), client_id="portal") == ()


def test_a_withdrawn_one_counts_no_more_and_stays_as_evidence(
    database: Database, now: datetime
) -> None:
    """NĐ 356/2025 Art. 6: evidence is kept after the withdrawal."""
    first, second = a_consent(now), a_consent(now + timedelta(hours=1), client_id="other")
    with database.transaction() as tx:
        for one in (first, second):
            add_consent(tx, one, text_sealed=b"sealed")
    later = now + timedelta(days=1)
    with database.transaction() as tx:
        assert withdraw_consent(tx, first.consent_id, now=later)
        assert not withdraw_consent(tx, first.consent_id, now=later)
    with database.read() as connection:
        assert live_consents(connection, _ACCOUNT, client_id="portal") == ()
        newest, oldest = consents_of(connection, _ACCOUNT)
    assert newest == second
    assert oldest.withdrawn_at == later
