"""The signer on another host: TLS 1.3 with a certificate on either side, or nothing.

RFC 8446 §4.4.2; RFC 6125 §6.4.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest

from keystore.signer import errors
from keystore.signer.client import SignerClient
from tests.support.signer_process import (
    SignerProcess,
    running_signer,
    sign_with,
    tls_settings,
)


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
    assert len(sign_with(client, person)) == 1
    assert remote.kill_children()
    assert len(sign_with(client, person)) == 1, "a connection that died is made anew"
    client.close()


@pytest.mark.parametrize("name", ["other", "stranger"])
def test_a_certificate_that_may_not_ask_is_refused(remote: SignerProcess, name: str) -> None:
    """RFC 6125: another name of the same authority, and our name of another authority."""
    client = SignerClient(remote.address, tls=remote.tls_of(name), patience_s=0.3)
    with pytest.raises((errors.SignerUnavailable, errors.CallerRefused)):
        client.kek_ids()
    client.close()


def test_only_keepers_resume_and_destroy(remote: SignerProcess) -> None:
    """A web worker may suspend; what cannot be taken back, or undoes that, it may not ask for."""
    web = remote.client()
    person, other = (remote.enrol(web, account_id=name) for name in ("acc_kept", "acc_other"))
    key_id = person.key.key_id
    assert web.suspend_key(key_id, reason="account_locked")
    acts: list[Callable[[SignerClient], object]] = [
        lambda client: client.resume_key(key_id, reason="proofed"),
        lambda client: client.destroy_key(key_id, reason="lost"),
        lambda client: client.destroy_keys_of("acc_kept", reason="lost"),
    ]
    for act in acts:
        with pytest.raises(errors.CallerRefused, match="not_a_keeper"):
            act(web)
    keeper = SignerClient(remote.address, tls=remote.tls_of("keeper"))
    assert keeper.resume_key(key_id, reason="proofed")
    assert len(sign_with(web, person)) == 1
    assert keeper.destroy_key(key_id, reason="lost")
    with pytest.raises(errors.DestructionBudgetSpent):
        keeper.destroy_key(other.key.key_id, reason="lost")
    assert len(sign_with(web, other)) == 1
    keeper.close()
    web.close()


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
    with socket.create_connection((host, int(port)), timeout=120) as connection:
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
