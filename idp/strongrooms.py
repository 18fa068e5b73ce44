"""What the settings of the signer and of the second-factor verifier have in common.

What lives here: from settings to a folder, a place to listen, a gate, and TLS, by the first word of
the settings' names.  Nothing here reads a root key.
Not here: what either of them is made of (`idp/signer.py`, `idp/verifier.py`).
"""

from __future__ import annotations

import grp
import os
import ssl
from pathlib import Path
from typing import Any, Literal

from idp.errors import SettingsInvalid
from idp.settings import Settings
from keystore.strongroom.frames import Address, parse_address
from keystore.strongroom.gate import Gate, TlsGate, UserGate, client_context, server_context

Whose = Literal["signer", "verifier"]


def private_folder(settings: Settings, *, whose: Whose) -> Path:
    """The folder of what it keeps by itself, made if there is none.

    Raises  SettingsInvalid when others can reach into it.
    """
    folder: Path = getattr(settings, f"effective_{whose}_folder")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & 0o077:
        raise SettingsInvalid(
            f"ANTIN_{whose.upper()}_FOLDER", reason="must be for its owner alone (0700)"
        )
    return folder


def address_of(settings: Settings, *, whose: Whose) -> str:
    """Where it is asked."""
    address: str = getattr(settings, f"effective_{whose}_address")
    return address


def listening_address(settings: Settings, *, whose: Whose) -> Address:
    """Where it listens."""
    return parse_address(_of(settings, whose, "listen") or address_of(settings, whose=whose))


def listening_group(settings: Settings, *, whose: Whose) -> int | None:
    """The id of the group that may open the socket.

    Raises  SettingsInvalid when there is no such group.
    """
    group = _of(settings, whose, "group")
    if not group:
        return None
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError as unknown:
        raise SettingsInvalid(
            f"ANTIN_{whose.upper()}_GROUP", reason="there is no such group"
        ) from unknown


def make_gate(settings: Settings, *, whose: Whose) -> Gate:
    """Who may ask it, and who are keepers."""
    # whoever runs as its own user has its root key: that it is a keeper gives it nothing
    keepers = _of(settings, whose, "keepers")
    if listening_address(settings, whose=whose).path is not None:
        own = frozenset({os.getuid()})
        users = frozenset(_of(settings, whose, "users")) or own
        return UserGate(users, own | {int(user_id) for user_id in keepers})
    certificate, key, authority = tls_files(settings, whose=whose)
    context = server_context(certificate=certificate, key=key, client_ca=authority)
    return TlsGate(context, frozenset(_of(settings, whose, "callers")), frozenset(keepers))


def caller_tls(settings: Settings, *, whose: Whose) -> ssl.SSLContext | None:
    """With what it is asked over `tls://`; None for a Unix socket.

    Raises  SettingsInvalid; OSError when a file cannot be read.
    """
    if parse_address(address_of(settings, whose=whose)).path is not None:
        return None
    certificate, key, authority = tls_files(settings, whose=whose)
    return client_context(certificate=certificate, key=key, server_ca=authority)


def tls_files(settings: Settings, *, whose: Whose) -> tuple[Path, Path, Path]:
    """Certificate and key of this side, and the authority of the other.

    Raises  SettingsInvalid.
    """
    certificate, key, authority = (
        _of(settings, whose, f"tls_{part}") for part in ("certificate", "key", "ca")
    )
    if certificate is None or key is None or authority is None:
        raise SettingsInvalid(f"ANTIN_{whose.upper()}_TLS_CERTIFICATE", reason="tls:// is mutual")
    return certificate, key, authority


def _of(settings: Settings, whose: Whose, part: str) -> Any:
    return getattr(settings, f"{whose}_{part}")
