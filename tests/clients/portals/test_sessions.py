"""The stores in memory hold no more than they should."""

from __future__ import annotations

import pytest

from clients.portals import sessions
from clients.portals.sessions import PendingLogins, SessionStore
from clients.sdk import Login, LogoutNotice, PendingLogin, Secret, Tokens, VerifiedClaims


def login(subject: str) -> Login:
    tokens = Tokens(
        access_token=Secret("a"),
        id_token=Secret("i"),
        refresh_token=None,
        expires_at=None,
        scope=(),
    )
    return Login(claims=VerifiedClaims({"sub": subject}), tokens=tokens)


def test_the_oldest_session_gives_way(now, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "_KEPT_AT_MOST", 2)
    store: SessionStore[str] = SessionStore()
    keys = [store.start(login(name), name, now=now) for name in ("a", "b", "c")]
    kept = [store.find(key, now=now) for key in keys]
    assert [None if session is None else session.person for session in kept] == [None, "b", "c"]


def test_the_oldest_pending_login_gives_way(now, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "_KEPT_AT_MOST", 1)
    store = PendingLogins()
    for state in ("a", "b"):
        pending = PendingLogin(state=state, nonce="n", code_verifier="v", started_at_epoch_s=0)
        store.keep(pending, browser="x", now=now)
    assert store.consume(browser="x", state="a", now=now) is None
    assert store.consume(browser="x", state="b", now=now) is not None


def test_a_session_without_sid_ends_with_its_person(now) -> None:
    store: SessionStore[str] = SessionStore()
    key = store.start(login("a"), "a", now=now)
    store.end_named(LogoutNotice(subject="b", sid=None))
    assert store.find(key, now=now)
    store.end_named(LogoutNotice(subject="a", sid=None))
    assert store.find(key, now=now) is None


def test_a_session_shows_no_secret(now) -> None:
    store: SessionStore[str] = SessionStore()
    session = store.find(store.start(login("somebody"), "shown name", now=now), now=now)
    assert session is not None
    assert "somebody" not in repr(session)
    assert "shown name" not in repr(session)
    assert session.csrf_token.reveal() not in repr(session)
