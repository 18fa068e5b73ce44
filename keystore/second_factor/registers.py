"""What the second-factor verifier looks up by itself before it says that somebody confirmed.

What lives here: the questions, as a Protocol.  They are answered from the database at the instant
of the confirmation and never from what the caller says.
Not here: the answers (`idp/verifier_registers.py`), which need the provider's tables.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Registers(Protocol):
    """Accounts, mandates and enrolments, read only."""

    def is_active(self, account_id: str) -> bool:
        """Whether there is such a person, neither locked nor gone."""

    def may_act(
        self,
        account_id: str,
        *,
        mandate_id: str,
        organisation_id: str,
        client_id: str | None,
        now: datetime,
    ) -> bool:
        """Whether this mandate lets the person use the organisation's key now, at this portal.

        Takes   client_id: the portal; None where none is concerned.
        """

    def enrolled_at(self, account_id: str, *, totp_id: str) -> datetime | None:
        """When the log says that the authenticator was enrolled; None when it does not."""
