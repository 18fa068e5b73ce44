"""How web workers and commands ask the second-factor verifier.

What lives here: from settings to a `VerifierClient`.  There is nothing in it that could open a
secret.
"""

from __future__ import annotations

from idp.settings import Settings
from idp.strongrooms import address_of, caller_tls
from keystore.second_factor.client import VerifierClient


def open_verifier_client(settings: Settings) -> VerifierClient | None:
    """A client of the verifier that the settings name; None when they name none.

    Raises  SettingsInvalid; OSError when a file of `tls://` cannot be read.
    """
    if not settings.verifier_address:
        return None
    return VerifierClient(
        address_of(settings, whose="verifier"),
        tls=caller_tls(settings, whose="verifier"),
        most_at_once=max(1, settings.threads // 4),  # one that hangs leaves threads for the rest
    )
