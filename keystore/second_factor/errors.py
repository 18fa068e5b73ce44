"""Why the second-factor verifier says no, and why nobody could ask it.

What lives here: every refusal as a class with a stable `code` and a `reason` word, both of which
cross the window.  What the signer would refuse of an activation is refused here in its words.
None ever carries a code, a secret or a person's data.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Final

from keystore.signer.errors import (
    ActivationExpired,
    ActivationForeign,
    ActivationMalformed,
    EnrolmentRefused,
)
from keystore.strongroom import errors as strongroom


class VerifierError(strongroom.RoomError):
    """Root of what the verifier answers instead of what it was asked for."""

    code: ClassVar[str] = "verifier_error"


class CodeRefused(VerifierError):
    """The code is wrong, was used before for whatever purpose, or is of nobody: which, is not said.

    Nor is it when the authenticator is held by the service, or the account may not sign in.
    """

    code: ClassVar[str] = "code_refused"


class TooManyCodes(VerifierError):
    """Refused without looking; `retry_ms` is when it is worth trying again (epoch)."""

    code: ClassVar[str] = "too_many_codes"

    def __init__(self, reason: str = "", *, retry_ms: int = 0) -> None:
        super().__init__(reason)
        self.retry_ms = retry_ms


class AuthenticatorTooYoung(VerifierError):
    """The authenticator signs in, but was bound without proofing and not long enough ago.

    Or never will confirm, because the account had another one in use when it came.
    """

    code: ClassVar[str] = "authenticator_too_young"


class MandateRefused(VerifierError):
    """The person may not act for the organisation now, or not at this portal."""

    code: ClassVar[str] = "mandate_refused"


class TotpRefused(VerifierError):
    """No authenticator that this verifier could show or describe: sealed for another, or used."""

    code: ClassVar[str] = "totp_refused"


class VerifierFailed(VerifierError):
    """It could not do it (database away); `reason` says no more than that."""

    code: ClassVar[str] = "verifier_failed"


class ClockSetBack(VerifierError, strongroom.ClockSetBack):
    """The clock shows an earlier time than it did: codes of then would be right again."""

    code: ClassVar[str] = "clock_set_back"


class CallerRefused(VerifierError, strongroom.CallerRefused):
    """Whoever is at the other end may not ask, or (`reason` not_a_keeper) not for this."""

    code: ClassVar[str] = "caller_refused"


class RequestMalformed(VerifierError, strongroom.RequestMalformed):
    """Not a message of the wire, or longer than one may be; `reason` may name the field."""

    code: ClassVar[str] = "request_malformed"


class VerifierUnavailable(VerifierError, strongroom.RoomUnavailable):
    """Nobody answers at the verifier's address; nothing was done."""

    code: ClassVar[str] = "verifier_unavailable"


class VerifierOutcomeUnknown(VerifierUnavailable):
    """The verifier went away over the code, which may be spent now: ask for the next one."""

    code: ClassVar[str] = "verifier_outcome_unknown"


_REFUSALS: Final[tuple[type[strongroom.RoomError], ...]] = (
    ActivationMalformed,
    ActivationForeign,
    ActivationExpired,
    EnrolmentRefused,
    CodeRefused,
    TooManyCodes,
    AuthenticatorTooYoung,
    MandateRefused,
    TotpRefused,
    VerifierFailed,
    ClockSetBack,
    CallerRefused,
    RequestMalformed,
)

REFUSALS: Final[Mapping[str, type[strongroom.RoomError]]] = MappingProxyType(
    {refusal.code: refusal for refusal in _REFUSALS}
)
"""What can come over the wire, by its code."""
