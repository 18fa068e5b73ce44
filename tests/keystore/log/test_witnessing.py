"""What the log learns of its witnesses, and what it does not let itself be told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from idp.storage.database import Database
from keystore.log.checkpoint_storage import (
    find_checkpoint,
    read_witness_states,
)
from keystore.log.entries import Tree
from keystore.log.errors import NoteMalformed, WitnessUnreachable
from keystore.log.sequencer import Sequencer
from keystore.log.witness import SIZE_TYPE, Witness
from keystore.log.witness_folder import WitnessFolder
from keystore.log.witnessing import (
    CONFLICT,
    COSIGNED,
    REFUSED,
    UNREACHABLE,
    WitnessConfig,
    Witnessing,
    WitnessReply,
    fetch_latest,
    parse_witness,
)
from tests.support.log_trees import RawLogKeys

_LATER = timedelta(seconds=11)


class _InProcess:
    """Witnesses without a network; `answers` are given in their place."""

    def __init__(self, now: datetime) -> None:
        self.witnesses: dict[str, Witness] = {}
        self.answers: list[WitnessReply | None] = []
        self.asked = 0
        self.before: Callable[[bytes], None] | None = None
        self._now = now

    def post(self, url: str, *, body: bytes) -> WitnessReply:
        self.asked += 1
        if self.before is not None:
            self.before(body)
        if self.answers:
            reply = self.answers.pop(0)
            if reply is None:
                raise WitnessUnreachable
            return reply
        answer = self.witnesses[url.removesuffix("/add-checkpoint")].add_checkpoint(
            body, now=self._now
        )
        return WitnessReply(answer.status, answer.content_type, answer.body.encode())

    def get(self, url: str) -> WitnessReply:
        return WitnessReply(404, "text/plain", b"")


@pytest.fixture
def transport(now: datetime) -> _InProcess:
    """The way to them."""
    return _InProcess(now)


@pytest.fixture
def make_witness(
    transport: _InProcess, log_keys: RawLogKeys, tmp_path: Path, now: datetime
) -> Callable[[str], WitnessConfig]:
    """A witness by its number."""

    def make(name: str) -> WitnessConfig:
        folder = WitnessFolder(tmp_path / name)
        keys = folder.create(name=f"witness.example/{name}")
        logs = {keys[0].name: keys for keys in log_keys.by_tree(now).values()}
        folder.add_logs([key.vkey for of_log in logs.values() for key in of_log])
        url = f"https://{name}.example"
        transport.witnesses[url] = Witness(folder, signers=folder.read_signers(), logs=logs)
        return WitnessConfig(f"witness.example/{name}", url, keys)

    return make


@pytest.fixture
def one(
    database: Database, transport: _InProcess, make_witness: Callable[[str], WitnessConfig]
) -> Witnessing:
    """One witness."""
    return Witnessing(database, witnesses=[make_witness("w1")], transport=transport)


@pytest.fixture
def signed(sequencer: Sequencer, write: Callable[..., None], now: datetime) -> None:
    """Something to cosign."""
    write(private=3)
    sequencer.run(now)


def _state(database: Database) -> tuple[str, int, int]:
    with database.read() as connection:
        (state,) = read_witness_states(connection, Tree.PRIVATE)
    return state.state, state.size, state.status


def _counts(database: Database) -> int | None:
    with database.read() as connection:
        found = find_checkpoint(connection, Tree.PRIVATE, is_witnessed=True)
    return None if found is None else found.size


def test_it_counts_when_the_quorum_has_signed(
    database: Database,
    transport: _InProcess,
    make_witness: Callable[[str], WitnessConfig],
    signed: None,
    now: datetime,
) -> None:
    first, second = make_witness("w1"), make_witness("w2")
    Witnessing(database, witnesses=[first], transport=transport, quorum=2).run(now)
    assert _counts(database) is None
    both = Witnessing(database, witnesses=[first, second], transport=transport, quorum=2)
    both.run(now)
    assert _counts(database) == 3
    both.run(now + timedelta(minutes=11))  # signed again, not twice
    with database.read() as connection:
        found = find_checkpoint(connection, Tree.PRIVATE)
    assert found is not None
    assert found.cosignatures.count("— ") == 4


def test_a_witness_of_which_we_forgot_everything_tells_how_far_it_is(
    database: Database,
    transport: _InProcess,
    make_witness: Callable[[str], WitnessConfig],
    sequencer: Sequencer,
    signed: None,
    write: Callable[..., None],
    now: datetime,
) -> None:
    """tlog-witness: a request with an old size of zero is answered with the size."""
    config = make_witness("w1")
    Witnessing(database, witnesses=[config], transport=transport).run(now)
    write(private=4)
    sequencer.run(now)
    with database.transaction() as tx:
        tx.connection.exec_driver_sql("DELETE FROM log_witness")
    transport.asked = 0
    Witnessing(database, witnesses=[config], transport=transport).run(now)
    assert _counts(database) == 7
    assert transport.asked == 3  # the private tree twice, the public one once


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        (WitnessReply(409, SIZE_TYPE, b"9\n"), CONFLICT),
        (WitnessReply(409, f"{SIZE_TYPE}; charset=utf-8", b"9\n"), CONFLICT),
        (WitnessReply(409, SIZE_TYPE, b"0\n"), CONFLICT),
        (WitnessReply(422, "text/plain", b""), CONFLICT),
        (WitnessReply(409, "text/plain", b"2\n"), CONFLICT),
        (WitnessReply(409, SIZE_TYPE, b"02\n"), CONFLICT),
        (WitnessReply(403, "text/plain", b""), REFUSED),
        (WitnessReply(404, "text/plain", b""), REFUSED),
        (WitnessReply(500, "text/plain", b""), REFUSED),
        (WitnessReply(200, "text/plain", b""), REFUSED),
        (WitnessReply(200, "text/plain", b"\xff"), REFUSED),
        (WitnessReply(200, "text/plain", "— w AAAAAAA=\n".encode()), REFUSED),
        (None, UNREACHABLE),
    ],
)
def test_what_is_no_cosignature_does_not_count(
    database: Database,
    transport: _InProcess,
    one: Witnessing,
    signed: None,
    now: datetime,
    reply: WitnessReply | None,
    state: str,
) -> None:
    transport.answers = [reply] * 2
    one.run(now)
    assert _state(database)[0] == state
    assert _counts(database) is None
    transport.answers = []
    transport.asked = 0
    one.run(now + timedelta(seconds=5))
    assert transport.asked == 0  # not at once again
    one.run(now + _LATER)
    assert _state(database) == (COSIGNED, 3, 200)
    assert _counts(database) == 3


def test_a_false_cosignature_does_not_count(
    database: Database,
    transport: _InProcess,
    make_witness: Callable[[str], WitnessConfig],
    signed: None,
    now: datetime,
) -> None:
    """tlog-witness: the client MUST ignore any cosignatures from unknown keys."""
    trusted, other = make_witness("w1"), make_witness("w2")
    wrong = WitnessConfig(trusted.name, other.url, trusted.keys)
    Witnessing(database, witnesses=[wrong], transport=transport).run(now)
    assert _state(database)[0] == REFUSED
    assert _counts(database) is None


def test_a_witness_that_goes_round_in_circles_is_left_alone(
    database: Database, transport: _InProcess, one: Witnessing, signed: None, now: datetime
) -> None:
    transport.answers = [WitnessReply(409, SIZE_TYPE, b"%d\n" % size) for size in (1, 2, 1, 2)]
    one.run(now)
    assert transport.asked == 3 + 1
    assert _state(database)[0] == CONFLICT


def test_another_process_that_was_quicker_is_no_conflict(
    database: Database,
    transport: _InProcess,
    one: Witnessing,
    sequencer: Sequencer,
    signed: None,
    write: Callable[..., None],
    now: datetime,
) -> None:
    def overtake(body: bytes) -> None:
        if b"log.example/private" in body:
            transport.before = None
            write(private=2)
            sequencer.run(now)
            one.run(now)

    transport.before = overtake
    one.run(now)
    assert _state(database)[:2] == (COSIGNED, 5)


def test_a_witness_is_read_from_a_setting(
    make_witness: Callable[[str], WitnessConfig],
) -> None:
    made = make_witness("w1")
    text = " ".join((f"{made.url}/", *(key.vkey for key in made.keys)))
    assert parse_witness(text) == made


def test_what_is_no_witness_is_refused(
    make_witness: Callable[[str], WitnessConfig], log_keys: RawLogKeys, now: datetime
) -> None:
    first, second = make_witness("w1"), make_witness("w2")
    of_log = log_keys.verifiers("log.example/public", now=now)[0]
    for words in (
        (first.url,),
        (first.url, "no key"),
        (first.url, first.keys[0].vkey, second.keys[0].vkey),
        (first.url, of_log.vkey),  # the key of a log says no time
        (),
    ):
        with pytest.raises(NoteMalformed):
            parse_witness(" ".join(words))


def test_a_witness_that_has_seen_nothing_shows_nothing(
    make_witness: Callable[[str], WitnessConfig], transport: _InProcess
) -> None:
    assert fetch_latest(make_witness("w1"), origin="log", transport=transport) is None
