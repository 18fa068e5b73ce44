"""What can go wrong with a register.  None carries a byte of what it said, or of what was asked.

Whoever asks has three cases: this deployment has no such register (`RegisterAbsent`), it does not
answer (`RegisterUnavailable`: later), it answers what cannot be (`RegisterNonsense`: later, and
somebody has to look).  In none of them is anything known; nothing may be assumed.
"""

from __future__ import annotations

from typing import ClassVar

from idp.errors import AntinError


class RegisterError(AntinError):
    """Root of the errors of this package; `register` is `population` or `business`."""

    code: ClassVar[str] = "register_error"

    def __init__(self, register: str, reason: str = "") -> None:
        super().__init__(f"{register}: {reason}" if reason else register)
        self.register = register
        self.reason = reason


class RegisterAbsent(RegisterError):
    """No such register is set up here."""

    code: ClassVar[str] = "register_absent"


class RegisterUnavailable(RegisterError):
    """It did not answer, or was not asked because it has not been answering.

    `reason`: what `EgressFailed` or `EgressRefused` said, `status_refused`, `fault`, or
    `not_asked` (the breaker is open).
    """

    code: ClassVar[str] = "register_unavailable"


class RegisterNonsense(RegisterError):
    """It answered what is not an answer, or what contradicts itself.

    `reason` is a short stable word, such as `malformed`, `too_large`, `contradicts_itself`.
    """

    code: ClassVar[str] = "register_nonsense"
