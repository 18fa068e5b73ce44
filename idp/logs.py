"""What the processes of the provider write: one line of JSON each, on standard output.

What lives here: `configure_logging`, called once by each process, for our own lines (structlog) and
for those of libraries (the standard library's logging, led through the same door).  A line never
holds the message of an exception, because drivers and parsers put values into theirs: it says the
type, stable codes, and where, without the values of variables.  Not here: what is written, when.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final

import structlog

_ROOT: Final = str(Path(__file__).parents[1])
_PACKAGES: Final = "site-packages/"
_MOST_FRAMES: Final = 12
_LONGEST_CHAIN: Final = 4
_CODES: Final = ("code", "sqlstate", "sqlite_errorname", "errno")
"""Attributes of exceptions that are codes: ours, PostgreSQL's, SQLite's, the system's."""
_OWN_LEVEL: Final = frozenset({"_granian", "antin"})
"""Of whom also what is not a warning is of use: the server, and our own keystore, which knows no
structlog; other libraries repeat what they handle."""

Line = MutableMapping[str, Any]


def configure_logging(
    level: str, *, request_id: Callable[[], str] = str, stream: BinaryIO | None = None
) -> None:
    """Lead every line of this process to `stream` (standard output) as JSON.

    Takes   level: DEBUG, INFO, WARNING or ERROR; request_id: the id of the request that the calling
            thread answers, or "".
    """
    threshold = logging.getLevelNamesMapping()[level]

    def add_request_id(_logger: Any, _method: str, line: Line) -> Line:
        current = request_id()
        if current:
            line.setdefault("request_id", current)
        return line

    structlog.configure(
        processors=[
            add_request_id,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            _name_logger,
            _describe_exception,
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=_Lines(sys.stdout.buffer if stream is None else stream),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Through()]
    root.setLevel(max(threshold, logging.WARNING))
    for name in _OWN_LEVEL:
        logging.getLogger(name).setLevel(threshold)


class _Lines:
    """Makes loggers that know their name."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def __call__(self, *names: str) -> _NamedLogger:
        return _NamedLogger(structlog.BytesLogger(self._stream), name=names[0] if names else "")


class _NamedLogger:
    """Writes bytes; every level is the same to it."""

    __slots__ = ("_write", "name")

    def __init__(self, inner: structlog.BytesLogger, *, name: str) -> None:
        self._write = inner.msg
        self.name = name

    def msg(self, line: bytes) -> None:
        """Write one line."""
        self._write(line)

    debug = info = warning = error = critical = msg


class _Through(logging.Handler):
    """Hands records of the standard library's logging to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            structlog.get_logger(record.name).log(
                record.levelno, record.getMessage(), exc_info=record.exc_info or None
            )
        except Exception:  # noqa: BLE001 - a line that cannot be written stops nobody
            self.handleError(record)


def _name_logger(logger: Any, _method: str, line: Line) -> Line:
    line["logger"] = getattr(logger, "name", "")
    return line


def _describe_exception(_logger: Any, _method: str, line: Line) -> Line:
    given = line.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        line["exception"] = describe_exception(error)
    return line


def describe_exception(error: BaseException) -> list[dict[str, Any]]:
    """The exception and what caused it, outermost first: type, codes, places; no message."""
    chain: list[dict[str, Any]] = []
    link: BaseException | None = error
    while link is not None and len(chain) < _LONGEST_CHAIN:
        kind = type(link)
        described: dict[str, Any] = {"type": f"{kind.__module__}.{kind.__qualname__}"}
        for name in _CODES:
            value = getattr(link, name, None)
            if isinstance(value, str | int):
                described[name] = value
        described["at"] = _places(link.__traceback__)
        chain.append(described)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return chain


def _places(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)[-_MOST_FRAMES:]
    return [f"{_shorten(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]


def _shorten(filename: str) -> str:
    if _PACKAGES in filename:
        return filename.rpartition(_PACKAGES)[2]
    return filename.removeprefix(_ROOT).lstrip("/")


def _render(_logger: Any, _method: str, line: Line) -> bytes:
    ordered: Mapping[str, Any] = {
        "time": line.pop("time"),
        "level": line.pop("level"),
        "event": line.pop("event"),
        **line,
    }
    return json.dumps(ordered, ensure_ascii=False, default=_type_name).encode("utf-8", "replace")


def _type_name(value: object) -> str:
    """What is no plain value may hold anything: its type is all that is said."""
    return type(value).__name__
