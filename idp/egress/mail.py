"""Handing a message to a mail server: SMTP through the one door.

What lives here: one submission on one connection, with one deadline for all of it.  TLS is verified
as for https and never left out because the other side does not offer it; only a relay on this very
machine may be spoken to in the clear.
Source: RFC 5321, RFC 3207 (STARTTLS), RFC 8314 §3.3 (implicit TLS), RFC 4954 (AUTH).
Not here: what the message says (`idp/delivery`).
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from idp.egress.connection import Deadline, keep_to
from idp.egress.door import Egress
from idp.egress.errors import EgressFailed, MailRefused

CLIENT_ID: Final = "smtp"
"""Under this name an operator opens private networks for mail servers."""

_READY: Final = 220
_OK: Final = 250
_WILL_FORWARD: Final = 251
_GO_ON: Final = 354
_CLOSING: Final = 421
_FINAL: Final = 500
_LINE_WITH_STOP: Final = re.compile(rb"^\.", re.MULTILINE)

MailTls = Literal["starttls", "implicit", "none"]


@dataclass(frozen=True, slots=True)
class MailServer:
    """Takes   user: empty: nobody logs in there."""

    host: str
    port: int
    tls: MailTls = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message for one address.

    Takes   raw: headers and body, lines ended by CR LF, ASCII.
    """

    sender: str
    recipient: str = field(repr=False)
    raw: bytes = field(repr=False)


def send_mail(
    egress: Egress, server: MailServer, envelope: Envelope, *, our_name: str, timeout_s: float
) -> None:
    """Have the server take the message; when this returns, it has said that it did.

    Takes   our_name: host name for EHLO.
    Raises  MailRefused: this message; EgressRefused, EgressFailed: the server, whose reason is
            `answer_refused` where it refuses us, `answer_lost` where the connection ended after the
            message was sent whole, so that nobody knows.
    """
    deadline = Deadline(timeout_s)
    submission = _Submission(envelope)
    try:
        reached, tls = egress.reach(
            server.host, port=server.port, client_id=CLIENT_ID, deadline=deadline
        )
        with closing(_Smtp(reached, server.host, our_name=our_name)) as smtp:
            _begin(smtp, server, tls=tls, deadline=deadline)
            submission.carry_out(smtp)
    except ssl.SSLCertVerificationError as failure:
        raise EgressFailed("certificate_refused") from failure
    except (smtplib.SMTPException, OSError, ValueError) as failure:
        if submission.is_sent_whole:
            raise EgressFailed("answer_lost") from failure
        raise EgressFailed(_reason_of(failure, deadline=deadline)) from failure


class _Smtp(smtplib.SMTP):
    """A session over a socket that was connected already."""

    def __init__(self, reached: socket.socket, host: str, *, our_name: str) -> None:
        self._reached = reached
        super().__init__(local_hostname=our_name)
        self._host = host  # what the certificate has to name

    def _get_socket(self, *_asked: Any) -> socket.socket:
        return self._reached

    def secure(self, tls: ssl.SSLContext, *, deadline: Deadline) -> None:
        """Begin TLS at once, before the server has said anything."""
        self._reached = tls.wrap_socket(self._reached, server_hostname=self._host)
        keep_to(self._reached, deadline=deadline)

    def greet(self) -> None:
        """Hear the server's first line.

        Raises  EgressFailed.
        """
        code, _said = self.connect(self._host)
        if code != _READY:
            raise EgressFailed("answer_refused")

    def close(self) -> None:
        """End the connection, also where the session never began."""
        super().close()
        self._reached.close()


def _begin(smtp: _Smtp, server: MailServer, *, tls: ssl.SSLContext, deadline: Deadline) -> None:
    if server.tls == "implicit":
        smtp.secure(tls, deadline=deadline)
    smtp.greet()
    if server.tls == "starttls":
        smtp.ehlo_or_helo_if_needed()
        if not smtp.has_extn("starttls"):
            raise EgressFailed("tls_failed")
        smtp.starttls(context=tls)
        keep_to(smtp.sock, deadline=deadline)
    smtp.ehlo_or_helo_if_needed()
    if server.user:
        smtp.login(server.user, server.password)


class _Submission:
    """One message on its way; `is_sent_whole` once all of it has left us."""

    def __init__(self, envelope: Envelope) -> None:
        self._envelope = envelope
        self.is_sent_whole = False

    def carry_out(self, smtp: smtplib.SMTP) -> None:
        """RFC 5321 §3.3: MAIL, RCPT, DATA; §4.5.2: a line that begins with a full stop."""
        if smtp.mail(self._envelope.sender)[0] != _OK:
            raise EgressFailed("answer_refused")  # whoever we write to
        _expect(smtp.rcpt(self._envelope.recipient)[0], {_OK, _WILL_FORWARD})
        _expect(smtp.docmd("DATA")[0], {_GO_ON})
        smtp.send(_LINE_WITH_STOP.sub(rb"..", self._envelope.raw) + b".\r\n")
        self.is_sent_whole = True
        _expect(smtp.getreply()[0], {_OK})
        with suppress(smtplib.SMTPException, OSError):
            smtp.quit()


def _expect(code: int, good: set[int]) -> None:
    if code in good:
        return
    if code == _CLOSING:
        raise EgressFailed("answer_refused")
    if _FINAL <= code < _FINAL + 100:
        raise MailRefused(is_final=True)
    raise MailRefused(is_final=False)


def _reason_of(failure: Exception, *, deadline: Deadline) -> str:
    if isinstance(failure, TimeoutError) or deadline.is_over:
        return "timed_out"
    if isinstance(failure, ssl.SSLError):
        return "tls_failed"
    if isinstance(failure, smtplib.SMTPServerDisconnected):
        return "unreachable"
    if isinstance(failure, smtplib.SMTPException):
        return "answer_refused"
    if isinstance(failure, OSError):
        return "unreachable"
    return "answer_malformed"
