"""`antin breach` as an operator types it: a file, its clocks, and people who are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from idp.breaches import Section
from idp.cli import cli
from idp.cli.breach import breach
from idp.metrics import StoreNumbers
from idp.services import Services
from idp.storage.breaches import breach_account, breach_entry
from idp.storage.purge import find_rules, purge_all
from tests.support.provider import Provider
from tests.support.provider_browser import Browser
from tests.support.provider_seeds import ANH, BINH

Run = Callable[..., Result]
_LAN = ("--operator", "lan")


@pytest.fixture
def run(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command over the provider of the test."""

    @contextmanager
    def opened() -> Iterator[Services]:
        yield provider.services

    monkeypatch.setattr("idp.cli.breach.open_services", opened)

    def invoke(*arguments: str, typed: str = "", status: int = 0) -> Result:
        result = CliRunner().invoke(breach, arguments, input=typed)
        assert result.exit_code == status, (result.output, result.exception)
        return result

    return invoke


def open_file(run: Run, *more: str) -> str:
    said = run("open", "--data", "contacts", *more, "--text", "Tệp bị gửi nhầm", *_LAN).output
    return said.split()[0]


def gauge(provider: Provider) -> dict[str, float]:
    numbers = StoreNumbers(
        provider.services.database, ephemeral=provider.services.ephemeral, time=provider.clock
    )
    (found,) = [one for one in numbers.collect() if one.name == "antin_breaches"]
    return {sample.labels["state"]: sample.value for sample in found.samples}


def test_a_file_from_detection_to_its_end(provider: Provider, browser: Browser, run: Run) -> None:
    """Law 91/2025/QH15 Art. 23; NĐ 356/2025/NĐ-CP Art. 28: 72 hours, and what the report tells."""
    number = open_file(run, "--persons", "2")
    assert "by 2026-11-24" in run("list").output
    run("add", number, "--section", "cause", "--text", "Nhầm địa chỉ", *_LAN)
    run("add", number, "--text", "Đã thu hồi tệp", "--persons", "2", *_LAN)
    assert run("affect", number, ANH.account_id, BINH.account_id, *_LAN).output == "2 listed\n"
    assert run("affect", number, ANH.account_id, *_LAN).output == "0 listed\n"
    assert run("tell", number, *_LAN).output.startswith("2 told")
    assert run("tell", number, *_LAN).output.startswith("0 told"), "nobody is told twice"
    run("reported", number, "--text", "Qua cổng của A05, số 12", *_LAN)
    report = run("report", number).output
    for said in ("Nhầm địa chỉ", "Đã thu hồi tệp", "A05, số 12", "Tệp bị gửi nhầm", "đã báo 2"):
        assert said in report
    for section in ("1. Thời gian", "2. Dữ liệu", *(f"{at}. " for at in range(3, 10))):
        assert section in report
    assert len(Section) == 7
    run("close", number, *_LAN)
    assert run("list").output == ""
    assert "closed" in run("list", "--all").output
    assert provider.events().count("account:breach:told") == 2
    browser.answer_all(browser.get("/account/history"))
    assert "Được thông báo về một sự cố dữ liệu" in browser.get("/account/history").page


def test_the_clock_runs_from_detection_and_what_is_overdue_is_seen(
    provider: Provider, run: Run
) -> None:
    """Law 91/2025/QH15 Art. 23: 72 hours from the detection, not from the file."""
    early = open_file(run)
    detected = (provider.now).strftime("%Y-%m-%d") + " 00:30"
    late = open_file(run, "--detected", detected, "--data", "location", "--persons", "1")
    provider.clock.advance(hours=71)
    lines = run("list").output.splitlines()
    assert lines[0].startswith(f"{late}  OVERDUE (report, people)")
    assert lines[1].startswith(f"{early}  open")
    assert gauge(provider) == {"open": 2.0, "overdue": 1.0}
    run("reported", late, "--text", "Đã gửi", *_LAN)
    assert "OVERDUE (people)" in run("list").output
    run("affect", late, ANH.account_id, *_LAN)
    run("tell", late, *_LAN)
    assert gauge(provider) == {"open": 2.0, "overdue": 0.0}


def test_what_does_not_fit_is_refused(provider: Provider, run: Run) -> None:
    number = open_file(run)
    later = ("--detected", "2099-01-01 00:00", "--data", "keys", "--text", "x")
    assert "detected_later" in run("open", *later, status=1).output
    assert "unknown" in run("report", "SC-NONE", status=1).output
    assert "text_missing" in run("add", number, "--text", " ", status=1).output
    assert "account_unknown" in run("affect", number, "acc_nobody", status=1).output
    assert "not_reported" in run("close", number, status=1).output
    run("close", number, "--not-reportable", "Không ai đọc được, dữ liệu đã mã hóa", *_LAN)
    for act in (("add", number, "--text", "x"), ("tell", number), ("close", number)):
        assert "closed" in run(*act, status=1).output
    assert "đã mã hóa" in run("report", number).output


def test_what_is_written_is_sealed_and_the_file_is_kept_for_its_years(
    provider: Provider, run: Run
) -> None:
    """NĐ 356/2025/NĐ-CP Art. 29: at least five years."""
    number = open_file(run)
    run("affect", number, ANH.account_id, *_LAN)
    database = provider.services.database
    with database.read() as connection:
        (octets,) = connection.execute(select(breach_entry.c.text_sealed)).scalars()
    assert "Tệp".encode() not in octets
    run("close", number, "--not-reportable", "x", *_LAN)
    rules = find_rules(breach_entry.metadata)
    provider.clock.advance(days=5 * 365 + 1)
    purge_all(database, rules=rules, now=provider.now)
    assert number in run("list", "--all").output
    provider.clock.advance(days=5)
    purge_all(database, rules=rules, now=provider.now)
    assert run("list", "--all").output == ""
    with database.read() as connection:
        assert connection.execute(select(breach_account)).first() is None


def test_it_is_a_command_of_the_house() -> None:
    assert cli.get_command(click.Context(cli), "breach") is breach
