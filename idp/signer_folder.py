"""The folder of what a signer keeps by itself, apart from the database.

What lives here: where it is, and that it is for its owner alone.  Not here: what is in it
(`keystore/signer/spent.py`, `keystore/signer/log_sealing.py`).
"""

from __future__ import annotations

from pathlib import Path

from idp.errors import SettingsInvalid
from idp.settings import Settings


def signer_folder(settings: Settings) -> Path:
    """The folder, made if there is none.

    Raises  SettingsInvalid when others can reach into it.
    """
    folder = settings.effective_signer_folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & 0o077:
        raise SettingsInvalid("ANTIN_SIGNER_FOLDER", reason="must be for its owner alone (0700)")
    return folder
