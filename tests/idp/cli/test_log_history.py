"""What `antin log verify` says of a history that is not the one that witnesses have seen.

Through the command, with a witness that is a process of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, select, update

from idp.cli.log import log
from idp.cli.log_parts import LogParts, open_log
from idp.egress import Egress
from idp.egress.witnesses import EgressWitnesses
from idp.services import Services
from keystore.log.entries import Tree
from keystore.log.errors import ChainStuck
from keystore.log.events import MADE_FORM, Event, EventType
from keystore.log.record import LogWriter, find_writers, log_chain, log_event
from keystore.log.row_marks import RowMarks
from keystore.log.sequencer import Sequencer
from keystore.log.tree_tables import log_checkpoint, log_entry, log_tile, log_tree, log_witness
from keystore.log.witnessing import Witnessing
from keystore.purposes import LOG, MacPurpose
from keystore.recipient import recipient_of
from keystore.sealing import Sealer
from keystore.signer.log_sealing import RecipientSealer, public_log_key
from tests.support.log_trees import PUBLIC_EVENT, WitnessProcess, write_rows
from tests.support.provider import Provider

_TABLES: Final = (
    log_event,
    log_chain,
    log_tree,
    log_tile,
    log_entry,
    log_checkpoint,
    log_witness,
)
_LATER: Final = timedelta(minutes=11)


class Deployment:
    """A service with a witness, and what is done to its database."""

    def __init__(self, services: Services, witness: WitnessProcess) -> None:
        self.services = services
        self.witness = witness
        self.now = services.time()
        self.is_told = False
        self.later = _LATER

    def at(self, later: timedelta) -> datetime:
        """A while after the first entry."""
        return self.now + later

    def grow(self, *, later: timedelta = timedelta(0), origin: str = "", **rows: int) -> None:
        """Rows of a new writer, integrated and signed."""
        writer = LogWriter(self.services.sealer, writer_id="grown")
        write_rows(self.services.database, writer, self.at(later), **rows)
        parts = self.parts
        names = {tree: f"{origin}/{tree}" for tree in Tree}
        origins = names if origin else dict(parts.expected_origins)
        self.integrate(later=later, origins=origins)

    def integrate(
        self, *, later: timedelta = timedelta(0), origins: dict[Tree, str] | None = None
    ) -> None:
        """As the service does it every second."""
        settings = self.services.settings
        Sequencer(
            self.services.database,
            origins=origins or self.parts.expected_origins,
            keys=self.parts.keys,
            marks=RowMarks(self.services.sealer, signer_keys=settings.signer_log_keys),
        ).run(self.at(later))

    def insert(self, sealer: Sealer, *, later: timedelta, event: Event = PUBLIC_EVENT) -> str:
        """A row by whoever has the database and that sealer; returns its name."""
        writer = LogWriter(sealer, writer_id="forger")
        with self.services.database.transaction() as tx:
            writer.record(tx, event, data_key=None, now=self.at(later))
        with self.services.database.read() as connection:
            (found,) = [one for one in find_writers(connection) if one.startswith("forger.")]
        return f"{found}/1"

    def ask_witness(self, *, later: timedelta = timedelta(0)) -> None:
        """One round of asking for cosignatures."""
        Witnessing(
            self.services.database,
            witnesses=self.parts.witnesses,
            transport=EgressWitnesses(self.services.egress),
        ).run(self.at(later))

    def copy(self) -> dict[Any, list[dict[str, Any]]]:
        """Everything that the database says of the log."""
        with self.services.database.read() as connection:
            return {
                table: [dict(row._mapping) for row in connection.execute(table.select())]
                for table in _TABLES
            }

    def put_back(self, copy: dict[Any, list[dict[str, Any]]]) -> None:
        """That, in the place of what it says now."""
        with self.services.database.transaction() as tx:
            for table in _TABLES:
                tx.connection.execute(delete(table))
                if copy.get(table):
                    tx.connection.execute(table.insert(), copy[table])

    @property
    def parts(self) -> LogParts:
        """What commands work with."""
        return open_log(self.services)


@pytest.fixture
def deployment(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Deployment]:
    """Ten entries in each tree, signed and cosigned."""
    base = provider.services
    now = base.time()
    base.keyrings.of(LOG).ensure(now)
    names = open_log(base).log_keys((), now=now).values()
    witness = WitnessProcess(
        tmp_path / "witness",
        name="witness.example/w1",
        logs=tuple(key for keys in names for key in keys),
    )
    setting = " ".join((witness.config.url, *(key.vkey for key in witness.config.keys)))
    settings = msgspec.structs.replace(base.settings, log_witnesses=(setting,))
    services = replace(base, settings=settings, egress=Egress(allow_insecure=True))
    found = Deployment(services, witness)

    @contextmanager
    def opened() -> Iterator[Services]:
        told = found.services if found.is_told else services
        yield replace(told, time=lambda: found.at(found.later))

    monkeypatch.setattr("idp.cli.log.open_services", opened)
    found.grow(private=10, public=10)
    found.ask_witness()
    yield found
    witness.stop()


def _verify(*arguments: str, status: int) -> tuple[str, set[str]]:
    shown = CliRunner().invoke(log, ["verify", *arguments])
    assert shown.exit_code == status, (shown.output, shown.exception)
    report = json.loads(CliRunner().invoke(log, ["verify", "--json", *arguments]).stdout)
    return shown.stdout, {one["kind"] for one in report["findings"]}


def test_what_witnesses_confirm_is_whole(deployment: Deployment) -> None:
    shown, kinds = _verify(status=0)
    assert "the log is whole" in shown
    assert not kinds


@pytest.mark.parametrize("size", [40, 5])
def test_a_rewrite_under_the_same_name_is_found(deployment: Deployment, size: int) -> None:
    """Shown by: a full rewrite with the log key is found."""
    deployment.put_back({})
    deployment.grow(private=size, public=size)
    _verify("--offline", status=1)  # nobody cosigned it
    shown, kinds = _verify(status=1)
    assert "THE LOG IS NOT WHOLE" in shown
    assert ("rewritten" if size > 10 else "rolled_back") in kinds


def test_a_rewrite_under_another_name_is_found(deployment: Deployment) -> None:
    deployment.put_back({})
    deployment.grow(private=40, public=40, origin="evil.example")
    _, offline = _verify("--offline", status=1)
    assert "renamed" in offline
    shown, kinds = _verify(status=1)
    assert {"renamed", "rewritten"} <= kinds
    assert "evil.example/public" in shown


def test_a_witness_that_knows_nothing_of_a_tree_is_a_finding(deployment: Deployment) -> None:
    for file in (deployment.witness.folder.path / "state").iterdir():
        file.write_text("never seen\n")
    _, kinds = _verify(status=1)
    assert "unwitnessed" in kinds


def test_a_rollback_is_found_through_the_command(deployment: Deployment) -> None:
    """Shown by: an older state of the database, whole in itself."""
    copy = deployment.copy()
    deployment.grow(private=5, public=5)
    deployment.ask_witness(later=timedelta(seconds=30))
    deployment.put_back(copy)
    assert _verify("--offline", status=0)[1] == set()
    assert _verify(status=1)[1] == {"rolled_back"}


def test_a_fork_is_found_through_the_command(deployment: Deployment) -> None:
    """Shown by: one history for the witness, another for whoever reads the database."""
    copy = deployment.copy()
    deployment.grow(private=5, public=5)
    deployment.ask_witness(later=timedelta(seconds=30))
    deployment.put_back(copy)
    deployment.grow(private=8, public=8)
    assert "rewritten" in _verify(status=1)[1]


def test_a_silent_witness_shows_nothing(deployment: Deployment) -> None:
    deployment.witness.stop()
    shown, kinds = _verify(status=1)
    assert "NOT SHOWN" in shown
    assert "the log is whole" not in shown
    assert not kinds


@pytest.mark.parametrize("keeps_note", [True, False])
def test_stripped_cosignatures_are_found(deployment: Deployment, keeps_note: bool) -> None:
    with deployment.services.database.transaction() as tx:
        if keeps_note:
            stripped = update(log_checkpoint).values(cosignatures="", witnessed_ms=None)
            tx.connection.execute(stripped)
        else:
            tx.connection.execute(delete(log_checkpoint))
    assert _verify("--offline", status=1)[1] == {"unwitnessed"}
    assert _verify(status=1)[1] == {"unwitnessed"}


@pytest.mark.parametrize("has_mark", [True, False])
def test_an_added_row_is_never_taken_in_and_is_named(
    deployment: Deployment, has_mark: bool
) -> None:
    """Shown by: a single added row is found, also when the sequencer has run since."""
    forger = RecipientSealer(Ed25519PrivateKey.generate())
    row = deployment.insert(forger, later=timedelta(seconds=1))
    if not has_mark:
        with deployment.services.database.transaction() as tx:
            where = log_event.c.writer == row.partition("/")[0]
            tx.connection.execute(update(log_event).where(where).values(mark=None))
    with pytest.raises(ChainStuck, match="forger"):
        deployment.integrate(later=timedelta(seconds=2))
    shown, kinds = _verify(status=1)
    assert {"added", "stuck"} <= kinds
    assert f"ADDED       {row}  not recorded by this service" in shown


def test_an_added_row_that_got_into_a_tree_is_named(deployment: Deployment) -> None:
    """By somebody who grew the trees as well, and had them signed by the service."""
    row = deployment.insert(
        RecipientSealer(Ed25519PrivateKey.generate()), later=timedelta(seconds=1)
    )
    parts = deployment.parts
    sequencer = Sequencer(
        deployment.services.database, origins=parts.expected_origins, keys=parts.keys
    )
    sequencer.run(deployment.at(timedelta(seconds=2)))
    deployment.ask_witness(later=timedelta(seconds=3))
    shown, kinds = _verify(status=1)
    assert kinds == {"added"}
    assert row in shown


def test_rows_of_a_signer_are_known_by_the_key_in_the_settings(
    deployment: Deployment,
) -> None:
    key = Ed25519PrivateKey.generate()
    deployment.services = replace(
        deployment.services,
        settings=msgspec.structs.replace(
            deployment.services.settings, signer_log_keys=(public_log_key(key),)
        ),
    )
    deployment.insert(RecipientSealer(key), later=timedelta(seconds=1))
    deployment.integrate(later=timedelta(seconds=2))
    deployment.ask_witness(later=timedelta(seconds=3))
    assert "added" in _verify(status=1)[1]  # this command does not know the key
    deployment.is_told = True
    assert _verify("--open", status=0)[1] == set()


def test_an_operator_accepts_a_row_that_nobody_known_has_marked(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after the key of a signer's rows was lost together with its public half."""

    @contextmanager
    def opened() -> Iterator[Services]:
        yield deployment.services

    monkeypatch.setattr("idp.cli.log_acceptance.open_services", opened)
    row = deployment.insert(
        RecipientSealer(Ed25519PrivateKey.generate()), later=timedelta(seconds=1)
    )
    with pytest.raises(ChainStuck, match="forger"):
        deployment.integrate(later=timedelta(seconds=2))
    words = ("accept", row, "--operator", "anh")
    asked = CliRunner().invoke(log, words, input="n\n")
    assert asked.exit_code == 1
    assert f"{row}  " in asked.stderr
    assert "you vouch for them" in asked.stderr
    assert "added" in _verify(status=1)[1]
    done = CliRunner().invoke(log, (*words, "--yes"))
    assert done.stdout == f"accepted: {row}\n"
    deployment.integrate(later=timedelta(seconds=3))
    deployment.ask_witness(later=timedelta(seconds=4))
    shown, kinds = _verify(status=0)
    assert not kinds
    assert f"ACCEPTED    {row}  by anh, " in shown
    again = CliRunner().invoke(log, (*words, "--yes"))
    assert "recorded" in str(again.exception)
    for wrong in ("public:1", "nobody/1"):
        assert wrong in str(CliRunner().invoke(log, ("accept", wrong, "--yes")).exception)
    assert CliRunner().invoke(log, ("accept", "a/5", "--to", "4", "--yes")).exit_code == 2


def test_rows_without_marks_are_marked_by_an_operator_who_was_asked(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def opened() -> Iterator[Services]:
        yield deployment.services

    monkeypatch.setattr("idp.cli.log_acceptance.open_services", opened)
    words = ("mark-older", "--operator", "anh")
    assert CliRunner().invoke(log, words).stdout == "every row has a mark\n"
    deployment.insert(deployment.services.sealer, later=timedelta(seconds=1))
    with deployment.services.database.transaction() as tx:
        of_row = log_event.c.writer.startswith("forger.")
        tx.connection.execute(update(log_event).where(of_row).values(mark=None))
    asked = CliRunner().invoke(log, words, input="n\n")
    assert asked.exit_code == 1
    assert "1 rows of 1 chains" in asked.stderr
    assert CliRunner().invoke(log, (*words, "--yes")).stdout == "1 rows marked\n"
    deployment.integrate(later=timedelta(seconds=2))
    deployment.ask_witness(later=timedelta(seconds=3))
    shown, _ = _verify(status=0)
    assert "MARKED      1 rows  by anh, " in shown


def _restored(deployment: Deployment, *, made: timedelta, later: timedelta) -> None:
    """What `antin restore` records."""
    facts = {"made": f"{deployment.at(made):{MADE_FORM}}", "operator": "anh"}
    event = Event(EventType.BACKUP_RESTORED, facts=facts)
    deployment.insert(deployment.services.sealer, later=later, event=event)


def test_what_a_backup_had_before_witnesses_saw_it_is_no_fault_after_a_restore(
    deployment: Deployment,
) -> None:
    """The backup was made between the signature and the witness."""
    deployment.grow(private=5, public=5, later=timedelta(minutes=1))
    assert _verify("--offline", status=1)[1] == {"unwitnessed"}
    _restored(deployment, made=timedelta(minutes=1), later=timedelta(minutes=2))
    shown, kinds = _verify("--offline", status=0)
    assert not kinds
    assert "AWAITING    private:" in shown
    assert "since operation:backup:restored" in shown
    assert "the log is whole" not in shown


def test_a_restore_excuses_no_entries_of_long_before_the_backup(deployment: Deployment) -> None:
    _restored(deployment, made=timedelta(minutes=8), later=timedelta(minutes=9))
    with deployment.services.database.transaction() as tx:
        tx.connection.execute(update(log_checkpoint).values(cosignatures="", witnessed_ms=None))
    assert _verify("--offline", status=1)[1] == {"unwitnessed"}


def test_a_restore_excuses_nothing_for_longer_than_a_week(deployment: Deployment) -> None:
    deployment.grow(private=5, public=5, later=timedelta(minutes=1))
    _restored(deployment, made=timedelta(minutes=1), later=timedelta(minutes=2))
    deployment.later = timedelta(days=7)
    _verify("--offline", status=0)
    deployment.later = timedelta(days=7, minutes=3)
    assert _verify("--offline", status=1)[1] == {"unwitnessed"}


def test_a_restore_that_somebody_else_recorded_excuses_nothing(deployment: Deployment) -> None:
    deployment.grow(private=5, public=5, later=timedelta(minutes=1))
    event = Event(EventType.LOG_BEGUN_ANEW)
    forger = RecipientSealer(Ed25519PrivateKey.generate())
    deployment.insert(forger, later=timedelta(minutes=2), event=event)
    assert "unwitnessed" in _verify("--offline", status=1)[1]


@pytest.mark.parametrize("is_signers", [True, False])
def test_what_a_signer_sealed_to_somebody_else_is_closed_and_not_forged(
    deployment: Deployment, is_signers: bool
) -> None:
    """Whoever may ask the signer for a key names to whom its rows are sealed."""
    key = Ed25519PrivateKey.generate()
    settings = msgspec.structs.replace(
        deployment.services.settings, signer_log_keys=(public_log_key(key),)
    )
    deployment.services = replace(deployment.services, settings=settings)
    deployment.is_told = True
    stranger = recipient_of(b"a data key of nobody here, 32 b!")
    writer = LogWriter(RecipientSealer(key), writer_id="signer")
    event = Event(EventType.PERSONAL_KEY_CREATED, account_id="acc_nobody", facts={"key_id": "k"})
    with deployment.services.database.transaction() as tx:
        writer.record(tx, event, data_key=stranger, now=deployment.at(timedelta(seconds=1)))
        if not is_signers:
            of_row = log_event.c.writer.startswith("signer.")
            row_hash = tx.connection.execute(select(log_event.c.row_hash).where(of_row)).scalar()
            mark = deployment.services.sealer.mac(MacPurpose.LOG, row_hash or b"")
            tx.connection.execute(update(log_event).where(of_row).values(mark=mark))
    deployment.integrate(later=timedelta(seconds=2))
    deployment.ask_witness(later=timedelta(seconds=3))
    shown, kinds = _verify("--open", status=0 if is_signers else 1)
    assert kinds == (set() if is_signers else {"forged"})
    assert ("CLOSED      signer." in shown) == is_signers


def test_a_row_sealed_to_nobody_is_not_forged_and_one_of_no_account_is(
    deployment: Deployment,
) -> None:
    sealer = deployment.services.sealer
    event = Event(EventType.PASSWORD_CHANGED, account_id="no-such-account")
    row = deployment.insert(sealer, later=timedelta(seconds=1), event=event)
    with deployment.services.database.transaction() as tx:
        where = log_event.c.writer == row.partition("/")[0]
        tx.connection.execute(update(log_event).where(where).values(sealed=b"\x02" + bytes(99)))
    shown, _ = _verify("--open", "--offline", status=1)
    assert f"FORGED      {row}" in shown
