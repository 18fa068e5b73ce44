"""A helpdesk locks and unlocks and closes cases; it gains nobody's account by it."""

from __future__ import annotations

import pytest

from idp.accounts.case_model import CaseKind
from idp.accounts.helpdesk import CaseOutcome, Helpdesk, HelpdeskRefused, LockReason
from idp.accounts.lifecycle import AccountLifecycle
from idp.accounts.model import AccountStatus
from idp.accounts.official_duties import Duty, Official
from idp.accounts.officials import NotAnOfficial, OwnAccount
from idp.accounts.recovery_stop import STOPPED_RESET
from idp.storage.accounts import find_row
from keystore.log.events import EventType
from tests.support.provider import Provider
from tests.support.provider_browser import Browser
from tests.support.provider_seeds import ANH, BINH, DUNG
from tests.support.signer import events


@pytest.fixture
def official(provider: Provider) -> Official:
    return provider.services.desks.officials.add(
        ANH.account_id, duty=Duty.HELPDESK, controller_id="agency", now=provider.now
    )


@pytest.fixture
def desk(provider: Provider) -> Helpdesk:
    return provider.services.desks.helpdesk


def _status(provider: Provider) -> AccountStatus:
    found = provider.services.people.find_account(DUNG.account_id)
    assert found is not None
    return found.status


def test_locking_signs_out_everywhere_and_is_undone_by_a_helpdesk(
    provider: Provider, desk: Helpdesk, official: Official
) -> None:
    browser = Browser(provider)
    tokens = browser.tokens(who=DUNG)
    desk.lock(official, DUNG.account_id, reason=LockReason.LOST_DEVICE, now=provider.now)
    assert _status(provider) is AccountStatus.LOCKED
    assert provider.refresh(tokens["refresh_token"]).status_code == 400
    with pytest.raises(HelpdeskRefused, match="status_unchangeable"):
        desk.lock(official, DUNG.account_id, reason=LockReason.LOST_DEVICE, now=provider.now)
    provider.clock.advance(seconds=1)
    desk.unlock(official, DUNG.account_id, now=provider.now)
    assert _status(provider) is AccountStatus.ACTIVE
    rows = events(provider.services.database, EventType.ACCOUNT_STATUS_CHANGED)
    assert [ANH.account_id in row["facts"] for row in rows] == [True, True]


def test_what_an_operator_locked_an_operator_unlocks(
    provider: Provider, desk: Helpdesk, official: Official
) -> None:
    services = provider.services
    log = services.log.in_name_of("lan")
    AccountLifecycle(services.database, sealer=services.sealer, log=log).lock(
        DUNG.account_id, reason="court", now=provider.now
    )
    with pytest.raises(HelpdeskRefused, match="not_unlockable_here"):
        desk.unlock(official, DUNG.account_id, now=provider.now)
    assert _status(provider) is AccountStatus.LOCKED


def test_nothing_is_unlocked_while_a_case_is_open(
    provider: Provider, desk: Helpdesk, official: Official
) -> None:
    services, now = provider.services, provider.now
    desk.lock(official, DUNG.account_id, reason=LockReason.PERSON_ASKS, now=now)
    with services.database.transaction() as tx:
        row = find_row(tx.connection, DUNG.account_id, is_locked=True)
        assert row is not None
        case = services.recovering.cases.open(tx, row, kind=CaseKind.NOT_ME, facts={}, now=now)
    with pytest.raises(HelpdeskRefused, match="case_open"):
        desk.unlock(official, DUNG.account_id, now=now)
    desk.close_case(
        official,
        DUNG.account_id,
        number=case.number,
        outcome=CaseOutcome.NOTHING_FOUND,
        now=now,
    )
    assert desk.open_cases(DUNG.account_id) == ()
    desk.unlock(official, DUNG.account_id, now=now)
    assert _status(provider) is AccountStatus.ACTIVE


def test_neither_the_own_account_nor_without_the_duty(
    provider: Provider, desk: Helpdesk, official: Official
) -> None:
    with pytest.raises(OwnAccount):
        desk.lock(official, ANH.account_id, reason=LockReason.PERSON_ASKS, now=provider.now)
    provider.services.desks.officials.end(official.official_id, now=provider.now)
    with pytest.raises(NotAnOfficial):
        desk.lock(official, DUNG.account_id, reason=LockReason.PERSON_ASKS, now=provider.now)
    assert _status(provider) is AccountStatus.ACTIVE


def test_what_the_person_locked_from_a_notice_a_helpdesk_unlocks(
    provider: Provider, desk: Helpdesk, official: Official
) -> None:
    services = provider.services
    AccountLifecycle(services.database, sealer=services.sealer, log=services.log).lock(
        DUNG.account_id, reason=STOPPED_RESET, now=provider.now
    )
    desk.unlock(official, DUNG.account_id, now=provider.now)
    assert _status(provider) is AccountStatus.ACTIVE


def test_the_duty_under_which_one_acts_is_the_one_that_has_to_hold(
    provider: Provider, desk: Helpdesk, official: Official
) -> None:
    """ADR 0039: at that instant and in the transaction of the act; another agency's is another."""
    services, now = provider.services, provider.now
    desk.lock(official, DUNG.account_id, reason=LockReason.PERSON_ASKS, now=now)
    with services.database.transaction() as tx:
        row = find_row(tx.connection, DUNG.account_id, is_locked=True)
        assert row is not None
        case = services.recovering.cases.open(tx, row, kind=CaseKind.NOT_ME, facts={}, now=now)
    officials = services.desks.officials
    officials.add(ANH.account_id, duty=Duty.HELPDESK, controller_id="other", now=now)
    officials.end(official.official_id, now=now)
    with pytest.raises(NotAnOfficial):
        desk.unlock(official, DUNG.account_id, now=now)
    with pytest.raises(NotAnOfficial):
        desk.close_case(
            official,
            DUNG.account_id,
            number=case.number,
            outcome=CaseOutcome.NOTHING_FOUND,
            now=now,
        )
    with pytest.raises(NotAnOfficial):
        desk.lock(official, BINH.account_id, reason=LockReason.PERSON_ASKS, now=now)
    assert _status(provider) is AccountStatus.LOCKED
    assert [one.number for one in desk.open_cases(DUNG.account_id)] == [case.number]
