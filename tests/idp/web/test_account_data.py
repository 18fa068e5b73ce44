"""Everything that is held about a person, taken along through HTTP."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from idp.accounts.channels import Channel
from idp.accounts.notices import SEND_NOTICE
from idp.own_export import FORMAT, MOST_A_DAY
from idp.storage.accounts import find_row
from idp.storage.contacts import ContactRow, put_contact
from idp.storage.held import held_tables
from idp.storage.outbox import outbox
from tests.support.provider import ISSUER, Provider
from tests.support.provider_browser import Browser, Landing, form_of
from tests.support.provider_seeds import ANH, CHI, Somebody

_PLACE = "/account/data"


def _open(browser: Browser, who: Somebody = ANH) -> Landing:
    browser.answer_all(browser.get("/account/password"), who=who)  # with every factor they have
    return browser.get(_PLACE)


def _take(browser: Browser, page: Landing, form: str = "json") -> Landing:
    _, fields = form_of(page.page, f"data-{form}")
    answer = browser.http.post(_PLACE, base_url=ISSUER, data={**fields, "form": form})
    if "attachment" in answer.headers.get("Content-Disposition", ""):
        return Landing(answer, _PLACE)
    return browser.follow(answer, place=_PLACE)


def _notices(provider: Provider) -> list[dict[str, Any]]:
    with provider.services.database.read() as connection:
        rows = connection.execute(select(outbox.c.payload).where(outbox.c.kind == SEND_NOTICE))
        return [json.loads(row.payload) for row in rows]


def test_the_json_is_whole_and_has_every_table(provider: Provider, browser: Browser) -> None:
    """Law 91/2025/QH15 Art. 4: everything that the databases hold about the person."""
    browser.tokens()
    taken = _take(browser, _open(browser))
    answer = taken.response
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert "no-store" in answer.headers["Cache-Control"]
    told = json.loads(answer.get_data())
    assert (told["format"], told["version"], told["complete"]) == (FORMAT, 1, True)
    tables = {one["table"]: one for one in told["tables"]}
    assert set(tables) == {one.name for one in held_tables()}
    (account,) = tables["account"]["rows"]
    assert account["profile_sealed"]["name"] == ANH.name
    assert account["data_key"] == {"withheld": "secret"}
    assert ANH.identifier in [one["value_sealed"] for one in tables["identifier"]["rows"]]
    assert tables["password"]["rows"][0]["sealed"] == {"withheld": "secret"}
    assert tables["totp"]["rows"][0]["secret_sealed"] == {"withheld": "secret"}
    assert tables["consent"]["rows"][0]["text_sealed"]
    types = [row["type"] for row in tables["log_event"]["rows"]]
    assert types[-1] == "account:data:exported", "the export is in it"
    assert types == [row["type"] for row in sorted(tables["log_event"]["rows"], key=_at)]
    for table in told["tables"]:
        assert all(table[said] for said in ("purpose", "retention", "legal", "legal_from"))
        assert ("rows" in table) != ("not_given" in table)


def _at(row: dict[str, str]) -> str:
    return row["at"]


def test_the_pdf_has_the_same_in_words_that_can_be_copied(
    provider: Provider, browser: Browser, tmp_path: Path
) -> None:
    browser.tokens()
    answer = _take(browser, _open(browser), "pdf").response
    assert answer.mimetype == "application/pdf"
    file = tmp_path / "data.pdf"
    file.write_bytes(answer.get_data())
    words = subprocess.run(
        ["pdftotext", "-layout", str(file), "-"], capture_output=True, check=True, timeout=60
    ).stdout.decode()
    flat = " ".join(words.split())
    assert "Dữ liệu cá nhân của tôi" in flat
    assert ANH.name in flat
    assert ANH.identifier in flat
    assert "Sự đồng ý và thông tin đã được báo" in flat
    assert "Tải về toàn bộ dữ liệu cá nhân" in flat
    checked = subprocess.run(
        ["qpdf", "--check", str(file)], capture_output=True, check=False, timeout=60
    )
    assert checked.returncode == 0, checked.stdout


def test_the_person_is_told_and_it_is_on_record(provider: Provider, browser: Browser) -> None:
    _take(browser, _open(browser))
    assert provider.events().count("account:data:exported") == 1
    notices = [one for one in _notices(provider) if one["notice"] == "data_exported"]
    assert len(notices) == 1
    assert "Tải về toàn bộ dữ liệu" in browser.get("/account/history").page


def test_a_stolen_session_or_password_takes_nothing(provider: Provider, browser: Browser) -> None:
    """OWASP ASVS 7.5.1: what is sensitive needs every factor again."""
    browser.log_in(browser.get("/account"))
    answer = _take(browser, browser.get(_PLACE))
    assert answer.shows("otp")
    page = browser.answer_all(answer)
    assert "Đã xác nhận đúng là Ông/Bà" in page.page
    provider.clock.advance(minutes=21)
    assert _take(browser, page).shows("login-submit")
    assert "account:data:exported" not in provider.events()


def test_without_a_second_factor_the_password_is_fresh(
    provider: Provider, browser: Browser
) -> None:
    page = browser.log_in(browser.get(_PLACE), who=CHI)
    provider.clock.advance(minutes=21)
    asked = _take(browser, page)
    assert asked.shows("login-submit")
    page = browser.log_in(asked, who=CHI)
    assert "Đã xác nhận đúng là Ông/Bà" in page.page
    assert _take(browser, page).response.mimetype == "application/json"


def test_codes_by_message_are_a_second_factor_that_is_asked_for(
    provider: Provider, browser: Browser
) -> None:
    """OWASP ASVS 7.5.1: a stolen password alone takes nothing along."""
    services, now = provider.services, provider.now
    mark = b"1" * 32
    with services.database.transaction() as tx:
        row = find_row(tx.connection, CHI.account_id, is_locked=True)
        assert row is not None
        kept = ContactRow(Channel.EMAIL, mark, is_factor=True, since=now, serves_from=now)
        put_contact(tx, row, kept)
    page = browser.log_in(browser.get(_PLACE), who=CHI)
    asked = _take(browser, page)
    assert asked.response.mimetype == "text/html"
    assert "account:data:exported" not in provider.events()


def test_it_is_given_some_times_a_day(provider: Provider, browser: Browser) -> None:
    page = _open(browser)
    for _ in range(MOST_A_DAY):
        assert _take(browser, page).response.status_code == 200
    answer = _take(browser, page)
    assert answer.response.status_code in {422, 429}
    assert "đủ số lần cho phép" in answer.page
    assert provider.events().count("account:data:exported") == MOST_A_DAY


@pytest.mark.parametrize("token", ["", "x"])
def test_a_form_of_somebody_else_takes_nothing(
    provider: Provider, browser: Browser, token: str
) -> None:
    """RFC 6749 §10.12."""
    _open(browser)
    answer = browser.submit(_PLACE, {"csrf_token": token, "form": "json"})
    assert answer.response.status_code == 403
    assert "account:data:exported" not in provider.events()
