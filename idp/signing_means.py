"""What an account signs with, and its end together with the account.

What lives here: certificates are put on hold when an account is locked and revoked when it is
closed or erased, in the transaction of the act, and those of an erased one say no more whose they
were; its signing keys are suspended or destroyed afterwards by the signer, which alone can, as
deferred work.  Unlocking lifts nothing, whether or not the signer was reached before it: whoever
locked an account had a reason, and a certificate in force again, or a key that signs again, is an
act of its own (`antin ca lift`, `antin keys personal resume`).
What waits for its signature ends with a closed or erased account too, documents and all.
An account that was capped at level 1 has everything on hold in the same way; when its holder has
been proofed again, keys and certificates from before it are superseded, never lifted by that.
What is asked of the signer of an account that lives on names the keys that there were: one that is
made before a signer that was away is back is not meant.
Source: architecture §5.10, §5.11; RFC 5280 §5.3.1 (reasons).
Not here: what revoking and destroying are (`keystore/pki`, `keystore/signer`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from idp.ids import AccountId
from idp.work.model import Done, GiveUp, Job, Outcome, Retry
from idp.work.outbox import Outbox
from keystore.pki.certificate_states import CertificateStates
from keystore.pki.model import RevocationReason
from keystore.pki.unlinking import unlink_account
from keystore.sealing import Sealer
from keystore.signer.client import SignerClient
from keystore.signer.errors import (
    PersonalKeyUnknown,
    RequestMalformed,
    SignerError,
    SignerUnavailable,
)
from keystore.signer.storage import read_personal_keys, unlink_personal_keys
from keystore.storage import Transaction
from signing.ended_accounts import EndedAccounts

SUSPEND_PERSONAL_KEYS: Final = "suspend_personal_keys"
DESTROY_PERSONAL_KEYS: Final = "destroy_personal_keys"
KEPT_TRYING: Final = timedelta(days=365)
_KEYS: Final = "keys"
"""The member with the keys that are meant; without it all of the account are, as versions before
asked for."""

_LOCKED: Final = "account_locked"
_ENDED: Final = "account_ended"


@dataclass(frozen=True, slots=True)
class SigningMeans:
    """What ends or rests with an account, in the transaction of the act.

    Takes   states: of certificates, None where this deployment runs no authority; requests: what
            waits for signatures, None where nothing is signed.
    """

    states: CertificateStates | None
    deferred: Outbox
    sealer: Sealer
    requests: EndedAccounts | None = None

    def hold(
        self, tx: Transaction, account_id: AccountId, *, data_key: bytes | None, now: datetime
    ) -> None:
        """Nothing is signed with it for now."""
        if self.states is not None:
            self.states.suspend_all(tx, account_id, now=now, data_key=data_key)
        self._ask_signer(tx, SUSPEND_PERSONAL_KEYS, account_id, is_named=True, now=now)

    def end(
        self, tx: Transaction, account_id: AccountId, *, data_key: bytes | None, now: datetime
    ) -> None:
        """Nothing is ever signed with it again."""
        if self.states is not None:
            self.states.revoke_all(
                tx,
                account_id,
                reason=RevocationReason.CESSATION_OF_OPERATION,
                now=now,
                data_key=data_key,
            )
        if self.requests is not None:
            self.requests.end(tx, account_id, now=now)
        # all there are, whenever the signer comes to it: nobody makes another one
        self._ask_signer(tx, DESTROY_PERSONAL_KEYS, account_id, is_named=False, now=now)

    def supersede(
        self, tx: Transaction, account_id: AccountId, *, data_key: bytes | None, now: datetime
    ) -> None:
        """Nothing is ever signed with what there is; what waits for a signature goes on waiting."""
        if self.states is not None:
            self.states.revoke_all(
                tx,
                account_id,
                reason=RevocationReason.SUPERSEDED,
                now=now,
                data_key=data_key,
            )
        self._ask_signer(tx, DESTROY_PERSONAL_KEYS, account_id, is_named=True, now=now)

    def forget(self, tx: Transaction, account_id: AccountId) -> None:
        """Nothing tells any more whose it was; after `end`, in the same transaction."""
        unlink_account(tx, account_id, sealer=self.sealer)
        unlink_personal_keys(tx, account_id)

    def _ask_signer(
        self, tx: Transaction, kind: str, account_id: AccountId, *, is_named: bool, now: datetime
    ) -> None:
        keys = read_personal_keys(tx.connection, account_id=account_id)
        if alive := [key.key_id for key in keys if key.destroyed_at is None]:
            named = {_KEYS: alive} if is_named else {}
            self.deferred.add(
                tx,
                kind,
                {"account_id": account_id, **named},
                now=now,
                expires=now + KEPT_TRYING,
                lane="signer",
            )


@dataclass(frozen=True, slots=True)
class PersonalKeysHold:
    """Has the signer suspend the keys of an account; a `Handler`.

    Takes   open_client: a new client of the signer.
    """

    open_client: Callable[[], SignerClient]

    def __call__(self, job: Job, *, now: datetime) -> Outcome:  # noqa: ARG002 - a Handler is told
        """Suspend those of the job; what rests already counts as done."""
        account_id, keys = job.payload["account_id"], job.payload.get(_KEYS)
        if keys is None:
            return ask_signer(
                self.open_client,
                lambda client: client.suspend_keys_of(account_id, reason=_LOCKED),
            )
        return ask_signer(
            self.open_client,
            lambda client: _each(keys, lambda key: client.suspend_key(key, reason=_LOCKED)),
        )


@dataclass(frozen=True, slots=True)
class PersonalKeysEnd:
    """Has the signer destroy the keys of an account; a `Handler`.

    Takes   open_client: a new client of the signer, which must know this process as a keeper.
    """

    open_client: Callable[[], SignerClient]

    def __call__(self, job: Job, *, now: datetime) -> Outcome:  # noqa: ARG002 - a Handler is told
        """Destroy those of the job; what is destroyed already counts as done."""
        account_id, keys = job.payload["account_id"], job.payload.get(_KEYS)
        if keys is None:
            return ask_signer(
                self.open_client,
                lambda client: client.destroy_keys_of(account_id, reason=_ENDED),
            )
        return ask_signer(
            self.open_client,
            lambda client: _each(keys, lambda key: client.destroy_key(key, reason=_ENDED)),
        )


def _each(keys: Iterable[str], act: Callable[[str], bool]) -> int:
    """Do it to every key that the signer knows; of how many it changed anything."""
    changed = 0
    for key in keys:
        with suppress(PersonalKeyUnknown):  # of a database that was restored since
            changed += act(key)
    return changed


def ask_signer(
    open_client: Callable[[], SignerClient], act: Callable[[SignerClient], int]
) -> Outcome:
    """Have the signer do something that stays a duty until it is done."""
    try:
        with closing(open_client()) as client:
            act(client)
    except RequestMalformed as refusal:
        return GiveUp(refusal.code)
    except SignerError as failure:
        # a keeper that nobody named, a budget that is spent, a signer that is away or ill: none of
        # it makes the duty a lesser one, so none of it brings the end of asking nearer
        is_away = isinstance(failure, SignerUnavailable)
        return Retry(failure.code, is_lane_down=is_away, is_attempt=False)
    return Done()
