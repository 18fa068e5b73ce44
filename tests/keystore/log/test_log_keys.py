"""The keyring signs checkpoints, and what old keys signed stays good."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from idp.storage.database import Database
from keystore.errors import KeyPurposeRefused
from keystore.keyring import Keyring
from keystore.log.entries import Tree
from keystore.log.log_keys import CONTENT, KeyringLogKeys
from keystore.log.note_keys import KeyKind
from keystore.log.record import LogWriter
from keystore.log.sequencer import Sequencer
from keystore.log.verify import verify_log
from keystore.purposes import LOG
from keystore.sealing import Sealer
from tests.support.log_trees import ORIGINS


@pytest.fixture
def keyring(database: Database, sealer: Sealer, log: LogWriter, now: datetime) -> Keyring:
    """Keys of the purpose for the log."""
    made = Keyring(database, sealer, log=log, purpose=LOG)
    made.ensure(now)
    return made


def test_both_algorithms_sign_under_the_name_of_the_log(keyring: Keyring, now: datetime) -> None:
    kinds = [one.verifier.kind for one in KeyringLogKeys(keyring).signers("log.example", now=now)]
    assert kinds == [KeyKind.ED25519, KeyKind.MLDSA44_COSIGNATURE]
    names = {one.name for one in KeyringLogKeys(keyring).verifiers("log.example", now=now)}
    assert names == {"log.example"}


def test_keys_of_the_log_sign_nothing_else(keyring: Keyring, now: datetime) -> None:
    key = keyring.signing_key("Ed25519", now=now)
    assert key.sign(b"x", content=CONTENT)
    with pytest.raises(KeyPurposeRefused):
        key.sign(b"x", content="jwt:JWT")


def test_after_a_rotation_the_log_goes_on_and_is_whole(
    database: Database, keyring: Keyring, write: Callable[..., None], now: datetime
) -> None:
    keys = KeyringLogKeys(keyring)
    sequencer = Sequencer(database, origins=ORIGINS, keys=keys)
    write(private=2)
    sequencer.run(now)
    before = [one.verifier for one in keys.signers("log.example", now=now)]
    keyring.rotate(now, lead=timedelta(seconds=1))
    later = now + timedelta(hours=1)
    assert not set(before) & {one.verifier for one in keys.signers("log.example", now=later)}
    write(private=2)
    sequencer.run(later)
    log_keys = {tree: keys.verifiers(origin, now=later) for tree, origin in ORIGINS.items()}
    report = verify_log(database, log_keys=log_keys)
    assert report.is_whole, report.findings
    assert report.signed[Tree.PRIVATE] == 4
