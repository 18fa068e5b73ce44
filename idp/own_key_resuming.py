"""A holder takes her own hold back: with the same means with which she signs, and nothing less.

What lives here: `OwnKeyResuming`.  What is asked for is fixed first and kept for the minutes in
which it is confirmed; a one-time code, or the passkey that opens the key, confirms exactly that to
the signer, which resumes the key; then the certificate is in force again.  Killed in between, the
certificate stays on hold and she confirms once more.
Whoever may not sign, because account or mandate ended or the account's level was capped, takes
nothing back; neither is a hold taken back that somebody else has put.
Source: architecture, decisions 10 and 11; ETSI EN 319 411-1 §6.3.9.
Not here: judging confirmations (`keystore/signer/service.py`), states (`idp/own_certificates.py`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Protocol

import msgspec

from idp.ids import AccountId
from idp.own_certificates import CertificateActRefused, OwnCertificate, OwnCertificates
from idp.second_factors import VerifierFactors
from idp.signing_eligibility import Eligibility, Holder
from idp.storage.ephemeral import EphemeralStore
from keystore.clock import from_ms
from keystore.errors import SealBroken
from keystore.purposes import SealPurpose
from keystore.sealing import Sealer
from keystore.signer.activation import LONGEST, SignatureActivation
from keystore.signer.errors import (
    KeyRecordChanged,
    OutcomeUnknown,
    PersonalKeySuspended,
    SignerError,
    SignerUnavailable,
)
from keystore.signer.evidence import Evidence, WebauthnEvidence
from keystore.signer.model import KeyPolicy, PersonalKey
from keystore.signer.records import read_policy
from keystore.signer.resumption import make_resumption
from signing.errors import CertificateRefused, ConfirmationRefused, SignerAway

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(SignatureActivation).decode


class ResumesKeys(Protocol):
    """`antin signer`, as far as this module asks it."""

    def resume_own_key(self, activation: SignatureActivation, evidence: Evidence) -> bool:
        """See `SignerClient.resume_own_key`.  Raises SignerError."""


class OwnKeyResuming:
    """Safe to share between threads.  Takes   audience: the name that the signer goes by."""

    def __init__(
        self,
        own: OwnCertificates,
        *,
        store: EphemeralStore,
        sealer: Sealer,
        eligibility: Eligibility,
        factors: VerifierFactors,
        door: ResumesKeys,
        audience: str,
    ) -> None:
        self._own = own
        self._store = store
        self._sealer = sealer
        self._eligibility = eligibility
        self._factors = factors
        self._door = door
        self._audience = audience

    def prepare(self, person_id: AccountId, name: str, *, now: datetime) -> SignatureActivation:
        """Fix what shall be confirmed.

        Raises  OwnCertificateUnknown; CertificateActRefused (not_suspended, held_by_others);
                CertificateRefused (see `Eligibility.find_entitled` and `code_refusal`);
                ConfirmationRefused (passkey_unknown); SecondFactorUnavailable.
        """
        one, holder, key = self._resumable(person_id, name, now=now)
        policy = _policy(key)
        if policy.credentials:
            known = {one.credential_id for one in self._eligibility.passkeys_of(person_id)}
            pinned = [one.credential_id for one in policy.credentials if one.credential_id in known]
            if not pinned:
                raise ConfirmationRefused("passkey_unknown")
            credential_id = pinned[0]
        else:
            credential_id = b""
            if reason := self._eligibility.code_refusal(holder.person.account_id, now=now):
                raise CertificateRefused(reason)
        wanted = make_resumption(
            signer=self._audience,
            account_id=one.owner.account_id,
            key_id=policy.key_id,
            credential_id=credential_id,
            now=now,
        )
        place = _place(person_id, policy.key_id)
        sealed = self._sealer.seal(SealPurpose.INTERACTION, _encode(wanted), context=place)
        self._store.put(place, sealed, lifetime=LONGEST, now=now)
        return wanted

    def find(
        self, person_id: AccountId, one: OwnCertificate, *, now: datetime
    ) -> SignatureActivation | None:
        """What this person is about to confirm; None when the time for it is over."""
        place = _place(person_id, one.record.kid or "")
        sealed = self._store.get(place, now=now)
        if sealed is None:
            return None
        try:
            plain = self._sealer.unseal(SealPurpose.INTERACTION, sealed, context=place)
            wanted = _decode(plain)
        except (SealBroken, msgspec.MsgspecError):
            return None
        return wanted if now < from_ms(wanted.expires_ms) else None

    def rp_id(self, one: OwnCertificate) -> str:
        """Of the passkeys that open its key; empty where codes do."""
        return "" if one.key is None else _policy(one.key).rp_id

    def finish(
        self,
        person_id: AccountId,
        name: str,
        *,
        code: str = "",
        assertion: WebauthnEvidence | None = None,
        now: datetime,
    ) -> None:
        """Confirm what was prepared; a wrong code leaves it open for another.

        Raises  as `prepare`; ConfirmationRefused (window_closed, wrong_code, too_many, …);
                SignerAway.
        """
        one, holder, key = self._resumable(person_id, name, now=now)
        wanted = self.find(person_id, one, now=now)
        if wanted is None:
            raise ConfirmationRefused("window_closed")
        evidence: Evidence
        if wanted.credential_id:
            if assertion is None:
                raise ConfirmationRefused("passkey_missing")
            evidence = assertion
        else:
            if not code:
                raise ConfirmationRefused("code_missing")
            evidence = self._factors.state(wanted, code=code, signer=holder.signer, now=now)
        self._resume(wanted, evidence)
        self._store.delete(_place(person_id, key.key_id))
        self._own.lift(one, now=now)

    def _resume(self, wanted: SignatureActivation, evidence: Evidence) -> None:
        try:
            self._door.resume_own_key(wanted, evidence)
        except OutcomeUnknown as unknown:
            raise ConfirmationRefused("interrupted") from unknown
        except SignerUnavailable as away:
            raise SignerAway from away
        except PersonalKeySuspended as refusal:
            raise CertificateActRefused("held_by_others") from refusal
        except SignerError as refusal:
            raise ConfirmationRefused(refusal.code) from refusal

    def _resumable(
        self, person_id: AccountId, name: str, *, now: datetime
    ) -> tuple[OwnCertificate, Holder, PersonalKey]:
        one = self._own.get(person_id, name, now=now)
        if one.standing != "suspended":
            raise CertificateActRefused("not_suspended")
        if not one.may_resume or one.key is None:
            raise CertificateActRefused("held_by_others")
        return one, self._eligibility.find_entitled(one.owner.signer, now=now), one.key


def _policy(key: PersonalKey) -> KeyPolicy:
    try:
        return read_policy(key)
    except KeyRecordChanged as refusal:
        raise ConfirmationRefused(refusal.code) from refusal


def _place(person_id: AccountId, key_id: str) -> str:
    return f"key_resumption:{person_id}:{key_id}"
