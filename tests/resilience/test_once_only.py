"""Fifty at once: one code is redeemed once, one refresh token has one successor.

What lives here: the races of the issue, over two of the provider that share nothing but what is
stored.  Not here: the same one after the other (`tests/idp/oauth`).
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

from tests.support.provider import assert_error
from tests.support.provider_browser import VERIFIER, Browser
from tests.support.racing import Twins, race

FIFTY = 50


def exchange_at_once(twins: Twins, code: str) -> list[Any]:
    """Fifty exchanges of one code, half of them at either."""
    return race(
        [
            partial(twins.both[number % 2].exchange, code, verifier=VERIFIER)
            for number in range(FIFTY)
        ]
    )


def refresh_at_once(twins: Twins, token: str) -> list[Any]:
    """Fifty uses of one refresh token, half of them at either."""
    return race([partial(twins.both[number % 2].refresh, token) for number in range(FIFTY)])


def test_fifty_exchanges_of_one_code_give_tokens_once_and_take_them_back(twins):
    """RFC 6749 §4.1.2: MUST NOT be used more than once; what it gave SHOULD be revoked."""
    code = Browser(twins.one).sign_in().code
    answers = exchange_at_once(twins, code)
    assert Counter(answer.status_code for answer in answers) == {200: 1, 400: FIFTY - 1}
    for answer in answers:
        if answer.status_code != 200:
            assert_error(answer, "invalid_grant")
    given = next(answer for answer in answers if answer.status_code == 200).get_json()
    for provider in twins.both:
        assert provider.userinfo(given["access_token"]).status_code == 401
        assert_error(provider.refresh(given["refresh_token"]), "invalid_grant")
        assert provider.introspect(given["access_token"]) == {"active": False}
    assert twins.one.events().count("oauth:grant:created") == 1
    assert twins.one.events().count("oauth:grant:code_replayed") == 1


def test_code_raced_for_stays_spent_half_a_minute_later(twins):
    """Architecture: using a code twice revokes what it gave, also 30 s later."""
    code = Browser(twins.one).sign_in().code
    given = twins.one.exchange(code, verifier=VERIFIER).get_json()
    assert twins.other.userinfo(given["access_token"]).status_code == 200
    twins.clock.advance(seconds=30)
    answers = exchange_at_once(twins, code)
    assert Counter(answer.status_code for answer in answers) == {400: FIFTY}
    for provider in twins.both:
        assert provider.userinfo(given["access_token"]).status_code == 401


def test_fifty_refreshes_at_once_get_one_successor_and_no_family_dies(twins):
    """RFC 9700 §4.14.2; architecture §5.8: the same sealed successor, never a second branch."""
    tokens = Browser(twins.one).tokens()
    answers = refresh_at_once(twins, tokens["refresh_token"])
    assert Counter(answer.status_code for answer in answers) == {200: FIFTY}
    successors = {answer.get_json()["refresh_token"] for answer in answers}
    assert len(successors) == 1
    assert tokens["refresh_token"] not in successors
    for answer in (answers[0], answers[-1]):
        assert twins.other.userinfo(answer.get_json()["access_token"]).status_code == 200
    assert "oauth:grant:refresh_replayed" not in twins.one.events()
    assert twins.other.refresh(successors.pop()).status_code == 200, "the family lives on"


def test_fifty_replays_after_the_grace_end_the_family(twins):
    """RFC 9700 §4.14.2: a replaced token that comes again revokes the active one."""
    tokens = Browser(twins.one).tokens()
    successor = twins.one.refresh(tokens["refresh_token"]).get_json()
    twins.clock.advance(seconds=11)
    answers = refresh_at_once(twins, tokens["refresh_token"])
    assert Counter(answer.status_code for answer in answers) == {400: FIFTY}
    for provider in twins.both:
        assert_error(provider.refresh(successor["refresh_token"]), "invalid_grant")
        assert provider.userinfo(successor["access_token"]).status_code == 401
    assert twins.one.events().count("oauth:grant:refresh_replayed") == 1


def test_replay_within_the_grace_ends_the_family_once_the_successor_was_used(twins):
    """Architecture §5.8: the window closes when the successor is first used."""
    tokens = Browser(twins.one).tokens()
    successors = refresh_at_once(twins, tokens["refresh_token"])
    latest = twins.one.refresh(successors[0].get_json()["refresh_token"]).get_json()
    assert_error(twins.other.refresh(tokens["refresh_token"]), "invalid_grant")
    for provider in twins.both:
        assert_error(provider.refresh(latest["refresh_token"]), "invalid_grant")
        assert provider.userinfo(latest["access_token"]).status_code == 401
