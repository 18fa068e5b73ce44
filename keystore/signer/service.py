"""Activating a personal key: the one place in the whole system where such a key signs.

What lives here: `SigningService.activate`.  It believes nobody: what the caller says is in the
confirmation or it does not count; what the database says is bound to the wrapped key or remembered
by the signer itself.  Source: architecture, decision 11; EN 419 241-1 (SCAL1, SCAL2).
Not here: making keys (`desk`), the wire (`server`), key material (the backend).

**The order.**  The confirmation is spent in the signer's own ledger before the key is opened, so
that two requests at the same instant sign once.  The row of the log is written, together with the
spending that all signers of a deployment see, after the signatures were made and verified and
before any of them leaves: no record, no signature; and no record of a signature that was not made.
Killed anywhere in between, the person confirms once more, and nothing has left.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from keystore.backends import PersonalKeyBackend
from keystore.backends.errors import DigestRefused, SignatureBroken
from keystore.clock import from_ms
from keystore.errors import EventRefused, KeystoreError, KeyUnavailable, SealBroken
from keystore.key_types import get_key_type
from keystore.log.events import Event, EventType, Fact, check_event
from keystore.log.record import LogWriter
from keystore.public_keys import load_spki
from keystore.signer.activation import SignatureActivation, verify_activation
from keystore.signer.certificate_requests import verify_request
from keystore.signer.errors import (
    ActivationForeign,
    ActivationMalformed,
    ActivationSpent,
    EvidenceRefused,
    KeyRecordChanged,
    PersonalKeyDestroyed,
    PersonalKeySuspended,
    PersonalKeyUnknown,
    SignerError,
    SigningFailed,
)
from keystore.signer.evidence import Evidence, StatementEvidence, WebauthnEvidence
from keystore.signer.model import HOLDER, KeyPolicy, PersonalKey, PinnedCredential
from keystore.signer.records import read_policy
from keystore.signer.refusals import RefusalLog
from keystore.signer.resting import resume_row
from keystore.signer.resumption import refuse_resumption, verify_resumption
from keystore.signer.spending import (
    purge_spent,
    raise_sign_count,
    spend_activation,
    spend_if_usable,
)
from keystore.signer.spent import SpentLedger
from keystore.signer.statement_evidence import VerifierKeys, verify_statement
from keystore.signer.storage import find_key_and_count, find_personal_key
from keystore.signer.webauthn_evidence import verify_assertion
from keystore.storage import DatabaseLike, Transaction
from keystore.verifying import check_own_signature

_log = logging.getLogger("antin.signer")


@dataclass(frozen=True, slots=True)
class Deployment:
    """What the signer is told by its own settings, which nobody else can write.

    Takes   audience: the name that activations are made out to; origins: RP ID → the origins of
            pages on which a confirmation may be given.
    """

    audience: str
    origins: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class _Confirmation:
    """What good evidence has shown."""

    facts: Mapping[str, Fact]
    credential_sha256: str = ""
    sign_count: int = 0


class SigningService:
    """Signs what its owner confirmed; safe for any number of threads.

    Takes   log: a `LogWriter` over `RecipientSealer`; ledger: the signer's own memory;
            verifier: public keys of the second-factor verifier.
    """

    def __init__(
        self,
        database: DatabaseLike,
        *,
        backend: PersonalKeyBackend,
        log: LogWriter,
        ledger: SpentLedger,
        deployment: Deployment,
        verifier: VerifierKeys,
    ) -> None:
        self._database = database
        self._backend = backend
        self._log = log
        self._ledger = ledger
        self._deployment = deployment
        self._verifier = verifier
        self._refusals = RefusalLog(database, log=log)

    def activate(
        self,
        activation: SignatureActivation,
        evidence: Evidence,
        *,
        now: datetime,
        request_info: bytes = b"",
    ) -> tuple[bytes, ...]:
        """Sign exactly the digests that a person confirmed, once.

        1. The activation has its shape, is for this signer and for now.
        2. The key is there, neither destroyed nor suspended, and is the account's; what asks for
           a certificate is a request for this key, and nothing else is.
        3. The evidence is of the kind that the key takes, and right, for this activation.
        4. It is spent in the signer's own ledger.
        5. The key is opened for the record that it belongs to, signs, and is forgotten; every
           signature verifies under the public key of the record.
        6. In one transaction: the key may still be used, the activation is spent for all signers,
           the passkey's counter has not gone back, the log has its row.

        Takes   request_info: the bytes behind the digest, for a certification request alone.
        Returns the signatures, DER or RSA-PSS, in the order of the digests.
        Raises  SignerError; every refusal that concerns a key is recorded.
        """
        try:
            return self._activate(activation, evidence, request_info=request_info, now=now)
        except SignerError as refusal:
            self._record_refusal(activation, refusal, now=now)
            raise

    def resume(self, activation: SignatureActivation, evidence: Evidence, *, now: datetime) -> bool:
        """Let a key sign again that its holder had suspended, confirmed like a signature, once.

        1. The activation has its shape, is for this signer and for now, and asks for exactly this.
        2. The key is there and not destroyed; nobody but its holder suspended it.
        3. The evidence is of the kind that the key takes, and right, for this activation.
        4. It is spent in the signer's own ledger.
        5. In one transaction: still nobody else suspended it, the activation is spent for all
           signers, the passkey's counter has not gone back, the log has its row.

        Returns False when it was not suspended.
        Raises  SignerError; every refusal that concerns a key is recorded.
        """
        try:
            return self._resume(activation, evidence, now=now)
        except SignerError as refusal:
            self._record_refusal(activation, refusal, now=now)
            raise

    def purge(self, now: datetime) -> int:
        """Forget what was spent long ago; a periodic duty.  Returns how many rows went."""
        with self._database.transaction() as transaction:
            return purge_spent(transaction, now=now)

    def _activate(
        self,
        activation: SignatureActivation,
        evidence: Evidence,
        *,
        request_info: bytes,
        now: datetime,
    ) -> tuple[bytes, ...]:
        # 1
        verify_activation(activation, signer=self._deployment.audience, now=now)
        refuse_resumption(activation)
        accepted = _accepted(activation)
        # 2
        key, counted = self._find(activation)
        key = self._usable(key)
        policy = read_policy(key)
        if activation.account_id != policy.account_id:
            raise ActivationForeign("account")
        verify_request(activation, request_info, public_spki=key.public_spki)
        # 3
        challenge = activation.challenge()
        if self._ledger.is_spent(challenge):
            raise ActivationSpent  # told apart from a passkey whose counter stands still
        confirmation = self._confirm(activation, evidence, policy=policy, counted=counted, now=now)
        # 4
        expires_at = from_ms(activation.expires_ms)
        if not self._ledger.spend(challenge, expires_at=expires_at, now=now):
            raise ActivationSpent
        # 5
        signatures = self._sign(key, policy, activation)
        # 6
        event = Event(
            EventType.ACTIVATION_ACCEPTED,
            account_id=policy.account_id,
            client_id=activation.client_id,
            facts={**accepted, **confirmation.facts, "scal": policy.scal},
            personal={"digests": _hash_of_digests(activation)},
        )
        with self._database.transaction() as transaction:
            is_spent = spend_if_usable(
                transaction, challenge.hex(), key_id=key.key_id, expires_at=expires_at, now=now
            )
            if is_spent is None:
                self._usable(find_personal_key(transaction.connection, key.key_id))
                raise PersonalKeySuspended  # no longer
            if not is_spent:
                raise ActivationSpent
            self._check_ledger(key.key_id)
            self._raise_count(transaction, activation, confirmation)
            self._log.record(transaction, event, data_key=policy.recipient, now=now)
        return signatures

    def _resume(
        self, activation: SignatureActivation, evidence: Evidence, *, now: datetime
    ) -> bool:
        # 1
        verify_activation(activation, signer=self._deployment.audience, now=now)
        verify_resumption(activation)
        # 2
        found, counted = self._find(activation)
        key = self._resumable(found)
        policy = read_policy(key)
        if activation.account_id != policy.account_id:
            raise ActivationForeign("account")
        # 3
        challenge = activation.challenge()
        if self._ledger.is_spent(challenge):
            raise ActivationSpent
        confirmation = self._confirm(activation, evidence, policy=policy, counted=counted, now=now)
        # 4
        expires_at = from_ms(activation.expires_ms)
        if not self._ledger.spend(challenge, expires_at=expires_at, now=now):
            raise ActivationSpent
        # 5
        facts = {**confirmation.facts, "key_id": key.key_id, "reason": HOLDER}
        event = Event(EventType.PERSONAL_KEY_RESUMED, account_id=policy.account_id, facts=facts)
        with self._database.transaction() as transaction:
            rests = self._resumable(find_personal_key(transaction.connection, key.key_id))
            self._spend(transaction, activation, confirmation, expires_at=expires_at, now=now)
            if rests.suspended_at is None:
                return False
            if not resume_row(transaction, key.key_id, is_by_holder=True):
                raise PersonalKeySuspended  # by somebody else, between the two statements
            self._log.record(transaction, event, data_key=policy.recipient, now=now)
        # last: without its row in the log it goes on resting
        self._ledger.resume(key.key_id)
        return True

    def _resumable(self, key: PersonalKey | None) -> PersonalKey:
        if key is None:
            raise PersonalKeyUnknown
        if (
            key.destroyed_at is not None
            or key.wrapped is None
            or self._ledger.is_buried(key.key_id)
        ):
            raise PersonalKeyDestroyed
        rests = key.suspended_at is not None or self._ledger.is_suspended(key.key_id)
        if rests and key.suspended_reason != HOLDER:
            raise PersonalKeySuspended
        return key

    def _spend(
        self,
        transaction: Transaction,
        activation: SignatureActivation,
        confirmation: _Confirmation,
        *,
        expires_at: datetime,
        now: datetime,
    ) -> None:
        if not spend_activation(
            transaction,
            activation.challenge().hex(),
            key_id=activation.key_id,
            expires_at=expires_at,
            now=now,
        ):
            raise ActivationSpent
        self._raise_count(transaction, activation, confirmation)

    def _raise_count(
        self,
        transaction: Transaction,
        activation: SignatureActivation,
        confirmation: _Confirmation,
    ) -> None:
        if confirmation.credential_sha256 and not raise_sign_count(
            transaction,
            key_id=activation.key_id,
            credential_sha256=confirmation.credential_sha256,
            sign_count=confirmation.sign_count,
        ):
            raise EvidenceRefused("sign_count")

    def _usable(self, key: PersonalKey | None) -> PersonalKey:
        if key is None:
            raise PersonalKeyUnknown
        if key.destroyed_at is not None or key.wrapped is None:
            raise PersonalKeyDestroyed
        self._check_ledger(key.key_id)
        if key.suspended_at is not None:
            raise PersonalKeySuspended
        return key

    def _check_ledger(self, key_id: str) -> None:
        """What the signer itself remembers of a key, whatever the database says."""
        if self._ledger.is_buried(key_id):
            raise PersonalKeyDestroyed
        if self._ledger.is_suspended(key_id):
            raise PersonalKeySuspended

    def _find(self, activation: SignatureActivation) -> tuple[PersonalKey | None, int | None]:
        """The key, and how often the passkey that shall confirm said that it was used."""
        with self._database.read() as connection:
            return find_key_and_count(
                connection,
                activation.key_id,
                credential_sha256=hashlib.sha256(activation.credential_id).hexdigest(),
            )

    def _confirm(
        self,
        activation: SignatureActivation,
        evidence: Evidence,
        policy: KeyPolicy,
        *,
        counted: int | None,
        now: datetime,
    ) -> _Confirmation:
        challenge = activation.challenge()
        if policy.scal == 2:
            if not isinstance(evidence, WebauthnEvidence):
                raise EvidenceRefused("kind")
            credential = policy.find_credential(evidence.credential_id)
            if credential is None:
                raise EvidenceRefused("credential")
            if activation.credential_id != credential.credential_id:
                raise ActivationForeign("credential")
            return self._confirm_by_passkey(
                evidence, challenge, policy=policy, credential=credential, counted=counted
            )
        if not isinstance(evidence, StatementEvidence):
            raise EvidenceRefused("kind")
        if activation.credential_id:
            raise ActivationForeign("credential")
        stated = verify_statement(
            evidence,
            keys=self._verifier.current(),
            expected_signer=self._deployment.audience,
            expected_account=policy.account_id,
            expected_kind=policy.subject_kind,
            expected_challenge=challenge,
            now=now,
        )
        facts: dict[str, Fact] = {"evidence": "statement", "totp_id": stated.totp_id}
        if stated.mandate_id:
            facts |= {"person": stated.person_id, "mandate": stated.mandate_id}
        return _Confirmation(facts)

    def _confirm_by_passkey(
        self,
        evidence: WebauthnEvidence,
        challenge: bytes,
        *,
        policy: KeyPolicy,
        credential: PinnedCredential,
        counted: int | None,
    ) -> _Confirmation:
        origins = self._deployment.origins.get(policy.rp_id)
        if not origins:
            raise EvidenceRefused("rp_id")
        credential_sha256 = hashlib.sha256(credential.credential_id).hexdigest()
        asserted = verify_assertion(
            evidence,
            expected_challenge=challenge,
            expected_rp_id=policy.rp_id,
            expected_origins=origins,
            credential=credential,
            sign_count=counted or 0,
        )
        facts: dict[str, Fact] = {"evidence": "webauthn", "synced": asserted.is_backed_up}
        return _Confirmation(facts, credential_sha256, asserted.sign_count)

    def _sign(
        self, key: PersonalKey, policy: KeyPolicy, activation: SignatureActivation
    ) -> tuple[bytes, ...]:
        digests, hash_name = activation.digests, activation.hash_name
        try:
            kind = get_key_type(policy.algorithm)
            public = load_spki(key.public_spki, algorithm=policy.algorithm)
            signatures = self._backend.sign_digests(
                key.wrapped or b"",
                algorithm=policy.algorithm,
                context=key.context,
                digests=digests,
                hash_name=hash_name,
            )
            if len(signatures) != len(digests):
                raise SignatureBroken
            # the backend has verified each with the key that it opened; one shows whose that is
            check_own_signature(
                public, digests[0], kind=kind, hash_name=hash_name, signature=signatures[0]
            )
        except DigestRefused as refusal:
            raise ActivationMalformed("hash_name") from refusal
        except (SealBroken, SignatureBroken, KeyUnavailable) as tampering:
            # a blob, a policy or a public key of another row; nothing of it leaves
            raise KeyRecordChanged from tampering
        except KeystoreError as failure:
            raise SigningFailed(failure.code) from failure
        return signatures

    def _record_refusal(
        self, activation: SignatureActivation, refusal: SignerError, *, now: datetime
    ) -> None:
        if isinstance(refusal, KeyRecordChanged):
            _log.error("personal_key_record_changed key_id=%s", activation.key_id)
        try:
            self._refusals.record(activation, refusal, now)
        except Exception as failure:  # noqa: BLE001  the refusal stands, whatever becomes of its row
            _log.error(
                "refusal_not_recorded code=%s reason=%s", refusal.code, type(failure).__name__
            )


def _accepted(activation: SignatureActivation) -> dict[str, Fact]:
    facts: dict[str, Fact] = {
        "key_id": activation.key_id,
        "request_id": activation.request_id,
        "purpose": activation.purpose,
        "activation": activation.challenge().hex(),
        "hash": activation.hash_name,
        "count": len(activation.digests),
    }
    try:
        check_event(Event(EventType.ACTIVATION_ACCEPTED, facts=facts))
    except EventRefused as refusal:
        raise ActivationMalformed(refusal.fact) from refusal
    return facts


def _hash_of_digests(activation: SignatureActivation) -> str:
    return hashlib.sha256(b"".join(activation.digests)).hexdigest()
