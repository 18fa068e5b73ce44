"""Files out of a form, into memory files without a name.

What lives here: `read_files`, for forms of browsers and of programs alike.  Nothing of what is
uploaded ever stands in a folder; what a form calls its files is a name and nothing more.
Source: RFC 7578 (multipart/form-data), §4.2 (file names say nothing about places).
Not here: what the files are.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import IO, Any, Final

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.wrappers import Request

from signing.errors import RequestRefused
from signing.isolation.blob import Blob, open_memory_file

_MOST_TEXT: Final = 256 * 1024
"""Of one text, and of what werkzeug's reader holds at any time: NOTE: files pass through that too,
64 KiB at a time and what may be the beginning of a boundary, so that 64 KiB refused most files."""
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
    if request.content_length is None:
        raise RequestRefused("length_required")
    if request.content_length > max_bytes:
        raise RequestEntityTooLarge

    def memory_file(*_: Any, **__: Any) -> IO[bytes]:
        return held.enter_context(os.fdopen(open_memory_file(), "w+b"))

    parser = FormDataParser(
        stream_factory=memory_file,
        max_form_memory_size=_MOST_TEXT,
        max_content_length=max_bytes,
        max_form_parts=most_files + 16,
        silent=False,
    )
    try:
        _, texts, files = parser.parse(
            request.environ["wsgi.input"],
            request.mimetype,
            request.content_length,
            dict(request.mimetype_params),
        )
    except ValueError as malformed:
        raise RequestRefused("malformed") from malformed
    found: dict[str, list[UploadedFile]] = {}
    for field_name, file in files.items(multi=True):
        file.stream.flush()
        blob = held.enter_context(Blob(os.dup(file.stream.fileno())))
        file.stream.close()
        blob.seal()
        name = plain_name(file.filename or "")
        if name or blob.size:  # a browser sends a part without either where nothing was chosen
            found.setdefault(field_name, []).append(UploadedFile(name, blob))
    if sum(len(one) for one in found.values()) > most_files:
        raise RequestRefused("too_many_files")
    return UploadedForm(
        {name: texts[name] for name in texts},
        {name: tuple(several) for name, several in found.items()},
    )


def plain_name(raw: str) -> str:
    """The name of a file without its folder, and without what is not seen or turns the writing."""
    name = raw.replace("\\", "/").rpartition("/")[2]
    seen = "".join(one for one in name if unicodedata.category(one) not in _HIDDEN)
    return unicodedata.normalize("NFC", seen).strip()[:_MOST_NAME]
