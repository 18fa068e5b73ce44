"""The services of a sandbox in this process, with an authority, and nothing running beside them.

What lives here: `sandbox_services`, for commands and use cases that need the service's own keys.
Not here: a whole sandbox (`sandbox.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from idp.sandbox.trust import make_authority
from idp.services import Services, build_services
from idp.settings_loading import load_settings
from tests.support.prepared import prepare_database
from tests.support.serving import KEK


@contextmanager
def sandbox_services(folder: Path) -> Iterator[Services]:
    """Fresh services over a database in `folder`."""
    url = f"sqlite:///{folder / 'antin.db'}"
    prepare_database(url, is_sandbox=True)
    given = {
        "ANTIN_ISSUER": "http://localhost:8000",
        "ANTIN_VAR": str(folder),
        "ANTIN_DATABASE_URL": url,
        "ANTIN_KEK": KEK,
        "ANTIN_TSA_ENABLED": "true",
        "ANTIN_VERIFY_ONLINE": "false",  # tests ask nobody
        "ANTIN_ISOLATION_PROCESSES": "1",
    }
    first = build_services(load_settings(given), is_sandbox=True)
    make_authority(first, now=first.time())
    first.close()
    services = build_services(load_settings(given), is_sandbox=True)
    try:
        yield services
    finally:
        services.close()
