"""What a witness cosigns, and every way in which it does not."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystore.log.checkpoint import sign_checkpoint, verify_checkpoint
from keystore.log.errors import NoteMalformed
from keystore.log.merkle import (
    EMPTY_ROOT,
    find_root,
    hash_leaf,
    hash_row,
    prove_consistency,
)
from keystore.log.note_keys import SignedHead
from keystore.log.witness import (
    MOST_BYTES,
    SIZE_TYPE,
    Witness,
    format_request,
    parse_request,
)
from keystore.log.witness_folder import WitnessFolder
from tests.support.log_trees import RawLogKeys

_ORIGIN = "log.example/public"


class _Log:
    """A log as a witness sees it; `branch` makes another history."""

    def __init__(self, keys: RawLogKeys, now: datetime, branch: int = 0, fork: int = 0) -> None:
        self._keys = keys
        self._now = now
        leaves = [
            hash_leaf(f"{0 if number < fork else branch}/{number}".encode()) for number in range(64)
        ]
        self._rows = [leaves]
        while len(self._rows[-1]) > 1:
            self._rows.append(hash_row(self._rows[-1]))

    def nodes(self, level: int, index: int) -> bytes:
        return self._rows[level][index]

    def note(self, size: int, *, origin: str = _ORIGIN, root: bytes | None = None) -> str:
        head = SignedHead(origin, size, root or find_root(size, nodes=self.nodes))
        signers = self._keys.signers(origin, now=self._now)
        return sign_checkpoint(head, signers=signers, now=self._now)

    def request(self, old: int, new: int) -> bytes:
        proof = prove_consistency(old, new=new, nodes=self.nodes)
        return format_request(old=old, proof=proof, note=self.note(new))


@pytest.fixture
def folder(tmp_path: Path) -> WitnessFolder:
    """A new witness on disk."""
    made = WitnessFolder(tmp_path / "w")
    made.create(name="witness.example/w1")
    return made


@pytest.fixture
def witness(folder: WitnessFolder, log_keys: RawLogKeys, now: datetime) -> Witness:
    """It watches the public tree."""
    folder.add_logs([key.vkey for key in log_keys.verifiers(_ORIGIN, now=now)])
    return Witness(folder, signers=folder.read_signers(), logs=folder.read_logs())


@pytest.fixture
def tree(log_keys: RawLogKeys, now: datetime) -> _Log:
    """The log."""
    return _Log(log_keys, now)


@pytest.fixture
def ask(witness: Witness, now: datetime) -> Callable[[bytes], tuple[int, str]]:
    """Status and body of an answer."""

    def call(body: bytes) -> tuple[int, str]:
        answer = witness.add_checkpoint(body, now=now)
        return answer.status, answer.body

    return call


def test_a_log_that_grows_is_cosigned_with_both_keys(
    witness: Witness, folder: WitnessFolder, tree: _Log, log_keys: RawLogKeys, now: datetime
) -> None:
    for old, new in ((0, 0), (0, 5), (5, 5), (5, 6), (6, 64)):
        answer = witness.add_checkpoint(tree.request(old, new), now=now)
        assert answer.status == 200, answer
        assert answer.body.count("— witness.example/w1 ") == 2
        note = tree.note(new) + answer.body
        found = verify_checkpoint(
            note.encode(),
            expected_origin=_ORIGIN,
            log_keys=log_keys.verifiers(_ORIGIN, now=now),
            witness_keys=[one.verifier for one in folder.read_signers()],
            quorum=1,
        )
        assert (found.size, found.witnessed_at) == (new, now)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0\n",
        b"old 00\n\nnote",
        b"old -1\n\nnote",
        b"old\n\nnote",
        b"new 0\n\nnote",
        b"old 0 \n\nnote",
        b"old 0\nnot base64\n\nnote",
        b"old \xd9\xa3\n\nnote",
        b"old 0\n\n",
        b"old 0\n\nno note",
        b"a" * (MOST_BYTES + 1),
    ],
)
def test_what_is_no_request_is_malformed(
    ask: Callable[[bytes], tuple[int, str]], body: bytes
) -> None:
    """tlog-witness, "add-checkpoint"."""
    assert ask(body)[0] == 400


def test_more_than_sixty_three_lines_of_proof_are_malformed(tree: _Log) -> None:
    """tlog-witness: the client MUST NOT send more than 63 consistency proof lines."""
    note = tree.note(5)
    assert len(parse_request(format_request(old=3, proof=[bytes(32)] * 63, note=note)).proof) == 63
    with pytest.raises(NoteMalformed):
        parse_request(format_request(old=3, proof=[bytes(32)] * 64, note=note))


def test_an_unknown_log_is_not_found(ask: Callable[[bytes], tuple[int, str]], tree: _Log) -> None:
    """tlog-witness: if the checkpoint origin is unknown, 404."""
    body = format_request(old=0, proof=[], note=tree.note(1, origin="other.example/log"))
    assert ask(body)[0] == 404


def test_a_checkpoint_that_the_log_did_not_sign_is_forbidden(
    ask: Callable[[bytes], tuple[int, str]], tree: _Log, now: datetime
) -> None:
    """tlog-witness: if none of the signatures verify against a trusted public key, 403."""
    stranger = _Log(RawLogKeys(), now)
    assert ask(stranger.request(0, 1))[0] == 403
    forged = tree.request(0, 1).replace(b"\n1\n", b"\n2\n")
    assert ask(forged)[0] == 403


def test_an_old_size_above_the_new_one_is_malformed(
    ask: Callable[[bytes], tuple[int, str]], tree: _Log
) -> None:
    """tlog-witness: the old size MUST be equal to or lower than the checkpoint size, else 400."""
    assert ask(format_request(old=6, proof=[], note=tree.note(5)))[0] == 400


def test_another_old_size_is_answered_with_the_size_that_is_known(
    witness: Witness, tree: _Log, now: datetime
) -> None:
    """tlog-witness: 409, text/x.tlog.size, the size in decimal and a newline."""
    witness.add_checkpoint(tree.request(0, 5), now=now)
    for old, new in ((0, 6), (4, 6), (6, 7)):
        answer = witness.add_checkpoint(tree.request(old, new), now=now)
        assert (answer.status, answer.content_type, answer.body) == (409, SIZE_TYPE, "5\n")


def test_a_rollback_is_not_cosigned(witness: Witness, tree: _Log, now: datetime) -> None:
    """Shown by: a rollback is found through the witness."""
    witness.add_checkpoint(tree.request(0, 9), now=now)
    answer = witness.add_checkpoint(tree.request(0, 5), now=now)
    assert (answer.status, answer.body) == (409, "9\n")
    answer = witness.add_checkpoint(tree.request(5, 5), now=now)
    assert (answer.status, answer.body) == (409, "9\n")


def test_a_fork_is_not_cosigned_and_the_evidence_is_kept(
    witness: Witness,
    folder: WitnessFolder,
    tree: _Log,
    log_keys: RawLogKeys,
    now: datetime,
) -> None:
    """tlog-witness: 422 when the proof does not verify, 409 when equal sizes have other roots."""
    witness.add_checkpoint(tree.request(0, 9), now=now)
    other = _Log(log_keys, now, branch=1, fork=4)
    for _ in range(3):
        assert witness.add_checkpoint(other.request(9, 12), now=now).status == 422
        assert witness.add_checkpoint(other.request(9, 9), now=now).status == 409
        assert witness.add_checkpoint(other.request(0, 9), now=now).status == 409
    kinds = [file.name.partition("-")[0] for file in folder.evidence()]
    assert kinds == ["fork", "unproven"]
    assert other.note(9).partition("\n\n")[0].encode() in folder.evidence()[0].read_bytes()
    assert witness.add_checkpoint(tree.request(9, 12), now=now).status == 200


@pytest.mark.parametrize("old", [0, 3, 5])
def test_a_proof_that_is_not_needed_or_not_enough_is_refused(
    ask: Callable[[bytes], tuple[int, str]], tree: _Log, old: int
) -> None:
    """tlog-witness: the proof MUST be empty if the old size is zero."""
    if old:
        assert ask(tree.request(0, old))[0] == 200
    proof = [*prove_consistency(old, new=5, nodes=tree.nodes), bytes(32)]
    assert ask(format_request(old=old, proof=proof, note=tree.note(5)))[0] == 422
    if old == 3:
        assert ask(format_request(old=3, proof=[], note=tree.note(5)))[0] == 422


def test_a_tree_of_nothing_has_one_root(
    ask: Callable[[bytes], tuple[int, str]], tree: _Log
) -> None:
    false = tree.note(0, root=bytes(32))
    assert ask(format_request(old=0, proof=[], note=false))[0] == 409
    assert ask(format_request(old=0, proof=[], note=tree.note(0, root=EMPTY_ROOT)))[0] == 200


def test_what_was_seen_survives_the_process(
    witness: Witness, folder: WitnessFolder, tree: _Log, now: datetime
) -> None:
    """tlog-witness: the witness MUST persist the new checkpoint before responding."""
    witness.add_checkpoint(tree.request(0, 9), now=now)
    again = Witness(folder, signers=folder.read_signers(), logs=folder.read_logs())
    assert again.add_checkpoint(tree.request(0, 12), now=now).body == "9\n"
    note = again.latest(_ORIGIN)
    assert note is not None
    assert note.startswith(f"{_ORIGIN}\n9\n")
    assert note.count("— witness.example/w1 ") == 2
    assert again.add_checkpoint(tree.request(9, 12), now=now + timedelta(days=1)).status == 200


def test_requests_at_the_same_time_never_take_a_log_back(
    witness: Witness, folder: WitnessFolder, tree: _Log, now: datetime
) -> None:
    """tlog-witness: checking the old size and persisting must be atomic."""
    bodies = [tree.request(old, new) for old in range(8) for new in range(old + 1, 9)]

    def send(body: bytes) -> int:
        return witness.add_checkpoint(body, now=now).status

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(send, bodies * 3))
    assert set(statuses) <= {200, 409}
    grown = [status for status in statuses if status == 200]
    assert 1 <= len(grown) <= 8
    note = folder.find(_ORIGIN)
    assert note is not None
    assert witness.add_checkpoint(tree.request(int(note.split("\n")[1]), 60), now=now).status == 200


@given(st.binary(max_size=200), st.integers(0, 300))
def test_no_bytes_make_the_judgement_fail(raw: bytes, at: int) -> None:
    keys, now = RawLogKeys(), datetime.fromisoformat("2026-11-21T00:00:00+00:00")
    whole = _Log(keys, now).request(3, 5)
    logs = {_ORIGIN: keys.verifiers(_ORIGIN, now=now)}
    judge = Witness(_Forgetful(), signers=[], logs=logs)
    for body in (raw, whole[:at] + raw + whole[at:], b"old 0\n\n" + raw):
        answer = judge.add_checkpoint(body, now=now)
        assert answer.status in {200, 400, 403, 404, 409, 422}


class _Forgetful:
    def find(self, origin: str) -> str | None:
        return None

    def save(self, origin: str, note: str) -> None:
        pass

    def keep_evidence(self, origin: str, *, request: bytes, is_fork: bool) -> None:
        pass
