"""`antin keys personal`, as an operator types it, with the signer itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from idp.cli import cli
from keystore.signer import errors
from keystore.signer.client import SignerClient
from tests.support.signer import Person
from tests.support.signer_process import (
    SignerProcess,
    running_signer,
    sign_with,
    tls_settings,
)


@pytest.fixture
def signer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SignerProcess]:
    """A signer whose settings this process has too."""
    with running_signer(tmp_path / "signer", f"sqlite:///{tmp_path / 'antin.db'}") as running:
        for name, text in running.environ().items():
            if name.startswith("ANTIN_"):
                monkeypatch.setenv(name, text)
        yield running


@pytest.fixture
def client(signer: SignerProcess) -> Iterator[SignerClient]:
    """What a web worker asks with."""
    made = signer.client()
    yield made
    made.close()


@pytest.fixture
def person(signer: SignerProcess, client: SignerClient) -> Person:
    """Somebody with a key."""
    return signer.enrol(client)


def _run(*words: str, given: str = "") -> Result:
    return CliRunner().invoke(cli, ["keys", "personal", *words], input=given)


def _ok(*words: str, given: str = "") -> str:
    done = _run(*words, given=given)
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


def _states(*options: str) -> dict[str, str]:
    return {one["key_id"]: one["state"] for one in json.loads(_ok("list", "--json", *options))}


def test_a_key_is_suspended_resumed_and_destroyed_by_hand(
    client: SignerClient, person: Person
) -> None:
    key_id = person.key.key_id
    assert "SCAL2" in _ok("list")
    assert key_id in _ok("suspend", key_id, "--reason", "lost_phone")
    assert _states() == {key_id: "suspended"}
    with pytest.raises(errors.PersonalKeySuspended):
        sign_with(client, person)
    done = json.loads(_ok("resume", key_id, "--json"))
    assert done == {"key_id": key_id, "act": "resumed", "changed": True}
    assert sign_with(client, person)
    refused = _run("destroy", key_id, given="n\n")
    assert refused.exit_code == 1
    assert "never signs with it again" in refused.stdout
    assert _states() == {key_id: "active"}
    _ok("destroy", key_id, given="y\n")
    assert _states("--account", "acc_1") == {key_id: "destroyed"}
    assert _states("--account", "acc_2") == {}
    assert "nothing to do" in _ok("destroy", key_id, "--yes")
    with pytest.raises(errors.PersonalKeyDestroyed):
        sign_with(client, person)


def test_a_key_that_is_none_and_a_reason_that_is_none_are_refused(signer: SignerProcess) -> None:
    assert "personal_key_unknown" in _run("suspend", "pkey_0").stderr
    assert "there is no such key" in _run("destroy", "pkey_0").stderr
    assert _run("suspend", "pkey_0", "--reason", "Ông Nguyễn asked").exit_code == 2


def test_who_is_no_keeper_is_told_how_to_be_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "signer"
    with running_signer(
        folder, f"sqlite:///{tmp_path / 'antin.db'}", **tls_settings(folder)
    ) as running:
        client = running.client()
        person = running.enrol(client)
        client.close()
        given = {
            **running.environ(),
            "ANTIN_SIGNER_TLS_CERTIFICATE": str(folder / "caller.pem"),
            "ANTIN_SIGNER_TLS_KEY": str(folder / "caller.key"),
        }
        for name, text in given.items():
            if name.startswith("ANTIN_"):
                monkeypatch.setenv(name, text)
        assert "ANTIN_SIGNER_KEEPERS" in _run("destroy", person.key.key_id, "--yes").stderr
        assert _states() == {person.key.key_id: "active"}
