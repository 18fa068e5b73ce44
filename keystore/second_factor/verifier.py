"""The second-factor verifier: makes authenticators, takes codes, says what was confirmed.

What lives here: `SecondFactorVerifier`.  It believes nobody: secrets are its own, sealed under its
own root key for one authenticator of one account; whether a code was used it remembers by itself;
what is confirmed it hashes by itself; who may act for whom it looks up at that instant.
Source: architecture, decisions 10 and 11; EN 419 241-1 (SCAL1); RFC 6238 §5.2.
Not here: the wire (`answering`), making the statement (`keystore/signer/statement_evidence.py`).

**What it cannot know** is what the person was shown.  Whoever owns the web workers can hand in the
code that somebody types for a sign-in as the confirmation of a signature: one for each, and that
sign-in fails.  Whoever owns them *while a QR code is shown* sees the secret, or has an announced
activation code typed to an authenticator of his own, and computes codes from then on.  Each
statement names the authenticator; so does the row that the signer writes of the signature.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from keystore.clock import from_ms, to_ms
from keystore.errors import SealBroken
from keystore.jose import TokenKey
from keystore.kek import KekRing
from keystore.one_time_codes import find_step, make_secret, normalise_code
from keystore.second_factor.errors import (
    AuthenticatorTooYoung,
    MandateRefused,
    RequestMalformed,
    TotpRefused,
)
from keystore.second_factor.memory import KnownTotp, Matched, VerifierMemory
from keystore.second_factor.model import CodeOutcome, HeldTotp, MadeTotp, TotpFacts
from keystore.second_factor.registers import Registers
from keystore.signer.activation import (
    KeyEnrolment,
    SignatureActivation,
    verify_activation,
    verify_enrolment,
)
from keystore.signer.errors import ActivationForeign
from keystore.signer.statement_evidence import issue_statement

WAITING: Final = timedelta(hours=72)
"""How long an authenticator that was not bound at proofing signs in before it confirms."""
MOST_AUTHENTICATORS: Final = 8
_NAME: Final = re.compile(r"[A-Za-z0-9._~:/-]{1,128}", re.ASCII)
_MOST_KEPT: Final = 512
_MOST_CODE: Final = 64
_SECRET_BYTES: Final = range(16, 65)
_NOBODY: Final = "nobody"

_log = logging.getLogger("antin.verifier")


class SecondFactorVerifier:
    """Safe for any number of threads.

    Takes   ring: the verifier's root keys, and nobody else's; key: of the purpose `second_factor`;
            issuer: who speaks in a statement; signer: the one to which it speaks;
            confirms_at_once: a sandbox does not wait for `WAITING`.
    """

    def __init__(
        self,
        *,
        ring: KekRing,
        memory: VerifierMemory,
        key: TokenKey,
        registers: Registers,
        issuer: str,
        signer: str,
        confirms_at_once: bool = False,
    ) -> None:
        self._ring = ring
        self._memory = memory
        self._key = key
        self._registers = registers
        self._issuer = issuer
        self._signer = signer
        self._confirms_at_once = confirms_at_once
        decoy = self._seal(_NOBODY, account_id=_NOBODY, secret=make_secret())
        self._nobody = HeldTotp(_NOBODY, decoy)

    @property
    def kek_ids(self) -> tuple[str, ...]:
        """The ids of its root keys, the one in use first."""
        return self._ring.ids

    # -- authenticators ----------------------------------------------------------------------------

    def expect_activation(
        self, account_id: str, code: str, *, expires_at: datetime, now: datetime
    ) -> None:
        """A keeper says that this activation code was given out where the person was proofed."""
        _check_name(account_id, "account_id")
        _check_code(code)
        self._memory.expect_activation(account_id, code, expires_at=expires_at, now=now)

    def make(
        self, totp_id: str, *, account_id: str, activation_code: str, now: datetime
    ) -> MadeTotp:
        """Make an authenticator for an account.

        Takes   activation_code: what the person typed; whether it was expected is known with the
                first code of the authenticator and decides from when on it confirms.
        Raises  RequestMalformed (names the field).
        """
        _check_name(account_id, "account_id")
        _check_name(totp_id, "totp_id")
        _check_code(activation_code)
        self._memory.add(totp_id, account_id, activation_code=activation_code, now=now)
        secret = make_secret()
        return MadeTotp(secret, self._seal(totp_id, account_id=account_id, secret=secret))

    def take(
        self,
        totp_id: str,
        *,
        account_id: str,
        secret: bytes,
        is_bound_at_proofing: bool,
        now: datetime,
    ) -> bytes:
        """Take over an authenticator whose secret somebody else made; a keeper asks.

        Returns what the service keeps of it.
        Raises  RequestMalformed (names the field).
        """
        _check_name(account_id, "account_id")
        _check_name(totp_id, "totp_id")
        if len(secret) not in _SECRET_BYTES:
            raise RequestMalformed("secret")
        self._memory.add_known(totp_id, account_id, is_proofed=is_bound_at_proofing, now=now)
        return self._seal(totp_id, account_id=account_id, secret=secret)

    def show(self, held: HeldTotp, *, account_id: str) -> bytes:
        """The secret once more, for the page of an enrolment that waits for its first code.

        Raises  TotpRefused: from the first code on nobody is ever shown it again.
        """
        secret = self._open(held, account_id=account_id)
        known = self._memory.find(held.totp_id, account_id=account_id)
        if secret is None or known is None or known.used_ms is not None or known.is_retired:
            raise TotpRefused
        return secret

    def retire(self, totp_id: str, *, account_id: str, now: datetime) -> None:
        """A keeper says that this one is lost: whoever finds the telephone gains nothing.

        Raises  TotpRefused: none of that name, or retired before.
        """
        _check_name(account_id, "account_id")
        _check_name(totp_id, "totp_id")
        if not self._memory.retire(totp_id, account_id=account_id, now=now):
            raise TotpRefused

    def restore(self, totp_id: str, *, account_id: str, now: datetime) -> None:
        """A keeper takes `retire` back, or that another one took the place of this one.

        Raises  TotpRefused: none of that name, or not retired.
        """
        _check_name(account_id, "account_id")
        _check_name(totp_id, "totp_id")
        if not self._memory.restore(totp_id, account_id=account_id, now=now):
            raise TotpRefused

    def describe(self, held: HeldTotp, *, account_id: str) -> TotpFacts:
        """What is remembered of an authenticator.

        Raises  TotpRefused.
        """
        known = self._memory.find(held.totp_id, account_id=account_id)
        if known is None or known.is_retired or self._open(held, account_id=account_id) is None:
            raise TotpRefused
        from_ = self._confirms_from(held.totp_id, known, account_id=account_id)
        return TotpFacts(
            known.made_ms, known.is_bound_at_proofing, None if from_ is None else to_ms(from_)
        )

    # -- codes -------------------------------------------------------------------------------------

    def check(
        self, account_id: str, held: Sequence[HeldTotp], raw_code: str, *, now: datetime
    ) -> CodeOutcome:
        """Whether a code signs in; it is spent, and confirms nothing afterwards.

        Takes   held: the authenticators of the account, none where it has none: that is refused
                with the same work.
        Raises  RequestMalformed (names the field); ClockSetBack.
        """
        _check_name(account_id, "account_id")
        matched = self._match(held, raw_code, account_id=account_id, now=now)
        return self._take(account_id, matched, now=now)

    def confirm(
        self,
        account_id: str,
        held: Sequence[HeldTotp],
        raw_code: str,
        *,
        wanted: SignatureActivation | KeyEnrolment,
        mandate_id: str,
        now: datetime,
    ) -> CodeOutcome | str:
        """State that a person confirmed exactly `wanted` with a code; it is spent.

        1. `wanted` has its shape, is for our signer and for now, and is one that a code may open.
        2. It is for that person's own key; or for an organisation's, and a mandate in the register
           lets the person use that at this instant.
        3. Of the authenticators those count that may confirm: on record, and bound at proofing, or
           the only one of the account that was in use then, 72 hours ago.
        4. The person's account is active; the code is right and nobody has used it for anything.
        5. The statement names person, authenticator, organisation and mandate, and the hash of
           `wanted`.

        Takes   mandate_id: for an organisation's key; not looked at for the person's own.
        Returns the statement, a compact JWT; or what is wrong with the code.
        Raises  ActivationMalformed, ActivationForeign, ActivationExpired, EnrolmentRefused;
                MandateRefused; AuthenticatorTooYoung; RequestMalformed; ClockSetBack.
        """
        _check_name(account_id, "account_id")
        # 1
        client_id = self._check_wanted(wanted, now=now)
        # 2
        organisation_id = self._check_principal(
            account_id, wanted, mandate_id=mandate_id, client_id=client_id, now=now
        )
        # 3
        able = self._able(held, account_id=account_id, now=now)
        # 4
        matched = self._match(able, raw_code, account_id=account_id, now=now)
        if not self._registers.is_active(account_id):
            matched = None
        outcome = self._take(account_id, matched, now=now)
        if matched is None or outcome.outcome != "right":
            return outcome
        # 5
        # given out and never used it would be on record nowhere else
        _log.info(
            "statement_given totp_id=%s challenge=%s", matched.totp_id, wanted.challenge().hex()
        )
        return issue_statement(
            key=self._key,
            issuer=self._issuer,
            signer=self._signer,
            account_id=account_id,
            totp_id=matched.totp_id,
            organisation_id=organisation_id,
            mandate_id=mandate_id,
            challenge=wanted.challenge(),
            now=now,
        )

    def _check_wanted(
        self, wanted: SignatureActivation | KeyEnrolment, *, now: datetime
    ) -> str | None:
        if isinstance(wanted, KeyEnrolment):
            verify_enrolment(wanted, signer=self._signer, now=now)
            return None
        verify_activation(wanted, signer=self._signer, now=now)
        if wanted.credential_id:
            raise ActivationForeign("credential")  # a passkey opens that key, and no code
        return wanted.client_id

    def _check_principal(
        self,
        account_id: str,
        wanted: SignatureActivation | KeyEnrolment,
        *,
        mandate_id: str,
        client_id: str | None,
        now: datetime,
    ) -> str:
        # whose an existing key is, the signer knows; a new one is made for what is confirmed here
        kind = wanted.subject_kind if isinstance(wanted, KeyEnrolment) else None
        if wanted.account_id == account_id and kind != "organisation":
            return ""  # one's own key; for whom a document is signed, its certificate says
        if not mandate_id:
            raise MandateRefused if kind == "organisation" else ActivationForeign("account")
        _check_name(mandate_id, "mandate_id")
        if kind == "person":
            raise MandateRefused
        if not self._registers.may_act(
            account_id,
            mandate_id=mandate_id,
            organisation_id=wanted.account_id,
            client_id=client_id,
            now=now,
        ):
            raise MandateRefused
        return wanted.account_id

    def _able(
        self, held: Sequence[HeldTotp], *, account_id: str, now: datetime
    ) -> tuple[HeldTotp, ...]:
        _check_held(held)
        own = [one for one in held if self._open(one, account_id=account_id) is not None]
        able = []
        for one in own:
            known = self._memory.find(one.totp_id, account_id=account_id)
            if known is None:  # the folder was lost, or is another host's
                self._memory.learn(one.totp_id, account_id=account_id, now=now)
                continue
            from_ = self._confirms_from(one.totp_id, known, account_id=account_id)
            if from_ is not None and from_ <= now:
                able.append(one)
        if own and not able:
            raise AuthenticatorTooYoung
        return tuple(able)

    def _confirms_from(self, totp_id: str, known: KnownTotp, *, account_id: str) -> datetime | None:
        if known.used_ms is None or known.is_retired:
            return None
        made_at = from_ms(known.made_ms)
        if known.standing == "vouched" or self._confirms_at_once:
            return made_at
        if known.standing == "beside":
            return None
        # what the service never enrolled on record is somebody's who owns the service
        enrolled_at = self._registers.enrolled_at(account_id, totp_id=totp_id)
        if enrolled_at is None or known.standing == "announced":
            return None if enrolled_at is None else made_at
        return max(made_at, enrolled_at) + WAITING

    def _take(self, account_id: str, matched: Matched | None, *, now: datetime) -> CodeOutcome:
        before = ""
        if matched is not None:
            before = self._memory.find_same_activation(
                matched.totp_id, account_id=account_id, now=now
            )
        if before and self._registers.enrolled_at(account_id, totp_id=before) is not None:
            before = ""  # its activation code did what it was for
        return self._memory.take_code(account_id, matched, now=now, off_record=before)

    def _match(
        self, held: Sequence[HeldTotp], raw_code: str, *, account_id: str, now: datetime
    ) -> Matched | None:
        _check_held(held)
        code = normalise_code(raw_code)
        matched: Matched | None = None
        for one in held:
            secret = self._open(one, account_id=account_id)
            if secret is None:
                _log.error("totp_not_ours totp_id=%s", one.totp_id)
                continue
            step = find_step(secret, code, now=now)
            if step is not None and matched is None:
                matched = Matched(one.totp_id, step)
        if not held:
            # who has no authenticator costs what one costs
            find_step(self._open(self._nobody, account_id=_NOBODY) or b"", code, now=now)
        return matched

    def _seal(self, totp_id: str, *, account_id: str, secret: bytes) -> bytes:
        return self._ring.wrap(secret, context=_context(totp_id, account_id))

    def _open(self, held: HeldTotp, *, account_id: str) -> bytes | None:
        try:
            return self._ring.unwrap(held.kept, context=_context(held.totp_id, account_id))
        except SealBroken:
            return None


def _context(totp_id: str, account_id: str) -> str:
    return f"totp:{totp_id}:{account_id}"


def _check_name(value: str, field: str) -> None:
    if not _NAME.fullmatch(value):
        raise RequestMalformed(field)


def _check_code(code: str) -> None:
    if len(code) > _MOST_CODE:
        raise RequestMalformed("activation_code")


def _check_held(held: Sequence[HeldTotp]) -> None:
    if len(held) > MOST_AUTHENTICATORS:
        raise RequestMalformed("authenticators")
    for one in held:
        _check_name(one.totp_id, "totp_id")
        if len(one.kept) > _MOST_KEPT:
            raise RequestMalformed("kept")
