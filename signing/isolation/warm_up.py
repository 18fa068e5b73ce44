"""What Python itself imports late, imported early.

What lives here: codecs and modules of the standard library that are first imported by a call.
Source: the library's own sources; `late_imports` tells when one is missing here.
Not here: what a parser needs of its own library, which is its module's `warm_up`.
"""

from __future__ import annotations

import encodings
import importlib
import pkgutil
from contextlib import suppress
from datetime import datetime
from typing import Final

_LATE: Final = ("_strptime", "decimal", "encodings.idna", "fractions", "linecache", "stringprep")


def warm_up() -> None:
    """Import them."""
    for found in pkgutil.iter_modules(encodings.__path__):
        with suppress(ImportError, LookupError, UnicodeError):  # not for every system, not for text
            importlib.import_module(f"encodings.{found.name}")
            "".encode(found.name)
    for name in _LATE:
        importlib.import_module(name)
    datetime.strptime("20260101+0700", "%Y%m%d%z")
