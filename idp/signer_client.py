"""How web workers and commands ask the signer.

What lives here: from settings to a `SignerClient`.  There is nothing in it that could open a key.
"""

from __future__ import annotations

from pathlib import Path

from idp.errors import SettingsInvalid
from idp.settings import Settings
from keystore.signer.client import SignerClient
from keystore.strongroom.frames import parse_address
from keystore.strongroom.gate import client_context


def open_signer_client(settings: Settings) -> SignerClient:
    """A client of the signer that the settings name; it connects when it is asked something."""
    address = settings.effective_signer_address
    if parse_address(address).path is not None:
        return SignerClient(address)
    certificate, key, authority = tls_files(settings)
    return SignerClient(
        address, tls=client_context(certificate=certificate, key=key, server_ca=authority)
    )


def tls_files(settings: Settings) -> tuple[Path, Path, Path]:
    """Certificate and key of this side, and the authority of the other.

    Raises  SettingsInvalid.
    """
    certificate, key = settings.signer_tls_certificate, settings.signer_tls_key
    authority = settings.signer_tls_ca
    if certificate is None or key is None or authority is None:
        raise SettingsInvalid("ANTIN_SIGNER_TLS_CERTIFICATE", reason="tls:// is mutual")
    return certificate, key, authority
