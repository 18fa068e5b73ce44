"""Proofs are against what counts, for whoever may have them, and lead to what was signed."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, delete, select, update

from idp.storage.database import Database
from keystore.errors import SealBroken
from keystore.log.checkpoint_storage import find_checkpoint
from keystore.log.entries import Tree
from keystore.log.errors import (
    EntryPending,
    EntryUnknown,
    LogError,
    NoteMalformed,
    NoteNotTrusted,
    ProofForbidden,
    ProofInvalid,
    TreeDamaged,
)
from keystore.log.events import Event, EventType
from keystore.log.merkle import find_root, hash_leaf
from keystore.log.openings import Opening, find_owner, open_event
from keystore.log.proof_text import format_proof, verify_proof
from keystore.log.proofs import Everyone, Proofs, PublicOnly, parse_entry_name
from keystore.log.record import LogWriter, log_event
from keystore.log.sequencer import Sequencer, make_nodes
from keystore.log.tree_storage import Place
from keystore.log.tree_tables import log_checkpoint, log_tile
from keystore.sealing import Sealer
from tests.support.log_trees import ORIGINS, RawLogKeys
from tests.support.rfc9162 import is_consistent, is_included

_ACCOUNT = "acc_0123456789abcdefghijklmn"


@pytest.fixture
def proofs(database: Database) -> Proofs:
    """Where there is no witness."""
    return Proofs(database, quorum=0)


@pytest.fixture
def grown(sequencer: Sequencer, write: Callable[..., None], now: datetime) -> None:
    """Three hundred entries in each tree."""
    write(private=300, public=300)
    sequencer.run(now)


def test_every_entry_is_proven(grown: None, proofs: Proofs) -> None:
    for tree in Tree:
        for position in (0, 1, 255, 256, 299):
            proof = proofs.include(tree, position, asking=Everyone())
            assert is_included(
                hash_leaf(proof.entry),
                index=position,
                size=proof.checkpoint.size,
                path=proof.hashes,
                root=proof.checkpoint.root,
            )


def test_the_tree_of_then_is_the_beginning_of_the_tree_of_now(
    database: Database, grown: None, proofs: Proofs
) -> None:
    with database.read() as connection:
        nodes = make_nodes(connection, Tree.PRIVATE)
        roots = {size: find_root(size, nodes=nodes) for size in (1, 2, 255, 256, 257, 300)}
    for old, first in roots.items():
        for new, second in roots.items():
            if old <= new:
                path = proofs.consistent(Tree.PRIVATE, old=old, new=new)
                assert is_consistent(
                    path, first=old, second=new, first_hash=first, second_hash=second
                )


def test_what_no_witness_has_signed_is_pending(
    database: Database, grown: None, now: datetime
) -> None:
    witnessed = Proofs(database, quorum=1)
    with pytest.raises(EntryPending):
        witnessed.include(Tree.PUBLIC, 0, asking=Everyone())
    with pytest.raises(EntryUnknown):
        witnessed.consistent(Tree.PUBLIC, old=1, new=2)
    assert witnessed.tile(level=0, tile=0, width=256) is None
    assert witnessed.entries(tile=0, width=256) is None
    assert witnessed.checkpoint(Tree.PUBLIC) is None
    with database.transaction() as tx:
        tx.connection.execute(update(log_checkpoint).values(witnessed_ms=1))
    assert witnessed.include(Tree.PUBLIC, 0, asking=Everyone()).position == 0


def test_an_entry_behind_the_checkpoint_is_pending(
    sequencer: Sequencer,
    grown: None,
    write: Callable[..., None],
    proofs: Proofs,
    now: datetime,
) -> None:
    write(public=1)
    sequencer.integrate(now)
    with pytest.raises(EntryPending):
        proofs.include(Tree.PUBLIC, 300, asking=Everyone())
    with pytest.raises(EntryUnknown):
        proofs.consistent(Tree.PUBLIC, old=0, new=301)


def test_private_entries_are_proven_to_whoever_may_see_them(
    database: Database, grown: None, proofs: Proofs
) -> None:
    """Architecture, "State": proofs going to the person concerned and to auditors."""

    class Nobody:
        def may_prove(self, connection: Connection, place: Place) -> bool:
            return False

    proofs.include(Tree.PUBLIC, 1, asking=PublicOnly())
    for asking in (PublicOnly(), Nobody()):
        with pytest.raises(ProofForbidden):
            proofs.include(Tree.PRIVATE, 1, asking=asking)
    with database.read() as connection:
        writer = connection.execute(select(log_event.c.writer)).scalars().first()
    with pytest.raises(ProofForbidden):
        proofs.include_row(writer, seq=1, asking=PublicOnly())


def test_what_does_not_exist_is_not_proven(grown: None, proofs: Proofs) -> None:
    with pytest.raises(EntryUnknown):
        proofs.include(Tree.PUBLIC, 300, asking=Everyone())
    with pytest.raises(EntryUnknown):
        proofs.include_row("nobody", seq=1, asking=Everyone())
    for old, new in ((2, 1), (-1, 1), (0, 301)):
        with pytest.raises(EntryUnknown):
            proofs.consistent(Tree.PUBLIC, old=old, new=new)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("public:12", (Tree.PUBLIC, 12)),
        ("private:0", (Tree.PRIVATE, 0)),
        ("web-1.host.0a1b/7", ("web-1.host.0a1b", 7)),
    ],
)
def test_entries_have_names(name: str, expected: object) -> None:
    assert parse_entry_name(name) == expected


@pytest.mark.parametrize(
    "name", ["", "12", "public", "public:", "public:x", "secret:1", "/1", "w/", "w/x", "w/٣"]
)
def test_other_words_are_no_names(name: str) -> None:
    with pytest.raises(EntryUnknown):
        parse_entry_name(name)


def test_nothing_is_proven_out_of_a_damaged_tree(
    database: Database, grown: None, proofs: Proofs
) -> None:
    with database.transaction() as tx:
        where = (log_tile.c.tree == "public", log_tile.c.level == 0, log_tile.c.tile == 1)
        tx.connection.execute(update(log_tile).where(*where).values(hashes=bytes(32 * 44)))
    with pytest.raises(TreeDamaged):
        proofs.include(Tree.PUBLIC, 0, asking=Everyone())


def test_missing_rows_are_noticed_when_entries_are_served(
    database: Database, grown: None, proofs: Proofs
) -> None:
    with database.transaction() as tx:
        tx.connection.execute(delete(log_event).where(log_event.c.seq == 301))
    with pytest.raises(TreeDamaged):
        proofs.entries(tile=0, width=256)


@pytest.fixture
def person(
    database: Database, sealer: Sealer, log: LogWriter, sequencer: Sequencer, now: datetime
) -> bytes:
    """An event about a person, in the private tree; returns the data key."""
    data_key = sealer.make_data_key(context=_ACCOUNT)
    event = Event(
        EventType.SESSION_STARTED,
        account_id=_ACCOUNT,
        facts={"level": 1},
        personal={"device": "Máy tính của Lan"},
    )
    with database.transaction() as tx:
        log.record(tx, event, data_key=data_key, now=now)
    sequencer.run(now)
    return data_key


@pytest.fixture
def prove(database: Database, proofs: Proofs, sealer: Sealer, person: bytes) -> Callable[..., str]:
    """The text of a proof of that event, opened or not."""

    def call(*, opens: bool = True) -> str:
        proof = proofs.include(Tree.PRIVATE, 0, asking=Everyone())
        with database.read() as connection:
            writer = connection.execute(select(log_event.c.writer)).scalar_one()
            opening = open_event(connection, writer=writer, seq=1, sealer=sealer, data_key=person)
        return format_proof(proof, opening=opening if opens else None)

    return call


@pytest.fixture
def check(log_keys: RawLogKeys, now: datetime) -> Callable[..., Any]:
    """Checks a proof as an outsider does."""

    def call(text: str, **changes: Any) -> Any:
        origin = ORIGINS[Tree.PRIVATE]
        arguments: dict[str, Any] = {
            "expected_origin": origin,
            "log_keys": log_keys.verifiers(origin, now=now),
        }
        return verify_proof(text.encode(), **(arguments | changes))

    return call


def test_an_outsider_checks_a_proof_with_public_keys_alone(
    prove: Callable[..., str], check: Callable[..., Any], now: datetime
) -> None:
    verified = check(prove())
    assert verified.position == 0
    assert verified.entry.hour == int(now.timestamp()) // 3600
    event = json.loads(verified.event)
    assert (event["account_id"], event["personal"]) == (_ACCOUNT, {"device": "Máy tính của Lan"})
    closed = prove(opens=False)
    assert check(closed).event is None
    assert _ACCOUNT not in base64.b64decode(closed.split("\n")[1].split()[1]).decode()


def test_a_proof_has_the_form_of_the_specification(prove: Callable[..., str]) -> None:
    """tlog-proof, "Format"."""
    lines = prove().split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert lines[1].startswith("extra ")
    assert lines[2:4] == ["index 0", ""]
    assert lines[4:6] == ["log.example/private", "1"]


def _edit(text: str, **changes: str) -> str:
    lines = text.split("\n")
    extra = json.loads(base64.b64decode(lines[1].split()[1]))
    lines[1] = "extra " + base64.b64encode(json.dumps(extra | changes).encode()).decode()
    return "\n".join(lines)


def test_another_event_is_not_proven(prove: Callable[..., str], check: Callable[..., Any]) -> None:
    text = prove()
    with pytest.raises(ProofInvalid, match="event"):
        check(_edit(text, event='{"account_id":"acc_other"}'))
    with pytest.raises(ProofInvalid, match="event"):
        check(_edit(text, nonce=base64.b64encode(bytes(32)).decode()))
    with pytest.raises(ProofInvalid, match="root"):
        check(_edit(text, entry=base64.b64encode(b"\x01" + bytes(68)).decode()))


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text.replace("@v1", "@v2"),
        lambda text: text.replace("index 0", "index 00"),
        lambda text: text.replace("index 0", "index 1"),
        lambda text: text.replace("index 0\n", "index 0\nAAAA\n"),
        lambda text: text.replace("extra ", "extra !"),
        lambda text: text.replace("extra ", "more "),
        lambda text: text.replace("\n1\n", "\n2\n"),
        lambda text: text.partition("\n\n")[0],
        lambda text: _edit(text, more="x"),
        lambda text: _edit(text, entry="AAAA"),
        lambda text: text + "x" * 300_000,
    ],
)
def test_a_damaged_proof_is_refused(
    prove: Callable[..., str], check: Callable[..., Any], damage: Callable[[str], str]
) -> None:
    with pytest.raises(LogError):
        check(damage(prove()))


def test_a_proof_without_the_witness_that_is_asked_for_is_refused(
    prove: Callable[..., str], check: Callable[..., Any]
) -> None:
    text = prove()
    with pytest.raises(NoteNotTrusted, match="too_few_witnesses"):
        check(text, quorum=1)
    with pytest.raises(NoteMalformed, match="origin"):
        check(text, expected_origin=ORIGINS[Tree.PUBLIC])


def test_an_event_opens_with_its_key_alone(
    database: Database, sealer: Sealer, person: bytes
) -> None:
    with database.read() as connection:
        writer = connection.execute(select(log_event.c.writer)).scalar_one()
        assert find_owner(connection, writer=writer, seq=1) == _ACCOUNT
        opening = open_event(connection, writer=writer, seq=1, sealer=sealer, data_key=person)
        assert opening.leaf == connection.execute(select(log_event.c.leaf)).scalar_one()
        for other in (None, sealer.make_data_key(context="acc_other")):
            with pytest.raises(SealBroken):
                open_event(connection, writer=writer, seq=1, sealer=sealer, data_key=other)
        with pytest.raises(EntryUnknown):
            open_event(connection, writer=writer, seq=2, sealer=sealer, data_key=person)
        with pytest.raises(EntryUnknown):
            find_owner(connection, writer=writer, seq=2)


@pytest.mark.parametrize(
    "values", [{"facts": '{"level":2}'}, {"facts": "[]"}, {"facts": "{"}, {"type": "no:such:type"}]
)
def test_a_row_that_is_not_what_was_recorded_does_not_open(
    database: Database, sealer: Sealer, person: bytes, values: dict[str, str]
) -> None:
    with database.transaction() as tx:
        tx.connection.execute(update(log_event).values(**values))
    with database.read() as connection:
        writer = connection.execute(select(log_event.c.writer)).scalar_one()
        with pytest.raises(SealBroken):
            open_event(connection, writer=writer, seq=1, sealer=sealer, data_key=person)


def test_without_the_data_key_the_log_verifies_and_the_event_can_not_even_be_guessed(
    database: Database,
    sealer: Sealer,
    person: bytes,
    prove: Callable[..., str],
    check: Callable[..., Any],
    whole: Callable[..., Any],
    now: datetime,
) -> None:
    """Shown by: after a person's data key is destroyed verification still passes."""
    event = check(prove()).event
    del person  # nobody has it any more
    assert whole().is_whole
    with database.read() as connection:
        row = connection.execute(select(log_event)).one()
    assert b"Lan" not in b"".join(value for value in row if isinstance(value, bytes))
    # whoever guesses every word of it still has no nonce
    assert Opening(bytes(32), event).leaf != row.leaf
    assert check(prove_closed(database)).event is None


def prove_closed(database: Database) -> str:
    """A proof that can still be made: that there is an entry."""
    return format_proof(Proofs(database, quorum=0).include(Tree.PRIVATE, 0, asking=Everyone()))


def test_proofs_go_on_while_the_tree_grows(
    database: Database,
    grown: None,
    proofs: Proofs,
    sequencer: Sequencer,
    write: Callable[..., None],
    now: datetime,
) -> None:
    for step in range(4):
        write(public=100)
        sequencer.run(now + timedelta(seconds=step))
        proof = proofs.include(Tree.PUBLIC, 299 + step * 100, asking=PublicOnly())
        with database.read() as connection:
            newest = find_checkpoint(connection, Tree.PUBLIC)
        assert newest is not None
        assert proof.checkpoint == replace(newest)
        assert is_included(
            hash_leaf(proof.entry),
            index=proof.position,
            size=newest.size,
            path=proof.hashes,
            root=newest.root,
        )
