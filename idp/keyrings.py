"""The keyrings of the service, one per purpose, over the backends that the settings name.

What lives here: where the service's own private keys are made (in software, or in a hardware module
when one is configured) and how long the keys of tokens overlap.  Keys from before a module was
configured stay in software until they are followed by others.  No process without a module loads
its binding.  Not here: keys of persons, which only the signer opens (`idp/personal_keys.py`).
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from idp.settings import Settings
from keystore.backends import Backend
from keystore.backends.software import SoftwareBackend
from keystore.destruction import DestructionList
from keystore.errors import KeyUnavailable
from keystore.keyring import Keyring
from keystore.log.record import LogWriter
from keystore.purposes import KEY_PURPOSES, TOKENS, KeyPurpose
from keystore.sealing import Sealer
from keystore.storage import DatabaseLike


@dataclass(frozen=True, slots=True)
class Keyrings:
    """Makes the keyring of any purpose; keyrings of one purpose agree through the database."""

    settings: Settings
    database: DatabaseLike
    sealer: Sealer
    log: LogWriter
    backends: tuple[Backend, ...] = field(repr=False)

    def of(self, purpose: KeyPurpose) -> Keyring:
        """The keyring of one purpose; makes no key and asks nobody.

        Raises  KeyUnavailable for keys that no process of the service may hold.
        """
        if purpose.name not in KEY_PURPOSES:
            raise KeyUnavailable(purpose.name)
        first, *older = self.backends
        listed = DestructionList(self.settings.effective_destruction_list, sealer=self.sealer)
        if purpose.name != TOKENS.name:
            return Keyring(
                self.database,
                self.sealer,
                log=self.log,
                purpose=purpose,
                backend=first,
                older_backends=tuple(older),
                listed=listed,
            )
        settings = self.settings
        longest_s = max(settings.access_token_lifetime_s, settings.id_token_lifetime_s)
        return Keyring(
            self.database,
            self.sealer,
            log=self.log,
            jwks_cache=timedelta(seconds=settings.jwks_cache_s),
            margin=timedelta(seconds=settings.jwks_margin_s),
            retire_after=timedelta(seconds=longest_s + settings.jwks_margin_s),
            purpose=replace(TOKENS, rotate_after=timedelta(seconds=settings.key_rotation_s)),
            backend=first,
            older_backends=tuple(older),
            listed=listed,
        )

    def in_name_of(self, operator: str) -> Keyrings:
        """The same, with every event in the name of an operator."""
        return replace(self, log=self.log.in_name_of(operator))


def open_keyrings(
    settings: Settings, *, database: DatabaseLike, sealer: Sealer, log: LogWriter
) -> Keyrings:
    """The keyrings over one database.

    Raises  KekInvalid when the PIN of the module cannot be read.
    """
    backends: tuple[Backend, ...] = (SoftwareBackend(sealer),)
    if settings.keys_pkcs11_module is not None:
        sessions = open_token_sessions(
            settings.keys_pkcs11_module,
            label=settings.keys_pkcs11_token,
            pin_file=settings.keys_pkcs11_pin_file,
            pin=settings.keys_pkcs11_pin,
        )
        pkcs11 = importlib.import_module("keystore.backends.pkcs11")
        backends = (pkcs11.TokenBackend(sessions), *backends)
    return Keyrings(settings, database, sealer, log, backends)


def open_token_sessions(module: Path, *, label: str, pin_file: Path | None, pin: str) -> Any:
    """The way to one token; opened when it is first used.

    Raises  KekInvalid when the PIN cannot be read.
    """
    token = importlib.import_module("keystore.backends.token_sessions")
    return token.TokenSessions(
        module, label=label, pin=token.load_pin(file=pin_file, value=pin or None)
    )
