"""Why the signer says no, and why nobody could ask it.

What lives here: every refusal as a class with a stable `code` and a `reason` word, both of which
cross the wire and enter the log.  Neither ever carries a key, a digest or a person's data.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Final

from keystore.strongroom import errors as strongroom


class SignerError(strongroom.RoomError):
    """Root of what the signer answers instead of signatures; `reason` is a lower_snake word."""

    code: ClassVar[str] = "signer_error"


class ActivationMalformed(SignerError):
    """Not an activation: `reason` names the field."""

    code: ClassVar[str] = "activation_malformed"


class ActivationForeign(SignerError):
    """For something else: `reason` is signer, account or credential."""

    code: ClassVar[str] = "activation_foreign"


class ActivationExpired(SignerError):
    """Its time is over, or (`reason` too_far) ends later than a confirmation may last."""

    code: ClassVar[str] = "activation_expired"


class ActivationSpent(SignerError):
    """It was used before; a confirmation activates a key once."""

    code: ClassVar[str] = "activation_spent"


class EvidenceRefused(SignerError):
    """The confirmation is not one; `reason` says in a word what is wrong with it."""

    code: ClassVar[str] = "evidence_refused"


class PersonalKeyUnknown(SignerError):
    """There is no such key."""

    code: ClassVar[str] = "personal_key_unknown"


class PersonalKeySuspended(SignerError):
    """The key may not be used until it is resumed."""

    code: ClassVar[str] = "personal_key_suspended"


class PersonalKeyDestroyed(SignerError):
    """The private half is gone for ever."""

    code: ClassVar[str] = "personal_key_destroyed"


class KeyRecordChanged(SignerError):
    """The row of the key is not what the signer wrote: an alarm, not a mistake of the caller."""

    code: ClassVar[str] = "key_record_changed"


class EnrolmentRefused(SignerError):
    """No key is made; `reason` names what is wrong with the request for it."""

    code: ClassVar[str] = "enrolment_refused"


class ClockSetBack(SignerError, strongroom.ClockSetBack):
    """The clock shows an earlier time than it did: what expired could come alive again."""

    code: ClassVar[str] = "clock_set_back"


class SigningFailed(SignerError):
    """The key could not be used (token away, database away); the confirmation is spent."""

    code: ClassVar[str] = "signing_failed"


class CallerRefused(SignerError, strongroom.CallerRefused):
    """Whoever is at the other end may not ask, or (`reason` not_a_keeper) not for this."""

    code: ClassVar[str] = "caller_refused"


class DestructionBudgetSpent(SignerError):
    """As many keys were destroyed within the hour as may be; the others live, for now."""

    code: ClassVar[str] = "destruction_budget_spent"


class RequestMalformed(SignerError, strongroom.RequestMalformed):
    """Not a message of the wire, or longer than one may be."""

    code: ClassVar[str] = "request_malformed"


class SignerUnavailable(SignerError, strongroom.RoomUnavailable):
    """Nobody answers at the signer's address; nothing was sent, so nothing was done."""

    code: ClassVar[str] = "signer_unavailable"


class OutcomeUnknown(SignerUnavailable):
    """The signer went away over a request that was sent: ask for another confirmation.

    It may have been done, and what confirmed it may be spent.
    """

    code: ClassVar[str] = "outcome_unknown"


_REFUSALS: Final = (
    ActivationMalformed,
    ActivationForeign,
    ActivationExpired,
    ActivationSpent,
    EvidenceRefused,
    PersonalKeyUnknown,
    PersonalKeySuspended,
    PersonalKeyDestroyed,
    KeyRecordChanged,
    EnrolmentRefused,
    ClockSetBack,
    SigningFailed,
    CallerRefused,
    DestructionBudgetSpent,
    RequestMalformed,
    SignerUnavailable,
)

REFUSALS: Final[Mapping[str, type[SignerError]]] = MappingProxyType(
    {refusal.code: refusal for refusal in _REFUSALS}
)
"""What can come over the wire, by its code."""
