"""`antin signer` over a token: killed, and its token pulled out, it signs again by itself."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from keystore.backends.personal_roots import TokenPersonalRoots
from keystore.backends.token_sessions import TokenSessions
from keystore.signer import errors
from keystore.signer.client import SignerClient
from keystore.verifying import verify_digest
from tests.support.servers import wait_until
from tests.support.signer import Person, digests_of
from tests.support.signer_process import SignerProcess, running_signer, utc_now
from tests.support.softhsm import SoftHsm, SoftToken

_BATCH: Final = 100
_BATCHES: Final = 100
_THREADS: Final = 16


@pytest.fixture
def signer(soft_hsm: SoftHsm, token: SoftToken, tmp_path: Path) -> Iterator[SignerProcess]:
    """A signer of two processes whose only secret is the PIN of a token."""
    pin = tmp_path / "pin"
    pin.write_text(token.pin)
    pin.chmod(0o600)
    settings = {
        "ANTIN_SIGNER_PKCS11_MODULE": str(token.module),
        "ANTIN_SIGNER_PKCS11_TOKEN": token.label,
        "ANTIN_SIGNER_PKCS11_PIN_FILE": str(pin),
        "ANTIN_SIGNER_PROCESSES": "2",
    }
    folder = tmp_path / "signer"
    with running_signer(
        folder,
        f"sqlite:///{folder / 'antin.db'}",
        environment=soft_hsm.environment,
        **settings,
    ) as running:
        yield running


def _sign(client: SignerClient, person: Person, *, count: int = 2) -> None:
    digests = digests_of(count)
    activation = person.activation(now=utc_now(), digests=digests)
    signatures = client.activate(activation, person.confirm(activation))
    for digest, signature in zip(digests, signatures, strict=True):
        verify_digest(
            person.key.public_spki,
            algorithm="ES256",
            digest=digest,
            hash_name="sha256",
            signature=signature,
        )


def test_a_signer_over_a_token_recovers_by_itself(
    signer: SignerProcess, token: SoftToken, sessions: TokenSessions, tmp_path: Path
) -> None:
    """Its first start made the root key, in the token."""
    assert not (signer.folder / "signer-kek").exists()
    assert len(TokenPersonalRoots(sessions).find()) == 1
    client = signer.client(patience_s=120)
    person = signer.enrol(client)
    _sign(client, person)
    for _ in range(3):
        assert signer.kill_children()
        _sign(client, person)
    shutil.move(token.folder, tmp_path / "away")
    with pytest.raises(errors.SignerError):
        _sign(client, person)
    shutil.move(tmp_path / "away", token.folder)

    def is_back() -> bool:
        with suppress(errors.SignerError):
            _sign(client, person)
            return True
        return False

    wait_until(is_back, what="a signature after the token is back")
    client.close()


def test_ten_thousand_signatures_are_made_while_the_signer_is_killed(signer: SignerProcess) -> None:
    """Two processes of eight threads; a person whose confirmation was under way gives another.

    Every signature verifies, none is missing, and nothing but the unknown outcome is ever told.
    """
    client = signer.client(patience_s=120)
    people = [signer.enrol(client, account_id=f"acc_{number}") for number in range(_THREADS)]
    left = iter(range(_BATCHES))
    signed: list[int] = []
    asked_again: list[int] = []

    def sign(person: Person) -> None:
        for number in left:
            while number not in signed:
                try:
                    _sign(client, person, count=_BATCH)
                    signed.append(number)
                except errors.OutcomeUnknown:
                    asked_again.append(number)

    def have_signed(goal: int) -> bool:
        return len(signed) >= goal

    killed: set[int] = set()
    with ThreadPoolExecutor(_THREADS) as pool:
        signing = [pool.submit(sign, person) for person in people]
        for goal in range(_BATCHES // 4, _BATCHES, _BATCHES // 4):
            wait_until(partial(have_signed, goal), what="signatures", timeout_s=300)
            killed.update(signer.kill_children())
            assert len(signed) < _BATCHES
        for one in signing:
            one.result(timeout=600)
    assert sorted(signed) == list(range(_BATCHES))
    assert len(killed) >= 3, "each time it was another process"
    assert asked_again, "it was killed over what it was doing"
    client.close()
