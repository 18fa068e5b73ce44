"""What is refused before anything is read: bodies of unknown or absurd length, broken addresses.

What lives here: three checks on the head of a request.  A chunked body may be cut off in silence by
the server when it exceeds the application's limit, so over HTTP/1.1 a length is demanded; a body
over HTTP/2 needs none by that protocol and is read up to the limit.
Source: RFC 9110 §15.5.12 (411), §15.5.14 (413); RFC 3986 §2.1 with RFC 3629 (UTF-8 in paths).
"""

from __future__ import annotations

from io import BytesIO
from typing import Any, Final

_MOST_DIGITS: Final = 15
_BODILESS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def find_fault(environ: dict[str, Any], *, most_bytes: int) -> int | None:
    """The status of the refusal, or None when the request may be read."""
    path: str = environ["PATH_INFO"]
    if not path.isascii() and not _is_utf8(path):
        return 400
    if "\x00" in path:
        return 400
    length: str | None = environ.get("CONTENT_LENGTH")
    if length:
        return _judge_length(length, most_bytes=most_bytes)
    if "HTTP_TRANSFER_ENCODING" in environ:
        return 411
    if environ["REQUEST_METHOD"] in _BODILESS or environ.get("SERVER_PROTOCOL") != "HTTP/2":
        return None
    body = environ["wsgi.input"].read(most_bytes + 1)
    if len(body) > most_bytes:
        return 413
    environ["wsgi.input"] = BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    return None


def _is_utf8(path: str) -> bool:
    try:
        path.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return False
    return True


def _judge_length(length: str, *, most_bytes: int) -> int | None:
    if not (length.isascii() and length.isdigit()):
        return 400
    return 413 if len(length) > _MOST_DIGITS or int(length) > most_bytes else None
