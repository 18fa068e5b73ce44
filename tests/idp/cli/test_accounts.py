"""`antin accounts` as an operator types it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from idp.accounts.activation import normalise_activation_code
from idp.accounts.attempts import Attempts, Source
from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.login import Login, PasswordAccepted
from idp.accounts.model import AccountStatus, IdentifierKind
from idp.accounts.notices import Notices
from idp.accounts.people import People
from idp.cli.accounts import accounts
from idp.ids import AccountId
from idp.settings import Settings
from idp.storage.database import Database, Transaction
from idp.storage.ephemeral_sql import SqlEphemeralStore
from idp.work.outbox import Outbox
from keystore.log.events import EventType
from keystore.log.record import LogWriter, log_event
from keystore.sealing import Sealer, load_kek
from keystore.second_factor.model import HeldTotp
from tests.support.mandates import mandates_over
from tests.support.signer import events
from tests.support.verifier import App, VerifierBench, check_with

Run = Callable[..., Result]

NUMBER = "003091000017"
NEW_NUMBER = "003091000025"
SECRET = "ổ khoá thử nghiệm"


@dataclass
class SignedOut:
    """Stands for the sessions: notes who was signed out everywhere, and by whom."""

    everywhere: list[str] = field(default_factory=list)
    operators: list[str] = field(default_factory=list)

    def in_name_of(self, operator: str) -> SignedOut:
        self.operators.append(operator)
        return self

    def end_all(self, account_id: AccountId, *, now: datetime) -> int:
        self.everywhere.append(account_id)
        return 0

    def end_all_in(self, tx: Transaction, account_id: AccountId, *, now: datetime) -> int:
        assert tx.connection.in_transaction()
        return self.end_all(account_id, now=now)


@pytest.fixture
def services(database: Database, tmp_path: Path, now: datetime) -> Iterator[SimpleNamespace]:
    value = base64.urlsafe_b64encode(bytes(range(32))).decode()
    sealer = Sealer.open(database, kek=load_kek(file=None, value=value), now=now)
    store = SqlEphemeralStore(f"sqlite:///{tmp_path / 'marks.db'}")
    log = LogWriter(sealer, writer_id="test")
    people = People(database, sealer=sealer)
    yield SimpleNamespace(
        settings=Settings(var=tmp_path),
        database=database,
        sealer=sealer,
        log=log,
        people=people,
        mandates=mandates_over(database, store, sealer, log, folder=tmp_path),
        login=Login(database, store=store, sealer=sealer, attempts=Attempts(store, sealer=sealer)),
        sessions=SignedOut(),
        delivery=SimpleNamespace(notices=Notices(Outbox(lambda _ids: None), sealer)),
        verifier=None,
        signing_means=lambda *, log: None,
        time=lambda: now,
    )
    store.close()


@pytest.fixture
def run(services: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command over the database of the test, at the time of the test."""

    @contextmanager
    def opened() -> Iterator[SimpleNamespace]:
        yield services

    for name in ("accounts", "authenticators", "mandates"):
        monkeypatch.setattr(f"idp.cli.{name}.open_services", opened)

    def invoke(*arguments: str, typed: str = "", status: int = 0) -> Result:
        result = CliRunner().invoke(accounts, arguments, input=typed)
        assert result.exit_code == status, (result.output, result.exception)
        return result

    return invoke


@pytest.fixture
def me(run: Run) -> str:
    """The id of a citizen with a password."""
    result = run(
        "add", "--password", "--level", "2", typed=f"{NUMBER}\nNgười Mẫu\n{SECRET}\n{SECRET}\n"
    )
    return result.output.strip().splitlines()[-1]


def status_of(services: SimpleNamespace, account_id: str) -> AccountStatus | None:
    found = services.people.find_account(AccountId(account_id))
    return None if found is None else found.status


def signs_in(services: SimpleNamespace, number: str = NUMBER) -> bool:
    outcome = services.login.check_password(
        raw_identifier=number,
        raw_password=SECRET,
        source=Source("192.0.2.7"),
        now=services.time(),
    )
    return isinstance(outcome, PasswordAccepted)


def test_an_added_person_signs_in(services, me) -> None:
    assert me.startswith("acc_")
    assert signs_in(services)


def test_an_organisation_is_added_and_shown_with_its_code_masked(run) -> None:
    options = ("--kind", "organisation", "--number", "9900000016", "--name", "Công ty Mẫu")
    made = run("add", *options).output.strip()
    shown = run("show", made).output
    assert "9900000016" not in shown
    assert "•••••••016" in shown
    assert run("show", "9900000016").output == shown
    taken = run("add", *options, status=1)
    assert "identifier_taken (enterprise_code)" in taken.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--number", "123", "--name", "A"), "personal_id_number_malformed"),
        (("--number", NUMBER, "--name", "A", "--birthdate", "x"), "birthdate_malformed"),
        (
            ("--kind", "organisation", "--number", "9900000016", "--name", "A", "--level", "1"),
            "account_level_not_for_organisations",
        ),
    ],
)
def test_what_cannot_be_added_is_said_in_a_word(run, options, said) -> None:
    assert said in run("add", *options, status=1).stderr


def test_an_organisation_has_no_password(run) -> None:
    options = ("--kind", "organisation", "--number", "9900000016", "--name", "A", "--password")
    run("add", *options, status=2)


def test_a_password_that_is_too_short_is_not_taken(run) -> None:
    refused = run("add", "--password", typed=f"{NUMBER}\nA\nngắn\nngắn\n", status=1)
    assert "password_unusable (too_short)" in refused.stderr


def test_what_is_shown_is_masked(run, me) -> None:
    shown = run("show", me).output
    for hidden in (NUMBER, "Người Mẫu"):
        assert hidden not in shown
    assert "•••••••••017" in shown
    assert "N… M…" in shown
    assert "second factor:          no" in shown


def test_a_number_may_be_typed_at_a_prompt(run, me) -> None:
    assert me in run("show", typed=f"{NUMBER}\n").output


@pytest.mark.parametrize("account", ["acc_nobody", "005091000018", "9900000023", "???"])
def test_nobody_is_unknown_and_what_was_typed_is_not_repeated(run, account) -> None:
    refused = run("show", account, status=1)
    assert "account_unknown" in refused.stderr
    assert account not in refused.output


def test_an_activation_code_is_printed_once(run, me) -> None:
    code = run("activation-code", me).output.strip()
    assert len(code) == 14
    firm = run(
        "add", "--kind", "organisation", "--number", "9900000016", "--name", "A"
    ).output.strip()
    run("activation-code", firm, status=1)


def test_the_verifier_is_told_of_an_activation_code_and_only_a_keeper_may_tell(
    run, services, me, tmp_path, now
) -> None:
    bench = VerifierBench(tmp_path / "verifier")
    made = [bench.client(lambda: now, is_keeper=is_keeper) for is_keeper in (False, True)]
    said, proofed = [], []
    for number, client in enumerate(made):
        services.verifier = client
        result = run("activation-code", me)
        said.append("not_a_keeper" in result.stderr or "72 hours" in result.stderr)
        totp_id = f"otp_{number}"
        code = normalise_activation_code(result.stdout.strip())
        totp = client.make_totp(totp_id, account_id=me, activation_code=code)
        app = App(HeldTotp(totp_id, totp.kept), totp.secret, me)
        assert client.check_code(me, [app.held], app.code(now=now)).outcome == "right"
        proofed.append(client.describe_totp(app.held, account_id=me).is_bound_at_proofing)
    assert (said, proofed) == ([True, False], [False, True])
    bench.memory.close()


def test_a_keeper_ends_an_authenticator_and_wakes_it_and_the_log_says_who(
    run, services, me, tmp_path, now
) -> None:
    bench = VerifierBench(tmp_path / "verifier")
    app = bench.enrol(now=now, account_id=me)
    given = (me, app.held.totp_id, "--operator", "can.bo")
    services.verifier = None
    run("retire-authenticator", *given, status=1)
    for is_keeper, status in ((False, 1), (True, 0)):
        services.verifier = bench.client(lambda: now, is_keeper=is_keeper)
        run("retire-authenticator", *given, status=status)
    assert check_with(bench, app, now) == "wrong"
    assert "totp_refused" in run("retire-authenticator", *given, status=1).stderr
    run("restore-authenticator", *given)
    assert check_with(bench, app, now) == "right"
    for kind in ("account:totp:retired", "account:totp:restored"):
        (row,) = events(services.database, kind)
        assert app.held.totp_id in row["facts"], "only what was done is on record"
        assert "can.bo" in row["facts"]
    bench.memory.close()


def test_locking_signs_out_everywhere_and_unlocking_lets_in_again(run, services, me) -> None:
    run("lock", me)
    assert status_of(services, me) is AccountStatus.LOCKED
    assert services.sessions.everywhere == [me]
    assert not signs_in(services)
    assert "status_unchangeable" in run("lock", me, status=1).stderr
    run("unlock", me)
    assert signs_in(services)


def test_signing_out_says_who_did_it(run, services, me) -> None:
    assert "0 sessions ended" in run("sign-out", me, "--operator", "can.bo").output
    assert services.sessions.everywhere == [me]
    assert services.sessions.operators[-1] == "can.bo"


def test_closing_is_for_good(run, services, me) -> None:
    run("close", me, "--reason", "died")
    assert status_of(services, me) is AccountStatus.CLOSED
    assert services.sessions.everywhere == [me]
    run("unlock", me, status=1)


def test_a_new_number_takes_the_place_of_the_old(run, services, me) -> None:
    run("renumber", me, typed=f"{NEW_NUMBER}\n")
    assert signs_in(services, NEW_NUMBER)
    assert not signs_in(services)
    shown = run("show", me).output
    assert "•••••••••017 until 2026-11-21" in shown
    assert "identifier_malformed" in run("renumber", me, "--new-number", "1", status=1).stderr
    add = ("add", "--number", NUMBER, "--name", "B")
    assert "identifier_cancelled (personal_id_number)" in run(*add, status=1).stderr


def test_a_mistyped_number_is_free_again(run, services, me) -> None:
    run("renumber", me, "--new-number", NEW_NUMBER, "--mistyped")
    assert "until" not in run("show", me).output
    run("add", "--number", NUMBER, "--name", "B")


def test_every_act_says_in_the_log_which_operator_did_it(run, services, me, tmp_path) -> None:
    """Whoever hands out second factors and mandates must be found again."""
    firm = run(
        "add", "--kind", "organisation", "--number", "9900000016", "--name", "A"
    ).output.strip()
    file = tmp_path / "people.csv"
    file.write_text(f"kind,personal_id_number,name\ncitizen,{NEW_NUMBER},B\n", encoding="utf-8")
    by = ("--operator", "can.bo")
    run("import", str(file), *by)
    run("activation-code", me, *by)
    run("second-factor", me, *by)
    mandate = run("represent", me, firm, "--source", "dkkd", *by).output.strip()
    run("end-mandate", mandate, *by)
    run("renumber", me, "--new-number", "003091000033", *by)
    for act in ("lock", "unlock", "close"):
        run(act, me, *by)
    run("erase", me, "--yes", *by)
    with services.database.read() as connection:
        rows = connection.execute(log_event.select().order_by(log_event.c.seq)).all()
    seen = [(row.type, json.loads(row.facts).get("operator")) for row in rows]
    assert {who for type_, who in seen if type_ != EventType.ACCOUNT_ADDED} == {"can.bo"}
    assert None not in {who for _type, who in seen}
    assert "--operator" in run("lock", me, "--operator", "Cán bộ", status=2).stderr


@pytest.mark.parametrize("reason", ["mất điện thoại", NUMBER, "", "x" * 65])
def test_a_reason_that_the_log_cannot_carry_is_refused_before_anything_is_done(
    run, services, me, reason
) -> None:
    for command in (("erase", "--yes"), ("lock",), ("close",)):
        refused = run(*command, me, "--reason", reason, status=2)
        assert reason == "" or reason not in refused.output
    assert status_of(services, me) is AccountStatus.ACTIVE
    assert services.sessions.everywhere == []


def test_a_representative_is_named_shown_and_dismissed(run, services, me) -> None:
    """Law on Enterprises art. 12: who stops being the representative stops acting."""
    firm = run(
        "add", "--kind", "organisation", "--number", "9900000016", "--name", "Công ty Mẫu"
    ).output.strip()
    mandate = run("represent", me, firm, typed="dkkd\n").output.splitlines()[-1]
    assert mandate.startswith("mdt_")
    assert f"9900000016 Công ty Mẫu ({mandate})" in run("show", me).output
    run("end-mandate", mandate)
    assert "represents" not in run("show", me).output
    assert services.people.representations(AccountId(me), now=services.time()) == ()
    assert "mandate_ended_before" in run("end-mandate", mandate, status=1).stderr
    assert "mandate_unknown" in run("end-mandate", "mdt_nothing", status=1).stderr


def test_a_representative_may_be_named_until_a_day(run, services, me) -> None:
    firm = run(
        "add", "--kind", "organisation", "--number", "9900000016", "--name", "Công ty Mẫu"
    ).output.strip()
    named = ("represent", me, firm, "--source", "dkkd", "--last-day")
    run(*named, "2026-12-31")
    (role,) = services.people.representations(AccountId(me), now=services.time())
    assert role.valid_to == datetime(2026, 12, 31, 17, tzinfo=UTC)
    assert "the last day is over" in run(*named, "2020-01-01", status=2).stderr
    assert "account_unknown" in run("represent", firm, me, "--source", "dkkd", status=1).stderr


def test_the_charter_and_every_mandate_are_listed(run, services, me) -> None:
    """Law on Enterprises 59/2020/QH14 Art. 12(2)."""
    named = ("--kind", "organisation", "--number", "9900000016", "--name", "Công ty Mẫu")
    firm = run("add", *named).output.strip()
    mandate = run("represent", me, firm, "--source", "dkkd").output.strip()
    for account in (me, firm):
        line = run("mandates", account).output
        assert line.startswith(f"{mandate} legal_representative active {me} {firm} ")
    run("end-mandate", mandate)
    assert "ended=operator" in run("mandates", firm).output
    charter = ("--source", "x", "--agreements")
    for agreements in ("all", "1"):
        run("charter", firm, *charter, agreements)
    assert "up to 20" in run("charter", firm, *charter, "-2", status=2).stderr
    assert "account_unknown" in run("charter", me, *charter, "1", status=1).stderr
    assert len(events(services.database, EventType.CHARTER_CHANGED)) == 2


def test_erasing_asks_first(run, services, me) -> None:
    run("erase", me, typed="n\n", status=1)
    assert status_of(services, me) is AccountStatus.ACTIVE
    run("erase", me, "--yes")
    assert status_of(services, me) is None
    assert services.sessions.everywhere == [me]


def test_a_file_is_imported_and_its_bad_rows_are_listed(run, services, tmp_path) -> None:
    file = tmp_path / "people.csv"
    rows = "".join(f"citizen,bad{n},X\n" for n in range(12))
    file.write_text(f"kind,personal_id_number,name\ncitizen,{NUMBER},A\n{rows}", encoding="utf-8")
    result = run("import", str(file))
    assert "added 1, known already 0, refused 12" in result.output
    assert "line 3: personal_id_number_malformed" in result.stderr
    assert "line 13:" not in result.stderr
    assert "All refused lines: people.csv.errors" in result.stderr
    listed = (tmp_path / "people.csv.errors").read_text().splitlines()
    assert len(listed) == 12
    again = run("import", str(file))
    assert "imported before" in again.output
    assert "added 0, known already 1" in run("import", str(file), "--again").output
    number = ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, NUMBER)
    assert services.people.find_by_identifier(number) is not None


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("people.txt", "", "format_unknown"),
        ("people.csv", "kind,colour\n", "column_unknown (column 2)"),
    ],
)
def test_a_file_of_another_kind_is_refused(run, tmp_path, name, content, said) -> None:
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    assert said in run("import", str(file), status=1).stderr


def test_a_list_of_refused_rows_that_cannot_be_written_is_said_in_a_line(run, tmp_path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("kind\ncitizen\n", encoding="utf-8")
    (tmp_path / "people.csv.errors").mkdir()
    refused = run("import", str(file), status=1)
    assert "people.csv.errors" in refused.stderr
    assert "directory" in refused.stderr


def test_interrupting_says_how_to_go_on(run, tmp_path, monkeypatch) -> None:
    def interrupted(*_args: object, **_named: object) -> Iterator[object]:
        raise KeyboardInterrupt

    monkeypatch.setattr("idp.accounts.imports.AccountImport.run", interrupted)
    file = tmp_path / "people.csv"
    file.write_text("kind\n", encoding="utf-8")
    result = run("import", str(file), status=130)
    assert "goes on where it stopped" in result.stderr


def test_waiting_hashes_are_wrapped(run, tmp_path) -> None:
    file = tmp_path / "people.csv"
    digest = base64.b64encode(bytes(32)).decode()
    file.write_text(
        "kind,personal_id_number,name,password_hash\n"
        f"citizen,{NUMBER},A,pbkdf2_sha256$1000$saltsalt${digest}\n",
        encoding="utf-8",
    )
    run("import", str(file))
    assert run("wrap-passwords").output.strip() == "1 wrapped"
    assert run("wrap-passwords").output.strip() == "0 wrapped"


def test_help_lists_every_column(run) -> None:
    assert "legal_representatives" in run("import", "--help").output
