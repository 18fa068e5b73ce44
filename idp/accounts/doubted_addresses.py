"""Addresses that stay in a profile and are nobody's word any more.

What lives here: taking verified addresses as unverified, where somebody else than the holder may
have brought them; they become the account's again by a code that is sent there, as new ones do.
Source: NIST SP 800-63B-4 §4.6 (notification); architecture, decision 10.
Not here: who decides that (`not_me`, `recovery`), and who is told (`notices`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from idp.accounts.channels import Channel, Destination, verified_channels
from idp.storage.account_updates import update_profile
from idp.storage.accounts import AccountRow, find_account
from idp.storage.contacts import list_contacts, put_contact
from idp.storage.database import Transaction
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.sealing import Sealer


def doubt_addresses(
    tx: Transaction,
    row: AccountRow,
    *,
    by: str,
    since: datetime | None = None,
    sealer: Sealer,
    log: LogWriter,
    now: datetime,
) -> tuple[Destination, ...]:
    """Verified addresses of an account are verified no more, and no factor; returns which were.

    Takes   row: locked by the caller's transaction; by: a short word for the log; since: only those
            that became the account's then or later.
    """
    account = find_account(tx.connection, row.account_id, sealer=sealer)
    if account is None:
        return ()
    known = list_contacts(tx.connection, row)
    young = {channel for channel, one in known.items() if since is None or one.since >= since}
    doubted = tuple(to for to in verified_channels(account) if since is None or to.channel in young)
    if not doubted:
        return ()
    channels = {to.channel for to in doubted}
    held = account.profile
    profile = replace(
        held,
        is_email_verified=held.is_email_verified and Channel.EMAIL not in channels,
        is_phone_verified=held.is_phone_verified and Channel.SMS not in channels,
    )
    update_profile(tx, row, profile, sealer=sealer, now=now)
    for to in doubted:
        if to.channel in known:
            put_contact(tx, row, replace(known[to.channel], is_factor=False))
        event = Event(
            EventType.CONTACT_CHANGED,
            account_id=row.account_id,
            facts={"channel": to.channel.value, "was": "doubted", "by": by},
        )
        log.record(tx, event, data_key=row.data_key, now=now)
    return doubted
