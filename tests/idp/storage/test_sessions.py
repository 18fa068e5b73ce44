"""Sessions and who was signed in from them, in SQL."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.lifecycle import make_account
from idp.accounts.model import AccountKind, AccountLevel, IdentifierKind, Profile
from idp.ids import AccountId, SessionId, make_id
from idp.model import Factor, ProvenFactor, Session, SessionClient
from idp.storage import sessions as stored
from idp.storage.accounts import find_row, insert_accounts
from idp.storage.database import Database
from idp.storage.purge import find_rules, purge_all
from keystore.sealing import Sealer, load_kek
from tests.support.pii_alarm import SEEDED

_ACCOUNT = AccountId("acc_" + "1" * 32)


def a_session(now: datetime, *, account_id: AccountId = _ACCOUNT, hours: int = 12) -> Session:
    session_id = SessionId(make_id("ses"))
    return Session(
        session_id=session_id,
        account_id=account_id,
        token_hash=session_id.encode()[-32:],
        factors=(ProvenFactor(Factor.PASSWORD, now),),
        created_at=now,
        expires_at=now + timedelta(hours=hours),
    )


def added(database: Database, *sessions: Session) -> None:
    with database.transaction() as tx:
        for session in sessions:
            stored.add_session(tx, session)


def test_what_was_stored_is_found(database: Database, now: datetime) -> None:
    session = a_session(now)
    added(database, session)
    with database.read() as connection:
        assert stored.find_session_by_token(connection, session.token_hash) == session
        assert stored.find_session_by_token(connection, b"\0" * 32) is None


def test_a_session_comes_with_its_account(database: Database, now: datetime) -> None:
    value = base64.urlsafe_b64encode(bytes(32)).decode()
    sealer = Sealer.open(database, kek=load_kek(file=None, value=value), now=now)
    made = make_account(
        kind=AccountKind.CITIZEN,
        level=AccountLevel.TWO,
        profile=Profile(SEEDED.name),
        identifiers=[ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, SEEDED.citizen_number)],
        now=now,
    )
    with database.transaction() as tx:
        insert_accounts(tx, [made], sealer=sealer)
    session, of_nobody = a_session(now, account_id=made.account_id), a_session(now)
    added(database, session, of_nobody)
    with database.read() as connection:
        account = find_row(connection, made.account_id)
        assert account is not None
        found = stored.find_session_with_account
        assert found(connection, session.token_hash) == (session, account)
        assert found(connection, of_nobody.token_hash) == (of_nobody, None)
        assert found(connection, b"\0" * 32) is None


def test_of_many_rises_one_wins(database: Database, now: datetime) -> None:
    session = a_session(now)
    added(database, session)

    def rise(number: int) -> bool:
        with database.transaction() as tx:
            return stored.raise_session(
                tx,
                session.session_id,
                old_token_hash=session.token_hash,
                new_token_hash=bytes([number]) * 32,
                factors=(*session.factors, ProvenFactor(Factor.OTP, now)),
            )

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(rise, range(1, 7))) == 1


def test_of_many_ends_one_counts(database: Database, now: datetime) -> None:
    session = a_session(now)
    added(database, session)

    def end(_number: int) -> bool:
        with database.transaction() as tx:
            return stored.end_session(tx, session.session_id, now=now, reason="logout")

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(end, range(6))) == 1
    with database.transaction() as tx:
        found = stored.find_session_by_token(tx.connection, session.token_hash)
        assert found is not None
        assert found.ended_at == now
        assert not stored.lock_session(tx, session.session_id, token_hash=session.token_hash)


def test_a_session_is_held_by_its_cookie_only(database: Database, now: datetime) -> None:
    session = a_session(now)
    added(database, session)
    with database.transaction() as tx:
        assert stored.lock_session(tx, session.session_id, token_hash=session.token_hash)
        assert not stored.lock_session(tx, session.session_id, token_hash=b"\0" * 32)


def test_live_and_expired_are_told_apart(database: Database, now: datetime) -> None:
    live, over, ended = a_session(now), a_session(now, hours=1), a_session(now)
    other = a_session(now, account_id=AccountId("acc_" + "2" * 32))
    added(database, live, over, ended, other)
    with database.transaction() as tx:
        stored.end_session(tx, ended.session_id, now=now, reason="logout")
    later = now + timedelta(hours=1)
    with database.read() as connection:
        assert stored.live_sessions(connection, _ACCOUNT, now=later) == (live,)
        assert stored.expired_sessions(connection, now=later, limit=10) == (over,)
        assert stored.expired_sessions(connection, now=later, limit=0) == ()
        assert stored.expired_sessions(connection, now=now, limit=10) == ()


def test_a_client_has_one_sid_in_a_session(database: Database, now: datetime) -> None:
    session = a_session(now)
    added(database, session)
    entry = SessionClient(session.session_id, "portal", "sid_1", "sub-1")
    with database.transaction() as tx:
        stored.add_session_client(tx, entry, expires_at=session.expires_at)
    again = SessionClient(session.session_id, "portal", "sid_2", "sub-1")
    with pytest.raises(IntegrityError), database.transaction() as tx:
        stored.add_session_client(tx, again, expires_at=session.expires_at)
    with database.read() as connection:
        assert stored.find_by_sid(connection, "sid_1") == entry
        assert stored.find_by_sid(connection, "sid_2") is None
        assert stored.clients_of_session(connection, session.session_id) == (entry,)
        found = stored.find_session_client(connection, session.session_id, client_id="portal")
        assert found == entry
        assert stored.find_session_client(connection, session.session_id, client_id="x") is None


def test_what_was_never_ended_is_never_purged(database: Database, now: datetime) -> None:
    """Otherwise a portal would never be told, and nobody would ever know."""
    forgotten, ended = a_session(now), a_session(now)
    added(database, forgotten, ended)
    with database.transaction() as tx:
        for session in (forgotten, ended):
            entry = SessionClient(session.session_id, "portal", session.session_id[:40], "sub-1")
            stored.add_session_client(tx, entry, expires_at=session.expires_at)
        stored.end_session(tx, ended.session_id, now=now, reason="logout")
    rules = find_rules(stored.browser_session.metadata)
    late = now + timedelta(days=400)
    purge_all(database, rules=rules, now=late, limit=3)
    with database.read() as connection:
        (left,) = stored.expired_sessions(connection, now=late, limit=3)
        assert left.session_id == forgotten.session_id
        assert stored.clients_of_session(connection, left.session_id)
        assert not stored.clients_of_session(connection, ended.session_id)
    with database.transaction() as tx:
        stored.end_session(tx, forgotten.session_id, now=late, reason="expired")
    purge_all(database, rules=rules, now=late, limit=3)
    with database.read() as connection:
        assert not stored.clients_of_session(connection, forgotten.session_id)


def test_pages_of_expired_sessions_follow_one_another(database: Database, now: datetime) -> None:
    added(database, *(a_session(now) for _ in range(5)))
    late = now + timedelta(hours=12)
    seen: list[SessionId] = []
    last: Session | None = None
    with database.read() as connection:
        while page := stored.expired_sessions(connection, now=late, limit=2, after=last):
            seen.extend(session.session_id for session in page)
            last = page[-1]
    assert len(set(seen)) == len(seen) == 5
