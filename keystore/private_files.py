"""Small files that hold a secret: read only when they are private, replaced as a whole.

What lives here: reading a file that nobody but its owner may touch, making one that is never seen
half written, and replacing one so that a reader sees the old or the new one and a power cut leaves
either.  Not here: what is in them.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from keystore.errors import KekInvalid

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_MAX_BYTES: Final = 4096


def read_private_file(file: Path) -> bytes:
    """What is in the file, up to 4,096 bytes.

    Raises  KekInvalid: unreadable, readable_by_others, malformed (longer).
    """
    try:
        with file.open("rb") as opened:
            if stat.S_IMODE(os.fstat(opened.fileno()).st_mode) & _OTHERS:
                raise KekInvalid("readable_by_others")
            read = opened.read(_MAX_BYTES + 1)
    except OSError as failure:
        raise KekInvalid("unreadable") from failure
    if len(read) > _MAX_BYTES:
        raise KekInvalid("malformed")
    return read


def add_private_file(path: Path, content: bytes) -> bool:
    """Make a file of mode 0600; False when there was one, which stays as it is."""
    draft = write_draft(path, content)
    try:
        os.link(draft, path)  # unlike a rename it fails when `path` exists
    except FileExistsError:
        return False
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()
    keep_names(path.parent)
    return True


def replace_private_file(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Put `change` of what a private file holds in its place; one at a time, all or nothing.

    Raises  KekInvalid when it cannot be read, or written: it is as it was then.
    """
    with _alone(path):
        content = change(read_private_file(path))
        try:
            put_in_place(write_draft(path, content), path)
        except OSError as failure:
            raise KekInvalid("unwritable") from failure


def put_in_place(draft: Path, path: Path) -> None:
    """Let a draft be the file of that name, in one step; it belongs to whom that belonged.

    Raises  OSError: the file is as it was, and the draft is gone.
    """
    try:
        with suppress(FileNotFoundError):
            before, made = path.stat(), draft.stat()
            if (before.st_uid, before.st_gid) != (made.st_uid, made.st_gid):
                os.chown(draft, before.st_uid, before.st_gid)  # root works for the service
        draft.replace(path)
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()
    keep_names(path.parent)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time for this file; the lock is on the folder, which nobody replaces."""
    handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def write_draft(path: Path, content: bytes) -> Path:
    """A file of mode 0600 beside `path`, whole and on the disk; whoever asked renames or links it.

    Raises  OSError, and nothing is left.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.fchmod(handle, 0o600)  # the umask only takes away, and must not
        with os.fdopen(os.dup(handle), "wb") as opened:
            opened.write(content)  # all of it, or an error: a full disk writes less and says so
        os.fsync(handle)
    except BaseException:
        with suppress(FileNotFoundError):
            draft.unlink()
        raise
    finally:
        os.close(handle)
    return draft


def keep_names(folder: Path) -> None:
    """Have the names in a folder on the disk: a new one is there only once its folder is."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
