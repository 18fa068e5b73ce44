"""The other side of a `RoomClient`, whose connections break as a test wants."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from keystore.strongroom.frames import Message, encode_frame, read_frame


@contextmanager
def answering(path: Path, answers: Sequence[Message | None]) -> Iterator[None]:
    """Somebody who reads a request a connection and answers, or (None) hangs up, and then goes."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            for left in range(len(answers), 0, -1):
                connection, _ = listener.accept()
                with connection:
                    read_frame(connection, idle_s=5, frame_s=5)
                    if left == 1:
                        path.unlink()  # before whoever hears of the end looks for it again
                    answer = answers[-left]
                    if answer is not None:
                        connection.sendall(encode_frame(answer))

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            thread.join(120)
