"""Both demo portals in one process, on two ports.

Run as `python -m idp.sandbox.portals FILE`, where FILE is the sandbox's `portals.json`. The portals
are imported by name: the provider's own code never imports them.
"""

from __future__ import annotations

import importlib
import json
import sys
import threading
from pathlib import Path
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server


class _Quiet(WSGIRequestHandler):
    """No line per request: addresses carry codes."""

    def log_request(self, *_args: Any) -> None:
        """Say nothing."""


def run(settings: list[dict[str, Any]]) -> None:
    """Serve each portal in threads of its own, until the process ends."""
    package = importlib.import_module("clients.portals")
    threads = []
    for one in settings:
        values = dict(one)
        factory, port = values.pop("factory"), values.pop("port")
        ca_file = values.pop("ca_file", None)
        portal = getattr(package, factory)(
            package.PortalSettings(**values, ca_file=None if ca_file is None else Path(ca_file))
        )
        server = make_server("127.0.0.1", port, portal, threaded=True, request_handler=_Quiet)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    run(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
