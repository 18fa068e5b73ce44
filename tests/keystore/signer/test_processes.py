"""`antin signer` itself: real processes, a real socket, and somebody who owns all the rest.

Architecture, decision 11.
"""

from __future__ import annotations

import os
import signal
import socket
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from idp.storage.database import Database
from keystore.clock import to_ms
from keystore.kek import KekRing, create_kek_file, read_keks
from keystore.signer import errors
from keystore.signer.client import SignerClient
from keystore.signer.evidence import StatementEvidence
from keystore.signer.storage import spent_activation
from keystore.signer.wire import MAX_FRAME_BYTES
from keystore.verifying import verify_digest
from tests.support.authenticator import Authenticator
from tests.support.servers import PostgresqlServer, wait_until
from tests.support.signer import (
    Bench,
    Person,
    Verifier,
    activation_of,
    digests_of,
    store,
    stored,
)
from tests.support.signer_process import SignerProcess, running_signer, tls_settings, utc_now


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignerProcess]:
    """One signer for the tests that leave it running."""
    folder = tmp_path_factory.mktemp("signer")
    with running_signer(folder, f"sqlite:///{folder / 'antin.db'}") as running:
        yield running


@pytest.fixture
def client(signer: SignerProcess) -> Iterator[SignerClient]:
    """What a web worker asks with."""
    client = signer.client()
    yield client
    client.close()


@pytest.fixture
def somebody(signer: SignerProcess, client: SignerClient) -> Person:
    """A person with a key in that signer."""
    return signer.enrol(client)


@pytest.fixture
def owned(signer: SignerProcess) -> Iterator[Database]:
    """The database of that signer, in the hands of an attacker."""
    database = Database(signer.database_url)
    yield database
    database.close()


def _sign(client: SignerClient, person: Person, **changes: Any) -> tuple[bytes, ...]:
    activation = person.activation(now=utc_now(), **changes)
    return client.activate(activation, person.confirm(activation))


def test_what_a_person_confirmed_comes_back_signed(client: SignerClient, somebody: Person) -> None:
    digests = digests_of(100)
    signatures = _sign(client, somebody, digests=digests)
    for digest, signature in zip(digests, signatures, strict=True):
        verify_digest(
            somebody.key.public_spki,
            algorithm="ES256",
            digest=digest,
            hash_name="sha256",
            signature=signature,
        )


def test_the_life_of_a_key_is_led_over_the_wire(
    signer: SignerProcess, client: SignerClient
) -> None:
    person = signer.enrol(client, account_id="acc_life")
    assert client.suspend_key(person.key.key_id, reason="recovered")
    with pytest.raises(errors.PersonalKeySuspended):
        _sign(client, person)
    assert client.resume_key(person.key.key_id, reason="proofed_again")
    assert _sign(client, person)
    assert client.destroy_keys_of("acc_life", reason="deleted") == 1
    assert not client.destroy_key(person.key.key_id, reason="deleted")
    with pytest.raises(errors.PersonalKeyDestroyed):
        _sign(client, person)


def test_a_replayed_activation_is_refused(client: SignerClient, somebody: Person) -> None:
    activation = somebody.activation(now=utc_now())
    client.activate(activation, somebody.confirm(activation))
    with pytest.raises(errors.ActivationSpent):
        client.activate(activation, somebody.confirm(activation))


def test_an_activation_for_other_digests_is_refused(client: SignerClient, somebody: Person) -> None:
    activation = somebody.activation(now=utc_now())
    evidence = somebody.confirm(activation)
    other = replace(activation, digests=digests_of(2)[1:])
    with pytest.raises(errors.EvidenceRefused, match="challenge"):
        client.activate(other, evidence)
    with pytest.raises(errors.EvidenceRefused, match="challenge"):
        client.activate(replace(activation, client_id="another"), evidence)


def test_an_expired_activation_is_refused(client: SignerClient, somebody: Person) -> None:
    over = to_ms(utc_now() - timedelta(milliseconds=1))
    with pytest.raises(errors.ActivationExpired):
        _sign(client, somebody, expires_ms=over)


def test_foreign_activations_are_refused(
    signer: SignerProcess, client: SignerClient, somebody: Person
) -> None:
    with pytest.raises(errors.ActivationForeign, match="signer"):
        _sign(client, somebody, signer="https://another.example")
    with pytest.raises(errors.ActivationForeign, match="account"):
        _sign(client, somebody, account_id="acc_2")
    other = signer.enrol(client, account_id="acc_2")
    activation = somebody.activation(now=utc_now())
    with pytest.raises(errors.EvidenceRefused, match="credential"):
        client.activate(activation, other.confirm(activation))


def test_swapped_wrapped_blobs_are_refused(
    signer: SignerProcess, client: SignerClient, somebody: Person, owned: Database
) -> None:
    other = signer.enrol(client, account_id="acc_2")
    one, two = (stored(owned, who.key.key_id).wrapped for who in (somebody, other))
    store(owned, somebody.key.key_id, wrapped=two)
    store(owned, other.key.key_id, wrapped=one)
    for who in (somebody, other):
        with pytest.raises(errors.KeyRecordChanged):
            _sign(client, who)


# --- what the web workers have, and what they can do with it -------------------------------------


def test_the_web_workers_cannot_sign_whatever_they_do(
    signer: SignerProcess, client: SignerClient, somebody: Person, owned: Database, tmp_path: Path
) -> None:
    """Everything a web worker has: the service's root key, the database, the socket."""
    # 1  its own root key does not open the key, with all our code and a right confirmation
    service = KekRing(read_keks(file=signer.folder / "service-kek", value=None))
    worker = Bench(owned, service, tmp_path / "worker")
    with pytest.raises(errors.SigningFailed, match="personal_kek_unknown"):
        worker.sign(somebody, now=utc_now())
    # 2  a row that names another passkey, which the worker has
    attacker = Authenticator()
    row = stored(owned, somebody.key.key_id)
    changed = row.policy.replace(b'"scal":2', b'"scal":1')
    store(owned, somebody.key.key_id, policy=changed)
    activation = activation_of(somebody.key, attacker, now=utc_now())
    with pytest.raises(errors.SignerError):
        client.activate(activation, attacker.confirm(activation.challenge()))
    store(owned, somebody.key.key_id, policy=row.policy)
    # 3  a statement that nobody but the worker signed, for a key that takes statements
    key = signer.enrol_for_statements(client)
    wanted = activation_of(key, None, now=utc_now())
    forger = Verifier(None)
    with pytest.raises(errors.EvidenceRefused, match="jws_key_unknown"):
        client.activate(wanted, forger.states(wanted.challenge(), now=utc_now()))
    # 4  the same, under the name of the verifier's key
    forger.kid = signer.verifier.kid
    with pytest.raises(errors.EvidenceRefused, match="jws_signature_invalid"):
        client.activate(wanted, forger.states(wanted.challenge(), now=utc_now()))
    # 5  no evidence, and a statement for something else
    with pytest.raises(errors.EvidenceRefused):
        client.activate(wanted, StatementEvidence(""))
    with pytest.raises(errors.EvidenceRefused, match="statement_for_other"):
        client.activate(wanted, signer.verifier.states(bytes(32), now=utc_now()))
    # and with the right one it signs
    assert client.activate(wanted, signer.verifier.states(wanted.challenge(), now=utc_now()))
    worker.ledger.close()


def test_nobody_else_reads_what_the_signer_keeps(signer: SignerProcess) -> None:
    assert stat.S_IMODE((signer.folder / "signer.sock").stat().st_mode) == 0o600
    assert stat.S_IMODE((signer.folder / "signer-kek").stat().st_mode) == 0o600
    assert stat.S_IMODE((signer.folder / "signer").stat().st_mode) == 0o700
    for file in (signer.folder / "signer").iterdir():
        assert not file.stat().st_mode & 0o077, file.name


def test_nobody_looks_into_the_processes(signer: SignerProcess) -> None:
    """prctl(2): no dumps, no debugger, no new privileges."""
    (child,) = signer.children()
    status = Path(f"/proc/{child}/status").read_text()
    assert "NoNewPrivs:\t1" in status
    limits = Path(f"/proc/{child}/limits").read_text()
    (core,) = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert core.split()[4:6] == ["0", "0"]


def test_what_it_writes_names_no_key_and_no_person(
    signer: SignerProcess, client: SignerClient, somebody: Person
) -> None:
    with suppress(errors.SignerError):
        _sign(client, somebody, account_id="acc_2")
    written = signer.log
    assert "acc_" not in written
    assert (signer.folder / "signer-kek").read_text().strip() not in written


# --- the wire ------------------------------------------------------------------------------------


def _raw(signer: SignerProcess, sent: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(signer.folder / "signer.sock"))
        with suppress(BrokenPipeError):
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
        received = b""
        with suppress(ConnectionResetError):
            while portion := connection.recv(65536):
                received += portion
        return received


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\x00\x00\x00",
        b"GET / HTTP/1.1\r\n\r\n",
        (MAX_FRAME_BYTES + 1).to_bytes(4, "big") + b"x",
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x01\xc1",
        b"\x00\x00\x00\x08" + b"\x91" * 8,
        b"\x00\x00\x02\x00" + b"\x91" * 512,
        b"\x00\x00\x00\x0c\x81\xa2is\xa7unknown",
        b"\x00\x00\x00\x10broken",
    ],
)
def test_what_is_no_message_is_refused_and_the_next_is_answered(
    signer: SignerProcess, client: SignerClient, sent: bytes
) -> None:
    answer = _raw(signer, sent)
    assert b"request_malformed" in answer
    assert client.kek_ids()


def test_who_says_nothing_keeps_nobody_out(
    signer: SignerProcess, client: SignerClient, somebody: Person
) -> None:
    silent = []
    try:
        for _ in range(20):
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(str(signer.folder / "signer.sock"))
            connection.sendall(b"\x00\x00")
            silent.append(connection)
        assert _sign(client, somebody)
    finally:
        for connection in silent:
            connection.close()


def test_many_threads_share_one_client(
    signer: SignerProcess, client: SignerClient, somebody: Person
) -> None:
    people = [signer.enrol(client, account_id=f"acc_{number}") for number in range(4)]
    with ThreadPoolExecutor(8) as pool:
        signed = list(pool.map(lambda number: _sign(client, people[number % 4]), range(4)))
    assert all(signed)


# --- starting, stopping, dying -------------------------------------------------------------------


@pytest.fixture(params=["sqlite", "postgresql"])
def own_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database for a signer that is killed."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'antin.db'}"
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    return server.url(server.make_database())


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
        assert all(_sign(client, person) for person in people)
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
            _sign(client, person)
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
    assert _sign(client, somebody)


def test_a_user_who_is_not_listed_is_told_so(tmp_path: Path) -> None:
    signer = SignerProcess(
        tmp_path / "signer",
        f"sqlite:///{tmp_path / 'antin.db'}",
        {"ANTIN_SIGNER_USERS": str(os.getuid() + 1)},
    )
    try:
        with pytest.raises(errors.CallerRefused, match="user"):
            signer.start()
    finally:
        signer.stop()


# --- mutual TLS ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignerProcess]:
    """A signer on a port."""
    folder = tmp_path_factory.mktemp("remote")
    settings = tls_settings(folder)
    with running_signer(folder, f"sqlite:///{folder / 'antin.db'}", **settings) as running:
        yield running


def test_it_signs_over_mutual_tls(remote: SignerProcess) -> None:
    client = remote.client()
    person = remote.enrol(client)
    assert len(_sign(client, person)) == 1
    assert remote.kill_children()
    assert len(_sign(client, person)) == 1, "a connection that died is made anew"
    client.close()


@pytest.mark.parametrize("name", ["other", "stranger"])
def test_a_certificate_that_may_not_ask_is_refused(remote: SignerProcess, name: str) -> None:
    """RFC 6125: another name of the same authority, and our name of another authority."""
    client = SignerClient(remote.address, tls=remote.tls_of(name), patience_s=0.3)
    with pytest.raises((errors.SignerUnavailable, errors.CallerRefused)):
        client.kek_ids()
    client.close()


def _without_certificate(remote: SignerProcess) -> None:
    context = remote.tls_of("caller")
    bare = type(context)(context.protocol)
    bare.load_verify_locations(remote.folder / "ca.pem")
    client = SignerClient(remote.address, tls=bare, patience_s=0.3)
    try:
        client.kek_ids()
    finally:
        client.close()


def _in_the_clear(remote: SignerProcess) -> None:
    host, _, port = remote.address.removeprefix("tls://").partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(b"\x00\x00\x00\x01\xc0")
        if not connection.recv(1024).startswith(b"\x00"):
            raise errors.SignerUnavailable


@pytest.mark.parametrize("attempt", [_without_certificate, _in_the_clear])
def test_whoever_shows_no_certificate_is_refused(
    remote: SignerProcess, attempt: Callable[[SignerProcess], None]
) -> None:
    """RFC 8446 §4.4.2.4: a client that sends no certificate is turned away."""
    with pytest.raises(errors.SignerUnavailable):
        attempt(remote)
    assert remote.is_up()
