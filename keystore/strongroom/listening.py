"""Where such a process listens: a Unix socket of its own, or a TCP port.

What lives here: making the listening socket so that there is no instant at which others could
connect, and no second process at the same place.  Source: unix(7), flock(2).
Not here: who is let in (`gate`).
"""

from __future__ import annotations

import fcntl
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from keystore.strongroom.errors import RoomUnavailable
from keystore.strongroom.frames import Address

_BACKLOG: Final = 128
_ANYBODY: Final = stat.S_IWOTH


@contextmanager
def listen(address: Address, *, group_id: int | None = None) -> Iterator[socket.socket]:
    """A listening socket, closed afterwards; a Unix socket is removed as well.

    Takes   group_id: a group that may connect too (mode 0660); None: the owner alone (0600).
    Raises  RoomUnavailable: folder_open_to_all, in_use, or not_possible.
    """
    if address.path is None:
        with _listen_on_port(address) as listener:
            yield listener
        return
    folder = address.path.absolute().parent
    mode = folder.stat().st_mode
    if mode & _ANYBODY and not mode & stat.S_ISVTX:
        raise RoomUnavailable("folder_open_to_all")  # anybody could put another socket there
    with _only_one(address.path), _bind(address.path, group_id=group_id) as listener:
        try:
            yield listener
        finally:
            with suppress(FileNotFoundError):
                address.path.unlink()


def _listen_on_port(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server(
            (address.host, address.port), family=family, backlog=_BACKLOG, reuse_port=False
        )
    except OSError as failure:
        raise RoomUnavailable("not_possible") from failure


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    # the lock outlives no process, unlike the socket's name, which a killed process leaves behind
    lock = os.open(path.with_name(f"{path.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as taken:
            raise RoomUnavailable("in_use") from taken
        yield
    finally:
        os.close(lock)


def _bind(path: Path, *, group_id: int | None) -> socket.socket:
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise RoomUnavailable("not_possible")
        path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
        if group_id is not None:
            os.chown(path, -1, group_id)
            path.chmod(0o660)
        listener.listen(_BACKLOG)
    except OSError as failure:
        listener.close()
        raise RoomUnavailable("not_possible") from failure
    finally:
        os.umask(before)
    return listener
