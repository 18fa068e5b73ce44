"""Signing in with a passkey: instead of a password, or after one.

What lives here: the two questions that are put to passkeys on the way to a portal, and judging the
answers.  A challenge is given out to one sign-in under way and taken once, whatever the answer is
worth.

A refusal reads the same, and costs the same, whether nobody has the credential, its account is
locked or closed, or the answer is wrong: an unknown one is verified against a key that nobody has.
Source: WebAuthn Level 3 §7.2 (verifying), §5.5 (options), §13.4.3 (challenges), §14.6.2.
Not here: what an answer looks like (`passkey_answers`), registering (`passkeys`), its signature
(`keystore/signer/webauthn_evidence.py`), sessions.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from idp.accounts.attempts import Admitted, Attempts, NotAdmitted, Source
from idp.accounts.credentials import OwnedPasskey
from idp.accounts.devices import Devices
from idp.accounts.model import AccountStatus
from idp.accounts.passkey_answers import (
    PasskeyAnswer,
    Purpose,
    challenge_in,
    make_challenge,
    read_answer,
)
from idp.accounts.passkeys import user_handle
from idp.accounts.refusals import RefusedSignIns
from idp.ids import AccountId
from idp.model import Factor
from idp.storage import passkeys as rows
from idp.storage.accounts import find_row
from idp.storage.cases import newest_case_at
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from keystore.base64url import to_base64url
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.sealing import Sealer
from keystore.signer.errors import EvidenceRefused
from keystore.signer.evidence import WebauthnEvidence
from keystore.signer.model import PinnedCredential
from keystore.signer.webauthn_evidence import VerifiedAssertion, verify_assertion

_TIMEOUT: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class PasskeyAccepted:
    """It is theirs, and the account may sign in; `device` is the device cookie to set.

    `is_synced`: its private half may be on more than one device; `is_new_device`: until now the
    account was never signed in to on this browser.
    """

    account_id: AccountId
    at: datetime
    is_synced: bool
    device: str = field(repr=False)
    is_new_device: bool


@dataclass(frozen=True, slots=True)
class PasskeyNotAccepted:
    """No.  `reason` is for tests and counters, never for the person; see `PasskeySignIn`."""

    reason: str
    retry_at: datetime | None = None


class PasskeySignIn:
    """Safe to share between threads.

    Takes   rp_id: as passkeys are registered for; origin: of the pages on which people sign in;
            lifetime: of a sign-in under way, and so of its challenges.
    Reasons of a refusal: too_many; malformed; challenge (not given out to this sign-in for this, or
    used, or too late); credential (nobody's, or not of the person who gave the password); those of
    `verify_assertion`; user_handle; account (locked or closed); backup; sign_count.
    Raises  StorageUnavailable from every method: nobody signs in without being counted.
    """

    def __init__(
        self,
        database: Database,
        *,
        store: EphemeralStore,
        sealer: Sealer,
        log: LogWriter,
        attempts: Attempts,
        rp_id: str,
        origin: str,
        lifetime: timedelta,
    ) -> None:
        self._database = database
        self._store = store
        self._sealer = sealer
        self._log = log
        self._attempts = attempts
        self._devices = Devices(sealer)
        self._refusals = RefusedSignIns(store, sealer=sealer)
        self._rp_id = rp_id
        self._origin = origin
        self._lifetime = lifetime
        self._nobodys_key = _make_nobodys_key()

    def ask_anybody(self, interaction_id: str, *, now: datetime) -> str:
        """What `navigator.credentials.get()` is called with before anybody said who they are.

        Names no credential: the device offers what it has, and verifies its user.
        """
        challenge = self._give_out(Purpose.SIGN_IN, interaction_id, now=now)
        return self._options(challenge, verify="required", allowed=())

    def ask_person(self, interaction_id: str, *, account_id: AccountId, now: datetime) -> str:
        """The same for somebody who gave the password: their own passkeys; "" without any."""
        with self._database.read() as connection:
            known = rows.list_passkeys(connection, account_id, sealer=self._sealer)
        if not known:
            return ""
        allowed = [
            {
                "type": "public-key",
                "id": to_base64url(one.credential_id).decode(),
                "transports": list(one.transports),
            }
            for one in known
        ]
        challenge = self._give_out(Purpose.SECOND_FACTOR, interaction_id, now=now)
        return self._options(challenge, verify="preferred", allowed=allowed)

    def sign_in(
        self, raw: str, *, interaction_id: str, source: Source, now: datetime
    ) -> PasskeyAccepted | PasskeyNotAccepted:
        """Whose passkey it is that answered, its user verified: two factors in one act."""
        return self._judge(
            raw, Purpose.SIGN_IN, expected=None, interaction_id=interaction_id, source=source,
            now=now,
        )  # fmt: skip

    def confirm(
        self,
        raw: str,
        *,
        account_id: AccountId,
        interaction_id: str,
        source: Source,
        now: datetime,
    ) -> PasskeyAccepted | PasskeyNotAccepted:
        """Whether a passkey of this person answered, who has given the password."""
        return self._judge(
            raw, Purpose.SECOND_FACTOR, expected=account_id, interaction_id=interaction_id,
            source=source, now=now,
        )  # fmt: skip

    def _judge(
        self,
        raw: str,
        purpose: Purpose,
        *,
        expected: AccountId | None,
        interaction_id: str,
        source: Source,
        now: datetime,
    ) -> PasskeyAccepted | PasskeyNotAccepted:
        """Everything in one order, whoever's it is.

        1. The answer has its form; the attempt is counted.
        2. Its challenge was given out for this, in this sign-in, and is taken.
        3. The answer is right for the key of that credential, or for nobody's.
        4. The credential is one of ours, of the account that is expected and the answer names; the
           account is active.
        5. What the passkey says of itself goes with what it said before; that is one statement.

        Source  WebAuthn Level 3 §7.2, steps 3 to 25.
        """
        # 1
        answer = read_answer(raw)
        if answer is None:
            return PasskeyNotAccepted("malformed")
        evidence = answer.evidence
        name = hashlib.sha256(evidence.credential_id).hexdigest()
        admitted = self._attempts.admit_passkey(name, source=source, now=now)
        if isinstance(admitted, NotAdmitted):
            return PasskeyNotAccepted("too_many", retry_at=admitted.retry_at)
        # 2
        challenge = challenge_in(evidence, purpose)
        if challenge is None or not self._take(purpose, interaction_id, challenge, now=now):
            return PasskeyNotAccepted("challenge")
        # 3
        with self._database.read() as connection:
            found = rows.find_owned(connection, evidence.credential_id)
        verified = self._verify(evidence, found, purpose=purpose, challenge=challenge)
        # 4
        refused = (
            verified
            if isinstance(verified, str)
            else _refuse(found, answer=answer, expected=expected, verified=verified)
        )
        # 5
        if refused is None and found is not None and isinstance(verified, VerifiedAssertion):
            refused = self._count(found, evidence.credential_id, verified=verified, now=now)
            if refused is None:
                return self._accept(found, name, admitted=admitted, source=source, now=now)
        account_id = None if found is None else found.account_id
        self._refusals.note(account_id, subject=name, factor=Factor.PASSKEY, now=now)
        return PasskeyNotAccepted(refused or "credential")

    def _give_out(self, purpose: Purpose, interaction_id: str, *, now: datetime) -> bytes:
        challenge = make_challenge(purpose)
        key = _key(purpose, interaction_id, challenge)
        self._store.put(key, b"given", lifetime=self._lifetime, now=now)
        return challenge

    def _take(
        self, purpose: Purpose, interaction_id: str, challenge: bytes, *, now: datetime
    ) -> bool:
        key = _key(purpose, interaction_id, challenge)
        return self._store.consume(key, now=now) is not None

    def _options(
        self, challenge: bytes, *, verify: str, allowed: Sequence[Mapping[str, object]]
    ) -> str:
        options = {
            "challenge": to_base64url(challenge).decode(),
            "timeout": int(_TIMEOUT / timedelta(milliseconds=1)),
            "rpId": self._rp_id,
            "allowCredentials": list(allowed),
            "userVerification": verify,
        }
        return json.dumps(options)

    def _verify(
        self,
        evidence: WebauthnEvidence,
        found: OwnedPasskey | None,
        *,
        purpose: Purpose,
        challenge: bytes,
    ) -> VerifiedAssertion | str:
        public_key = self._nobodys_key if found is None else found.public_key
        try:
            return verify_assertion(
                evidence,
                expected_challenge=challenge,
                expected_rp_id=self._rp_id,
                expected_origins=(self._origin,),
                credential=PinnedCredential(evidence.credential_id, public_key),
                # judged below, once it is known that the passkey itself says so
                sign_count=0,
                needs_verified_user=purpose is Purpose.SIGN_IN,
            )
        except EvidenceRefused as refusal:
            return refusal.reason

    def _count(
        self,
        found: OwnedPasskey,
        credential_id: bytes,
        *,
        verified: VerifiedAssertion,
        now: datetime,
    ) -> str | None:
        with self._database.transaction() as tx:
            row = find_row(tx.connection, found.account_id, is_locked=True)
            if row is None or row.status is not AccountStatus.ACTIVE:
                return "account"
            if rows.count_sign_in(
                tx,
                row,
                credential_id,
                sign_count=verified.sign_count,
                is_backed_up=verified.is_backed_up,
                now=now,
            ):
                return None
            if rows.find_owned(tx.connection, credential_id) is None:
                return "credential"  # removed while it was answering
            event = Event(
                EventType.PASSKEY_COUNT_WENT_BACK,
                account_id=found.account_id,
                facts={"passkey_id": found.passkey_id},
            )
            self._log.record(tx, event, data_key=row.data_key, now=now)
        return "sign_count"

    def _accept(
        self, found: OwnedPasskey, name: str, *, admitted: Admitted, source: Source, now: datetime
    ) -> PasskeyAccepted:
        self._attempts.settle(admitted, now=now)
        account_id, devices = found.account_id, self._devices
        before = source.device
        with self._database.read() as connection:
            doubted_at = newest_case_at(connection, account_id)
        by = (name, Factor.PASSKEY)
        is_known = devices.knows_account(before, account_id, by=by, now=now, doubted_at=doubted_at)
        device = devices.remember_account(
            devices.remember(before, subject=name, factor=Factor.PASSKEY, now=now),
            account_id,
            now=now,
        )
        return PasskeyAccepted(
            account_id, now, found.is_backup_eligible, device, is_new_device=not is_known
        )


def _refuse(
    found: OwnedPasskey | None,
    *,
    answer: PasskeyAnswer,
    expected: AccountId | None,
    verified: VerifiedAssertion,
) -> str | None:
    """Why a right answer is not taken, or None.

    A passkey found by itself says whose it is (§7.2 step 6); one that was asked for by its name may
    leave that out, and is not another's.
    """
    if found is None or (expected is not None and found.account_id != expected):
        return "credential"
    said = answer.user_handle
    if said is None:
        if expected is None:
            return "user_handle"
    elif not hmac.compare_digest(said, user_handle(found.account_id)):
        return "user_handle"
    if not found.is_active:
        return "account"
    if verified.is_backup_eligible != found.is_backup_eligible:
        return "backup"
    return None


def _key(purpose: Purpose, interaction_id: str, challenge: bytes) -> str:
    return f"passkey_asked:{purpose}:{interaction_id}:{hashlib.sha256(challenge).hexdigest()}"


def _make_nobodys_key() -> bytes:
    """A public key whose private half is gone: COSE, ES256.  RFC 9053 §2.1, §7.1."""
    numbers = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
    # a map of five: kty EC2, alg ES256, crv P-256, and the two coordinates
    return bytes.fromhex("a5010203262001215820") + x + bytes.fromhex("225820") + y
