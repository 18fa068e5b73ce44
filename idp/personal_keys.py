"""Where the keys of persons are: in software, or in a hardware module of the signer's own.

What lives here: from settings to a `PersonalKeyBackend` and its root keys.  Only the signer, and
the commands that look after its root keys, may import this file.
Not here: the service's own keys (`idp/keyrings.py`).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from idp.keyrings import open_token_sessions
from idp.settings import Settings
from keystore.backends import PersonalKeyBackend
from keystore.backends.personal_mixed import MixedPersonalKeys
from keystore.backends.personal_software import SoftwarePersonalKeys
from keystore.kek import KekRing, RootKey, load_kek_ring


def open_personal_roots(settings: Settings) -> Any:
    """The personal root keys of the signer's token (`find`, `make`, `destroy`); None without one.

    Raises  KekInvalid when the PIN cannot be read.
    """
    if settings.signer_pkcs11_module is None:
        return None
    roots = importlib.import_module("keystore.backends.personal_roots")
    return roots.TokenPersonalRoots(_sessions(settings), label=settings.signer_pkcs11_key)


def open_personal_ring(settings: Settings) -> KekRing:
    """The root keys of personal signing keys.

    Beside a token the file of the settings' default is not read: a root key that is in a module
    shall not be found in a forgotten file.  While keys go into the module both are named.
    Raises  KekInvalid; TokenUnavailable.
    """
    roots = open_personal_roots(settings)
    find: Callable[[], Sequence[RootKey]] | None = None if roots is None else roots.find
    return load_kek_ring(file=signer_kek_file(settings), token=find)


def signer_kek_file(settings: Settings) -> Path | None:
    """The file that holds personal root keys; None when they are in a module alone."""
    if settings.signer_pkcs11_module is not None and settings.signer_kek_file is None:
        return None
    return settings.effective_signer_kek_file


def open_personal_keys(settings: Settings, *, ring: KekRing) -> PersonalKeyBackend:
    """What makes and uses the keys of persons.

    Raises  KekInvalid when the PIN cannot be read.
    """
    software = SoftwarePersonalKeys(ring)
    if settings.signer_pkcs11_module is None:
        return software
    pkcs11 = importlib.import_module("keystore.backends.personal_pkcs11")
    in_token = pkcs11.TokenPersonalKeys(ring, sessions=_sessions(settings))
    return MixedPersonalKeys(ring, software=software, token=in_token)


def _sessions(settings: Settings) -> Any:
    module = settings.signer_pkcs11_module
    if module is None:
        raise ValueError("signer_pkcs11_module")
    return open_token_sessions(
        module,
        label=settings.signer_pkcs11_token,
        pin_file=settings.signer_pkcs11_pin_file,
        pin=settings.signer_pkcs11_pin,
    )
