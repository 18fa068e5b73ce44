"""How web workers and commands ask the signer.

What lives here: from settings to a `SignerClient`.  There is nothing in it that could open a key.
"""

from __future__ import annotations

from idp.settings import Settings
from idp.strongrooms import address_of, caller_tls
from keystore.signer.client import SignerClient


def open_signer_client(settings: Settings) -> SignerClient:
    """A client of the signer that the settings name; it connects when it is asked something.

    Raises  SettingsInvalid; OSError when a file of `tls://` cannot be read.
    """
    return SignerClient(
        address_of(settings, whose="signer"),
        tls=caller_tls(settings, whose="signer"),
        most_at_once=max(1, settings.threads - 2),  # one that hangs leaves threads for the rest
    )
