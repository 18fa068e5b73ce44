"""`antin log` as an operator types it, with a witness that runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import delete, select, update

from idp.cli import cli
from idp.cli.context import read_settings
from idp.cli.log import log
from idp.cli.log_parts import LogParts, open_log
from idp.egress import Egress
from idp.egress.witnesses import EgressWitnesses
from idp.keyrings import open_keyrings
from idp.services import Services
from idp.signer_log_key import ensure_log_key
from idp.storage.accounts import find_row
from keystore.log.entries import Tree
from keystore.log.errors import ChainStuck, LogKeyMissing
from keystore.log.events import Event, EventType
from keystore.log.record import GENESIS, HASHED, log_event, row_hash_of
from keystore.log.sequencer import Sequencer
from keystore.log.tree_tables import log_entry, log_witness
from keystore.log.witnessing import Witnessing
from keystore.purposes import LOG
from keystore.signer.log_sealing import open_log_key
from tests.support.log_trees import PUBLIC_EVENT, WitnessThread
from tests.support.provider import Provider
from tests.support.provider_seeds import ANH

Run = Callable[..., Result]


@pytest.fixture
def services(provider: Provider, tmp_path: Path) -> Iterator[Services]:
    """The provider's, with a witness among the settings."""
    base = provider.services
    now = base.time()
    keyrings = open_keyrings(
        base.settings, database=base.database, sealer=base.sealer, log=base.log
    )
    keyrings.of(LOG).ensure(now)
    parts = open_log(base)
    logs = tuple(key for keys in parts.log_keys((), now=now).values() for key in keys)
    process = WitnessThread(tmp_path / "witness", name="witness.example/w1", logs=logs)
    settings = msgspec.structs.replace(base.settings, log_witnesses=(process.setting,))
    yield replace(base, settings=settings, egress=Egress(allow_insecure=True))
    process.stop()


@pytest.fixture
def parts(services: Services) -> LogParts:
    """The log with a few entries, signed and witnessed."""
    now = services.time()
    with services.database.transaction() as tx:
        row = find_row(tx.connection, ANH.account_id)
        assert row is not None
        event = Event(
            EventType.PASSWORD_CHANGED, account_id=ANH.account_id, personal={"device": "one"}
        )
        services.log.record(tx, event, data_key=row.data_key, now=now)
        for _ in range(3):
            services.log.record(tx, PUBLIC_EVENT, data_key=None, now=now)
    parts = open_log(services)
    _integrate(parts)
    return parts


def _integrate(parts: LogParts, *, later: timedelta = timedelta(0)) -> None:
    services = parts.services
    now = services.time() + later
    Sequencer(services.database, origins=parts.origins, keys=parts.keys).run(now)
    transport = EgressWitnesses(services.egress)
    Witnessing(services.database, witnesses=parts.witnesses, transport=transport).run(now)


@pytest.fixture
def run(services: Services, parts: LogParts, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command over that log."""

    @contextmanager
    def opened() -> Iterator[Services]:
        yield services

    for commands in ("log", "log_acceptance"):
        monkeypatch.setattr(f"idp.cli.{commands}.open_services", opened)

    def invoke(*arguments: str, status: int = 0) -> Result:
        result = CliRunner().invoke(log, arguments)
        assert result.exit_code == status, (result.output, result.exception)
        return result

    return invoke


def _json(run: Run, *arguments: str, status: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(*arguments, "--json", status=status).stdout)
    return found


def _row_of(parts: LogParts, tree: Tree) -> str:
    found = [
        f"{row.writer}/{row.seq}"
        for row in _rows(parts)
        if row.type == (PUBLIC_EVENT.type if tree is Tree.PUBLIC else EventType.PASSWORD_CHANGED)
    ]
    return found[0]


def _rows(parts: LogParts) -> list[Any]:
    with parts.services.database.read() as connection:
        return list(connection.execute(select(log_event).order_by(log_event.c.seq)).all())


def test_they_are_commands_of_the_house() -> None:
    for name in ("log", "witness"):
        assert cli.get_command(click.Context(cli), name) is not None


def test_a_whole_log_is_exit_status_0(run: Run, parts: LogParts) -> None:
    shown = run("verify").stdout
    assert "the log is whole" in shown
    report = _json(run, "verify")
    assert report["whole"] is True
    assert report["rows"] == len(_rows(parts))
    assert report["compared_with"] == 2  # both trees, as the witness has seen them
    assert report["silent_witnesses"] == []
    assert _json(run, "verify", "--offline")["compared_with"] == 0


def test_a_changed_row_is_exit_status_1_and_named(run: Run, parts: LogParts) -> None:
    row = _row_of(parts, Tree.PUBLIC)
    writer, _, seq = row.rpartition("/")
    with parts.services.database.transaction() as tx:
        where = (log_event.c.writer == writer, log_event.c.seq == int(seq))
        tx.connection.execute(update(log_event).where(*where).values(facts="{}"))
    shown = run("verify", status=1).stdout
    assert "THE LOG IS NOT WHOLE" in shown
    assert f"CHANGED     {row}" in shown
    report = _json(run, "verify", "--offline", status=1)
    assert {"kind": "changed", "entry": row, "detail": ""} in report["findings"]


def test_every_event_opens_until_its_key_is_gone(run: Run, parts: LogParts) -> None:
    before = _json(run, "verify", "--open")
    assert before["whole"] is True
    assert before["opened"] == before["rows"]


def test_a_forged_event_is_found_when_it_is_opened(run: Run, parts: LogParts) -> None:
    row = _row_of(parts, Tree.PRIVATE)
    writer, _, seq = row.rpartition("/")
    with parts.services.database.transaction() as tx:
        where = (log_event.c.writer == writer, log_event.c.seq == int(seq))
        tx.connection.execute(update(log_event).where(*where).values(sealed=b"forged"))
    found = _json(run, "verify", "--open", status=1)["findings"]
    assert {"kind": "forged", "entry": row, "detail": ""} in found


def test_a_checkpoint_kept_elsewhere_is_compared(run: Run, parts: LogParts, tmp_path: Path) -> None:
    file = tmp_path / "kept.txt"
    file.write_text(run("checkpoint", "private").stdout)
    assert _json(run, "verify", "--offline", "--against", str(file))["compared_with"] == 1
    file.write_text("something else\n")
    report = _json(run, "verify", "--offline", "--against", str(file), status=1)
    assert report["findings"][0]["entry"] == str(file)


def test_a_key_kept_elsewhere_is_believed_instead_of_the_database(
    run: Run, parts: LogParts
) -> None:
    now = parts.services.time()
    right = [key.vkey for keys in parts.log_keys((), now=now).values() for key in keys]
    arguments = [word for vkey in right for word in ("--log-key", vkey)]
    assert _json(run, "verify", *arguments)["whole"] is True
    other = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    assert _json(run, "verify", "--log-key", other, status=1)["whole"] is False


def test_a_witness_that_is_silent_is_named(
    run: Run, parts: LogParts, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    vkeys = services.settings.log_witnesses[0].split(" ")[1:]
    away = " ".join(("http://127.0.0.1:1", *vkeys))
    settings = msgspec.structs.replace(services.settings, log_witnesses=(away,))

    @contextmanager
    def opened() -> Iterator[Services]:
        yield replace(services, settings=settings)

    monkeypatch.setattr("idp.cli.log.open_services", opened)
    shown = run("verify", status=1).stdout
    assert "witness witness.example/w1 did not answer" in shown
    assert "NOT SHOWN" in shown
    assert "the log is whole" not in shown
    report = _json(run, "verify", status=1)
    assert (report["whole"], report["shown"]) == (True, False)
    assert "the log is whole" in run("verify", "--offline").stdout


@pytest.mark.parametrize("tree", list(Tree))
def test_an_entry_is_proven_and_checked_without_the_database(
    run: Run, parts: LogParts, tmp_path: Path, tree: Tree
) -> None:
    row = _row_of(parts, tree)
    file = tmp_path / "one.tlog-proof"
    run("prove", row, "--open", "--output", str(file))
    found = _json(run, "prove", row)
    assert found["row"] == row
    assert _json(run, "prove", f"{tree}:{found['position']}")["row"] == row
    now = parts.services.time()
    keys = [
        word
        for key in parts.keys.verifiers(parts.origins[tree], now=now)
        for word in ("--log-key", key.vkey)
    ]
    witnesses = [word for key in parts.witness_keys for word in ("--witness-key", key.vkey)]
    arguments = ("check", str(file), "--origin", parts.origins[tree], *keys)
    checked = _json(run, *arguments, *witnesses, "--quorum", "1")
    assert checked["valid"] is True
    assert checked["witnesses"] == ["witness.example/w1"]
    assert checked["event"]["type"] == row_type(parts, row)
    assert "in a tree of" in run(*arguments).stdout
    assert _json(run, *arguments, "--quorum", "1", status=1)["valid"] is False
    assert "not proven" in run(*arguments, "--quorum", "1", status=1).stderr


def row_type(parts: LogParts, name: str) -> str:
    """The type of a row."""
    (found,) = [row.type for row in _rows(parts) if f"{row.writer}/{row.seq}" == name]
    return str(found)


def test_an_event_whose_key_is_gone_is_proven_closed(run: Run, parts: LogParts) -> None:
    row = _row_of(parts, Tree.PRIVATE)
    with parts.services.database.transaction() as tx:
        tx.connection.exec_driver_sql("UPDATE account SET data_key = NULL")
    assert "index " in run("prove", row).stdout
    assert "cannot be opened" in run("prove", row, "--open", status=1).stderr
    report = _json(run, "verify", "--open")
    assert report["whole"] is True
    assert report["opened"] < report["rows"]


def test_what_is_shown_says_how_far_everybody_is(run: Run, parts: LogParts) -> None:
    shown = run("show", "--keys").stdout
    assert f"public: {parts.origins[Tree.PUBLIC]}" in shown
    assert "witness:    witness.example/w1 cosigned" in shown
    assert shown.count("key: ") == 8
    found = _json(run, "show")["trees"]["private"]
    assert found["size"] == found["signed"] == found["counts"]


def test_a_conflict_with_a_witness_is_exit_status_1(run: Run, parts: LogParts) -> None:
    with parts.services.database.transaction() as tx:
        tx.connection.execute(update(log_witness).values(state="conflict"))
    assert "conflict" in run("show", status=1).stdout


def test_a_stuck_chain_is_exit_status_1(run: Run, parts: LogParts) -> None:
    services = parts.services
    with services.database.transaction() as tx:
        services.log.record(tx, PUBLIC_EVENT, data_key=None, now=services.time())
        writer = _row_of(parts, Tree.PUBLIC).rpartition("/")[0]
        seq = max(row.seq for row in _rows(parts) if row.writer == writer) + 1
        where = (log_event.c.writer == writer, log_event.c.seq == seq)
        tx.connection.execute(update(log_event).where(*where).values(facts="{}"))
    with pytest.raises(ChainStuck):
        _integrate(parts)
    assert "STUCK at " in run("show", status=1).stdout


_OBEYED = "\x1b[2J\x9b8m\n\u202e"
_SHOWN = r"\u001b[2J\u009b8m\n\u202e"


def test_text_of_the_database_is_shown_to_the_operator_and_never_obeyed(
    run: Run, parts: LogParts
) -> None:
    """Whoever may write there could take back, on the terminal, what the command has said."""
    with parts.services.database.transaction() as tx:
        odd = {"writer": f"x{_OBEYED}", "type": f"y{_OBEYED}", "facts": f'{{"z":"{_OBEYED}"}}'}
        row = dict(tx.connection.execute(log_event.select()).mappings().first() or {}) | odd
        row |= {"seq": 1, "prev_hash": GENESIS}
        row["row_hash"] = row_hash_of(tuple(row[name] for name in HASHED))
        tx.connection.execute(log_event.insert(), row)
    verified = run("verify", "--offline", status=1).output
    asked = run("accept", f"x{_OBEYED}/1", status=1).output
    assert f"x{_SHOWN}/1" in verified
    for shown in (f"x{_SHOWN}/1", f"y{_SHOWN}", f'facts {{"z":"{_SHOWN}"}}'):
        assert shown in asked
    for said in (verified, asked):
        assert not [one for line in said.split("\n") for one in line if not one.isprintable()]
    assert "THE LOG IS NOT WHOLE" in verified.splitlines()


def test_unknown_entries_are_refused_by_name(run: Run, parts: LogParts) -> None:
    for name in ("public:99999", "nobody/1", "nonsense"):
        result = CliRunner().invoke(log, ["prove", name])
        assert result.exit_code == 1
        assert name in str(result.exception)
    with parts.services.database.transaction() as tx:
        tx.connection.execute(delete(log_entry))
    assert "removed" in run("verify", status=1).stdout.lower()


def test_begin_anew_asks_and_names_what_stops(
    run: Run, parts: LogParts, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rename(origin: str) -> None:
        settings = msgspec.structs.replace(services.settings, log_origin=origin)

        @contextmanager
        def opened() -> Iterator[Services]:
            yield replace(services, settings=settings)

        monkeypatch.setattr("idp.cli.log.open_services", opened)

    origin = parts.origins[Tree.PUBLIC]
    words = ("begin-anew", "log.example/2", "--operator", "can.bo")
    asked = run(*words, status=1)
    assert f"{origin} ends; log.example/2/public begins" in asked.stderr
    assert "no checkpoint counts until every witness trusts" in asked.stderr
    assert open_log(parts.services).origins[Tree.PUBLIC] == origin
    vkeys = run(*words, "--yes").stdout.split()
    assert [vkey.partition("+")[0] for vkey in vkeys] == [
        *["log.example/2/public"] * 2,
        *["log.example/2/private"] * 2,
    ]
    _integrate(open_log(parts.services), later=timedelta(seconds=1))
    found = _json(run, "verify", "--offline", status=1)["findings"]
    assert {one["kind"] for one in found} >= {"renamed"}  # until the settings say the new name
    rename("log.example/2")
    report = _json(run, "verify", "--offline")
    assert {one["kind"] for one in report["remarks"]} == {"awaiting"}  # for witnesses' trust
    assert "witnesses have not confirmed it yet" in run("verify", "--offline").stdout
    shown = run("verify", status=1).stdout
    assert "NOT SHOWN" in shown
    assert "THE LOG IS NOT WHOLE" not in shown
    assert "refused" in run("show", status=1).stdout  # the witness does not know the new names


def test_the_key_of_a_signers_rows_is_made_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTIN_ISSUER", "https://id.example")
    monkeypatch.setenv("ANTIN_VAR", str(tmp_path))
    first = CliRunner().invoke(log, ["signer-key"])
    assert first.exit_code == 0, first.output
    assert len(bytes.fromhex(first.stdout.strip())) == 32
    assert CliRunner().invoke(log, ["signer-key"]).stdout == first.stdout
    assert "nothing was lost" in CliRunner().invoke(log, ["signer-key", "--new"]).stderr
    (tmp_path / "signer" / "log-key").chmod(0o640)
    assert CliRunner().invoke(log, ["signer-key"]).exit_code == 1


def test_a_lost_key_of_a_signers_rows_is_said_and_made_again_by_command_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signer has run in this folder: its ledger is there, and its key is not."""
    monkeypatch.setenv("ANTIN_ISSUER", "https://id.example")
    monkeypatch.setenv("ANTIN_VAR", str(tmp_path))
    first = CliRunner().invoke(log, ["signer-key"]).stdout
    (tmp_path / "signer" / "ledger.db").touch()
    (tmp_path / "signer" / "log-key").unlink()
    settings = read_settings()
    for ask in (
        lambda: CliRunner().invoke(log, ["signer-key"], catch_exceptions=False),
        lambda: ensure_log_key(settings),
        lambda: open_log_key(tmp_path / "signer"),
    ):
        with pytest.raises(LogKeyMissing, match=r"is gone.*ANTIN_SIGNER_LOG_KEYS"):
            ask()
    assert not (tmp_path / "signer" / "log-key").exists()
    another = CliRunner().invoke(log, ["signer-key", "--new"])
    assert another.exit_code == 0
    assert another.stdout != first
    assert CliRunner().invoke(log, ["signer-key"]).stdout == another.stdout
