"""Twenty thousand keys go under another root key, and the process is killed five times.

Each process is `antin keys rotate-kek` as an operator starts it, killed with SIGKILL at a random
instant; between the runs every key opens, and in the end every key signs and the old root key is
gone.  Source: NIST SP 800-57 part 1 §5.3.6.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from sqlalchemy import Connection, insert, select

from idp.cli import cli
from idp.storage.database import Database
from keystore.backends.personal_software import SoftwarePersonalKeys
from keystore.kek import KekRing, add_kek, create_kek_file, load_kek_ring
from keystore.log.events import EventType
from keystore.log.record import log_event
from keystore.root_keys import Scope, follow_current_kek
from keystore.signer.model import KeyPolicy, encode_policy, wrapping_context
from keystore.signer.storage import count_by_kek, find_left, personal_key
from tests.support.servers import PostgresqlServer, wait_until
from tests.support.serving import environment, prepare, serving
from tests.support.stores import create_all_tables

_KEYS: Final = 20_000
_KILLS: Final = {"postgresql": 5, "sqlite": 2}
_MOST_BETWEEN: Final = _KEYS // 20
"""Keys between two kills; what is left after all of them is more than a slow moment's work."""
_DIGEST: Final = hashlib.sha256(b"what is signed").digest()
_NOBODY: Final = b"\x09" + bytes(31)


def _policy(number: int) -> KeyPolicy:
    return KeyPolicy(
        key_id=f"key_{number:06}",
        account_id=f"acc_{number:06}",
        subject_kind="person",
        algorithm="ES256",
        scal=1,
        rp_id="",
        credentials=(),
        recipient=_NOBODY,
        created_ms=0,
    )


@dataclass(frozen=True, slots=True)
class _House:
    """A deployment with many personal keys under one root key, and a second root key ready."""

    settings: dict[str, str]
    database: Database
    file: Path
    kills: int
    old: str
    new: str

    def ring(self) -> KekRing:
        return load_kek_ring(file=self.file)

    def rotate(self, *options: str) -> subprocess.Popen[bytes]:
        command = [str(Path(sys.executable).with_name("antin")), "keys", "rotate-kek", "--yes"]
        return subprocess.Popen(
            [*command, *options],
            env=environment(self.settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def moved(self) -> int:
        with self.database.read() as connection:
            return count_by_kek(connection).get(self.new, 0)

    def has_moved(self, goal: int) -> bool:
        return self.moved() >= goal

    def check_signs(self, *, every: int) -> None:
        """Every so many of the keys sign, with whatever root key they are under."""
        backend = SoftwarePersonalKeys(self.ring())
        with self.database.read() as connection:
            rows = connection.execute(select(personal_key).order_by(personal_key.c.key_id)).all()
        assert len(rows) == _KEYS
        for row in rows[::every]:
            (signature,) = backend.sign_digests(
                row.wrapped,
                algorithm="ES256",
                context=wrapping_context(row.key_id, raw_policy=row.policy),
                digests=(_DIGEST,),
                hash_name="sha256",
            )
            public = serialization.load_der_public_key(row.public_spki)
            assert isinstance(public, ec.EllipticCurvePublicKey)
            public.verify(signature, _DIGEST, ec.ECDSA(Prehashed(hashes.SHA256())))


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path: Path, now) -> Iterator[_House]:
    file = tmp_path / "signer-kek"
    create_kek_file(file)
    ring = load_kek_ring(file=file)
    url = f"sqlite:///{tmp_path / 'antin.db'}"
    if request.param == "postgresql":
        server: PostgresqlServer = request.getfixturevalue("postgresql_server")
        url = server.url(server.make_database())
    settings = prepare(tmp_path, database_url=url)
    create_all_tables(url)
    database = Database(url, pool_size=2)
    backend = SoftwarePersonalKeys(ring)
    with database.transaction() as tx:
        follow_current_kek(tx, scope=Scope.PERSONAL, ring=ring, now=now)
        rows = [_row(_policy(number), backend=backend) for number in range(_KEYS)]
        tx.connection.execute(insert(personal_key), rows)
    old, new = ring.kek_id, add_kek(file)
    settings["ANTIN_SIGNER_KEK_FILE"] = str(file)
    yield _House(settings, database, file, _KILLS[request.param], old, new)
    database.close()


def _row(policy: KeyPolicy, *, backend: SoftwarePersonalKeys) -> dict[str, Any]:
    """As `insert_personal_key` writes it, for many at once."""
    raw_policy = encode_policy(policy)
    context = wrapping_context(policy.key_id, raw_policy=raw_policy)
    made = backend.make(policy.algorithm, context=context)
    return {
        "key_id": policy.key_id,
        "account_id": policy.account_id,
        "subject_kind": policy.subject_kind,
        "algorithm": policy.algorithm,
        "public_spki": made.public_spki,
        "policy": raw_policy,
        "wrapped": made.wrapped,
        "kek_id": made.kek_id,
        "scal": policy.scal,
        "created_ms": policy.created_ms,
    }


def _events(connection: Connection) -> list[str]:
    wanted = (EventType.KEK_ROTATION_STARTED, EventType.KEK_ROTATION_FINISHED)
    return list(
        connection.execute(select(log_event.c.type).where(log_event.c.type.in_(wanted))).scalars()
    )


def test_a_rotation_killed_again_and_again_leaves_every_key_signing(house: _House) -> None:
    reached = 0
    for _ in range(house.kills):
        process = house.rotate("--personal")
        goal = reached + 1 + secrets.randbelow(_MOST_BETWEEN)
        wait_until(partial(house.has_moved, goal), what="some keys", timeout_s=300)
        process.kill()
        process.communicate()
        assert process.returncode == -9
        reached = house.moved()
        assert goal <= reached < _KEYS
        house.check_signs(every=400)  # nothing is under neither
    process = house.rotate("--personal")
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output
    assert f"nothing is under {house.old} any more" in output.decode()
    with house.database.read() as connection:
        assert count_by_kek(connection) == {house.new: _KEYS}
        assert find_left(connection, kek_id=house.new) == ()
        assert _events(connection) == [
            EventType.KEK_ROTATION_STARTED,
            EventType.KEK_ROTATION_FINISHED,
        ]
    _antin(house.settings, "keys", "remove-kek", house.old, "--personal", "--yes")
    assert house.ring().ids == (house.new,)
    house.check_signs(every=1)


def test_the_service_runs_on_while_its_root_key_is_replaced(tmp_path: Path) -> None:
    """A worker that dies in between starts with both; the old root key is then taken away."""
    settings = prepare(tmp_path)
    create_all_tables(settings["ANTIN_DATABASE_URL"])
    del settings["ANTIN_KEK"]
    create_kek_file(tmp_path / "kek")
    (old,) = load_kek_ring(file=tmp_path / "kek").ids
    with serving(settings, folder=tmp_path) as served:
        before = json.loads(served.ask("/jwks")[1])
        _antin(settings, "keys", "rotate-kek", "--yes")
        (worker,) = served.worker_pids()
        os.kill(worker, signal.SIGKILL)
        wait_until(
            lambda: served.worker_pids() not in (set(), {worker}) and served.answers(),
            what="the next worker",
        )
        assert json.loads(served.ask("/jwks")[1]) == before
        _antin(settings, "keys", "remove-kek", old, "--yes")
    with serving(settings, folder=tmp_path) as served:
        assert json.loads(served.ask("/jwks")[1]) == before
    listed = json.loads(_antin(settings, "keys", "root-keys", "--json"))
    assert [(one["state"], one["is_given"]) for one in listed] == [
        ("left", False),
        ("current", True),
    ]


def _antin(settings: dict[str, str], *words: str) -> str:
    """A command that nobody kills, in this process."""
    done = CliRunner().invoke(cli, list(words), env=settings)
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout
