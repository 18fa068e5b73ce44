"""`antin signer` itself: real processes, a real socket, and somebody who owns all the rest.

Architecture, decision 11.
"""

from __future__ import annotations

import socket
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from idp.storage.database import Database
from keystore.clock import to_ms
from keystore.kek import KekRing, read_keks
from keystore.signer import errors
from keystore.signer.client import SignerClient
from keystore.signer.evidence import StatementEvidence
from keystore.strongroom.frames import MAX_FRAME_BYTES
from keystore.verifying import verify_digest
from tests.support.authenticator import Authenticator
from tests.support.signer import (
    Bench,
    Person,
    Verifier,
    activation_of,
    digests_of,
    store,
    stored,
)
from tests.support.signer_process import (
    SignerProcess,
    sign_with,
    utc_now,
)


def test_what_a_person_confirmed_comes_back_signed(client: SignerClient, somebody: Person) -> None:
    digests = digests_of(100)
    signatures = sign_with(client, somebody, digests=digests)
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
        sign_with(client, person)
    assert client.resume_key(person.key.key_id, reason="proofed_again")
    assert sign_with(client, person)
    assert client.destroy_keys_of("acc_life", reason="deleted") == 1
    assert not client.destroy_key(person.key.key_id, reason="deleted")
    with pytest.raises(errors.PersonalKeyDestroyed):
        sign_with(client, person)


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
        sign_with(client, somebody, expires_ms=over)


def test_foreign_activations_are_refused(
    signer: SignerProcess, client: SignerClient, somebody: Person
) -> None:
    with pytest.raises(errors.ActivationForeign, match="signer"):
        sign_with(client, somebody, signer="https://another.example")
    with pytest.raises(errors.ActivationForeign, match="account"):
        sign_with(client, somebody, account_id="acc_2")
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
            sign_with(client, who)


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
        sign_with(client, somebody, account_id="acc_2")
    written = signer.log
    assert "acc_" not in written
    assert (signer.folder / "signer-kek").read_text().strip() not in written


# --- the wire ------------------------------------------------------------------------------------


def _raw(signer: SignerProcess, sent: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(120)
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
        assert sign_with(client, somebody)
    finally:
        for connection in silent:
            connection.close()


def test_many_threads_share_one_client(
    signer: SignerProcess, client: SignerClient, somebody: Person
) -> None:
    people = [signer.enrol(client, account_id=f"acc_{number}") for number in range(4)]
    with ThreadPoolExecutor(8) as pool:
        signed = list(pool.map(lambda number: sign_with(client, people[number % 4]), range(4)))
    assert all(signed)
