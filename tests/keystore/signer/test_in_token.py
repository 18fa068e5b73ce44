"""Keys of persons in a hardware module, through the real process: killed, token away and back."""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from keystore.signer import errors
from keystore.signer.client import SignerClient
from keystore.strongroom.processes import PIN_REFUSED
from keystore.verifying import verify_digest
from tests.support.servers import wait_until
from tests.support.signer import Person, digests_of
from tests.support.signer_process import SignerProcess, running_signer, utc_now
from tests.support.softhsm import SoftHsm, SoftToken


@pytest.fixture
def token(soft_hsm: SoftHsm) -> SoftToken:
    """An empty token of the signer's own."""
    return soft_hsm.make_token(f"signer {secrets.token_hex(6)}")


def _pin_file(folder: Path, pin: str) -> Path:
    file = folder / "pin"
    file.write_text(pin)
    file.chmod(0o600)
    return file


@pytest.fixture
def signer(soft_hsm: SoftHsm, token: SoftToken, tmp_path: Path) -> Iterator[SignerProcess]:
    """A signer whose root key is in that token, made at its first start."""
    with running_signer(
        tmp_path / "signer",
        f"sqlite:///{tmp_path / 'antin.db'}",
        environment=soft_hsm.environment,
        ANTIN_SIGNER_PKCS11_MODULE=str(token.module),
        ANTIN_SIGNER_PKCS11_TOKEN=token.label,
        ANTIN_SIGNER_PKCS11_PIN_FILE=str(_pin_file(tmp_path, token.pin)),
        ANTIN_SIGNER_PROCESSES="2",
    ) as running:
        yield running


def _sign(client: SignerClient, person: Person, *, count: int) -> int:
    activation = person.activation(now=utc_now(), digests=digests_of(count))
    signatures = client.activate(activation, person.confirm(activation))
    for digest, signature in zip(activation.digests, signatures, strict=True):
        verify_digest(
            person.key.public_spki,
            algorithm="ES256",
            digest=digest,
            hash_name="sha256",
            signature=signature,
        )
    return len(signatures)


def test_keys_in_a_token_sign_through_two_processes_and_after_a_kill(
    signer: SignerProcess, token: SoftToken
) -> None:
    client = signer.client(patience_s=20)
    people = [signer.enrol(client, account_id=f"acc_{number}") for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda person: _sign(client, person, count=10), people)) == 40
    assert len(signer.kill_children()) == 2
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda person: _sign(client, person, count=10), people)) == 40
    assert token.pin not in signer.log
    assert not (signer.folder / "signer-kek").exists()
    client.close()


def test_a_token_that_is_removed_and_put_back_signs_again(
    signer: SignerProcess, token: SoftToken
) -> None:
    with closing(signer.client(patience_s=20)) as client:
        person = signer.enrol(client)
    away = token.folder.parents[1] / "away"
    token.folder.rename(away)
    signer.kill_children()
    with (
        closing(signer.client(patience_s=0.5, answer_s=1)) as client,
        pytest.raises(errors.SignerError),
    ):
        _sign(client, person, count=1)
    away.rename(token.folder)
    with closing(signer.client(patience_s=30)) as client:
        assert _sign(client, person, count=2) == 2


def test_a_pin_that_was_refused_is_not_tried_again_and_again(
    signer: SignerProcess, token: SoftToken, tmp_path: Path
) -> None:
    """PKCS #11 v2.40 §5.6: after a few wrong PINs a token is locked.  Two processes, one try."""
    with closing(signer.client(patience_s=20)) as client:
        person = signer.enrol(client)
        # a process that is still starting would read the wrong PIN as well
        wait_until(lambda: signer.log.count("signer_process_ready") == 2, what="both processes")
        _pin_file(tmp_path, "000000")
        one, other = signer.children()
        os.kill(one, signal.SIGKILL)
        wait_until(lambda: "signer_pin_refused" in signer.log, what="the refusal")
        assert _sign(client, person, count=1) == 1, "the one that is logged in goes on"
        os.kill(other, signal.SIGKILL)
    assert signer.process is not None
    assert signer.process.wait(120) == PIN_REFUSED
    assert signer.log.count("signer_pin_refused") == 1
    assert "000000" not in signer.log
    assert signer.run().returncode == PIN_REFUSED
