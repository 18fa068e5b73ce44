"""The log over HTTP: what anyone may fetch, and that a stranger can check all of it."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from idp.storage.database import Database
from keystore.log.begin_anew import begin_log_anew
from keystore.log.checkpoint import verify_checkpoint
from keystore.log.entries import Tree
from keystore.log.merkle import hash_leaf
from keystore.log.note_keys import parse_vkey
from keystore.log.proof_text import verify_proof
from keystore.log.proofs import Proofs
from keystore.log.record import LogWriter
from keystore.log.sequencer import Sequencer
from keystore.log.tree_tables import log_tile
from keystore.web.answer import WebAnswer, WebRequest
from keystore.web.log import LogEndpoint
from tests.support.log_trees import ORIGINS, RawLogKeys, write_rows
from tests.support.rfc9162 import is_consistent, tree_head


@pytest.fixture(scope="module")
def log_keys() -> RawLogKeys:
    """The keys of the log."""
    return RawLogKeys()


@pytest.fixture
def sequencer(database: Database, log_keys: RawLogKeys) -> Sequencer:
    """The sequencer."""
    return Sequencer(database, origins=ORIGINS, keys=log_keys)


@pytest.fixture
def ask(
    database: Database,
    log: LogWriter,
    log_keys: RawLogKeys,
    sequencer: Sequencer,
    now: datetime,
) -> Callable[..., WebAnswer]:
    """Asks the endpoint over a log of 300 and of 5 entries."""
    write_rows(database, log, now, private=5, public=300)
    sequencer.run(now)
    endpoint = LogEndpoint(Proofs(database, quorum=0), keys=log_keys)

    def call(path: str, *, method: str = "GET", query: str = "") -> WebAnswer:
        return endpoint.answer(WebRequest(method, f"/log/{path}", query=query), now=now)

    return call


def _entries(bundle: bytes) -> list[bytes]:
    found = []
    while bundle:
        length = int.from_bytes(bundle[:2], "big")
        found.append(bundle[2 : 2 + length])
        bundle = bundle[2 + length :]
    return found


def test_a_stranger_follows_the_public_tree_from_its_checkpoint_to_every_entry(
    ask: Callable[..., WebAnswer],
) -> None:
    keys = json.loads(ask("public/keys").body)
    checkpoint = verify_checkpoint(
        ask("public/checkpoint").body,
        expected_origin=keys["origin"],
        log_keys=[parse_vkey(vkey) for vkey in keys["log"]],
    )
    assert checkpoint.size == 300
    entries: list[bytes] = []
    leaves = b""
    for suffix in ("000", "001.p/44"):
        bundle = ask(f"public/tile/entries/{suffix}")
        assert ("Content-Encoding", "gzip") in bundle.headers
        entries += _entries(gzip.decompress(bundle.body))
        leaves += ask(f"public/tile/0/{suffix}").body
    assert leaves == b"".join(hash_leaf(entry) for entry in entries)
    assert tree_head(entries) == checkpoint.root
    assert ask("public/tile/1/000.p/1").body == tree_head(entries[:256])


def test_media_types_and_caching_are_those_of_the_specification(
    ask: Callable[..., WebAnswer],
) -> None:
    """tlog-tiles: checkpoints are text that is kept for seconds, tiles never change.

    Under the name of their history, that is; the address alone may get another one.
    """
    checkpoint = ask("public/checkpoint")
    assert checkpoint.content_type == "text/plain; charset=utf-8"
    assert dict(checkpoint.headers)["Cache-Control"] == "public, max-age=1"
    prefix = json.loads(ask("public/keys").body)["prefix"].removeprefix("/log/")
    for path in ("tile/0/000", "tile/entries/000"):
        named, plain = ask(prefix + path), ask(f"public/{path}")
        assert named.content_type == plain.content_type == "application/octet-stream"
        assert "immutable" in dict(named.headers)["Cache-Control"]
        assert dict(plain.headers)["Cache-Control"] == "public, max-age=60"
        assert named.headers[1:] == plain.headers[1:]
        assert named.body == plain.body
    grown = ask(f"{prefix}consistency", query="from=1&to=300")
    assert "immutable" in dict(grown.headers)["Cache-Control"]
    assert "immutable" not in str(ask("public/consistency", query="from=1&to=300").headers)


def test_after_another_beginning_nothing_is_served_under_the_old_name(
    ask: Callable[..., WebAnswer],
    database: Database,
    log: LogWriter,
    sequencer: Sequencer,
    now: datetime,
) -> None:
    old = json.loads(ask("public/keys").body)["prefix"].removeprefix("/log/")
    begin_log_anew(
        database, origins={tree: f"log.example/2/{tree}" for tree in Tree}, log=log, now=now
    )
    sequencer.run(now)
    new = json.loads(ask("public/keys").body)["prefix"].removeprefix("/log/")
    assert new != old
    assert ask(f"{new}tile/0/000").status == 200
    for path in ("tile/0/000", "checkpoint", "keys", "tile/entries/000"):
        gone = ask(old + path)
        assert gone.status == 404
        assert "immutable" not in str(gone.headers)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "public",
        "public/",
        "other/checkpoint",
        "public/tile/0/001",  # not full yet
        "public/tile/0/001.p/45",  # one more than there are
        "public/tile/0/002.p/1",
        "public/tile/1/000",
        "public/tile/2/000.p/1",
        "public/tile/entries/001",
        "public/tile/entries/001.p/45",
        "public/tile/0/x000/000",
        "public/tile/0/x999/x999/x999/x999/x999/999",
        "public/tile/7/x999/x999/x999/x999/x999/999",
        "private/tile/0/000.p/5",  # of the private tree only the checkpoint is public
        "private/tile/entries/000.p/5",
        "public/../private/checkpoint",
    ],
)
def test_what_is_not_there_is_not_found(ask: Callable[..., WebAnswer], path: str) -> None:
    """tlog-tiles: empty tiles MUST NOT be served."""
    assert ask(path).status == 404


def test_no_entry_of_the_private_tree_is_proven_to_a_stranger(
    ask: Callable[..., WebAnswer],
) -> None:
    assert ask("private/checkpoint").status == 200
    assert ask("private/inclusion", query="index=0").status == 404


def test_a_proof_of_inclusion_is_one_text(
    ask: Callable[..., WebAnswer], log_keys: RawLogKeys, now: datetime
) -> None:
    origin = ORIGINS[Tree.PUBLIC]
    verified = verify_proof(
        ask("public/inclusion", query="index=271").body,
        expected_origin=origin,
        log_keys=log_keys.verifiers(origin, now=now),
    )
    assert (verified.position, verified.event) == (271, None)


@pytest.mark.parametrize("tree", list(Tree))
def test_growth_is_proven_for_both_trees(
    ask: Callable[..., WebAnswer],
    database: Database,
    log: LogWriter,
    sequencer: Sequencer,
    now: datetime,
    tree: Tree,
) -> None:
    roots = []
    for _ in range(2):
        lines = ask(f"{tree}/checkpoint").body.decode().split("\n")
        roots.append((int(lines[1]), base64.b64decode(lines[2])))
        write_rows(database, log, now, private=9, public=9)
        sequencer.run(now)
    (old, first), (new, second) = roots
    answer = json.loads(ask(f"{tree}/consistency", query=f"from={old}&to={new}").body)
    path = [base64.b64decode(one) for one in answer["proof"]]
    assert is_consistent(path, first=old, second=new, first_hash=first, second_hash=second)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "from=1",
        "to=1",
        "from=2&to=1",
        "from=-1&to=1",
        "from=a&to=b",
        "from=1&from=1&to=2",
        "from=1&to=" + "9" * 30,
        "from=٣&to=5",
        "a=1&b=2&c=3&d=4&e=5",
    ],
)
def test_a_malformed_question_is_answered_400(ask: Callable[..., WebAnswer], query: str) -> None:
    assert ask("public/consistency", query=query).status == 400
    assert ask("public/inclusion", query=query).status == 400


def test_more_than_there_is_is_not_found(ask: Callable[..., WebAnswer]) -> None:
    assert ask("public/consistency", query="from=1&to=301").status == 404
    assert ask("public/inclusion", query="index=300").status == 404


def test_only_reading_is_allowed(ask: Callable[..., WebAnswer]) -> None:
    answer = ask("public/checkpoint", method="POST")
    assert (answer.status, dict(answer.headers)["Allow"]) == (405, "GET, HEAD")
    assert ask("public/checkpoint", method="HEAD").status == 200


def test_before_the_first_checkpoint_nothing_is_found(
    database: Database, log_keys: RawLogKeys, now: datetime
) -> None:
    endpoint = LogEndpoint(Proofs(database, quorum=0), keys=log_keys)
    for asked in ("checkpoint", "keys", "tile/0/000.p/1", "inclusion?index=0"):
        path, _, query = asked.partition("?")
        request = WebRequest("GET", f"/log/public/{path}", query=query)
        assert endpoint.answer(request, now=now).status == 404


def test_a_damaged_tree_is_unavailable(ask: Callable[..., WebAnswer], database: Database) -> None:
    with database.transaction() as tx:
        tx.connection.execute(update(log_tile).values(hashes=bytes(32)))
    assert ask("public/inclusion", query="index=271").status == 503


@given(path=st.text(max_size=60), query=st.text(max_size=60))
def test_any_question_has_an_answer(ask: Callable[..., WebAnswer], path: str, query: str) -> None:
    for start in ("", "public/", "public/tile/", "private/"):
        assert ask(start + path, query=query).status in {200, 400, 404}
    for name in ("consistency", "inclusion"):
        assert ask(f"public/{name}", query=query).status in {200, 400, 404}
