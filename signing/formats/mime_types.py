"""What a document says to be: the one spelling of it that goes into signatures and manifests.

Source: RFC 6838 §4.2 (characters and lengths); parameters are left out (`base_type`).
"""

from __future__ import annotations

import re
from typing import Final

from signing.errors import DocumentRefused

_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
_MIME_TYPE: Final = re.compile(f"{_NAME}/{_NAME}", re.ASCII)


def base_type(raw: str) -> str:
    """The type without its parameters, as it goes into signatures; empty stays empty.

    NOTE: who sends text says `text/plain; charset=utf-8`, whatever is in the file
    """
    return raw.partition(";")[0].strip().lower()


def check_mime_type(raw: str | None) -> str | None:
    """The MIME type as it is, if it is one; None stays None.

    Raises  DocumentRefused (mime_type).
    """
    if raw is not None and not _MIME_TYPE.fullmatch(raw):
        raise DocumentRefused("mime_type")
    return raw
