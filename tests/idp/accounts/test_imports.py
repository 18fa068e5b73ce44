"""Importing a register: all of it, once, whatever happens in between."""

from __future__ import annotations

import base64
import gc
import hashlib
import json
import os
import signal
import subprocess
import sys
import tracemalloc
from contextlib import closing
from pathlib import Path

import pytest

from idp.accounts import imports
from idp.accounts.credentials import PasswordForm
from idp.accounts.errors import IdentifierTaken
from idp.accounts.imports import AccountImport, ImportElsewhere, ImportProgress, last_of
from idp.accounts.login import PasswordAccepted, Source
from idp.accounts.model import AccountKind, IdentifierKind
from idp.accounts.wrapping import wrap_some
from idp.storage.accounts import account, find_row, identifier, insert_accounts
from idp.storage.credentials import find_password, list_schemes, password
from idp.storage.database import Database
from idp.storage.ephemeral_sql import SqlEphemeralStore
from idp.storage.mandates import mandate
from keystore.log.events import EventType
from keystore.log.record import LogWriter, find_writers, log_event, verify_chain
from keystore.sealing import Sealer, load_kek
from tests.idp.accounts.conftest import House, parsed

SECRET = "mật khẩu cũ 1"
HEADER = "kind,personal_id_number,name,password_hash\n"


def hashed(text: str = SECRET, *, iterations: int = 1000) -> str:
    digest = hashlib.pbkdf2_hmac("sha256", text.encode(), b"saltsalt", iterations)
    return f"pbkdf2_sha256${iterations}$saltsalt${base64.b64encode(digest).decode()}"


def number(position: int) -> str:
    return f"00309{position:07d}"


def people(many: int, *, first: int = 1) -> str:
    rows = (f"citizen,{number(first + n)},Người Mẫu,\n" for n in range(many))
    return HEADER + "".join(rows)


def write(tmp_path: Path, content: str, *, name: str = "people.csv") -> Path:
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    return file


def importing(house, **options) -> AccountImport:
    return AccountImport(
        house.database,
        sealer=house.sealer,
        log=house.log,
        passwords=house.passwords,
        clock=lambda: house.now,
        **options,
    )


def run(house, file: Path, *, is_repeated: bool = False, **options) -> ImportProgress:
    return last_of(
        importing(house, **options).run(file, errors_path=errors_of(file), is_repeated=is_repeated)
    )


def errors_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.errors")


def counted(house, table) -> int:
    with house.database.read() as connection:
        return len(connection.execute(table.select()).all())


def events(house) -> list[tuple[str, dict]]:
    with house.database.read() as connection:
        return [
            (row.type, json.loads(row.facts))
            for row in connection.execute(log_event.select().order_by(log_event.c.seq))
        ]


def outcome(done: ImportProgress) -> tuple[int, int, int]:
    return done.job.added, done.job.existing, done.job.refused


def signs_in(house, who: str, text: str = SECRET) -> bool:
    checked = house.login().check_password(
        raw_identifier=who, raw_password=text, source=Source("192.0.2.7"), now=house.now
    )
    return isinstance(checked, PasswordAccepted)


def test_every_row_goes_in(house, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(imports, "BATCH_ROWS", 10)
    done = run(house, write(tmp_path, people(25)))
    assert outcome(done) == (25, 0, 0)
    assert done.job.is_finished
    assert not errors_of(tmp_path / "people.csv").exists()
    for position in (1, 25):
        found = house.directory.find_by_identifier(parsed(number(position)))
        assert found is not None
        assert found.profile.name == "Người Mẫu"
    recorded = events(house)
    assert [type_ for type_, _facts in recorded] == [
        EventType.ACCOUNT_IMPORTED,
        EventType.ACCOUNT_IMPORTED,
        EventType.ACCOUNT_IMPORTED,
        EventType.IMPORT_FINISHED,
    ]
    assert [facts.get("accounts") for _type, facts in recorded] == [10, 10, 5, None]


def test_bad_rows_are_listed_by_line_and_code_and_the_rest_goes_in(house, tmp_path) -> None:
    content = (
        HEADER
        + f"citizen,{number(1)},A,\n"
        + "citizen,123,B,\n"
        + f"citizen,{number(2)},,\n"
        + 'citizen,"open\n'
        + f"citizen,{number(3)},C,md5$secret\n"
        + f"citizen,{number(4)},D,\n"
    )
    file = write(tmp_path, content)
    assert outcome(run(house, file)) == (2, 0, 4)
    assert errors_of(file).read_text() == (
        "3,personal_id_number_malformed\n"
        "4,name_missing\n"
        "5,row_malformed\n"
        "6,password_hash_unsupported\n"
    )


def test_importing_again_changes_nothing(house, tmp_path) -> None:
    file = write(tmp_path, people(5))
    run(house, file)
    again = run(house, file)
    assert again.was_finished
    assert outcome(again) == (5, 0, 0)
    assert outcome(run(house, file, is_repeated=True)) == (0, 5, 0)
    assert outcome(run(house, write(tmp_path, people(8), name="more.csv"))) == (3, 5, 0)
    assert counted(house, account) == counted(house, identifier) == 8


def test_a_row_that_stands_twice_goes_in_once(house, tmp_path) -> None:
    row = f"citizen,{number(1)},A,\n"
    assert outcome(run(house, write(tmp_path, HEADER + row + row))) == (1, 1, 0)
    assert counted(house, account) == 1


def test_the_number_of_somebody_else_is_refused(house, tmp_path) -> None:
    content = (
        "kind,personal_id_number,legacy_id_9,name\n"
        f"citizen,{number(1)},012345678,A\n"
        f"citizen,{number(2)},012345678,B\n"
        f"citizen,{number(3)},,C\n"
    )
    file = write(tmp_path, content)
    assert outcome(run(house, file)) == (2, 0, 1)
    assert errors_of(file).read_text() == "3,identifier_taken\n"


def test_a_file_from_before_a_renumbering_opens_no_second_account(house, tmp_path) -> None:
    """NĐ 70/2024/NĐ-CP Art. 11: the number that the file still has was cancelled."""
    file = write(tmp_path, people(2))
    run(house, file)
    me = house.directory.find_by_identifier(parsed(number(1)))
    assert me is not None
    house.lifecycle.renumber(me.account_id, parsed(number(9)), reason="x", now=house.now)
    assert outcome(run(house, file, is_repeated=True)) == (0, 1, 1)
    assert errors_of(file).read_text() == "2,identifier_cancelled\n"
    assert counted(house, account) == 2


def test_organisations_come_with_their_representatives(house, tmp_path) -> None:
    content = (
        "kind,personal_id_number,enterprise_code,name,legal_representatives,valid_to,account_level\n"
        f"citizen,{number(1)},,A,,,2\n"
        f"citizen,{number(2)},,B,,,2\n"
        f"organisation,,9900000016,Công ty Mẫu,{number(1)}|{number(2)},2027-12-31,\n"
        f"mandate,{number(1)},9900000023,,,,\n"
        "organisation,,9900000023001,Chi nhánh Mẫu,,,\n"
        f"mandate,{number(2)},9900000023-001,,,,\n"
    )
    file = write(tmp_path, content)
    assert outcome(run(house, file)) == (4, 0, 1)
    assert errors_of(file).read_text() == "5,organisation_unknown\n"
    second = house.directory.find_by_identifier(parsed(number(2)))
    assert second is not None
    roles = house.directory.representations(second.account_id, now=house.now)
    assert [role.enterprise_code for role in roles] == ["9900000023-001", "9900000016"]
    firm = house.directory.find_by_identifier(
        parsed("9900000016", kind=IdentifierKind.ENTERPRISE_CODE)
    )
    assert firm is not None
    assert firm.kind is AccountKind.ORGANISATION
    run(house, file, is_repeated=True)
    assert counted(house, mandate) == 3


def test_a_file_of_mandates_alone_is_counted_and_logged(house, tmp_path) -> None:
    """Giving somebody the right to act for an organisation is an act: no record, no act."""
    run(house, write(tmp_path, people(1), name="first.csv"))
    house.add_organisation("9900000016", name="Công ty Mẫu")
    before = len(events(house))
    content = f"kind,personal_id_number,enterprise_code\nmandate,{number(1)},9900000016\n"
    file = write(tmp_path, content)
    assert run(house, file).mandates == 1
    (given, mandated), (imported, facts), _finished = events(house)[before:]
    assert given == EventType.MANDATE_ADDED
    assert mandated["kind"] == "legal_representative"
    assert imported == EventType.ACCOUNT_IMPORTED
    assert (facts["accounts"], facts["mandates"]) == (0, 1)
    assert run(house, file, is_repeated=True).mandates == 0


def test_an_organisation_goes_in_without_its_unknown_representative(house, tmp_path) -> None:
    content = (
        "kind,personal_id_number,enterprise_code,name,legal_representatives\n"
        f"organisation,,9900000016,Công ty Mẫu,{number(1)}|{number(2)}\n"
    )
    file = write(tmp_path, content)
    run(house, write(tmp_path, people(1), name="first.csv"))
    assert outcome(run(house, file)) == (1, 0, 1)
    assert errors_of(file).read_text() == "2,legal_representative_unknown\n"
    assert counted(house, mandate) == 1
    run(house, write(tmp_path, people(1, first=2), name="second.csv"))
    assert outcome(run(house, file, is_repeated=True)) == (0, 1, 0)
    assert counted(house, mandate) == 2
    assert not errors_of(file).exists()


def test_imported_people_sign_in_with_their_old_passwords(house, tmp_path) -> None:
    file = write(tmp_path, HEADER + f"citizen,{number(1)},A,{hashed()}\n")
    run(house, file)
    assert not signs_in(house, number(1), "sai mật khẩu")
    assert signs_in(house, number(1))
    assert signs_in(house, number(1))


@pytest.mark.parametrize("is_wrapping", [False, True])
def test_old_hashes_are_wrapped_now_or_later(house, tmp_path, is_wrapping) -> None:
    rows = "".join(f"citizen,{number(n)},A,{hashed()}\n" for n in range(1, 6))
    run(house, write(tmp_path, HEADER + rows), is_wrapping=is_wrapping)
    assert house.hashing.taken().count("argon2id hash") == (6 if is_wrapping else 1)
    with house.database.read() as connection:
        assert list_schemes(connection) == {"pbkdf2:sha256:1000:32": 5}
    wrapped = 0
    while some := wrap_some(
        house.database, sealer=house.sealer, passwords=house.passwords, limit=2, now=house.now
    ):
        wrapped += some
    assert wrapped == (0 if is_wrapping else 5)
    with house.database.read() as connection:
        forms = {row.form for row in connection.execute(password.select())}
    assert forms == {PasswordForm.WRAPPED}
    assert signs_in(house, number(3))


def test_wrapping_leaves_alone_a_password_that_changed_meanwhile(house, tmp_path) -> None:
    run(house, write(tmp_path, HEADER + f"citizen,{number(1)},A,{hashed()}\n"))
    me = house.directory.find_by_identifier(parsed(number(1)))
    assert me is not None
    passwords = house.passwords

    class SignsInFirst:
        """Somebody signs in while the old hash is being wrapped."""

        def wrap(self, stored):
            assert signs_in(house, number(1))
            return passwords.wrap(stored)

    wrap_some(house.database, sealer=house.sealer, passwords=SignsInFirst(), limit=9, now=house.now)
    with house.database.read() as connection:
        row = find_row(connection, me.account_id)
        assert row is not None
        kept = find_password(connection, row, sealer=house.sealer)
    assert kept is not None
    assert kept[0].form is PasswordForm.NATIVE


@pytest.mark.parametrize("stop_after", [1, 2, 3])
def test_an_interrupted_import_goes_on_where_it_stopped(
    house, tmp_path, monkeypatch, stop_after
) -> None:
    monkeypatch.setattr(imports, "BATCH_ROWS", 10)
    file = write(tmp_path, people(35) + "citizen,bad,X,\n")
    running = importing(house).run(file, errors_path=errors_of(file))
    for _ in range(stop_after):
        next(running)
    running.close()
    assert counted(house, account) == 10 * stop_after
    done = run(house, file)
    assert outcome(done) == (35, 0, 1)
    assert counted(house, account) == 35
    assert errors_of(file).read_text() == "37,personal_id_number_malformed\n"


def test_what_a_lost_batch_had_listed_is_cut_off(house, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(imports, "BATCH_ROWS", 1)
    file = write(tmp_path, HEADER + "citizen,bad,X,\ncitizen,bad,Y,\n")
    running = importing(house).run(file, errors_path=errors_of(file))
    next(running)
    running.close()
    with errors_of(file).open("a") as errors:
        errors.write("3,written_before_the_power_cut\n")
    run(house, file)
    assert errors_of(file).read_text() == (
        "2,personal_id_number_malformed\n3,personal_id_number_malformed\n"
    )


def test_two_processes_do_not_import_one_file_together(house, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(imports, "BATCH_ROWS", 10)
    file = write(tmp_path, people(30))
    first = importing(house).run(file, errors_path=errors_of(file))
    next(first)
    second = importing(house).run(file, errors_path=errors_of(file))
    next(second)
    with pytest.raises(ImportElsewhere):
        next(first)
    assert outcome(last_of(second)) == (30, 0, 0)
    assert counted(house, account) == 30


def test_an_account_that_is_opened_meanwhile_is_looked_at_again(
    house, tmp_path, monkeypatch
) -> None:
    """PostgreSQL lets another transaction open it between our look and our insert."""
    calls = []

    def slow_insert(tx, accounts, *, sealer):
        calls.append(len(accounts))
        if len(calls) == 1:
            raise IdentifierTaken("unknown")
        return insert_accounts(tx, accounts, sealer=sealer)

    monkeypatch.setattr("idp.accounts.imports.insert_accounts", slow_insert)
    assert outcome(run(house, write(tmp_path, people(3)))) == (3, 0, 0)
    assert calls == [3, 3]


def test_a_killed_import_neither_loses_nor_doubles_a_row(tmp_path, sqlite_url, now) -> None:
    """`kill -9` while batches are written, three times, then to the end."""
    file = write(tmp_path, people(3_000) + "citizen,bad,X,\n")
    for lines in (400, 1_100, 1_900):
        kill_import(sqlite_url, file, after_lines=lines)
    database = Database(sqlite_url)
    value = base64.urlsafe_b64encode(bytes(range(32))).decode()
    sealer = Sealer.open(database, kek=load_kek(file=None, value=value), now=now)
    log = LogWriter(sealer, writer_id="last")
    with closing(SqlEphemeralStore(f"sqlite:///{tmp_path / 'marks.db'}")) as store:
        house = House(database, store, sealer, log, now, tmp_path)
        done = run(house, file)
    assert outcome(done) == (3_000, 0, 1)
    assert counted(house, account) == counted(house, identifier) == 3_000
    assert errors_of(file).read_text() == "3002,personal_id_number_malformed\n"
    imported = [facts["accounts"] for type_, facts in events(house) if "accounts" in facts]
    assert sum(imported) == 3_000
    with database.read() as connection:
        for writer in find_writers(connection):
            verify_chain(connection, writer)
    database.close()


def kill_import(url: str, file: Path, *, after_lines: int) -> None:
    """Import in a process of its own and kill it soon after some lines."""
    program = Path(__file__).with_name("import_process.py")
    process = subprocess.Popen(
        [sys.executable, str(program), url, str(file), str(after_lines)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONPATH": "."},
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "far enough\n"
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


def test_memory_does_not_grow_with_the_file(house, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(imports, "BATCH_ROWS", 100)

    def peak(many: int, first: int) -> int:
        file = write(tmp_path, people(many, first=first), name=f"{many}.csv")
        tracemalloc.start()
        usual = gc.get_threshold()
        gc.set_threshold(200)  # what is garbage does not count
        try:
            run(house, file)
            return tracemalloc.get_traced_memory()[1]
        finally:
            gc.set_threshold(*usual)
            tracemalloc.stop()

    peak(200, 1)
    assert peak(3_000, 20_000) < 1.5 * peak(300, 10_000)
