"""What of an account is sealed, and what each value is bound to.

What lives here: profiles and numbers under the data key of their person, in and out of rows.
Not here: the tables (`accounts`).
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Row

from idp.accounts.model import IdentifierKind, Profile
from idp.ids import AccountId
from keystore.sealing import Sealer

_decode_profile = msgspec.json.Decoder(Profile).decode


def seal_profile(
    profile: Profile, account_id: AccountId, *, data_key: bytes, sealer: Sealer
) -> bytes:
    """A profile as it is stored."""
    return sealer.seal_personal(
        data_key, msgspec.json.encode(profile), context=profile_context(account_id)
    )


def unseal_profile(row: Row[*tuple[Any, ...]], *, sealer: Sealer) -> Profile:
    """The profile out of a row that has `account_id`, `data_key` and `profile_sealed`."""
    plain = sealer.unseal_personal(
        row.data_key, row.profile_sealed, context=profile_context(row.account_id)
    )
    return _decode_profile(plain)


def unseal_number(row: Row[*tuple[Any, ...]], *, kind: IdentifierKind, sealer: Sealer) -> str:
    """The number out of a row that has `account_id`, `data_key` and `value_sealed`."""
    return sealer.unseal_personal(
        row.data_key, row.value_sealed, context=identifier_context(row.account_id, kind=kind)
    ).decode()


def profile_context(account_id: str) -> str:
    """What a sealed profile is bound to."""
    return f"{account_id}:profile"


def identifier_context(account_id: str, *, kind: IdentifierKind) -> str:
    """What a sealed identifier is bound to."""
    return f"{account_id}:identifier:{kind}"
