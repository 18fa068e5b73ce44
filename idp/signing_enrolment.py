"""A signing key with a certificate, made at first need.

What lives here: `SigningEnrolment`.  What shall be made is fixed first and kept for the minutes in
which it is confirmed; a one-time code, or the passkeys that will open the key, confirm exactly
that; the signer makes the key, our own authority certifies it.  One code confirms one thing: the
code that made a key signs nothing, the next one does.  A key that was made and could not be
certified is certified the next time.
Source: architecture, decisions 10 and 11; CEN EN 419 241-1 §6.1 (enrolment); ETSI EN 319 411-1
§6.2–6.3.
Not here: who may have one (`idp/signing_eligibility.py`), what a certificate says
(`idp/signing_certificates.py`), judging confirmations (`keystore/signer/desk.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

import msgspec

from idp.accounts.credentials import Passkey
from idp.second_factors import VerifierFactors
from idp.signing_certificates import SigningCertificates
from idp.signing_eligibility import Eligibility, Holder
from idp.storage.ephemeral import EphemeralStore
from keystore.clock import from_ms, to_ms
from keystore.errors import SealBroken
from keystore.pki.model import CertificateRecord
from keystore.purposes import SealPurpose
from keystore.sealing import Sealer
from keystore.signer.activation import KeyEnrolment, new_nonce
from keystore.signer.errors import OutcomeUnknown, SignerError, SignerUnavailable
from keystore.signer.evidence import EnrolmentEvidence, StatementEvidence, WebauthnEvidence
from keystore.signer.model import MadeKey, PinnedCredential, Scal
from signing.errors import CertificateRefused, ConfirmationRefused, SignerAway
from signing.ports import Signer

ALGORITHM: Final = "ES256"
WINDOW: Final = timedelta(seconds=300)


class _Pending(msgspec.Struct, frozen=True):
    """What waits to be confirmed; `replaces`: serial number in hexadecimal digits, or nothing."""

    enrolment: KeyEnrolment
    replaces: str = ""


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Pending).decode


class MakesKeys(Protocol):
    """`antin signer`, as far as this module asks it."""

    def make_key(self, enrolment: KeyEnrolment, evidence: EnrolmentEvidence) -> MadeKey:
        """A new signing key.  Raises SignerError."""


@dataclass(frozen=True, slots=True)
class EnrolmentWays:
    """How somebody can come by a signing key now.

    Takes   reason: why not at all, a code; empty when at least one way is open;
            by_code: a one-time code confirms (SCAL1); code_reason: why it does not;
            passkeys: those that can be pinned (SCAL2), and `alone` those of them that need no code
            beside, because they have been registered for long enough.
    """

    reason: str
    by_code: bool = False
    code_reason: str = ""
    passkeys: tuple[Passkey, ...] = field(default=(), repr=False)
    alone: tuple[Passkey, ...] = field(default=(), repr=False)


class SigningEnrolment:
    """Safe to share between threads.

    Takes   audience: the name that the signer goes by; rp_id: of passkeys that confirm;
            needs_statement: the signer wants a code beside a passkey, always.
    """

    def __init__(
        self,
        *,
        store: EphemeralStore,
        sealer: Sealer,
        eligibility: Eligibility,
        factors: VerifierFactors,
        certificates: SigningCertificates,
        door: MakesKeys,
        audience: str,
        rp_id: str,
        needs_statement: bool = False,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._eligibility = eligibility
        self._factors = factors
        self._certificates = certificates
        self._door = door
        self._audience = audience
        self._rp_id = rp_id
        self._needs_statement = needs_statement

    def may_enrol(self, signer: Signer, *, now: datetime) -> str:
        """Why this person can have no key now, a code; empty when she can.

        Raises  SecondFactorUnavailable.
        """
        return self.ways(signer, now=now).reason

    def ways(self, signer: Signer, *, now: datetime) -> EnrolmentWays:
        """How this person can come by a key now.

        Raises  SecondFactorUnavailable.
        """
        try:
            holder = self._eligibility.find_holder(signer, now=now)
            self._eligibility.check_number(holder, now=now)
        except CertificateRefused as refusal:
            return EnrolmentWays(refusal.reason)
        account_id = holder.person.account_id
        code_reason = self._eligibility.code_refusal(account_id, now=now)
        alone = tuple(
            one
            for one in self._eligibility.passkeys_of(account_id)
            if not self._needs_code(one, now=now)
        )
        if code_reason:
            return EnrolmentWays(
                "" if alone else code_reason, code_reason=code_reason, passkeys=alone, alone=alone
            )
        passkeys = self._eligibility.passkeys_of(account_id)
        return EnrolmentWays("", by_code=True, passkeys=passkeys, alone=alone)

    def prepare(
        self,
        signer: Signer,
        *,
        scal: Scal,
        passkeys: Sequence[bytes] = (),
        replaces: int | None = None,
        now: datetime,
    ) -> KeyEnrolment:
        """Fix what shall be made, in the place of whatever this person was about to confirm.

        Takes   passkeys: credential ids of this person's that will open the key, for SCAL2 at least
                one, each of which confirms; none for SCAL1; replaces: serial number of the
                certificate that the new one follows, with another key.
        Raises  CertificateRefused (see `Eligibility`); ConfirmationRefused(passkey_unknown);
                SecondFactorUnavailable.
        """
        holder = self._eligibility.find_holder(signer, now=now)
        self._eligibility.check_number(holder, now=now)
        chosen = self._pinned(holder, passkeys)
        if (scal == 2) != bool(chosen):
            raise ConfirmationRefused("passkey_unknown")
        needs_code = not chosen or any(self._needs_code(one, now=now) for one in chosen)
        if needs_code and (
            reason := self._eligibility.code_refusal(holder.person.account_id, now=now)
        ):
            raise CertificateRefused(reason)
        enrolment = KeyEnrolment(
            signer=self._audience,
            account_id=holder.owner.account_id,
            subject_kind="organisation" if holder.owner.is_organisation else "person",
            algorithm=ALGORITHM,
            scal=scal,
            rp_id=self._rp_id if chosen else "",
            credentials=tuple(
                PinnedCredential(one.credential_id, one.public_key) for one in chosen
            ),
            recipient=self._sealer.recipient(holder.owner.data_key or b""),
            expires_ms=to_ms(now + WINDOW),
            nonce=new_nonce(),
        )
        pending = _Pending(enrolment, "" if replaces is None else f"{replaces:x}")
        self._store.put(
            _key(signer),
            self._sealer.seal(SealPurpose.INTERACTION, _encode(pending), context=_key(signer)),
            lifetime=WINDOW,
            now=now,
        )
        return enrolment

    def find(self, signer: Signer, *, now: datetime) -> KeyEnrolment | None:
        """What this person is about to confirm; None when the time for it is over."""
        pending = self._find(signer, now=now)
        return None if pending is None else pending.enrolment

    def _find(self, signer: Signer, *, now: datetime) -> _Pending | None:
        sealed = self._store.get(_key(signer), now=now)
        if sealed is None:
            return None
        try:
            plain = self._sealer.unseal(SealPurpose.INTERACTION, sealed, context=_key(signer))
            pending = _decode(plain)
        except (SealBroken, msgspec.MsgspecError):
            return None  # also what a worker of another release has put there
        return pending if now < from_ms(pending.enrolment.expires_ms) else None

    def finish_by_code(self, signer: Signer, *, code: str, now: datetime) -> CertificateRecord:
        """Make the key that was prepared, confirmed with a one-time code, and certify it.

        A wrong code leaves it open for another.
        Raises  ConfirmationRefused (window_closed, wrong_code, too_many, …); CertificateRefused
                (see `Eligibility`; not_issued: the key is there, `keep_up` tries again);
                SecondFactorUnavailable; SignerAway.
        """
        holder, pending = self._pending(signer, now=now)
        enrolment = pending.enrolment
        if enrolment.credentials:
            raise ConfirmationRefused("passkey_needed")
        statement = self._state(enrolment, code=code, holder=holder, now=now)
        return self._make(pending, EnrolmentEvidence(statement=statement), holder, now=now)

    def finish_by_statement(
        self, signer: Signer, *, statement: StatementEvidence, now: datetime
    ) -> CertificateRecord:
        """The same with a statement that the second-factor verifier has made already.

        Raises  as `finish_by_code`.
        """
        holder, pending = self._pending(signer, now=now)
        return self._make(pending, EnrolmentEvidence(statement=statement), holder, now=now)

    def finish_by_passkey(
        self,
        signer: Signer,
        *,
        evidence: WebauthnEvidence | Sequence[WebauthnEvidence],
        code: str = "",
        now: datetime,
    ) -> CertificateRecord:
        """Make the key that was prepared, confirmed by each passkey that will open it.

        Takes   evidence: assertions over `KeyEnrolment.challenge`, in the order of its passkeys;
                code: beside them where one of the passkeys is young, see `EnrolmentWays.alone`.
        Raises  as `finish_by_code`; ConfirmationRefused (code_needed, evidence_refused).
        """
        holder, pending = self._pending(signer, now=now)
        enrolment = pending.enrolment
        if not enrolment.credentials:
            raise ConfirmationRefused("code_needed")
        assertions = (evidence,) if isinstance(evidence, WebauthnEvidence) else tuple(evidence)
        ids = [one.credential_id for one in enrolment.credentials]
        known = self._pinned(holder, ids)  # one that was removed meanwhile confirms nothing
        statement = None
        if code:
            statement = self._state(enrolment, code=code, holder=holder, now=now)
        elif any(self._needs_code(one, now=now) for one in known):
            raise ConfirmationRefused("code_needed")
        return self._make(pending, EnrolmentEvidence(assertions, statement), holder, now=now)

    def keep_up(self, signer: Signer, *, now: datetime) -> tuple[CertificateRecord, ...]:
        """See `SigningCertificates.keep_up`: before anybody is asked to confirm a new key."""
        return self._certificates.keep_up(signer, now=now)

    def _pending(self, signer: Signer, *, now: datetime) -> tuple[Holder, _Pending]:
        pending = self._find(signer, now=now)
        if pending is None:
            raise ConfirmationRefused("window_closed")
        holder = self._eligibility.find_holder(signer, now=now)
        if pending.enrolment.account_id != holder.owner.account_id:
            raise ConfirmationRefused("window_closed")
        return holder, pending

    def _pinned(self, holder: Holder, ids: Sequence[bytes]) -> tuple[Passkey, ...]:
        own = {
            one.credential_id: one
            for one in self._eligibility.passkeys_of(holder.person.account_id)
        }
        try:
            return tuple(own[one] for one in ids)
        except KeyError as unknown:
            raise ConfirmationRefused("passkey_unknown") from unknown

    def _needs_code(self, passkey: Passkey, *, now: datetime) -> bool:
        return self._needs_statement or not self._eligibility.is_old_enough(passkey, now=now)

    def _state(
        self, enrolment: KeyEnrolment, *, code: str, holder: Holder, now: datetime
    ) -> StatementEvidence:
        return self._factors.state(enrolment, code=code, signer=holder.signer, now=now)

    def _make(
        self,
        pending: _Pending,
        evidence: EnrolmentEvidence,
        holder: Holder,
        *,
        now: datetime,
    ) -> CertificateRecord:
        try:
            made = self._door.make_key(pending.enrolment, evidence)
        except OutcomeUnknown as unknown:
            raise ConfirmationRefused("interrupted") from unknown
        except SignerUnavailable as away:
            raise SignerAway from away
        except SignerError as refusal:
            raise ConfirmationRefused(refusal.code) from refusal
        self._store.delete(_key(holder.signer))
        replaces = int(pending.replaces, 16) if pending.replaces else None
        return self._certificates.certify(holder, made.key_id, replaces=replaces, now=now)


def _key(signer: Signer) -> str:
    return f"key_enrolment:{signer.account_id}:{signer.key_owner}"
