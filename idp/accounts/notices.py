"""What a person is told about their account, whoever did it.

What lives here: which notices there are, and how an act leaves one: a row of the outbox, written in
the transaction of the act, so that what was done is told and what was rolled back is not.  The row
says which notice and when; whoever sends it looks up the person's verified channels at that time.
What else is known, and an address that is not one of these any more, such as the number before the
present one, goes along sealed under the person's data key.
Source: architecture, decision 10, "Recovery"; NIST SP 800-63B-4 §4.6 (notification of events).
Not here: sentences, and how they get there.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import msgspec

from idp.accounts.channels import Channel, Destination
from idp.ids import AccountId
from idp.storage.accounts import AccountRow
from idp.storage.database import Transaction
from idp.work.outbox import Outbox
from keystore.clock import to_ms
from keystore.sealing import Sealer

SEND_NOTICE: Final = "send_notice"
_KEPT_TRYING: Final = timedelta(days=7)
_SOON: Final = timedelta(seconds=1)

_encode: Final = msgspec.json.Encoder().encode


class Along(msgspec.Struct, frozen=True):
    """What a notice tells beside what happened and when, and who is told beside the person."""

    facts: dict[str, str] = {}
    also_to: tuple[tuple[Channel, str], ...] = ()

    def __repr__(self) -> str:
        return "Along(…)"


_decode: Final = msgspec.json.Decoder(Along).decode


class Notice(StrEnum):
    """Everything that a person is told of."""

    ACCOUNT_OPENED = "account_opened"
    OPENING_TRIED = "opening_tried"
    NUMBER_REPLACED = "number_replaced"
    NEW_DEVICE = "new_device"
    PASSWORD_CHANGED = "password_changed"
    PASSWORD_RESET = "password_reset"
    SECOND_FACTOR_CHANGED = "second_factor_changed"
    TOTP_ENROLLED = "totp_enrolled"
    TOTP_REMOVED = "totp_removed"
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"
    RECOVERY_CODES_MADE = "recovery_codes_made"
    RECOVERY_CODE_USED = "recovery_code_used"
    CONTACT_CHANGED = "contact_changed"
    RECOVERY_ASKED = "recovery_asked"
    CASE_OPENED = "case_opened"
    CASE_CLOSED = "case_closed"
    LEVEL_CAPPED = "level_capped"
    LEVEL_RAISED = "level_raised"
    INVITED_TO_ENROL = "invited_to_enrol"
    ACCOUNT_LOCKED = "account_locked"
    ACCOUNT_UNLOCKED = "account_unlocked"
    ACCOUNT_CLOSED = "account_closed"
    LOOKED_UP_BY_OFFICIAL = "looked_up_by_official"
    MANDATE_GIVEN = "mandate_given"
    MANDATE_ASKED = "mandate_asked"
    MANDATE_ENDED = "mandate_ended"
    CERTIFICATE_CHANGED = "certificate_changed"
    DATA_EXPORTED = "data_exported"
    DATA_REQUEST_CHANGED = "data_request_changed"
    DATA_BREACH = "data_breach"


@dataclass(frozen=True, slots=True)
class Notices:
    """Safe to share between threads."""

    deferred: Outbox
    sealer: Sealer

    def tell(
        self,
        tx: Transaction,
        row: AccountRow,
        notice: Notice,
        *,
        now: datetime,
        facts: Mapping[str, str] | None = None,
        also_to: Sequence[Destination] = (),
    ) -> None:
        """Leave a notice in the transaction of the act.

        Takes   facts: what the sentences of this notice name (`notice_texts.py`), sealed here;
                also_to: who is told beside the verified channels of the account.
        """
        self.tell_holder(
            tx,
            row.account_id,
            notice,
            data_key=row.data_key,
            now=now,
            facts=facts,
            also_to=also_to,
        )

    def tell_holder(
        self,
        tx: Transaction,
        account_id: AccountId,
        notice: Notice,
        *,
        data_key: bytes,
        now: datetime,
        facts: Mapping[str, str] | None = None,
        also_to: Sequence[Destination] = (),
    ) -> None:
        """`tell` for who has the wrapped data key and not the row."""
        payload: dict[str, object] = {
            "account_id": account_id,
            "notice": notice.value,
            "at_ms": to_ms(now),
        }
        if facts or also_to:
            along = Along(dict(facts or {}), tuple((to.channel, to.address) for to in also_to))
            payload["sealed"] = b64encode(
                self.sealer.seal_personal(data_key, _encode(along), context=_context(account_id))
            ).decode()
        # a sign-in waits for no queue: nobody is woken for its notice, the worker finds it
        due = now + _SOON if notice is Notice.NEW_DEVICE else None
        self.deferred.add(tx, SEND_NOTICE, payload, now=now, expires=now + _KEPT_TRYING, due=due)


def open_along(payload: Mapping[str, Any], *, sealer: Sealer, data_key: bytes) -> Along:
    """What goes along with a notice; nothing where nothing was sealed.

    Raises  SealBroken.
    """
    if "sealed" not in payload:
        return Along()
    sealed = b64decode(payload["sealed"])
    return _decode(
        sealer.unseal_personal(data_key, sealed, context=_context(payload["account_id"]))
    )


def _context(account_id: str) -> str:
    return f"notice:{account_id}"
