"""What can go wrong with an account, as data; sentences are made in `idp/web/errors.py`.

A refused sign-in is a result (`idp.accounts.login.LoginRefused`), not an error: these are for
administration, enrolment and import.  None carries a person's data.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from idp.errors import AntinError


class AccountError(AntinError):
    """Root of the errors of this package."""

    code: ClassVar[str] = "account_error"


class AccountUnknown(AccountError):
    """There is no account with this id, or it has been erased."""

    code: ClassVar[str] = "account_unknown"


class IdentifierTaken(AccountError):
    """An active identifier of another account is the same; `kind` says which one."""

    code: ClassVar[str] = "identifier_taken"

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class IdentifierCancelled(IdentifierTaken):
    """Another account had it until it was cancelled, and nobody else is ever given it."""

    code: ClassVar[str] = "identifier_cancelled"


class IdentifierUnknown(AccountError):
    """The account has no active identifier of this kind."""

    code: ClassVar[str] = "identifier_unknown"


class StatusUnchangeable(AccountError):
    """The account cannot go to that status: what is closed stays closed."""

    code: ClassVar[str] = "status_unchangeable"


class ActivationRefused(AccountError):
    """The activation code is unknown, used, expired or of another account."""

    code: ClassVar[str] = "activation_refused"


class EnrolmentRefused(AccountError):
    """The first code of a new authenticator does not match, or the enrolment has lapsed."""

    code: ClassVar[str] = "enrolment_refused"


class TooManyAttempts(AccountError):
    """Refused without looking; `retry_at` is when it is worth trying again (aware UTC)."""

    code: ClassVar[str] = "too_many_attempts"

    def __init__(self, retry_at: datetime) -> None:
        super().__init__()
        self.retry_at = retry_at


class LastFactor(AccountError):
    """The person wants a second factor always, and none would be left that can be asked for."""

    code: ClassVar[str] = "last_factor"


class FactorNotFresh(AccountError):
    """What somebody signs in with is changed after both factors were given just now, only."""

    code: ClassVar[str] = "factor_not_fresh"


class TooManyFactors(AccountError):
    """As many as anybody may have are there."""

    code: ClassVar[str] = "too_many_factors"


class PasswordUnusable(AccountError):
    """The new password cannot be taken; `reason` is a stable word (`empty`, `too_long`, …)."""

    code: ClassVar[str] = "password_unusable"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BreachListUnusable(AccountError):
    """The operator's list of breached passwords cannot be used.

    `reason` is one of `unreadable`, `no_hashes`, `not_sorted`.
    """

    code: ClassVar[str] = "breach_list_unusable"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ForeignHashRefused(AccountError):
    """An imported password hash is malformed, of an unknown kind, or too dear to check.

    `reason` is one of `password_hash_malformed`, `password_hash_unsupported`,
    `password_hash_too_costly`.
    """

    code: ClassVar[str] = "password_hash_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
