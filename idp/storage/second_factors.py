"""Which second factors somebody has, in one statement.

What lives here: a question over the tables of factors that every sign-in asks.  Not here: the
tables.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, ScalarSelect, bindparam, select

from idp.accounts.channels import Channel
from idp.accounts.credentials import SecondFactors
from idp.ids import AccountId
from idp.storage.accounts import account
from idp.storage.contacts import contact
from idp.storage.credentials import totp
from idp.storage.passkeys import passkey
from idp.storage.recovery_codes import recovery_code
from keystore.clock import from_ms
from keystore.statement import Statement


def _serves(channel: Channel) -> ScalarSelect[int | None]:
    return (
        select(contact.c.serves_ms)
        .where(
            contact.c.account_key == account.c.account_key,
            contact.c.channel == channel.value,
            contact.c.is_factor,
        )
        .scalar_subquery()
    )


_CODE_LEFT: Final = select(recovery_code.c.code_id).where(
    recovery_code.c.account_key == account.c.account_key
)
_HELD: Final = Statement(
    select(
        select(totp.c.totp_id).where(totp.c.account_key == account.c.account_key).exists(),
        select(passkey.c.passkey_id).where(passkey.c.account_key == account.c.account_key).exists(),
        _serves(Channel.SMS),
        _serves(Channel.EMAIL),
        _CODE_LEFT.exists(),
    ).where(account.c.account_id == bindparam("id"))
)


def find_second_factors(connection: Connection, account_id: AccountId) -> SecondFactors:
    """What the person can be asked for after the password; nothing where there is nobody."""
    row = _HELD.one_or_none(connection, {"id": account_id})
    if row is None:
        return SecondFactors()
    sms_ms, email_ms = row[2], row[3]
    return SecondFactors(
        has_totp=bool(row[0]),
        has_passkey=bool(row[1]),
        sms_from=None if sms_ms is None else from_ms(sms_ms),
        email_from=None if email_ms is None else from_ms(email_ms),
        has_recovery_codes=bool(row[4]),
    )
