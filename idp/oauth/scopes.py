"""Scopes and the claims that they stand for.

What lives here: one table, from a scope to claim names, and the claim names that may be asked for
one by one.  Not here: the values.  Sources: OpenID Connect Core §5.4, §5.1; architecture, "Tokens".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

OPENID: Final = "openid"
OFFLINE_ACCESS: Final = "offline_access"
VNCONNECT: Final = "vnconnect"
ORGANIZATION: Final = "organization"

SCOPE_CLAIMS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        OPENID: (),
        "profile": (
            "name", "family_name", "given_name", "middle_name", "birthdate", "gender", "locale",
            "zoneinfo", "updated_at",
        ),
        "email": ("email", "email_verified"),
        "phone": ("phone_number", "phone_number_verified"),
        "address": ("address",),
        "identity": (
            "personal_id_number", "legacy_id_9", "passport_number", "nationality",
            "account_level", "account_type",
        ),
        ORGANIZATION: ("org",),
        VNCONNECT: ("vnconnect",),
        OFFLINE_ACCESS: (),
    }
)  # fmt: skip
"""`vnconnect` as a claim stands for the whole set of Vietnamese names of legacy portals."""

CLAIMS_SUPPORTED: Final = (
    "sub", "iss", "auth_time", "acr", "sid", "vn_tech_id",
    *(claim for claims in SCOPE_CLAIMS.values() for claim in claims if claim != VNCONNECT),
)  # fmt: skip

ALWAYS: Final = frozenset({"sub", "iss", "auth_time", "acr", "sid", "aud", "exp", "iat", "amr"})
"""Names that may stand in a `claims` parameter but say nothing about the person's data."""


def claims_of(scopes: Iterable[str]) -> tuple[str, ...]:
    """Claim names that these scopes give, in the order of the table, without repetition."""
    wanted = set(scopes)
    return tuple(
        dict.fromkeys(
            claim for scope, claims in SCOPE_CLAIMS.items() if scope in wanted for claim in claims
        )
    )
