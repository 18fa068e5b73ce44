"""The yardstick: a Flask application with one empty route, served as `antin serve` serves ours.

    python -m bench.empty PORT THREADS

What lives here: the least that any endpoint of Flask under Granian can cost.
"""

from __future__ import annotations

import sys

from flask import Flask
from granian import Granian
from granian.constants import Interfaces

app = Flask("empty", static_folder=None, template_folder=None)


@app.get("/")
def nothing() -> str:
    """Answer with nothing."""
    return ""


if __name__ == "__main__":
    Granian(
        "bench.empty:app",
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=int(sys.argv[2]),
        log_access=False,
    ).serve()
