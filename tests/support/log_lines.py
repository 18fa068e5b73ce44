"""What a process would write, line by line.

What lives here: logging configured as `antin serve` configures it, for the length of a block.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog

from idp.logs import configure_logging

Lines = Callable[[], list[dict[str, Any]]]


@contextmanager
def log_lines(level: str, **options: Any) -> Iterator[Lines]:
    """Yields what reads the lines so far; afterwards all is as it was before."""
    root = logging.getLogger()
    before = structlog.get_config(), root.handlers[:], root.level
    stream = io.BytesIO()
    configure_logging(level, stream=stream, **options)
    try:
        yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    finally:
        structlog.configure(**before[0])
        root.handlers[:] = before[1]
        root.setLevel(before[2])
