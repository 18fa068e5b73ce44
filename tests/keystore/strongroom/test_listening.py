"""A socket of one's own, where nobody else can put one."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from keystore.strongroom.errors import RoomUnavailable
from keystore.strongroom.frames import Address
from keystore.strongroom.listening import listen


def test_it_is_private_and_gone_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    with listen(Address(path=path)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists()


def test_a_group_may_be_let_in(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    with listen(Address(path=path), group_id=os.getgid()):
        assert stat.S_IMODE(path.stat().st_mode) == 0o660


def test_a_socket_that_a_killed_process_left_behind_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with listen(Address(path=path)), socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(path))


def test_two_do_not_listen_at_one_place(tmp_path: Path) -> None:
    address = Address(path=tmp_path / "s.sock")
    with (
        listen(address),
        pytest.raises(RoomUnavailable, match="in_use"),
        listen(address),
    ):
        pass


def test_a_file_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    path.write_text("something else")
    with pytest.raises(RoomUnavailable, match="not_possible"), listen(Address(path=path)):
        pass
    assert path.read_text() == "something else"


def test_a_folder_where_anybody_may_put_a_socket_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with (
        pytest.raises(RoomUnavailable, match="folder_open_to_all"),
        listen(Address(path=tmp_path / "s.sock")),
    ):
        pass


def test_a_port_that_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = Address(host="127.0.0.1", port=taken.getsockname()[1])
        with pytest.raises(RoomUnavailable, match="not_possible"), listen(address):
            pass
