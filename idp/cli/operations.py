"""The operator's listener around a command that runs until it is stopped.

What lives here: which stores it asks and where the command's processes count.  Not here: what it
answers (`idp/web/listener.py`), what is counted (`idp/metrics.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from idp.clock import utc_now
from idp.settings import Settings


@contextmanager
def operators_listener(
    settings: Settings,
    *,
    command: str,
    port: int,
    setting: str,
    is_draining: Callable[[], bool] = lambda: False,
) -> Iterator[None]:
    """Listen on `port` while the command runs; 0: nothing is listened to, and nothing counted.

    Takes   setting: the setting that the port comes from.
    Raises  SettingsInvalid: the port is taken, the folder of the numbers cannot be written.
    """
    if port == 0:
        yield
        return
    from idp.ground_services import open_ephemeral
    from idp.metrics import StoreNumbers, render_metrics, share_between_processes
    from idp.storage.database import Database
    from idp.web.health import Health
    from idp.web.listener import Listener

    listener = Listener(settings.metrics_host, port=port, setting=setting)
    folder = settings.var / "metrics" / f"{command}-{port}"
    share_between_processes(folder)
    database = Database(settings.effective_database_url, pool_size=1)
    ephemeral = open_ephemeral(settings)
    health = Health(
        {"database": database.is_up, "ephemeral": ephemeral.is_up}, is_draining=is_draining
    )
    stores = StoreNumbers(database, ephemeral=ephemeral, time=utc_now)
    listener.start(metrics=partial(render_metrics, folder, stores=stores), health=health)
    try:
        yield
    finally:
        listener.stop()
        ephemeral.close()
        database.close()
