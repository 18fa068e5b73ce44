"""What people ask about their data: their pages, and `antin requests` as an operator types it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from idp.accounts.data_request_rules import DataRequest, RequestKind
from idp.accounts.data_requests import RequestRefused
from idp.accounts.people import AccountRow
from idp.cli import cli
from idp.cli.account_life import open_lifecycle
from idp.cli.requests import requests
from idp.ids import AccountId
from idp.metrics import StoreNumbers
from idp.services import Services
from idp.storage.accounts import find_row
from tests.support.provider import Provider, assert_error
from tests.support.provider_browser import Browser, Landing, form_of
from tests.support.provider_seeds import ANH, BINH

Run = Callable[..., Result]
_PLACE = "/account/data/requests"


@pytest.fixture
def run(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command over the provider of the test."""

    @contextmanager
    def opened() -> Iterator[Services]:
        yield provider.services

    monkeypatch.setattr("idp.cli.requests.open_services", opened)

    def invoke(*arguments: str, typed: str = "", status: int = 0) -> Result:
        result = CliRunner().invoke(requests, arguments, input=typed)
        assert result.exit_code == status, (result.output, result.exception)
        return result

    return invoke


def row_of(provider: Provider) -> AccountRow:
    with provider.services.database.read() as connection:
        row = find_row(connection, ANH.account_id)
    assert row is not None
    return row


def ask(provider: Provider, kind: RequestKind, wish: str = "Tên đệm sai") -> DataRequest:
    return provider.services.rights.requests.ask(ANH.account_id, kind, wish=wish, now=provider.now)


def newest(provider: Provider) -> DataRequest:
    return provider.services.rights.requests.list_of(row_of(provider))[0]


def opened(browser: Browser) -> Landing:
    browser.answer_all(browser.get("/account/password"))
    return browser.get(_PLACE)


def test_a_request_goes_its_way_and_the_person_sees_every_step(
    provider: Provider, browser: Browser, run: Run
) -> None:
    """NĐ 356/2025/NĐ-CP Art. 5: acknowledged, extended once with a reason, answered."""
    opened(browser)
    page = browser.get(f"{_PLACE}/new/correct")
    assert "2 ngày làm việc" in page.page
    empty = browser.press(page, "request-send", {"wish": "  "})
    assert "Chưa nêu nội dung" in empty.page
    page = browser.press(page, "request-send", {"wish": "Tên đệm là Mai, không phải Mài"})
    assert "Đã gửi yêu cầu" in page.page
    assert "Hạn tiếp nhận" in page.page
    number = newest(provider).number
    listed = run("list").output
    assert number in listed
    assert "acknowledge" in listed
    assert "Mai" not in listed
    assert "Mai, không phải" in run("show", number, "--operator", "lan").output
    run("acknowledge", number, "--operator", "lan")
    run("extend", number, "--reason", "Chờ cơ quan cấp", "--operator", "lan")
    run("answer", number, "--text", "Đã sửa theo giấy khai sinh", "--operator", "lan")
    assert run("list").output == ""
    page = browser.get(_PLACE)
    for said in ("Được tiếp nhận", "Chờ cơ quan cấp", "Đã sửa theo giấy khai sinh"):
        assert said in page.page
    assert provider.events().count("account:data_request:changed") == 5
    history = browser.get("/account/history").page
    assert "Chỉnh sửa dữ liệu: Người phụ trách đã đọc nội dung yêu cầu" in history


def test_each_step_has_its_place_and_is_taken_once(provider: Provider, run: Run) -> None:
    """NĐ 356/2025/NĐ-CP Art. 5: one extension, within the term."""
    number = ask(provider, RequestKind.CORRECT).number
    refused = ("--reason", "x", "--operator", "lan")
    assert "not_acknowledged" in run("extend", number, *refused, status=1).output
    run("acknowledge", number, "--operator", "lan")
    assert "acknowledged_before" in run("acknowledge", number, status=1).output
    run("extend", number, *refused)
    assert "extended_before" in run("extend", number, *refused, status=1).output
    assert "reason_missing" in run("answer", number, "--text", " ", status=1).output
    run("answer", number, "--refuse", "--text", "Số liệu đúng", "--operator", "lan")
    assert newest(provider).state == "refused"
    assert "not_open" in run("answer", number, "--text", "x", status=1).output
    assert "unknown" in run("show", "YC-NONE", status=1).output
    late = ask(provider, RequestKind.CORRECT).number
    run("acknowledge", late)
    provider.clock.advance(days=11)
    assert "overdue" in run("extend", late, *refused, status=1).output


def test_what_is_overdue_comes_first_and_is_counted(provider: Provider, run: Run) -> None:
    first = ask(provider, RequestKind.DELETE, "")
    provider.clock.advance(days=1)
    ask(provider, RequestKind.CORRECT)
    assert "OVERDUE" not in run("list").output
    run("acknowledge", newest(provider).number)
    provider.clock.now = first.acknowledge_due + timedelta(seconds=1)
    lines = run("list").output.splitlines()
    assert lines[0].startswith("OVERDUE")
    assert first.number in lines[0]
    assert not lines[1].startswith("OVERDUE")
    numbers = StoreNumbers(
        provider.services.database, ephemeral=provider.services.ephemeral, time=provider.clock
    )
    (gauge,) = [one for one in numbers.collect() if one.name == "antin_data_requests"]
    assert {sample.labels["state"]: sample.value for sample in gauge.samples} == {
        "open": 2.0,
        "overdue": 1.0,
    }


def test_deleting_waits_tells_what_stays_and_can_be_stopped(
    provider: Provider, browser: Browser, run: Run
) -> None:
    """Law 91/2025/QH15 Art. 4: deletion, and what is kept is told beforehand."""
    opened(browser)
    page = browser.get(f"{_PLACE}/new/delete")
    assert "5 năm kể từ mỗi việc" in page.page
    assert "NĐ 356/2025/NĐ-CP Điều 6" in page.page
    assert "Decree" not in page.page
    english = browser.get(f"{_PLACE}/new/delete?lang=en").page
    assert "Decree 356/2025/ND-CP Art. 6" in english
    page = browser.get(f"{_PLACE}/new/delete?lang=vi")
    assert "đánh dấu vào ô" in browser.press(page, "request-send").page
    page = browser.press(page, "request-send", {"understood": "yes"})
    number = newest(provider).number
    assert "waiting_time" in run("erase", number, "--yes", status=1).output
    page = browser.press(page, "request-stop-0")
    assert "Đã dừng yêu cầu" in page.page
    provider.clock.advance(days=8)
    assert "not_open" in run("erase", number, "--yes", status=1).output
    again = ask(provider, RequestKind.DELETE, "")
    assert "erase_instead" in run("answer", again.number, "--text", "x", status=1).output
    provider.clock.advance(days=8)
    run("erase", again.number, typed="n\n", status=1)
    run("erase", again.number, "--yes", "--operator", "lan")
    assert provider.services.people.find_account(ANH.account_id) is None
    run("erase", again.number, "--yes", status=1)
    assert run("list").output == ""
    assert browser.get(_PLACE).shows("login-submit")


def test_a_deletion_that_is_stopped_while_it_begins_deletes_nobody(provider: Provider) -> None:
    """Law 91/2025/QH15 Art. 4: the person stops it as long as nothing was done."""
    number = ask(provider, RequestKind.DELETE, "").number
    provider.clock.now = newest(provider).not_before
    own, now = provider.services.rights.requests, provider.now

    def stopped_just_before(account_id: AccountId, **how: Any) -> None:
        own.stop(account_id, number, now=now)
        open_lifecycle(provider.services, "lan").erase(account_id, **how)

    with pytest.raises(RequestRefused, match="not_open"):
        own.erase(number, erase=stopped_just_before, now=now)
    assert newest(provider).state == "stopped"
    assert provider.services.people.find_account(ANH.account_id) is not None


def test_what_a_person_writes_steers_no_terminal(provider: Provider, run: Run) -> None:
    """OWASP ASVS 1.2: escape sequences are nothing that an operator reads."""
    number = ask(provider, RequestKind.CORRECT, "Tên\x1b]0;x\x07 \x9b2J\u202eđệm\r\nsai").number
    shown = run("show", number, "--operator", "lan").output
    assert "wish:         Tên ]0;x 2J đệm sai\n" in shown


def test_only_a_deletion_erases(provider: Provider, run: Run) -> None:
    number = ask(provider, RequestKind.CORRECT).number
    assert "not_deletion" in run("erase", number, "--yes", status=1).output


def test_restricting_ends_what_rests_on_consent_until_it_is_lifted(
    provider: Provider, browser: Browser
) -> None:
    """Law 91/2025/QH15 Art. 4: restricted, portals are given nothing; refresh and code refused."""
    tokens = browser.tokens(scope="openid email offline_access")
    code = browser.sign_in(scope="openid email").code
    opened(browser)
    page = browser.press(browser.get(f"{_PLACE}/new/restrict"), "request-send")
    assert "Việc chia sẻ dữ liệu đang bị hạn chế" in page.page
    assert newest(provider).state == "done"
    assert_error(provider.refresh(tokens["refresh_token"]), "invalid_grant")
    assert_error(provider.exchange(code), "invalid_grant")
    assert provider.userinfo(tokens["access_token"]).status_code == 401
    told = browser.sign_in(scope="openid email")
    assert told.shows("error-restriction"), told.describe()
    assert browser.get(f"{told.place}/leave").error == "access_denied"
    assert browser.authorize(scope="openid email", prompt="none").error == "access_denied"
    opened(browser)
    page = browser.press(browser.get(_PLACE), "restriction-lift")
    assert "Đã bỏ hạn chế" in page.page
    assert browser.sign_in(scope="openid email").code


def test_a_request_is_nobody_elses(provider: Provider, browser: Browser) -> None:
    number = ask(provider, RequestKind.DELETE, "").number
    browser.answer_all(browser.get(_PLACE), who=BINH)
    page = browser.get(_PLACE)
    assert number not in page.page
    own = provider.services.rights.requests
    own.ask(BINH.account_id, RequestKind.VIEW, wish="", now=provider.now)
    _, fields = form_of(browser.get(_PLACE).page, "request-stop-0")
    answer = browser.submit(f"{_PLACE}/{number}/stop", fields)
    assert answer.response.status_code == 404
    assert newest(provider).is_open


def test_a_session_alone_asks_for_nothing(provider: Provider, browser: Browser) -> None:
    """OWASP ASVS 7.5.1; what would be deleted is the person."""
    browser.log_in(browser.get("/account"))
    for kind in RequestKind:
        assert browser.get(f"{_PLACE}/new/{kind.value}").shows("otp")
    assert browser.get(f"{_PLACE}/new/nothing").response.status_code == 404
    answer = browser.submit(f"{_PLACE}/new/delete", {"csrf_token": "x", "understood": "yes"})
    assert answer.response.status_code == 403
    assert provider.services.rights.requests.list_of(row_of(provider)) == ()


def test_one_of_a_kind_is_open_and_not_too_many_in_a_month(
    provider: Provider, browser: Browser
) -> None:
    opened(browser)
    ask(provider, RequestKind.OBJECT)
    page = browser.press(browser.get(f"{_PLACE}/new/object"), "request-send", {"wish": "x"})
    assert "đang được xử lý" in page.page
    own = provider.services.rights.requests
    for _ in range(9):
        made = ask(provider, RequestKind.VIEW)
        own.stop(ANH.account_id, made.number, now=provider.now)
    page = browser.press(browser.get(f"{_PLACE}/new/view"), "request-send", {"wish": "x"})
    assert "nhiều yêu cầu" in page.page


def test_it_is_a_command_of_the_house() -> None:
    assert cli.get_command(click.Context(cli), "requests") is requests
