"""A sign-in under way: kept sealed, for one browser, for a while."""

from __future__ import annotations

from datetime import timedelta

import pytest

from idp.oauth.authorization_request import (
    AuthorizationRequest,
    check_authorization_request,
    find_client_and_redirect,
)
from idp.oauth.interaction import AnotherBrowser, InteractionUnknown
from idp.oauth.parameters import Parameters
from tests.support.provider import Provider
from tests.support.provider_browser import Browser


def a_request(provider: Provider, **changed: str) -> AuthorizationRequest:
    parameters = Parameters(Browser(provider).request(**changed).items())
    hints = provider.services.hints
    to = find_client_and_redirect(parameters, hints=hints, now=provider.now)
    return check_authorization_request(parameters, to=to, hints=hints, now=provider.now)


def test_it_comes_back_as_it_was(provider_on_both: Provider) -> None:
    provider = provider_on_both
    request = a_request(provider, login_hint="nguoi", claims='{"userinfo":{"email":null}}')
    kept = provider.services.interactions
    begun = kept.begin(request, browser="b" * 43, now=provider.now)
    found = kept.find(begun.interaction_id, browser="b" * 43, now=provider.now)
    assert found == begun
    assert found.request == request
    assert found.progress.started_at == provider.now


@pytest.mark.parametrize("browser", [None, "", "B" * 43, "b" * 42])
def test_another_browser_is_refused(provider: Provider, browser: str | None) -> None:
    kept = provider.services.interactions
    begun = kept.begin(a_request(provider), browser="b" * 43, now=provider.now)
    with pytest.raises(AnotherBrowser):
        kept.find(begun.interaction_id, browser=browser, now=provider.now)
    kept.finish(begun, fields={"code": "x"}, now=provider.now)
    with pytest.raises(AnotherBrowser):
        kept.find_answer(begun.interaction_id, browser=browser, now=provider.now)


def test_its_time_counts_from_the_beginning(provider_on_both: Provider) -> None:
    provider = provider_on_both
    kept = provider.services.interactions
    begun = kept.begin(a_request(provider), browser="b", now=provider.now)
    late = provider.now + timedelta(seconds=1799)
    kept.save(begun, now=late)
    assert kept.find(begun.interaction_id, browser="b", now=late) == begun
    over = provider.now + timedelta(seconds=1800)
    with pytest.raises(InteractionUnknown):
        kept.find(begun.interaction_id, browser="b", now=over)
    with pytest.raises(InteractionUnknown):
        kept.save(begun, now=over)


def test_a_finished_one_is_gone_and_its_answer_stays_for_half_a_minute(
    provider: Provider,
) -> None:
    kept, now = provider.services.interactions, provider.now
    begun = kept.begin(a_request(provider), browser="b", now=now)
    kept.finish(begun, fields={"code": "x"}, now=now)
    with pytest.raises(InteractionUnknown):
        kept.find(begun.interaction_id, browser="b", now=now)
    answered = kept.find_answer(begun.interaction_id, browser="b", now=now)
    assert answered == (begun.request, {"code": "x"})
    later = now + timedelta(seconds=30)
    assert kept.find_answer(begun.interaction_id, browser="b", now=later) is None


def test_a_parked_request_is_taken_once(provider_on_both: Provider) -> None:
    provider = provider_on_both
    kept = provider.services.interactions
    request = a_request(provider)
    parked = kept.park(request, now=provider.now)
    assert kept.take(parked, now=provider.now) == request
    for again in (parked, "req_x"):
        with pytest.raises(InteractionUnknown):
            kept.take(again, now=provider.now)


def test_a_parked_request_waits_two_minutes(provider: Provider) -> None:
    kept = provider.services.interactions
    parked = kept.park(a_request(provider), now=provider.now)
    with pytest.raises(InteractionUnknown):
        kept.take(parked, now=provider.now + timedelta(minutes=2))


def test_what_somebody_else_wrote_into_the_store_is_not_read(provider: Provider) -> None:
    """Whoever can write to the store cannot make up a sign-in: entries are sealed in place."""
    services = provider.services
    kept, store, now = services.interactions, services.ephemeral, provider.now
    one = kept.begin(a_request(provider), browser="b", now=now)
    two = kept.begin(a_request(provider, client_id="sibling",
                               redirect_uri="https://sibling.example/callback"),
                     browser="b", now=now)  # fmt: skip
    sealed = store.get(f"interaction:{one.interaction_id}", now=now)
    assert sealed is not None
    assert b"portal" not in sealed
    for forged in (sealed, b"\x81\xa1x", b""):
        store.put(
            f"interaction:{two.interaction_id}", forged, lifetime=timedelta(minutes=1), now=now
        )
        with pytest.raises(InteractionUnknown):
            kept.find(two.interaction_id, browser="b", now=now)
