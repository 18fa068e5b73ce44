"""The person's history, through HTTP: who got what, what was refused, and proofs of it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from idp.accounts.refusals import RefusedSignIns
from keystore.log.entries import Tree
from keystore.log.events import Event, EventType
from keystore.log.proof_text import verify_proof
from keystore.purposes import LOG
from tests.support.provider import Provider
from tests.support.provider_browser import Browser
from tests.support.provider_seeds import ANH, BINH

_PLACE = "/account/history"


def _record(provider: Provider, count: int, *, at: timedelta = timedelta()) -> None:
    services = provider.services
    data_key = services.people.data_key_of(ANH.account_id)
    with services.database.transaction() as tx:
        for _ in range(count):
            event = Event(
                EventType.SESSION_STARTED,
                account_id=ANH.account_id,
                facts={"session_id": "ses_x", "factors": "pwd", "device": "windows coccoc"},
            )
            services.log.record(tx, event, data_key=data_key, now=provider.now - at)


def test_a_sharing_says_who_got_which_fields_and_what_for(browser: Browser) -> None:
    browser.tokens(scope="openid email")
    page = browser.get(_PLACE).page
    assert page.index("Chia sẻ thông tin") < page.index('<strong id="event-2-0">Đăng nhập')
    assert "Cổng portal" in page
    assert "Thư điện tử" in page
    assert "Cung cấp dịch vụ của Cổng portal" in page


def test_refusals_are_shown_as_their_number(provider: Provider, browser: Browser) -> None:
    page = browser.get("/account")
    for _ in range(3):
        page = browser.log_in(page, password="sai-mật-khẩu")
    provider.clock.advance(minutes=5)
    services = provider.services
    refusals = RefusedSignIns(services.ephemeral, sealer=services.sealer)
    refusals.flush(services.database, log=services.log, now=provider.now)
    found = browser.answer_all(browser.get(_PLACE)).page
    assert "Sai mật khẩu 3 lần trong một phút" in found
    assert 'class="warns"' in found


def test_pages_follow_each_other_without_a_gap_or_a_repetition(
    provider_on_both: Provider,
) -> None:
    """Rows of one millisecond too, and across the end of a page."""
    provider = provider_on_both
    browser = Browser(provider)
    browser.answer_all(browser.get(_PLACE))
    _record(provider, 64, at=timedelta(hours=30))
    seen: list[str] = []
    page = browser.get(_PLACE)
    for _ in range(9):
        seen += re.findall(r'href="(/account/history/[^"]+)"', page.page)
        older = re.search(r'id="history-older"[^>]* href="([^"]+)"', page.page)
        if older is None:
            break
        page = browser.get(older[1])
        assert page.shows("history-newest")
    assert len(seen) == len(set(seen)) == 66  # with the opening of the account and this sign-in


@pytest.mark.parametrize("before", ["x", "9" * 40, "1.2", "-1.2.a", "1.2.a b", "%00"])
def test_a_place_that_is_none_begins_at_the_newest(browser: Browser, before: str) -> None:
    browser.answer_all(browser.get(_PLACE))
    page = browser.get(f"{_PLACE}?before={before}")
    assert page.response.status_code == 200
    assert "Đăng nhập" in page.page


def test_a_row_is_proven_to_its_owner_alone(provider: Provider, browser: Browser) -> None:
    """Architecture, "State": the person checks it without us."""
    page = browser.answer_all(browser.get(_PLACE))
    found = re.search(r'id="proof-0-0" href="([^"]+)"', page.page)
    assert found is not None
    assert browser.get(found[1]).place == f"{_PLACE}?proof_not_yet=1"
    log = provider.services.trust.log
    provider.services.keyrings.of(LOG).ensure(provider.now)
    log.sequencer.run(provider.now)
    answer = browser.get(found[1]).response
    assert answer.mimetype == "text/plain"
    assert "attachment" in answer.headers["Content-Disposition"]
    origin = log.origins[Tree.PRIVATE]
    verified = verify_proof(
        answer.get_data(),
        expected_origin=origin,
        log_keys=log.keys.verifiers(origin, now=provider.now),
    )
    assert verified.event is not None
    assert ANH.account_id.encode() in bytes(verified.event)
    stranger = Browser(provider)
    stranger.answer_all(stranger.get(_PLACE), who=BINH)
    assert stranger.get(found[1]).response.status_code == 404
    assert stranger.get(f"{_PLACE}/nobody/1").response.status_code == 404


def test_nobody_reads_the_history_of_somebody_else(provider: Provider, browser: Browser) -> None:
    _record(provider, 40)
    own = browser.answer_all(browser.get(_PLACE))
    older = re.search(r'id="history-older"[^>]* href="([^"]+)"', own.page)
    assert older is not None
    stranger = Browser(provider)
    stranger.answer_all(stranger.get(_PLACE), who=BINH)
    assert "Cốc Cốc" in own.page
    assert "Cốc Cốc" not in stranger.get(older[1]).page
