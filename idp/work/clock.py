"""Huey as the clock of deferred work: wakes a worker, carries row ids and nothing else.

What lives here: the queue (a SQLite file out of the box, Redis in production) and the serializer.
Huey's own serializer is pickle, which would let whoever can write to the queue run code; ours
reads a list of a known task name and short strings, and refuses everything else.  Results are
off: nobody waits for any.  Not here: the work itself (`worker`), the record of it (the outbox).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog
from huey import Huey, RedisHuey, SqliteHuey
from huey.registry import Message
from huey.serializer import Serializer

from idp.storage.ephemeral_redis import open_pool

_QUEUE_NAME: Final = "antinwork"
_MODULE: Final = "antin"
_TASKS: Final = frozenset({"wake", "sweep", "duty"})
_MESSAGE_BYTES: Final = 16_384
_MOST_IDS: Final = 100
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.:-]{1,80}")

_log = structlog.get_logger("antin.work")


class WireSerializer(Serializer):  # type: ignore[misc]  # Huey has no types
    """Messages as JSON: `[task, message id, [argument, …]]`, all of them short plain strings."""

    def _serialize(self, data: Any) -> bytes:
        name = data.name.rpartition(".")[2]
        if name not in _TASKS or data.kwargs or data.eta or data.on_complete or data.on_error:
            raise ValueError("message_not_plain")
        return json.dumps([name, data.id, list(data.args)]).encode()

    def _deserialize(self, data: Any) -> Message:
        raw = bytes(data)
        if len(raw) > _MESSAGE_BYTES:
            raise ValueError("message_too_long")
        match json.loads(raw):
            case [str(name), str(message_id), [*arguments]] if name in _TASKS:
                words = [message_id, *arguments]
            case _:
                raise ValueError("message_unknown")
        if not all(isinstance(word, str) and _PLAIN.fullmatch(word) for word in words):
            raise ValueError("message_not_plain")
        return Message(
            id=message_id,
            name=f"{_MODULE}.{name}",
            retries=0,
            retry_delay=0,
            args=tuple(arguments),
            kwargs={},
        )


class Clock:
    """The queue as web processes see it (`wake`), and as the worker does (`huey`, `on_…`)."""

    def __init__(self, huey: Huey) -> None:
        self.huey = huey
        self._tasks = {name: self._declare(name) for name in _TASKS}
        self._acts: dict[str, Callable[..., object]] = {}

    def wake(self, ids: Sequence[str]) -> None:
        """Hint that these rows are due.  Never raises: the sweep finds what was not heard."""
        for start in range(0, len(ids), _MOST_IDS):
            self._send("wake", *ids[start : start + _MOST_IDS])

    def sweep(self) -> None:
        """Hint that more rows are due than anybody was woken for."""
        self._send("sweep")

    def start_duty(self, name: str) -> None:
        """Let a worker thread do a periodic duty."""
        self._send("duty", name)

    def answer(
        self,
        *,
        wake: Callable[..., object],
        sweep: Callable[[], object],
        duty: Callable[[str], object],
    ) -> None:
        """Say what is to happen in this process when a hint arrives; only the worker does."""
        self._acts = {"wake": wake, "sweep": sweep, "duty": duty}

    def count_waiting(self) -> int:
        """Hints that nobody has taken yet."""
        return int(self.huey.storage.queue_size())

    def close(self) -> None:
        """Close the connections."""
        self.huey.storage.close()

    def _send(self, name: str, *arguments: str) -> None:
        try:
            self._tasks[name](*arguments)
        except Exception as failure:  # noqa: BLE001  a durable act may not fail for a hint
            _log.warning("work_hint_lost", task=name, reason=type(failure).__name__)

    def _declare(self, name: str) -> Callable[..., object]:
        def act(*arguments: str) -> None:
            self._acts[name](*arguments)

        act.__module__ = _MODULE
        declared: Callable[..., object] = self.huey.task(name=name)(act)
        return declared


def open_clock(url: str) -> Clock:
    """The queue at `url`: `redis://…`, `rediss://…`, `unix://…`, or `sqlite:///path/queue.db`."""
    options: dict[str, Any] = {"results": False, "serializer": WireSerializer()}
    if url.startswith("sqlite:///"):
        # without fsync: what a power cut takes from it, the sweep finds in the outbox
        filename = url.removeprefix("sqlite:///")
        return Clock(SqliteHuey(_QUEUE_NAME, filename=filename, fsync=False, **options))
    pool = open_pool(url)  # its two seconds are longer than the one that BRPOP waits
    return Clock(RedisHuey(_QUEUE_NAME, connection_pool=pool, read_timeout=1, **options))
