"""The life of personal keys: made for an account, suspended, resumed, destroyed.

What lives here: `KeyDesk`.  A key is made with the passkeys that will open it, each of which
confirms its enrolment; from then on they are part of what the key is bound to, and nobody can add
one.  What is suspended or destroyed is remembered by the signer itself, so that a row that somebody
changed, or put back from a backup, rests or stays dead all the same.
Source: architecture, decisions 10 and 11; EN 419 241-1 §6.1 (enrolment).

**What this cannot know** is who the person is.  Whoever owns the web workers can have a new key
made for an account with a passkey of his own.  Such a key has no certificate, and its creation is
in the public log and on the person's page.  With `needs_statement` the second-factor verifier has
to have seen a second factor of that account as well.  Nor can it know whose the recipient is, to
whom the log rows about a key are sealed: rows that no key of the account opens are told apart by
whoever verifies the log, and are nobody's forgery (`keystore/log/verify_rows.py`).
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from keystore.backends import NewPersonalKey, PersonalKeyBackend
from keystore.clock import from_ms, to_ms
from keystore.errors import EventRefused
from keystore.kek import KekRing
from keystore.log.events import Event, EventType, Fact, check_event
from keystore.log.record import LogWriter
from keystore.root_keys import Scope, follow_current_kek
from keystore.signer.activation import KeyEnrolment, verify_enrolment
from keystore.signer.errors import (
    ActivationSpent,
    DestructionBudgetSpent,
    EnrolmentRefused,
    EvidenceRefused,
    PersonalKeyUnknown,
    RequestMalformed,
)
from keystore.signer.evidence import EnrolmentEvidence
from keystore.signer.model import (
    KeyPolicy,
    MadeKey,
    PersonalKey,
    encode_policy,
    wrapping_context,
)
from keystore.signer.records import find_recipient
from keystore.signer.resting import resume_row, suspend_row
from keystore.signer.service import Deployment
from keystore.signer.spending import spend_activation
from keystore.signer.spent import SpentLedger
from keystore.signer.statement_evidence import VerifierKeys, verify_statement
from keystore.signer.storage import (
    erase_personal_key,
    find_personal_key,
    insert_counter,
    insert_personal_key,
    read_personal_keys,
)
from keystore.signer.webauthn_evidence import verify_assertion, verify_pinnable
from keystore.storage import DatabaseLike, Transaction

_MOST_KEYS: Final = 16
"""Living keys of one account: a few for renewal, and no way to fill the table with one account."""
_log = logging.getLogger("antin.signer")
_REASON: Final = re.compile(r"[a-z][a-z_]{0,39}", re.ASCII)
_OPERATOR: Final = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}", re.ASCII)


class KeyDesk:
    """Makes personal keys and ends them; safe for any number of threads.

    Takes   ring: the personal root keys that `backend` wraps with, to follow a rotation; None
            where the backend has no ring; needs_statement: a passkey alone enrols no key;
            destructions_per_hour: how many keys may be destroyed within an hour on this host.
    """

    def __init__(
        self,
        database: DatabaseLike,
        *,
        backend: PersonalKeyBackend,
        ring: KekRing | None,
        log: LogWriter,
        ledger: SpentLedger,
        deployment: Deployment,
        verifier: VerifierKeys,
        needs_statement: bool = False,
        destructions_per_hour: int = 100,
    ) -> None:
        self._database = database
        self._backend = backend
        self._ring = ring
        self._log = log
        self._ledger = ledger
        self._deployment = deployment
        self._verifier = verifier
        self._needs_statement = needs_statement
        self._destructions_per_hour = destructions_per_hour

    def make(
        self, enrolment: KeyEnrolment, evidence: EnrolmentEvidence, *, now: datetime
    ) -> MadeKey:
        """Make a key for an account, confirmed once.

        1. The enrolment has its shape, is for this signer and for now.
        2. Each passkey is of a kind that we pin, and confirms this enrolment itself, with user
           verification; a key without passkeys needs the verifier's statement.
        3. The enrolment is spent here.
        4. The key is made and wrapped for its policy, before the transaction: a large RSA key takes
           a second, and on SQLite nobody else would write meanwhile.
        5. The enrolment is spent for all signers and the key stored, with its log row, under the
           root key that wraps at that instant.

        Raises  SignerError.
        """
        # 1
        verify_enrolment(enrolment, signer=self._deployment.audience, now=now)
        challenge = enrolment.challenge()
        # 2
        sign_counts = self._confirm_passkeys(enrolment, evidence, challenge=challenge)
        acting: dict[str, Fact] = {}
        if enrolment.scal == 1 or self._needs_statement:
            acting = self._confirm_statement(enrolment, evidence, challenge=challenge, now=now)
        # 3
        expires_at = from_ms(enrolment.expires_ms)
        if not self._ledger.spend(challenge, expires_at=expires_at, now=now):
            raise ActivationSpent
        # 4
        policy = KeyPolicy(
            key_id=f"pkey_{secrets.token_hex(16)}",
            account_id=enrolment.account_id,
            subject_kind=enrolment.subject_kind,
            algorithm=enrolment.algorithm,
            scal=enrolment.scal,
            rp_id=enrolment.rp_id,
            credentials=enrolment.credentials,
            recipient=enrolment.recipient,
            created_ms=to_ms(now),
        )
        context = wrapping_context(policy.key_id, raw_policy=encode_policy(policy))
        with self._database.read() as connection:
            _check_number(read_personal_keys(connection, account_id=policy.account_id))
        made = self._backend.make(policy.algorithm, context=context)
        # 5
        with self._database.transaction() as transaction:
            if not spend_activation(
                transaction, challenge.hex(), key_id=policy.key_id, expires_at=expires_at, now=now
            ):
                raise ActivationSpent
            _check_number(read_personal_keys(transaction.connection, account_id=policy.account_id))
            made = self._under_current_kek(transaction, made, context=context, now=now)
            _store(transaction, policy, made, sign_counts=sign_counts)
            self._record(
                transaction,
                EventType.PERSONAL_KEY_CREATED,
                _known(find_personal_key(transaction.connection, policy.key_id)),
                facts={
                    "key_id": policy.key_id,
                    "algorithm": policy.algorithm,
                    "scal": policy.scal,
                    **acting,
                },
                now=now,
            )
        return MadeKey(policy.key_id, policy.algorithm, made.public_spki)

    def suspend(self, key_id: str, *, reason: str, now: datetime, operator: str = "") -> bool:
        """Let a key sign nothing until it is resumed; False when it does not anyway.

        Takes   reason: `HOLDER` where its holder wanted it, who may end that herself
                (`SigningService.resume`); any other reason also takes such a suspension over;
                operator: login name of who asked by hand, as the caller says it; recorded.
        Raises  PersonalKeyUnknown.
        """
        facts = _facts(key_id, reason=reason, operator=operator)
        with self._database.read() as connection:
            _known(find_personal_key(connection, key_id))
        # first what the owner of the database cannot undo, as in `destroy`
        self._ledger.suspend(key_id)
        with self._database.transaction() as transaction:
            key = _known(find_personal_key(transaction.connection, key_id))
            if not suspend_row(transaction, key_id, reason=reason, at=now):
                return False
            self._record(
                transaction,
                EventType.PERSONAL_KEY_SUSPENDED,
                key,
                facts=facts,
                now=now,
            )
        return True

    def suspend_keys_of(self, account_id: str, *, reason: str, now: datetime) -> int:
        """Suspend every living key of an account; returns how many signed until now."""
        with self._database.read() as connection:
            keys = read_personal_keys(connection, account_id=account_id)
        return sum(
            self.suspend(key.key_id, reason=reason, now=now)
            for key in keys
            if key.destroyed_at is None
        )

    def resume(self, key_id: str, *, reason: str, now: datetime, operator: str = "") -> bool:
        """Let a suspended key sign again; False when it was not suspended, or is destroyed.

        It signs again at this signer; one on another host that suspended it asks for the same.
        Raises  PersonalKeyUnknown.
        """
        facts = _facts(key_id, reason=reason, operator=operator)
        with self._database.transaction() as transaction:
            key = _known(find_personal_key(transaction.connection, key_id))
            was_suspended = resume_row(transaction, key_id)
            if key.destroyed_at is not None:
                return False
            if not was_suspended and not self._ledger.is_suspended(key_id):
                return False
            self._record(
                transaction,
                EventType.PERSONAL_KEY_RESUMED,
                key,
                facts=facts,
                now=now,
            )
        # last: without its row in the log it goes on resting
        self._ledger.resume(key_id)
        return True

    def destroy(self, key_id: str, *, reason: str, now: datetime, operator: str = "") -> bool:
        """Forget the private half for ever; False when that had happened before.

        Raises  PersonalKeyUnknown; DestructionBudgetSpent, and the key lives.
        """
        facts = _facts(key_id, reason=reason, operator=operator)
        with self._database.read() as connection:
            _known(find_personal_key(connection, key_id))
        # first what nobody else can undo: a crash in between leaves a key that nobody can use
        if not self._ledger.bury(key_id, per_hour=self._destructions_per_hour, now=now):
            _log.error("destruction_budget_spent")
            raise DestructionBudgetSpent
        with self._database.transaction() as transaction:
            key = _known(find_personal_key(transaction.connection, key_id))
            if not erase_personal_key(transaction, key_id, now=now):
                return False
            self._record(
                transaction,
                EventType.PERSONAL_KEY_DESTROYED,
                key,
                facts=facts,
                now=now,
            )
        return True

    def destroy_keys_of(self, account_id: str, *, reason: str, now: datetime) -> int:
        """Destroy every key of an account, as when the person is deleted; returns how many.

        Raises  DestructionBudgetSpent in the middle; the rest goes another time.
        """
        with self._database.read() as connection:
            keys = read_personal_keys(connection, account_id=account_id)
        return sum(self.destroy(key.key_id, reason=reason, now=now) for key in keys)

    def _confirm_passkeys(
        self, enrolment: KeyEnrolment, evidence: EnrolmentEvidence, *, challenge: bytes
    ) -> dict[bytes, int]:
        if len(evidence.assertions) != len(enrolment.credentials):
            raise EvidenceRefused("credential")
        if not enrolment.credentials:
            return {}
        origins = self._deployment.origins.get(enrolment.rp_id)
        if not origins:
            raise EvidenceRefused("rp_id")
        counts = {}
        for credential, assertion in zip(enrolment.credentials, evidence.assertions, strict=True):
            verify_pinnable(credential)
            verified = verify_assertion(
                assertion,
                expected_challenge=challenge,
                expected_rp_id=enrolment.rp_id,
                expected_origins=origins,
                credential=credential,
                sign_count=0,
            )
            counts[credential.credential_id] = verified.sign_count
        return counts

    def _confirm_statement(
        self,
        enrolment: KeyEnrolment,
        evidence: EnrolmentEvidence,
        *,
        challenge: bytes,
        now: datetime,
    ) -> dict[str, Fact]:
        """With which authenticator, and who acts under which mandate, for the log."""
        if evidence.statement is None:
            raise EvidenceRefused("statement_missing")
        stated = verify_statement(
            evidence.statement,
            keys=self._verifier.current(),
            expected_signer=self._deployment.audience,
            expected_account=enrolment.account_id,
            expected_kind=enrolment.subject_kind,
            expected_challenge=challenge,
            now=now,
        )
        if not stated.mandate_id:
            return {"totp_id": stated.totp_id}
        return {
            "totp_id": stated.totp_id,
            "person": stated.person_id,
            "mandate": stated.mandate_id,
        }

    def _under_current_kek(
        self, transaction: Transaction, made: NewPersonalKey, *, context: str, now: datetime
    ) -> NewPersonalKey:
        if self._ring is None:
            return made
        follow_current_kek(transaction, scope=Scope.PERSONAL, ring=self._ring, now=now)
        if made.kek_id == self._ring.kek_id:
            return made
        wrapped, kek_id = self._backend.rewrap(made.wrapped, context=context)
        return NewPersonalKey(made.public_spki, wrapped, kek_id)

    def _record(
        self,
        transaction: Transaction,
        event_type: EventType,
        key: PersonalKey,
        *,
        facts: dict[str, Fact],
        now: datetime,
    ) -> None:
        event = Event(
            event_type,
            account_id=key.account_id,
            facts=facts,
        )
        self._log.record(transaction, event, data_key=find_recipient(key), now=now)


def _known(key: PersonalKey | None) -> PersonalKey:
    if key is None:
        raise PersonalKeyUnknown
    return key


def _check_number(keys: Iterable[PersonalKey]) -> None:
    if sum(key.destroyed_at is None for key in keys) >= _MOST_KEYS:
        raise EnrolmentRefused("too_many_keys")


def _store(
    transaction: Transaction,
    policy: KeyPolicy,
    made: NewPersonalKey,
    *,
    sign_counts: dict[bytes, int],
) -> None:
    insert_personal_key(
        transaction,
        policy,
        public_spki=made.public_spki,
        wrapped=made.wrapped,
        kek_id=made.kek_id,
    )
    for credential_id, sign_count in sign_counts.items():
        insert_counter(
            transaction,
            key_id=policy.key_id,
            credential_sha256=hashlib.sha256(credential_id).hexdigest(),
            sign_count=sign_count,
        )


def _facts(key_id: str, *, reason: str, operator: str) -> dict[str, Fact]:
    """What the log will say; known to be sayable before anything is done."""
    if not _REASON.fullmatch(reason):
        raise RequestMalformed("reason")
    facts: dict[str, Fact] = {"key_id": key_id, "reason": reason}
    if operator:
        if not _OPERATOR.fullmatch(operator):
            raise RequestMalformed("operator")
        facts["operator"] = operator
    try:
        check_event(Event(EventType.PERSONAL_KEY_DESTROYED, facts=facts))
    except EventRefused as refusal:
        raise RequestMalformed(refusal.fact) from refusal
    return facts
