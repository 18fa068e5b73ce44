"""`antin keys` with root keys, as an operator types it."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select, update

from idp.cli import cli
from idp.storage.database import Database
from keystore.errors import KekInvalid
from keystore.kek import add_kek, create_kek_file, load_kek_ring
from keystore.kek_rotation import KekRotation
from keystore.log.record import log_event
from keystore.purpose_keys import purpose_key
from keystore.purposes import SealPurpose
from tests.support.serving import prepare
from tests.support.softhsm import SoftHsm


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A production deployment whose root key is in a file; its variables are this process's."""
    given = prepare(tmp_path)
    del given["ANTIN_KEK"]
    create_kek_file(tmp_path / "kek")
    for name, text in given.items():
        monkeypatch.setenv(name, text)
    return tmp_path


def _run(*words: str, given: str = "") -> Result:
    return CliRunner().invoke(cli, ["keys", *words], input=given)


def _ok(*words: str, given: str = "") -> str:
    done = _run(*words, given=given)
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


def _states(*options: str) -> dict[str, str]:
    return {
        one["kek_id"]: one["state"]
        for one in json.loads(_ok("root-keys", "--json", *options))
        if one["is_given"]
    }


def test_on_one_host_one_command_makes_the_next_root_key_and_goes_to_it(folder: Path) -> None:
    (old,) = load_kek_ring(file=folder / "kek").ids
    said = _ok("rotate-kek", "--operator", "anh", given="y\n")
    assert "on several hosts use `antin keys add-kek` first" in said
    _, new = load_kek_ring(file=folder / "kek").ids
    assert f"everything that opens is under {new}" in said
    assert f"antin keys remove-kek {old}" in said
    assert _states() == {old: "left", new: "current"}
    listed = _ok("root-keys")
    assert f"{old}  may be removed" in listed
    assert f"{new}  wraps" in listed
    database = Database(f"sqlite:///{folder / 'antin.db'}", pool_size=1)
    with database.read() as connection:
        facts = connection.execute(
            select(log_event.c.facts).where(log_event.c.type.like("keys:kek:%"))
        ).all()
    database.close()
    assert facts
    assert all('"operator":"anh"' in one.facts for one in facts)


def test_without_a_yes_no_root_key_is_made(folder: Path) -> None:
    before = (folder / "kek").read_bytes()
    assert _run("rotate-kek", given="n\n").exit_code == 1
    assert (folder / "kek").read_bytes() == before


def test_a_root_key_that_was_added_is_what_the_rotation_goes_to(folder: Path) -> None:
    (old,) = load_kek_ring(file=folder / "kek").ids
    said = _ok("add-kek")
    _, new = load_kek_ring(file=folder / "kek").ids
    assert new in said
    _ok("list")  # the service starts, and goes on with the old one
    assert _states() == {old: "current", new: "given"}
    done = json.loads(_ok("rotate-kek", "--json"))
    assert (done["kek_id"], done["removable"], done["damaged"]) == (new, [old], [])


def test_a_root_key_is_removed_only_when_nothing_is_under_it(folder: Path) -> None:
    (old,) = load_kek_ring(file=folder / "kek").ids
    _ok("list")
    _ok("add-kek")
    refused = _run("remove-kek", old, "--yes")
    assert refused.exit_code == 1
    assert "`antin keys rotate-kek` first" in refused.output
    _ok("rotate-kek")
    said = _run("remove-kek", old, given="n\n")
    assert "Backups of the database that were made under it cannot be opened" in said.output
    assert old in load_kek_ring(file=folder / "kek").ids
    _ok("remove-kek", old, given="y\n")
    assert old not in load_kek_ring(file=folder / "kek").ids
    again = _run("remove-kek", old, "--yes")
    assert again.exit_code == 1
    _ok("list")


@pytest.mark.parametrize("options", [(), ("--personal",)])
def test_adding_and_removing_a_root_key_is_on_record_with_the_operator(
    folder: Path, options: tuple[str, ...]
) -> None:
    create_kek_file(folder / "signer-kek")
    scope = "personal" if options else "service"
    (old,) = load_kek_ring(file=folder / ("signer-kek" if options else "kek")).ids
    _ok("rotate-kek", "--to", old, *options)
    made = _ok("add-kek", "--operator", "lan", *options).split()[2]
    assert _recorded(folder) == [("added", {"kek": made, "operator": "lan", "scope": scope})]
    _ok("rotate-kek", *options)
    assert _run("remove-kek", "0" * 16, "--yes", *options).exit_code == 1
    _ok("remove-kek", old, "--yes", "--operator", "anh", *options)
    assert _recorded(folder)[1:] == [("removed", {"kek": old, "operator": "anh", "scope": scope})]


def _recorded(folder: Path) -> list[tuple[str, dict[str, str]]]:
    database = Database(f"sqlite:///{folder / 'antin.db'}", pool_size=1)
    with database.read() as connection:
        rows = connection.execute(
            select(log_event.c.type, log_event.c.facts)
            .where(log_event.c.type.in_(["keys:kek:added", "keys:kek:removed"]))
            .order_by(log_event.c.at_ms)
        ).all()
    database.close()
    return [(row.type.rpartition(":")[2], json.loads(row.facts)) for row in rows]


def test_a_root_key_in_a_variable_is_added_by_the_operator(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = (folder / "kek").read_text().strip()
    monkeypatch.setenv("ANTIN_KEK", value)
    refused = _run("rotate-kek", "--yes")
    assert refused.exit_code == 1
    assert "add a second one to the variable" in refused.output
    monkeypatch.setenv("ANTIN_KEK", f"{value},{secrets.token_urlsafe(32)}")
    done = json.loads(_ok("rotate-kek", "--json"))
    assert len(done["removable"]) == 1


def test_a_root_key_of_another_database_is_refused_and_nothing_is_written(folder: Path) -> None:
    _ok("list")
    before = (folder / "antin.db").read_bytes()
    (folder / "kek").write_text(secrets.token_urlsafe(32))
    for command in (["rotate-kek", "--yes"], ["list"]):
        refused = _run(*command)
        assert isinstance(refused.exception, KekInvalid)
        assert refused.exception.reason == "does_not_open"
    assert (folder / "antin.db").read_bytes() == before
    unknown = _run("rotate-kek", "--to", "0" * 16)
    assert isinstance(unknown.exception, KekInvalid)


def test_a_damaged_purpose_key_is_named_with_status_1_and_the_rest_is_done(folder: Path) -> None:
    _ok("list")
    (old,) = load_kek_ring(file=folder / "kek").ids
    database = Database(f"sqlite:///{folder / 'antin.db'}", pool_size=1)
    with database.transaction() as tx:
        tx.connection.execute(
            update(purpose_key)
            .where(purpose_key.c.purpose == SealPurpose.OUTBOX)
            .values(wrapped=b"damaged")
        )
    database.close()
    done = _run("rotate-kek", "--yes")
    assert done.exit_code == 1
    assert "damaged, opens with no root key: seal:outbox/1" in done.output
    assert _states()[old] == "left"
    refused = _run("list")
    assert "damaged: seal:outbox/1" in str(refused.exception)


def test_what_is_left_is_said_with_status_1_and_the_next_run_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others may wrap under the old root key quicker than a rotation goes on."""
    _ok("list")
    (old,) = load_kek_ring(file=folder / "kek").ids
    with monkeypatch.context() as patched:
        patched.setattr(KekRotation, "_pass", lambda *_given, **_named: (0, ()))
        done = _run("rotate-kek", "--yes")
    assert done.exit_code == 1
    assert "are left under another root key, run the command again" in done.output
    assert "everything that opens" not in done.output
    assert _states()[old] == "leaving"
    assert json.loads(_ok("rotate-kek", "--json"))["remaining"] == 0
    assert _states()[old] == "left"


def test_the_root_key_of_personal_keys_is_another_one(folder: Path) -> None:
    create_kek_file(folder / "signer-kek")
    (service,) = load_kek_ring(file=folder / "kek").ids
    (personal,) = load_kek_ring(file=folder / "signer-kek").ids
    added = add_kek(folder / "signer-kek")
    _ok("list")
    assert _states() == {service: "current"}
    done = json.loads(_ok("rotate-kek", "--personal", "--to", added, "--json"))
    assert (done["kek_id"], done["rewrapped"]) == (added, 0)
    assert _states("--personal") == {personal: "given", added: "current"}
    assert _states() == {service: "current"}


def test_personal_root_keys_are_looked_after_with_the_signers_way_to_the_database(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service's role may not touch personal keys, and the signer's user does not have it."""
    create_kek_file(folder / "signer-kek")
    (personal,) = load_kek_ring(file=folder / "signer-kek").ids
    monkeypatch.setenv("ANTIN_SIGNER_DATABASE_URL", f"sqlite:///{folder / 'antin.db'}")
    monkeypatch.setenv("ANTIN_DATABASE_URL", f"sqlite:///{folder / 'of the service.db'}")
    done = json.loads(_ok("rotate-kek", "--personal", "--yes", "--json"))
    assert _states("--personal") == {personal: "given", done["kek_id"]: "current"}
    assert not (folder / "of the service.db").exists()


def test_from_the_file_into_a_token_and_on(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In processes of their own: a library reads its configuration once."""
    hsm = SoftHsm(tmp_path_factory.mktemp("softhsm"))
    token = hsm.make_token("root keys")
    _ok("list")
    (in_file,) = load_kek_ring(file=folder / "kek").ids
    settings = {
        "ANTIN_KEK_PKCS11_MODULE": str(token.module),
        "ANTIN_KEK_PKCS11_TOKEN": token.label,
        "ANTIN_KEK_PKCS11_PIN": token.pin,
        **hsm.environment,
    }
    for name, text in {**settings, "ANTIN_KEK_FILE": str(folder / "kek")}.items():
        monkeypatch.setenv(name, text)
    done = json.loads(_antin("rotate-kek", "--yes", "--json"))
    assert done["removable"] == [in_file]
    monkeypatch.delenv("ANTIN_KEK_FILE")
    (folder / "kek").unlink()
    again = json.loads(_antin("rotate-kek", "--yes", "--json"))
    assert again["removable"] == [done["kek_id"]]
    _antin("remove-kek", done["kek_id"], "--yes")
    listed = json.loads(_antin("root-keys", "--json"))
    assert [one["kek_id"] for one in listed if one["is_given"]] == [again["kek_id"]]
    _antin("list")


def test_the_old_personal_root_key_leaves_its_file_after_the_way_into_a_token(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In processes of their own: a library reads its configuration once."""
    hsm = SoftHsm(tmp_path_factory.mktemp("softhsm"))
    token = hsm.make_token("personal")
    create_kek_file(folder / "signer-kek")
    (in_file,) = load_kek_ring(file=folder / "signer-kek").ids
    another = add_kek(folder / "signer-kek")
    _ok("rotate-kek", "--personal", "--to", in_file)
    settings = {
        "ANTIN_SIGNER_KEK_FILE": str(folder / "signer-kek"),
        "ANTIN_SIGNER_PKCS11_MODULE": str(token.module),
        "ANTIN_SIGNER_PKCS11_TOKEN": token.label,
        "ANTIN_SIGNER_PKCS11_PIN": token.pin,
        **hsm.environment,
    }
    for name, text in settings.items():
        monkeypatch.setenv(name, text)
    made = _antin("add-kek", "--personal").split()[2]
    done = json.loads(_antin("rotate-kek", "--personal", "--to", made, "--json"))
    assert done["removable"] == [in_file]
    _antin("remove-kek", in_file, "--personal", "--yes")
    assert load_kek_ring(file=folder / "signer-kek").ids == (another,)


def _antin(*words: str) -> str:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("antin")), "keys", *words],
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
