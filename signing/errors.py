"""What goes wrong between a document and its signature.

What lives here: one root, one class per thing that happened, each with a stable `code` and facts as
fields.  The sentence that a person reads is made at the edge.
"""

from __future__ import annotations

from typing import ClassVar


class SigningError(Exception):
    """Root of everything that this package raises."""

    code: ClassVar[str] = "signing_failed"


class DocumentRefused(SigningError):
    """A document that is not signed; `reason` is a code of its own, stable and documented.

    Takes   reason: what is wrong with it (`not_a_pdf`, `encrypted`, `too_many_pages`, …).
    """

    code: ClassVar[str] = "document_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ParsingFailed(SigningError):
    """The process that reads documents found no answer: a fault, too long, too large, or a lie.

    Takes   reason: `crashed`, `too_slow`, `too_large`, `fault`, `contradiction`; `busy` when all
            such processes had other work for too long, `not_started` when none could be started.
    """

    code: ClassVar[str] = "parsing_failed"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WallsMissing(SigningError):
    """Whoever reads documents cannot be shut in on this host, and nobody said that it need not."""

    code: ClassVar[str] = "walls_missing"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TimestampUnavailable(SigningError):
    """No timestamp could be had, or what came back is not one for this."""

    code: ClassVar[str] = "timestamp_unavailable"


class StatusUnavailable(SigningError):
    """The status of a certificate of the chain could not be had."""

    code: ClassVar[str] = "status_unavailable"


class CertificateRefused(SigningError):
    """A certificate that does not sign now; `reason` says why (`revoked`, `expired`, …)."""

    code: ClassVar[str] = "certificate_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SignatureForeign(SigningError):
    """A signature value that is not the signatory's over what was prepared."""

    code: ClassVar[str] = "signature_foreign"


class LimitsUnavailable(SigningError):
    """How often a portal has asked cannot be counted, so nobody is let in."""

    code: ClassVar[str] = "limits_unavailable"


class DocumentGone(SigningError):
    """A document whose time is over; it cannot be had any more."""

    code: ClassVar[str] = "document_gone"


class RequestRefused(SigningError):
    """A signing request that cannot be taken.

    Takes   reason: a stable code; part: what it is about, such as `documents[3].digest`.
    """

    code: ClassVar[str] = "request_refused"

    def __init__(self, reason: str, *, part: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.part = part


class RequestUnknown(SigningError):
    """No such request, or it is not for who asks: the two look alike."""

    code: ClassVar[str] = "request_unknown"


class RequestNotWaiting(SigningError):
    """The request is not in a state in which this can be done; `state` says in which it is."""

    code: ClassVar[str] = "request_not_waiting"

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


class NotSigned(RequestNotWaiting):
    """There is no signed document: the request is not signed, or not yet; `state` says more."""

    code: ClassVar[str] = "not_signed"


class IdempotencyKeyReused(SigningError):
    """The key was used for another request within the last 24 hours."""

    code: ClassVar[str] = "idempotency_key_reused"


class SignerUnknown(SigningError):
    """Nobody whom the portal may ask by that name; `part` says which of the signers."""

    code: ClassVar[str] = "signer_unknown"

    def __init__(self, part: str) -> None:
        super().__init__(part)
        self.part = part


class ConfirmationRefused(SigningError):
    """What was given does not confirm; `reason` is a stable code, never said in detail to others.

    Takes   reason: `wrong_code`, `code_used`, `too_many`, `window_closed`, `mandate_ended`, …
    """

    code: ClassVar[str] = "confirmation_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SecondFactorUnavailable(SigningError):
    """Whoever looks at one-time codes cannot be reached; nothing was spent."""

    code: ClassVar[str] = "second_factor_unavailable"


class SignerAway(SigningError):
    """`antin signer` cannot be reached; nothing was signed, and the request waits."""

    code: ClassVar[str] = "signer_away"
