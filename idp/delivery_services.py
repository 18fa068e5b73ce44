"""What sends messages to people, built once.

What lives here: `DeliveryServices` and the function that builds it from the settings.
"""

from __future__ import annotations

from dataclasses import dataclass

from idp.accounts.messages import Messages
from idp.accounts.notices import Notices
from idp.accounts.sending_limits import SendingLimits
from idp.settings import Settings
from idp.storage.ephemeral import EphemeralStore
from idp.work.outbox import Outbox
from keystore.sealing import Sealer


@dataclass(frozen=True, slots=True)
class DeliveryServices:
    """How acts leave notices and messages, and how many may be asked for."""

    notices: Notices
    messages: Messages
    limits: SendingLimits


def build_delivery(
    settings: Settings, *, outbox: Outbox, sealer: Sealer, ephemeral: EphemeralStore
) -> DeliveryServices:
    """Build everything; nothing is connected to."""
    return DeliveryServices(
        Notices(outbox, sealer),
        Messages(outbox, sealer),
        SendingLimits(ephemeral, sealer, per_source=settings.source_messages_per_15min),
    )
