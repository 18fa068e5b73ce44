"""The root keys of the service that the settings name, opened.

What lives here: from settings to the `KekRing` of the service.  Not here: the signer's, which no
other process opens (`idp/personal_keys.py`); what a root key is (`keystore/kek.py`).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from idp.settings import Settings
from keystore.kek import KekRing, RootKey, load_kek_ring


def open_service_ring(settings: Settings) -> KekRing:
    """The root keys of the service: token, variable or file.

    Beside a token the file of the settings' default is not read: a root key that is in a module
    shall not be found in a forgotten file.
    Raises  KekInvalid.
    """
    token = open_token_keks(settings)
    find: Callable[[], Sequence[RootKey]] | None = None if token is None else token.find
    return load_kek_ring(file=service_kek_file(settings), value=settings.kek or None, token=find)


def service_kek_file(settings: Settings) -> Path | None:
    """The file that holds root keys of the service; None when they are somewhere else."""
    if settings.kek or (settings.kek_pkcs11_module is not None and settings.kek_file is None):
        return None
    return settings.effective_kek_file


def open_token_keks(settings: Settings) -> Any:
    """The token that holds root keys (`TokenKeks`), or None when none is configured.

    Raises  KekInvalid.
    """
    if settings.kek_pkcs11_module is None:
        return None
    # only here: no process without a token loads the binding
    token_kek = importlib.import_module("keystore.backends.token_kek")
    return token_kek.open_token_keks(
        settings.kek_pkcs11_module,
        token=settings.kek_pkcs11_token,
        label=settings.kek_pkcs11_key,
        pin_file=settings.kek_pkcs11_pin_file,
        pin=settings.kek_pkcs11_pin or None,
    )
