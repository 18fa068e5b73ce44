"""`antin signer` over a token: killed, and its token pulled out, it signs again by itself."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

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


@pytest.fixture
def signer(soft_hsm: SoftHsm, token: SoftToken, tmp_path: Path) -> Iterator[SignerProcess]:
    """A signer whose only secret is the PIN of a token."""
    pin = tmp_path / "pin"
    pin.write_text(token.pin)
    pin.chmod(0o600)
    settings = {
        "ANTIN_SIGNER_PKCS11_MODULE": str(token.module),
        "ANTIN_SIGNER_PKCS11_TOKEN": token.label,
        "ANTIN_SIGNER_PKCS11_PIN_FILE": str(pin),
    }
    folder = tmp_path / "signer"
    with running_signer(
        folder,
        f"sqlite:///{folder / 'antin.db'}",
        environment=soft_hsm.environment,
        **settings,
    ) as running:
        yield running


def _sign(client: SignerClient, person: Person) -> None:
    activation = person.activation(now=utc_now(), digests=digests_of(2))
    signatures = client.activate(activation, person.confirm(activation))
    for digest, signature in zip(digests_of(2), signatures, strict=True):
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
    client = signer.client(patience_s=20)
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
