"""What the libraries that parse import late, imported early.

What lives here: their modules that are first imported by a call, for all parsers together.
Not here: what one parser alone needs, which is its own module's `warm_up`.
"""

from __future__ import annotations

import importlib
import io
import pkgutil
from contextlib import suppress
from typing import Final

from lxml import etree
from PIL import Image

_WHOLE: Final = ("pyhanko.pdf_utils", "fontTools.ttLib.tables", "fontTools.subset")
_SINGLE: Final = ("lxml._elementpath", "lxml.isoschematron", "uharfbuzz")


def warm_up() -> None:
    """Import them, and have each done once what it prepares on first use."""
    for package in _WHOLE:
        with suppress(ImportError):
            whole = importlib.import_module(package)
            for found in pkgutil.walk_packages(whole.__path__, f"{package}."):
                with suppress(ImportError):  # of what is not installed
                    importlib.import_module(found.name)
    for name in _SINGLE:
        with suppress(ImportError):
            importlib.import_module(name)
    Image.init()
    for image_format in ("PNG", "WEBP", "JPEG"):
        drawn = io.BytesIO()
        Image.new("RGB", (2, 2)).save(drawn, image_format)
        Image.open(io.BytesIO(drawn.getvalue())).load()
    etree.fromstring(b"<a><b/></a>").xpath("count(//b)")
