"""A test's own HTTP server, which is not surprised when its caller hangs up.

What lives here: `QuietServer`.  Callers are killed, lose patience or have read enough; what the
library's server then prints would be taken for a trace of the product.
"""

from __future__ import annotations

from http.server import ThreadingHTTPServer


class QuietServer(ThreadingHTTPServer):
    """As the library's, with a thread for each request that ends with the process."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing."""
