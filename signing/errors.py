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


class DocumentGone(SigningError):
    """A document whose time is over; it cannot be had any more."""

    code: ClassVar[str] = "document_gone"
