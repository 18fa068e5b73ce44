"""The key with which a signer marks its rows in the log: made once, and never again by itself.

What lives here: whether this is the first start of a signer in its folder, which alone makes the
key.  A signer that has run has a ledger there; where that is and the key is not, the key was lost,
and another one would put rows into the log that the service does not know to be ours.
Not here: what the key does (`keystore/signer/log_sealing.py`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from idp.settings import Settings
from idp.signer_folder import signer_folder
from keystore.signer.log_sealing import has_log_key, make_log_key, open_log_key, public_log_key

LEDGER: Final = "ledger.db"
"""Name of what the signer remembers, in its folder."""


def ensure_log_key(settings: Settings) -> str | None:
    """Make the key if no signer ever ran here; its public half when it was made.

    Raises  SettingsInvalid, when others can reach into the folder; LogKeyMissing.
    """
    folder = signer_folder(settings)
    made = _is_new(folder) and make_log_key(folder)
    public = public_log_key(open_log_key(folder))
    return public if made else None


def replace_lost_log_key(settings: Settings) -> bool:
    """Make another key in the place of one that is gone; False when there is one."""
    return make_log_key(signer_folder(settings))


def find_public_log_key(settings: Settings) -> str:
    """The public half, hexadecimal.

    Raises  SettingsInvalid; LogKeyMissing; KekInvalid.
    """
    return public_log_key(open_log_key(signer_folder(settings)))


def _is_new(folder: Path) -> bool:
    return not has_log_key(folder) and not (folder / LEDGER).exists()
