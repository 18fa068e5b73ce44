"""Codes and refresh tokens in one statement: everything is right, or nothing is changed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from idp.model import Grant
from idp.oauth.opaque import OpaqueKind
from idp.oauth.pkce import make_challenge
from idp.storage.accounts import account
from idp.storage.grants import oauth_grant
from idp.storage.redemptions import redeem_code, redeem_refresh
from tests.support.provider import Provider, redirect_of
from tests.support.provider_browser import VERIFIER, Browser

UNTIL = timedelta(hours=1)


def presented(provider: Provider) -> dict[str, Any]:
    """A fresh code with everything that belongs to it."""
    found = provider.services.opaque.find(Browser(provider).sign_in().code, kind=OpaqueKind.CODE)
    assert found is not None
    return {
        "grant_id": found.grant_id,
        "client_id": "portal",
        "code_hash": found.digest,
        "redirect_uri": redirect_of("portal"),
        "code_challenge": make_challenge(VERIFIER),
        "refresh_hash": b"r" * 32,
        "refresh_expires_at": provider.now + UNTIL,
        "now": provider.now,
    }


def redeem(provider: Provider, facts: dict[str, Any]) -> Grant | None:
    with provider.services.database.statement() as connection:
        return redeem_code(
            connection,
            facts["grant_id"],
            **{name: value for name, value in facts.items() if name != "grant_id"},
        )


def row_of(provider: Provider, facts: dict[str, Any]) -> Any:
    with provider.services.database.read() as connection:
        query = select(oauth_grant).where(oauth_grant.c.grant_id == facts["grant_id"])
        return connection.execute(query).one()


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "sibling"},
        {"code_hash": b"x" * 32},
        {"redirect_uri": "https://portal.example/other"},
        {"code_challenge": None},
        {"code_challenge": make_challenge("w" * 50)},
        {"now": timedelta(seconds=60)},
    ],
)
def test_whatever_is_wrong_spends_nothing(
    provider_on_both: Provider, wrong: dict[str, Any]
) -> None:
    """RFC 6749 §4.1.3; RFC 7636 §4.6."""
    facts = presented(provider_on_both)
    if "now" in wrong:
        wrong = {"now": facts["now"] + wrong["now"]}
    before = row_of(provider_on_both, facts)
    assert redeem(provider_on_both, facts | wrong) is None
    assert row_of(provider_on_both, facts) == before
    assert redeem(provider_on_both, facts) is not None


@pytest.mark.parametrize(
    "other",
    [
        {"mandate_id": "mnd_1"},
        {"resource": "https://api.example/"},
        {"claims": '{"id_token":{"email":null}}'},
        {"revoked_ms": 1},
    ],
)
def test_grants_that_need_another_look_are_left_alone(
    provider_on_both: Provider, other: dict[str, Any]
) -> None:
    facts = presented(provider_on_both)
    with provider_on_both.services.database.transaction() as tx:
        tx.connection.execute(update(oauth_grant).values(**other))
    assert redeem(provider_on_both, facts) is None
    assert row_of(provider_on_both, facts).code_spent_ms is None


def test_an_account_that_is_not_active_gets_nothing(provider_on_both: Provider) -> None:
    facts = presented(provider_on_both)
    with provider_on_both.services.database.transaction() as tx:
        tx.connection.execute(update(account).values(status="locked"))
    assert redeem(provider_on_both, facts) is None


def test_of_many_at_once_one_is_given_the_grant(provider_on_both: Provider) -> None:
    """RFC 6749 §4.1.2: a code MUST NOT be used more than once."""
    facts = presented(provider_on_both)
    with ThreadPoolExecutor(6) as pool:
        given = list(pool.map(lambda _: redeem(provider_on_both, facts), range(6)))
    assert sum(one is not None for one in given) == 1


def test_the_grant_and_its_family_end_with_the_session_or_with_the_family(
    provider_on_both: Provider,
) -> None:
    provider = provider_on_both
    facts = presented(provider)
    session_ends_ms = row_of(provider, facts).expires_ms
    facts["refresh_expires_at"] = provider.now + timedelta(days=30)
    grant = redeem(provider, facts)
    assert grant is not None
    assert not grant.is_offline
    row = row_of(provider, facts)
    assert row.expires_ms == row.refresh_expires_ms == session_ends_ms

    facts = presented(provider)
    with provider.services.database.transaction() as tx:
        tx.connection.execute(update(oauth_grant).values(is_offline=True))
    facts["refresh_expires_at"] = provider.now + timedelta(days=30)
    offline = redeem(provider, facts)
    assert offline is not None
    assert offline.expires_at == provider.now + timedelta(days=30)


def test_a_refresh_token_is_replaced_once_and_only_by_its_client(
    provider_on_both: Provider,
) -> None:
    """RFC 6749 §6; RFC 9700 §4.14.2."""
    provider = provider_on_both
    facts = presented(provider)
    given = redeem(provider, facts)
    assert given is not None

    def rotate(client_id: str, *, at: timedelta = timedelta()) -> Grant | None:
        with provider.services.database.statement() as connection:
            return redeem_refresh(
                connection,
                facts["grant_id"],
                client_id=client_id,
                presented_hash=b"r" * 32,
                successor_hash=b"s" * 32,
                sealed_successor=b"sealed",
                now=provider.now + at,
            )

    assert rotate("sibling") is None
    assert rotate("portal", at=UNTIL) is None
    assert rotate("portal") == given
    assert rotate("portal") is None
    row = row_of(provider, facts)
    assert (row.refresh_previous_hash, row.refresh_generation) == (b"r" * 32, 1)
