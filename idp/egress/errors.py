"""What can go wrong on the way out.  Neither error carries a byte of what the other side said."""

from __future__ import annotations

from typing import ClassVar

from idp.errors import AntinError


class EgressRefused(AntinError):
    """We do not call that; trying again changes nothing until somebody changes the address.

    `reason`: `url_malformed`, `scheme_refused`, `address_refused`.
    """

    code: ClassVar[str] = "egress_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class EgressFailed(AntinError):
    """The call was allowed and did not succeed; it may later.

    `reason`: `unresolved`, `unreachable`, `timed_out`, `certificate_refused`, `tls_failed`,
    `answer_malformed`, `answer_too_large`, `answer_refused` (any status but 200),
    `answer_lost` (of a mail server that has the whole message).
    """

    code: ClassVar[str] = "egress_failed"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class MailRefused(AntinError):
    """The mail server works and does not take this message.

    `is_final`: its answer began with 5, so that the same message is refused again.
    """

    code: ClassVar[str] = "mail_refused"

    def __init__(self, *, is_final: bool) -> None:
        super().__init__(is_final)
        self.is_final = is_final
