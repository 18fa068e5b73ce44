"""The signer is started, stopped and killed: it signs again, and nothing twice."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import delete

from idp.storage.database import Database
from keystore.kek import create_kek_file
from keystore.signer import errors
from keystore.signer.client import SignerClient
from keystore.signer.storage import spent_activation
from tests.support.servers import wait_until
from tests.support.signer import (
    Person,
    digests_of,
    stored,
)
from tests.support.signer_process import (
    SignerProcess,
    running_signer,
    sign_with,
    utc_now,
)


def _has(outcomes: list[str], signed: int) -> bool:
    return outcomes.count("signed") >= signed


def test_killed_at_any_instant_it_signs_again_and_nothing_twice(
    own_url: str, tmp_path: Path
) -> None:
    """`kill -9` of the process with the keys, five times, under load."""
    with running_signer(tmp_path / "signer", own_url) as signer:
        client = signer.client(patience_s=20)
        people = [signer.enrol(client, account_id=f"acc_{number}") for number in range(4)]
        outcomes: list[str] = []
        stopping = False

        def work(person: Person) -> None:
            while not stopping:
                activation = person.activation(now=utc_now(), digests=digests_of(5))
                evidence = person.confirm(activation)
                try:
                    client.activate(activation, evidence)
                    outcomes.append("signed")
                except errors.OutcomeUnknown:
                    outcomes.append("unknown")
                with pytest.raises((errors.ActivationSpent, errors.OutcomeUnknown)):
                    client.activate(activation, evidence)

        with ThreadPoolExecutor(4) as pool:
            futures = [pool.submit(work, person) for person in people]
            try:
                for _ in range(5):
                    enough = outcomes.count("signed") + 4
                    wait_until(partial(_has, outcomes, enough), what="signatures")
                    assert signer.kill_children()
            finally:
                stopping = True
            for future in futures:
                future.result(60)
        assert all(sign_with(client, person) for person in people)
        client.close()


def test_all_of_it_killed_and_started_again_replays_nothing(own_url: str, tmp_path: Path) -> None:
    """What was spent is on the signer's disk before a key is opened."""
    signer = SignerProcess(tmp_path / "signer", own_url)
    signer.start()
    try:
        client = signer.client()
        person = signer.enrol(client)
        person.passkey.counts = False
        activation = person.activation(now=utc_now())
        evidence = person.confirm(activation, count=7)
        client.activate(activation, evidence)
        signer.kill()
        database = Database(own_url)
        with database.transaction() as transaction:
            transaction.connection.execute(delete(spent_activation))
            transaction.connection.exec_driver_sql("UPDATE personal_key_counter SET sign_count = 0")
        database.close()
        signer.start()
        with pytest.raises(errors.ActivationSpent):
            client.activate(activation, evidence)
        client.close()
    finally:
        signer.stop()


def test_stopped_it_finishes_and_leaves_no_socket(tmp_path: Path) -> None:
    with running_signer(tmp_path / "signer", f"sqlite:///{tmp_path / 'antin.db'}") as signer:
        client = signer.client(patience_s=0.2)
        person = signer.enrol(client)
        children = signer.children()
        assert signer.stop() == 0
        assert not (signer.folder / "signer.sock").exists()
        assert not any(Path(f"/proc/{child}").exists() for child in children)
        with pytest.raises(errors.SignerUnavailable):
            sign_with(client, person)
        client.close()


def test_a_parent_that_is_killed_leaves_no_process_with_keys(tmp_path: Path) -> None:
    with running_signer(tmp_path / "signer", f"sqlite:///{tmp_path / 'antin.db'}") as signer:
        (child,) = signer.children()
        assert signer.process is not None
        os.kill(signer.process.pid, signal.SIGKILL)
        wait_until(lambda: not _is_running(child), what="the end of the child")


def _is_running(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_there_is_one_signer_at_a_socket(signer: SignerProcess, client: SignerClient) -> None:
    second = signer.run()
    assert second.returncode == 1
    assert "in_use" in second.stderr
    assert client.kek_ids()


def test_another_root_key_is_refused_at_start_and_nothing_is_overwritten(
    signer: SignerProcess, client: SignerClient, somebody: Person, owned: Database, tmp_path: Path
) -> None:
    create_kek_file(tmp_path / "another")
    before = stored(owned, somebody.key.key_id)
    wrong = SignerProcess(
        tmp_path / "wrong",
        signer.database_url,
        {"ANTIN_SIGNER_KEK_FILE": str(tmp_path / "another")},
    ).run()
    assert wrong.returncode == 1
    assert "not_given" in wrong.stderr
    assert stored(owned, somebody.key.key_id) == before
    assert sign_with(client, somebody)
