"""The program that parses: started by the service, locked before the first document.

What lives here: its life.  It imports what the table names, warms it up, locks itself, says that
it is ready, and does one job after the other until the service closes the socket.
Not here: what holds it (`lockdown`), who kills it when a job takes too long (`child_process`).
Run as  python -I -m signing.isolation.child SOCKET PARENT [--unlocked] MODULE…
"""

from __future__ import annotations

import errno
import gc
import logging
import mmap
import os
import socket
import sys
import traceback
import warnings
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import Final

import msgspec

from signing.errors import DocumentRefused
from signing.isolation import wire
from signing.isolation.late_imports import ImportGate
from signing.isolation.lockdown import (
    NoFilter,
    close_other_files,
    end_with_parent,
    find_filter,
    lock_process,
    take_place,
    virtual_bytes,
)
from signing.isolation.table import Entry, load_table
from signing.isolation.warm_up import warm_up

_UNLOCKED: Final = "--unlocked"
_TOO_LARGE: Final = frozenset({errno.EFBIG, errno.ENOMEM, errno.ENOSPC})
_COPIED_BYTES: Final = 1 << 19
_LOOKED_AT_ONCE: Final = 20_000
"""Objects, some megabytes of them."""
_JOB: Final = msgspec.msgpack.Decoder(wire.Job)


def main(arguments: Sequence[str]) -> None:
    """Live until the socket is closed."""
    fd, parent, *names = arguments
    connection = socket.socket(fileno=take_place(int(fd)))
    connection.settimeout(None)
    end_with_parent(int(parent))
    gate = ImportGate()
    gate.stand()
    try:
        table = _prepare([name for name in names if name != _UNLOCKED])
        close_other_files(connection.fileno())
        used = virtual_bytes()
        filtering = find_filter()
        gate.shut()
        walls = lock_process(filtering, is_filter_needed=_UNLOCKED not in names)
    except NoFilter as failure:
        wire.send_frame(connection, wire.encode(wire.Stopped("no_filter", str(failure))))
        return
    except BaseException:  # noqa: BLE001  whatever it is, the service has to hear of it
        wire.send_frame(connection, wire.encode(wire.Stopped("fault", traceback.format_exc())))
        return
    gc.collect()
    gc.freeze()  # collecting what a job leaves need not look at what was there before
    with suppress(wire.Closed):
        wire.send_frame(connection, wire.encode(wire.Ready(walls, used)))
        while True:
            _do_next(connection, table, gate)
    os._exit(0)  # what it held is nobody's any more


def _prepare(names: Sequence[str]) -> Mapping[str, Entry]:
    """Everything that is opened, imported or read from the environment, before none of it can be.

    What libraries would log or warn about goes nowhere: it may quote a document.
    """
    logging.disable()
    warnings.simplefilter("ignore")
    table = load_table(names)
    warm_up()
    os.environ.clear()
    return table


def _do_next(connection: socket.socket, table: Mapping[str, Entry], gate: ImportGate) -> None:
    body, fds = wire.receive_job(connection)
    answer = wire.encode(_answer(body, fds, table))
    late = gate.late()
    if late is not None:
        answer = wire.encode(wire.Fault("fault", f"late import of {late}"))
    wire.send_frame(connection, answer)
    gc.collect()


def _answer(body: bytes, fds: Sequence[int], table: Mapping[str, Entry]) -> wire.Answer:
    output_fd, *input_fds = fds
    try:
        with ExitStack() as held, os.fdopen(output_fd, "w+b") as output:
            views = [_mapped(fd, held) for fd in input_fds]
            job = _JOB.decode(body)
            entry = table[job.task]
            answered = entry.function(entry.decode(job.asked), views, output)
            if type(answered) is not entry.answered:
                return wire.Fault("fault", "answer of another type")
            return wire.Answered(msgspec.Raw(wire.encode(answered)))
    except DocumentRefused as refusal:
        return wire.Refused(refusal.reason)
    except MemoryError as failure:
        return wire.Fault("too_large", _where(failure))
    except OSError as failure:
        return wire.Fault("too_large" if failure.errno in _TOO_LARGE else "fault", _where(failure))
    except Exception as failure:  # noqa: BLE001  a fault of the function, told to the service
        return wire.Fault("fault", _where(failure))


def _mapped(fd: int, held: ExitStack) -> memoryview:
    """The whole of a file; it is let go even when somebody still holds a part.

    A small one is copied, which costs less than mapping it.
    """
    try:
        size = os.fstat(fd).st_size
        if size <= _COPIED_BYTES:
            return memoryview(os.pread(fd, size, 0))
        mapped = mmap.mmap(fd, size, access=mmap.ACCESS_READ)
    finally:
        os.close(fd)
    view = memoryview(mapped)
    held.callback(_let_go, mapped, view)
    return view


def _let_go(mapped: mmap.mmap, view: memoryview) -> None:
    with suppress(BufferError):
        view.release()
        mapped.close()


def _where(failure: BaseException) -> str:
    """What was raised and on which lines: nothing of the document, and no file is opened for it."""
    frames = list(traceback.walk_tb(failure.__traceback__))[-4:]
    places = " ".join(f"{frame.f_code.co_name}:{line}" for frame, line in frames)
    return f"{type(failure).__name__} {places}"


if __name__ == "__main__":
    main(sys.argv[1:])
