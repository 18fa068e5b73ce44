"""Tokens under several processes of several threads: nothing fails, nothing is shared wrongly."""

from __future__ import annotations

import os
import subprocess
import sys
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from keystore.backends.pkcs11 import TokenBackend
from keystore.backends.token_sessions import TokenSessions
from keystore.public_keys import spki_of
from keystore.verifying import verify_signature
from tests.support.softhsm import SoftToken

_SIGNER = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from keystore.backends.pkcs11 import TokenBackend
from keystore.backends.token_sessions import TokenPin, TokenSessions

module, label, pin, kid, stored, many = sys.argv[1:]
backend = TokenBackend(TokenSessions(Path(module), label=label, pin=TokenPin(pin)))
key = backend.open_key(kid=kid, algorithm="ES256", stored=bytes.fromhex(stored))

def sign(number):
    return key.sign(str(number).encode())

with ThreadPoolExecutor(8) as pool:
    signatures = list(pool.map(sign, range(int(many))))
assert len(set(signatures)) == int(many)
print(len(signatures))
"""


def test_two_processes_of_eight_threads_make_ten_thousand_signatures(
    token: SoftToken, sessions: TokenSessions
) -> None:
    """Each was verified in the process that made it, before it left."""
    made = TokenBackend(sessions).make_key(algorithm="ES256")
    command = [sys.executable, "-W", "error", "-c", _SIGNER, str(token.module), token.label]
    command += [token.pin, made.kid, made.stored.hex(), "5000"]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        answers = [process.communicate(timeout=600) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert answers == [("5000\n", "")] * 2
    assert [process.returncode for process in processes] == [0, 0]


def _child(pipe: Connection, sessions: TokenSessions, kid: str, stored: bytes) -> None:
    key = TokenBackend(sessions).open_key(kid=kid, algorithm="ES256", stored=stored)
    pipe.send(key.sign(b"from the child"))
    pipe.close()
    os._exit(0)  # what the parent registered for its own end is none of ours


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_opens_sessions_of_its_own(sessions: TokenSessions) -> None:
    """PKCS #11 Base Specification v2.40 §6.7: a child has no sessions after a fork."""
    backend = TokenBackend(sessions)
    made = backend.make_key(algorithm="ES256")
    opened = backend.open_key(kid=made.kid, algorithm="ES256", stored=made.stored)
    opened.sign(b"before")
    context = get_context("fork")
    near, far = context.Pipe()
    child = context.Process(target=_child, args=(far, sessions, made.kid, made.stored))
    child.start()
    try:
        assert near.poll(60)
        signature = near.recv()
    finally:
        child.join(120)
        child.kill()
        child.join()
        near.close()
        far.close()
    spki = spki_of(made.public_jwk)
    verify_signature(spki, algorithm="ES256", message=b"from the child", signature=signature)
    verify_signature(spki, algorithm="ES256", message=b"after", signature=opened.sign(b"after"))


def test_a_process_that_was_killed_leaves_nothing_that_stops_the_others(
    token: SoftToken, sessions: TokenSessions, tmp_path: Path
) -> None:
    made = TokenBackend(sessions).make_key(algorithm="ES256")
    key = TokenBackend(sessions).open_key(kid=made.kid, algorithm="ES256", stored=made.stored)
    ready = tmp_path / "ready"
    endless = _SIGNER.replace(
        "    return key.sign(str(number).encode())",
        f"    open({str(ready)!r}, 'w').close()\n    while True: key.sign(b'')",
    )
    command = [sys.executable, "-c", endless, str(token.module), token.label]
    command += [token.pin, made.kid, made.stored.hex(), "8"]
    for _ in range(3):
        ready.unlink(missing_ok=True)
        process = subprocess.Popen(command)
        try:
            while not ready.exists():
                assert process.poll() is None
                key.sign(b"meanwhile")
        finally:
            process.kill()
            process.wait()
        key.sign(b"afterwards")
