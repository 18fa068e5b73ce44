"""E-mail through a mail server.

What lives here: the message as RFC 5322 wants it, plain text in ASCII lines, and what the server's
answers mean for other messages.  There is no HTML, nothing is fetched when somebody reads it, and
it says of itself that a machine wrote it.  Its Message-ID stays the same however often it is sent.
Source: RFC 5322, RFC 3834 §5 (Auto-Submitted), RFC 8058 does not apply: nobody subscribed.
"""

from __future__ import annotations

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from idp.accounts.channels import Channel, Destination
from idp.accounts.messages import check_destination
from idp.delivery.gateway import TIMEOUT_S, Failing, NotSent, Outgoing
from idp.egress import Egress, EgressFailed, EgressRefused
from idp.egress.errors import MailRefused
from idp.egress.mail import Envelope, MailServer, send_mail

_POLICY: Final = SMTP.clone(cte_type="7bit")


class MailGateway:
    """One mail server.

    Takes   name: in metrics; sender: address in From and in the envelope; sender_name: shown
            beside it; our_name: host name of this side.
    """

    def __init__(
        self,
        name: str,
        server: MailServer,
        *,
        egress: Egress,
        sender: str,
        sender_name: str,
        our_name: str,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self.name = name
        self._server = server
        self._egress = egress
        self._sender = sender
        self._sender_name = sender_name
        self._our_name = our_name
        self._timeout_s = timeout_s

    def send(self, outgoing: Outgoing, *, now: datetime) -> None:
        """See `Gateway.send`."""
        recipient = in_ascii(outgoing.address)
        if recipient is None:
            raise NotSent("address_malformed", failing=Failing.NEVER)
        raw = self._written(outgoing, recipient=recipient, now=now)
        try:
            send_mail(
                self._egress,
                self._server,
                Envelope(self._sender, recipient, raw),
                our_name=self._our_name,
                timeout_s=self._timeout_s,
            )
        except MailRefused as refused:
            failing = Failing.NEVER if refused.is_final else Failing.NOT_NOW
            raise NotSent("refused", failing=failing) from refused
        except (EgressFailed, EgressRefused) as failure:
            raise NotSent(failure.reason, failing=Failing.DOWN) from failure

    def _written(self, outgoing: Outgoing, *, recipient: str, now: datetime) -> bytes:
        message = EmailMessage(policy=_POLICY)
        message["From"] = Address(self._sender_name, addr_spec=self._sender)
        message["To"] = Address(addr_spec=recipient)
        message["Subject"] = outgoing.subject
        message["Date"] = format_datetime(now)
        message["Message-ID"] = f"<{outgoing.message_id}@{self._sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message["Content-Language"] = "vi, en"
        message.set_content(outgoing.text, cte="quoted-printable")
        return message.as_bytes()


def in_ascii(address: str) -> str | None:
    """The address with its domain as DNS writes it (RFC 3490); None where there is no such form."""
    local, _, domain = address.rpartition("@")
    try:
        check_destination(Destination(Channel.EMAIL, address))
        return f"{local}@{domain.encode('idna').decode('ascii')}"
    except ValueError:  # of the form, or of IDNA
        return None
