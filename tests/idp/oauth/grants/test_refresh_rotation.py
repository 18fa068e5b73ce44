"""Rotation as a state machine: whatever order tokens come in, there is one live branch at most.

The model is a list of tokens in the order in which they were given out, the time of the last
rotation, and whether the family is over.  Source: RFC 9700 §4.14.2; architecture §5.8.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from idp.ids import GrantId
from tests.support.provider import Provider, claims_of
from tests.support.provider_browser import Browser

_GRACE = timedelta(seconds=10)


def machine_over(provider: Provider, browser: Browser) -> type[RuleBasedStateMachine]:
    """The machine, over a provider with somebody signed in."""

    class Rotation(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.given: list[str] = []
            self.rotated_at = provider.now
            self.is_over = False

        @initialize()
        def begin(self) -> None:
            provider.clock.advance(seconds=1)
            tokens = browser.tokens(scope="openid offline_access")
            self.given = [tokens["refresh_token"]]
            self.grant_id = GrantId(claims_of(tokens["access_token"])["grant_id"])

        @rule(ms=st.sampled_from([1, 500, 4_000, 9_999, 10_000, 10_001, 60_000]))
        def wait(self, ms: int) -> None:
            provider.clock.advance(milliseconds=ms)

        @rule()
        def use_the_live_one(self) -> None:
            answer = provider.refresh(self.given[-1])
            if self.is_over:
                assert answer.status_code == 400
                return
            assert answer.status_code == 200
            token = answer.get_json()["refresh_token"]
            assert token not in self.given
            self.given.append(token)
            self.rotated_at = provider.now

        @precondition(lambda self: len(self.given) > 1)
        @rule()
        def use_the_one_before(self) -> None:
            answer = provider.refresh(self.given[-2])
            if self.is_over or provider.now - self.rotated_at > _GRACE:
                assert answer.status_code == 400
                self.is_over = True
                return
            assert answer.status_code == 200
            assert answer.get_json()["refresh_token"] == self.given[-1], "never a second branch"

        @precondition(lambda self: len(self.given) > 2)
        @rule(data=st.data())
        def use_an_older_one(self, data: st.DataObject) -> None:
            old = data.draw(st.sampled_from(self.given[:-2]))
            assert provider.refresh(old).status_code == 400
            self.is_over = True

        @rule()
        def use_it_as_another_client(self) -> None:
            answer = provider.refresh(self.given[-1], client_id="sibling")
            assert answer.status_code == 400

        @rule()
        def use_a_forged_one(self) -> None:
            genuine = self.given[-1]
            assert provider.refresh(genuine[:22] + "A" * 63 + genuine[-1]).status_code == 400

        @rule()
        def ask_for_too_much(self) -> None:
            assert provider.refresh(self.given[-1], scope="openid email").status_code == 400

        @rule()
        def look_at_it(self) -> None:
            state = provider.services.states.read(self.grant_id, now=provider.now)
            assert (state.userinfo is None) == self.is_over

    return Rotation


@pytest.mark.parametrize("kind", ["sqlite+sql", "postgresql+redis"])
def test_rotation(make_provider: Callable[..., Provider], kind: str) -> None:
    """RFC 9700 §4.14.2."""
    provider = make_provider(kind)
    run_state_machine_as_test(
        machine_over(provider, Browser(provider)),
        settings=settings(
            max_examples=12,
            stateful_step_count=14,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
