"""Ids that leave the system: a typed prefix and 128 random bits.

Nothing is derived from a person and nothing is reused.  Source: architecture, "State".
"""

from __future__ import annotations

import secrets
from typing import NewType

AccountId = NewType("AccountId", str)
IdentifierId = NewType("IdentifierId", str)
MandateId = NewType("MandateId", str)
SessionId = NewType("SessionId", str)
GrantId = NewType("GrantId", str)
ConsentId = NewType("ConsentId", str)
InteractionId = NewType("InteractionId", str)


def make_id(prefix: str) -> str:
    """A new id: `prefix`, an underscore, 32 lower-case hexadecimal digits (128 bits)."""
    return f"{prefix}_{secrets.token_hex(16)}"
