"""What `antin sandbox` writes and waits for."""

from __future__ import annotations

import socket
import stat
import threading
from pathlib import Path

import click
import pytest

from idp.sandbox.command import wait_until_up
from idp.sandbox.files import write_whole


def _listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def test_a_file_is_its_owners_alone_and_replaced_as_a_whole(tmp_path: Path) -> None:
    file = tmp_path / "sandbox.json"
    write_whole(file, "first")
    with file.open(encoding="utf-8") as reader:
        write_whole(file, "second")
        assert reader.read() == "first"  # whoever reads while it is written reads all of the old
    assert file.read_text(encoding="utf-8") == "second"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_it_is_up_when_the_portals_are_up_as_well() -> None:
    with _listener() as provider, _listener() as portal:
        ports = [one.getsockname()[1] for one in (provider, portal)]
        wait_until_up(ports, [], within_s=5)
        portal.close()
        with pytest.raises(click.ClickException, match=f"port {ports[1]}"):
            wait_until_up(ports, [], within_s=0.2)


def test_a_portal_that_is_slow_is_waited_for() -> None:
    with _listener() as provider:
        with _listener() as free:
            port = free.getsockname()[1]
        late = socket.socket()
        late.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        late.bind(("127.0.0.1", port))
        starting = threading.Timer(0.3, late.listen)
        starting.start()
        wait_until_up([provider.getsockname()[1], port], [], within_s=5)
        starting.join()
        late.close()
