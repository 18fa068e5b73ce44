"""Templates that are compiled once in a process, however many applications a test run makes.

An application compiles each page when it is first shown; a run of the tests makes thousands of
applications, and compiling would be a tenth of it.
"""

from __future__ import annotations

import io
from typing import Final

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

from idp.web.i18n import LANGUAGES


class _InMemory(BytecodeCache):
    """Kept by the key that Jinja makes of a template's name; a changed source is compiled anew."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """What was kept, if it is of the same source."""
        kept = self._kept.get(bucket.key)
        if kept is not None:
            bucket.load_bytecode(io.BytesIO(kept))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it."""
        kept = io.BytesIO()
        bucket.write_bytecode(kept)
        self._kept[bucket.key] = kept.getvalue()


COMPILED: Final = {language: _InMemory() for language in LANGUAGES}
