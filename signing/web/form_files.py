"""Files out of a form, into memory files without a name.

What lives here: `read_files`, for forms of browsers and of programs alike.  Nothing of what is
uploaded ever stands in a folder; what a form calls its files is a name and nothing more.
Source: RFC 7578 (multipart/form-data), §4.2 (file names say nothing about places).
Not here: reading the form (`form_parts.py`), what the files are.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

from werkzeug.wrappers import Request

from signing.errors import RequestRefused
from signing.isolation.blob import Blob
from signing.web.form_parts import read_parts

_MOST_TEXT: Final = 256 * 1024
"""Of one text."""
_MOST_NAME: Final = 200
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """One file; its blob is closed by whoever holds the form."""

    name: str = field(repr=False)
    content: Blob


@dataclass(frozen=True, slots=True)
class UploadedForm:
    """What came: texts by name, files by field in their order."""

    texts: Mapping[str, str] = field(repr=False)
    files: Mapping[str, tuple[UploadedFile, ...]] = field(repr=False)


def read_files(
    request: Request, *, max_bytes: int, most_files: int, held: ExitStack
) -> UploadedForm:
    """The files and texts of a form.

    Takes   max_bytes: of the whole body; held: closes the files.
    Returns no entry for a field in which nothing was chosen.
    Raises  RequestRefused (malformed, length_required, unsupported_media_type, too_many_files);
            RequestEntityTooLarge.
    """
    if request.mimetype != "multipart/form-data":
        raise RequestRefused("unsupported_media_type")
    parts = read_parts(
        request, max_bytes=max_bytes, most_text=_MOST_TEXT, most_parts=most_files + 16, held=held
    )
    texts: dict[str, str] = {}
    found: dict[str, list[UploadedFile]] = {}
    for one in parts:
        if one.content is None:
            texts.setdefault(one.name, one.text)
            continue
        name = plain_name(one.file_name)
        if name or one.content.size:  # a browser sends neither where nothing was chosen
            found.setdefault(one.name, []).append(UploadedFile(name, one.content))
    if sum(len(one) for one in found.values()) > most_files:
        raise RequestRefused("too_many_files")
    return UploadedForm(texts, {name: tuple(several) for name, several in found.items()})


def plain_name(raw: str) -> str:
    """The name of a file without its folder, and without what is not seen or turns the writing."""
    name = raw.replace("\\", "/").rpartition("/")[2]
    seen = "".join(one for one in name if unicodedata.category(one) not in _HIDDEN)
    return unicodedata.normalize("NFC", seen).strip()[:_MOST_NAME]
