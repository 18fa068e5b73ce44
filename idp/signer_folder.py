"""The folder of what a signer keeps by itself, apart from the database.

What lives here: where it is, and that it is for its owner alone.  Not here: what is in it
(`keystore/signer/spent.py`, `keystore/signer/log_sealing.py`).
"""

from __future__ import annotations

from pathlib import Path

from idp.settings import Settings
from idp.strongrooms import private_folder


def signer_folder(settings: Settings) -> Path:
    """The folder, made if there is none.

    Raises  SettingsInvalid when others can reach into it.
    """
    return private_folder(settings, whose="signer")
