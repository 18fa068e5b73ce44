"""The helpdesk and the person's side of it, through HTTP."""

from __future__ import annotations

import re

import pytest

from idp.accounts.official_duties import Duty
from tests.support.provider import Provider
from tests.support.provider_browser import Browser, Landing
from tests.support.provider_seeds import ANH, BINH, DUNG, Somebody


@pytest.fixture(autouse=True)
def _appointed(provider: Provider) -> None:
    for who in (ANH, BINH):
        provider.services.desks.officials.add(
            who.account_id, duty=Duty.HELPDESK, controller_id="agency", now=provider.now
        )


def _at_person(provider: Provider, who: Somebody = ANH) -> tuple[Browser, Landing]:
    browser = Browser(provider)
    desk = browser.answer_all(browser.get("/helpdesk"), who=who)
    return browser, browser.press(desk, "helpdesk-find", {"identifier": DUNG.identifier})


def _invite(provider: Provider) -> None:
    browser, person = _at_person(provider)
    asked = browser.press(person, "helpdesk-invite", {"reason": "lost_device"})
    assert "Đã ghi đề nghị" in asked.page
    assert not asked.shows("helpdesk-confirm")
    other, theirs = _at_person(provider, BINH)
    assert "Đã xác nhận" in other.press(theirs, "helpdesk-confirm").page


def test_it_sees_how_an_account_stands_and_not_who_it_is(provider: Provider) -> None:
    """Least privilege: neither name nor number, and no list to walk through."""
    _browser, person = _at_person(provider)
    assert re.fullmatch(r"/helpdesk/[0-9a-f]{32}", person.place)
    assert "H… T… D… M…" in person.page
    for hidden in (DUNG.name, DUNG.identifier, DUNG.account_id):
        assert hidden not in person.page
    for said in ("Đang hoạt động", "Mật khẩu", "Ứng dụng xác thực"):
        assert said in person.page


def test_it_locks_and_unlocks_with_a_reason(provider: Provider) -> None:
    browser, person = _at_person(provider)
    assert "Chưa chọn lý do" in browser.press(person, "helpdesk-lock").page
    free = browser.press(person, "helpdesk-lock", {"reason": "vì ông ấy gọi điện"})
    assert "Chưa chọn lý do" in free.page
    locked = browser.press(person, "helpdesk-lock", {"reason": "suspected_misuse"})
    assert "Đã khóa" in locked.page
    own = Browser(provider)
    assert own.answer_all(own.get("/account"), who=DUNG).shows("login-submit")
    provider.clock.advance(seconds=1)
    assert "Đã mở khóa" in browser.press(locked, "helpdesk-unlock").page


def test_the_person_uses_an_invitation_after_three_days(provider: Provider) -> None:
    _invite(provider)
    own = Browser(provider)
    page = own.log_in(own.get("/account/invitations"), who=DUNG)
    assert page.shows("invitation-stop-0")
    assert not page.shows("invitation-take-0")
    provider.clock.advance(hours=72)
    own = Browser(provider)
    page = own.log_in(own.get("/account/invitations"), who=DUNG)
    taken = own.press(page, "invitation-take-0")
    assert taken.shows("activation-code")
    assert "mức độ 1" in taken.page
    history = own.get("/account/history").page
    for said in ("Hai cán bộ mời", "Cán bộ tra cứu tài khoản", "Cơ quan", "Dùng lời mời"):
        assert said in history


def test_the_person_stops_it_from_the_account(provider: Provider) -> None:
    _invite(provider)
    own = Browser(provider)
    page = own.log_in(own.get("/account/invitations"), who=DUNG)
    stopped = own.press(page, "invitation-stop-0")
    assert "Đã dừng" in stopped.page
    assert not stopped.shows("invitation-stop-0")
    again = own.press(page, "invitation-stop-0")
    assert again.response.status_code == 422
    assert "Không còn lời mời" in again.page


def test_the_notice_stops_it_without_a_sign_in_and_looking_stops_nothing(
    provider: Provider,
) -> None:
    _invite(provider)
    desk = provider.services.desks.invitations
    found = desk.find_open(DUNG.account_id, now=provider.now)
    assert found is not None
    place = f"/stop/{desk.stop_mark(found.invitation_id)}"
    anywhere = Browser(provider)
    page = anywhere.get(place)
    assert desk.find_open(DUNG.account_id, now=provider.now) is not None
    assert "Đã dừng" in anywhere.press(page, "invitation-stop").page
    assert desk.find_open(DUNG.account_id, now=provider.now) is None
    assert "Không còn gì để dừng" in anywhere.get(place).page
    assert anywhere.get(place[:-1] + "x").response.status_code == 404
    assert anywhere.submit(place, {"csrf_token": "x"}).response.status_code == 403


def test_one_official_with_every_right_reaches_no_account(provider: Provider) -> None:
    """A helpdesk official alone: no level 2, no code, no password of anybody.

    Architecture, decision 10; the official has the duty of proofing too.
    """
    provider.services.desks.officials.add(
        ANH.account_id, duty=Duty.PROOFING, controller_id="agency", now=provider.now
    )
    browser, person = _at_person(provider)
    browser.press(person, "helpdesk-invite", {"reason": "lost_device"})
    confirmed = browser.submit(
        f"{person.place}/confirm",
        {"csrf_token": _token(browser.get(person.place).page)},
    )
    assert "Cần một cán bộ hỗ trợ khác" in confirmed.page
    provider.clock.advance(hours=80)
    browser = Browser(provider)
    desk = browser.answer_all(browser.get("/counter"))
    at_counter = browser.press(desk, "counter-find", {"identifier": DUNG.identifier})
    seen = {
        "document": "passport",
        "name": DUNG.name,
        "birthdate": "1979",
        "face": "compared",
    }
    code = browser.press(at_counter, "counter-start", seen)
    assert code.shows("handed-code")
    again = browser.submit(
        f"{at_counter.place}/confirm",
        {**seen, "csrf_token": _token(browser.get(at_counter.place).page)},
    )
    assert "Cần một cán bộ khác xác nhận" in again.page
    # the code serves in the person's own session alone, and there is nothing on the official's
    mine = browser.get("/account/proofing")
    assert not mine.shows("proofing-confirm")
    stranger = Browser(provider)
    assert stranger.get("/account/proofing").shows("login-submit")
    happened = provider.events()
    for never in (
        "account:proofing:completed",
        "account:totp:activation_issued",
        "account:invitation:used",
        "account:password:first_set",
    ):
        assert never not in happened


def _token(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def test_a_case_is_closed_with_a_code(provider: Provider) -> None:
    from idp.accounts.case_model import CaseKind  # noqa: PLC0415 - one test has a case
    from idp.storage.accounts import find_row  # noqa: PLC0415 - the same

    services = provider.services
    with services.database.transaction() as tx:
        row = find_row(tx.connection, DUNG.account_id, is_locked=True)
        assert row is not None
        services.recovering.cases.open(tx, row, kind=CaseKind.NOT_ME, facts={}, now=provider.now)
    browser, person = _at_person(provider)
    assert "không phải tôi đăng nhập" in person.page
    assert "Chưa chọn kết quả" in browser.press(person, "case-close-0").page
    closed = browser.press(person, "case-close-0", {"outcome": "nothing_found"})
    assert "Đã đóng sự việc" in closed.page
    assert not closed.shows("case-close-0")
    gone = browser.press(person, "case-close-0", {"outcome": "settled"})
    assert "Không còn sự việc này" in gone.page


def test_the_duty_of_proofing_opens_no_helpdesk(provider: Provider) -> None:
    provider.services.desks.officials.add(
        DUNG.account_id, duty=Duty.PROOFING, controller_id="agency", now=provider.now
    )
    browser = Browser(provider)
    landing = browser.answer_all(browser.get("/helpdesk"), who=DUNG)
    assert landing.response.status_code == 404
    assert browser.answer_all(browser.get("/counter"), who=DUNG).shows("counter-find")
