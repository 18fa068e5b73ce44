"""Asking the signer: what web workers and commands have in place of personal keys.

What lives here: `SignerClient`.  The signer may be killed and started again at any time.  When it
went away over a confirmation that is spent by now, the caller learns that the outcome is unknown
and asks the person for another.
Not here: connections (`keystore/strongroom/client.py`), what may be asked (`wire`), any key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from keystore.signer.activation import KeyEnrolment, SignatureActivation
from keystore.signer.errors import (
    REFUSALS,
    ActivationSpent,
    OutcomeUnknown,
    RequestMalformed,
    SignerError,
    SignerUnavailable,
)
from keystore.signer.evidence import (
    EnrolmentEvidence,
    Evidence,
    StatementEvidence,
    WebauthnEvidence,
)
from keystore.signer.model import MadeKey
from keystore.signer.wire import (
    Activate,
    AreYouThere,
    DestroyKey,
    DestroyKeysOf,
    Done,
    Here,
    Made,
    MakeKey,
    ResumeKey,
    ResumeOwnKey,
    Signed,
    SuspendKey,
    SuspendKeysOf,
    decode_answer,
)
from keystore.strongroom.client import RoomClient
from keystore.strongroom.errors import RoomError
from keystore.strongroom.frames import Message, Refused


class SignerClient(RoomClient):
    """Asks one signer; safe for any number of threads, and after a fork.

    Takes   what `RoomClient` takes.
    """

    refusals: ClassVar[Mapping[str, type[RoomError]]] = REFUSALS
    refused: ClassVar[type[RoomError]] = SignerError
    malformed: ClassVar[type[RoomError]] = RequestMalformed
    unavailable: ClassVar[type[RoomError]] = SignerUnavailable
    outcome_unknown: ClassVar[type[RoomError]] = OutcomeUnknown

    def decode(self, raw: bytes) -> Message:
        """As `wire` says."""
        return decode_answer(raw)

    def is_in_doubt(self, answer: Message) -> bool:
        """Whether the first sending of the request may be what spent its confirmation."""
        return isinstance(answer, Refused) and answer.code == ActivationSpent.code

    def activate(
        self, activation: SignatureActivation, evidence: Evidence, *, request_info: bytes = b""
    ) -> tuple[bytes, ...]:
        """The signatures of the digests that a person confirmed, in their order.

        Takes   request_info: DER CertificationRequestInfo, where that is what is signed.
        Raises  a subclass of SignerError as the signer raised it; SignerUnavailable;
                OutcomeUnknown when the signer went away and the confirmation is spent.
        """
        request = Activate(
            activation,
            assertion=evidence if isinstance(evidence, WebauthnEvidence) else None,
            statement=evidence if isinstance(evidence, StatementEvidence) else None,
            request_info=request_info,
        )
        return self.ask(request, Signed).signatures

    def make_key(self, enrolment: KeyEnrolment, evidence: EnrolmentEvidence) -> MadeKey:
        """A new signing key for an account.

        Raises  as `activate`.
        """
        return self.ask(MakeKey(enrolment, evidence), Made).key

    def suspend_key(self, key_id: str, *, reason: str, operator: str = "") -> bool:
        """Let a key sign nothing; False when it did not anyway.

        Takes   reason: a lower_snake word, recorded; operator: login name of the person who does
                it by hand, recorded; empty where nobody does.
        """
        return bool(self.ask(SuspendKey(key_id, reason, operator), Done).changed)

    def suspend_keys_of(self, account_id: str, *, reason: str) -> int:
        """Let no key of an account sign; returns how many did until now."""
        return self.ask(SuspendKeysOf(account_id, reason), Done).changed

    def resume_key(self, key_id: str, *, reason: str, operator: str = "") -> bool:
        """Let a suspended key sign again; False when it was not suspended.

        Takes   as `suspend_key`.
        Raises  CallerRefused("not_a_keeper"), as do both that destroy.
        """
        return bool(self.ask(ResumeKey(key_id, reason, operator), Done).changed)

    def resume_own_key(self, activation: SignatureActivation, evidence: Evidence) -> bool:
        """Let a key sign again that its holder had suspended; False when it was not suspended.

        Takes   activation: see `resumption`; evidence: the holder's, as for a signature.
        Raises  as `activate`; PersonalKeySuspended, when somebody else suspended it.
        """
        request = ResumeOwnKey(
            activation,
            assertion=evidence if isinstance(evidence, WebauthnEvidence) else None,
            statement=evidence if isinstance(evidence, StatementEvidence) else None,
        )
        return bool(self.ask(request, Done).changed)

    def destroy_key(self, key_id: str, *, reason: str, operator: str = "") -> bool:
        """Forget a private half for ever; False when that had happened before.

        Takes   as `suspend_key`.
        Raises  CallerRefused; DestructionBudgetSpent.
        """
        return bool(self.ask(DestroyKey(key_id, reason, operator), Done).changed)

    def destroy_keys_of(self, account_id: str, *, reason: str) -> int:
        """Forget every private half of an account; returns how many there were.

        Raises  CallerRefused; DestructionBudgetSpent, after which some may be left.
        """
        return self.ask(DestroyKeysOf(account_id, reason), Done).changed

    def kek_ids(self) -> tuple[str, ...]:
        """Whether the signer is there: the ids of its root keys, the one in use first."""
        return self.ask(AreYouThere(), Here).kek_ids
