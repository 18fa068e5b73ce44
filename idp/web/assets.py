"""Files that pages load: style sheet, mark and small scripts, under addresses that never change.

What lives here: `/static/<digest>/<name>`, where the digest is that of the file's content, so
that browsers may keep it for a year and a new release is never shown with an old style.  Bootstrap
comes out of the Bootstrap-Flask package; the rest lies in `static/`.  All files are read once in a
process, when the application is made.  Must not serve anything but the files listed here.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from flask import Flask, Response, abort, request

_OURS: Final = files("idp.web") / "static"
_BOOTSTRAP: Final = files("flask_bootstrap") / "static" / "bootstrap5" / "css"
_FILES: Final[Mapping[str, tuple[Traversable, str]]] = {
    "bootstrap.min.css": (_BOOTSTRAP, "text/css"),
    "antin.css": (_OURS, "text/css"),
    "accepted_passkeys.js": (_OURS, "text/javascript"),
    "confirm_passkey.js": (_OURS, "text/javascript"),
    "countdown.js": (_OURS, "text/javascript"),
    "form_post.js": (_OURS, "text/javascript"),
    "passkey_form.js": (_OURS, "text/javascript"),
    "print.js": (_OURS, "text/javascript"),
    "register_passkey.js": (_OURS, "text/javascript"),
    "show_password.js": (_OURS, "text/javascript"),
    "sign_in_passkey.js": (_OURS, "text/javascript"),
    "submit_once.js": (_OURS, "text/javascript"),
    "verify_files.js": (_OURS, "text/javascript"),
    "seal.svg": (_OURS, "image/svg+xml"),
}
_A_YEAR: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class _Asset:
    digest: str
    mimetype: str
    content: bytes = field(repr=False)
    packed: bytes = field(repr=False)


def install_assets(app: Flask) -> Callable[[str], str]:
    """Serve the files.

    Returns what gives the address of one, the same as long as the process lives.

    A digest of another release gets the present content without permission to keep it, so that
    pages of both releases look right while one replaces the other.
    """
    assets = {name: _read(name) for name in _FILES}

    def asset(name: str) -> str:
        return f"/static/{assets[name].digest}/{name}"

    def serve(digest: str, name: str) -> Response:
        found = assets.get(name) or abort(404)
        is_packed = request.accept_encodings.quality("gzip") > 0
        response = Response(found.packed if is_packed else found.content, mimetype=found.mimetype)
        response.headers["Cache-Control"] = _A_YEAR if digest == found.digest else "no-cache"
        response.vary.add("Accept-Encoding")
        if is_packed:
            response.headers["Content-Encoding"] = "gzip"
        return response

    def favicon() -> Response:
        response = Response(assets["seal.svg"].content, mimetype="image/svg+xml")
        response.headers["Cache-Control"] = "public, max-age=86400"
        return response

    app.add_url_rule("/static/<digest>/<name>", "asset", serve)
    app.add_url_rule("/favicon.ico", "favicon", favicon)
    return asset


@cache
def _read(name: str) -> _Asset:
    folder, mimetype = _FILES[name]
    content = (folder / name).read_bytes()
    return _Asset(
        digest=hashlib.sha256(content).hexdigest()[:16],
        mimetype=mimetype,
        content=content,
        packed=gzip.compress(content, mtime=0),
    )
