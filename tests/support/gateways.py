"""Gateways of the tests' own: a real mail server and a real HTTP server, both over TLS.

What lives here: `MailHouse` (aiosmtpd), `SmsHouse` (http.server), each of which can be told to
refuse, to die in the middle or to say nothing, and the door that reaches them.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as PARSED
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, Literal, Self

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from idp.clock import utc_now
from idp.delivery.mail import MailGateway
from idp.delivery.sms import SmsGateway, SmsServer
from idp.egress import Egress
from idp.egress.mail import MailServer
from idp.sandbox.certificate import make_certificate
from tests.support.ports import free_port
from tests.support.quiet_server import QuietServer

SENDER = "khong-tra-loi@id.example"
USER, PASSWORD = "antin", "mat-khau-may-chu-thu"
TOKEN = "khoa-cua-cong-tin-nhan"
PATIENCE_S = 30.0

Dies = Literal["rcpt", "before_answer"]


@dataclass(frozen=True, slots=True)
class Tls:
    """A certificate for `localhost` and its key, as files."""

    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """For a server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def egress(self, *, opened: bool = True) -> Egress:
        """A door that trusts it; `opened`: also to this machine."""
        networks = ["127.0.0.0/8"] if opened else []
        return Egress(
            allow_private={"smtp": networks, "sms": networks},
            ca_file=str(self.certificate),
            resolve=lambda _name, _port: ["127.0.0.1"],
        )


@pytest.fixture(scope="session")
def gateway_tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    """The certificate of every gateway here."""
    return Tls(*make_certificate(tmp_path_factory.mktemp("gateways"), now=utc_now()))


@dataclass
class MailHouse:
    """A mail server; `taken` holds what it said that it took, `heard` also what it only heard.

    `answers`: for RCPT and DATA, in place of 250; `dies`: it hangs up there.
    """

    tls: Tls
    way: Literal["starttls", "implicit", "none"] = "starttls"
    needs_login: bool = True
    answers: dict[str, str] = field(default_factory=dict)
    dies: Dies | None = None
    taken: list[bytes] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    logins: list[bytes] = field(default_factory=list)

    def __enter__(self) -> Self:
        context = self.tls.context()
        options: dict[str, Any] = {"hostname": "127.0.0.1", "port": free_port()}
        if self.way == "starttls":
            options |= {"tls_context": context, "require_starttls": True}
        if self.way == "implicit":
            options |= {"ssl_context": context}
        if self.needs_login:
            # aiosmtpd does not count TLS from the first byte as TLS
            is_counted = self.way == "starttls"
            options |= {"authenticator": self._login, "auth_required": is_counted}
            options["auth_require_tls"] = is_counted
        self._controller = Controller(self, ready_timeout=PATIENCE_S, **options)
        self._controller.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._controller.stop()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._controller.port)

    def gateway(
        self, name: str = "smtp", *, egress: Egress | None = None, timeout_s: float = PATIENCE_S
    ) -> MailGateway:
        """The gateway that asks it."""
        user, password = (USER, PASSWORD) if self.needs_login else ("", "")
        return MailGateway(
            name,
            MailServer("localhost", self.port, self.way, user, password),
            egress=egress or self.tls.egress(),
            sender=SENDER,
            sender_name="Ấn Tín",
            our_name="id.example",
            timeout_s=timeout_s,
        )

    @property
    def letters(self) -> list[EmailMessage]:
        """What it took, read."""
        return [read_letter(raw) for raw in self.taken]

    def _login(self, _server: SMTP, *rest: Any) -> AuthResult:
        data = rest[-1]
        self.logins.append(bytes(data.login))
        is_right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=is_right, handled=False)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if self.dies == "rcpt":
            hang_up(server)
        if "rcpt" in self.answers:
            return self.answers["rcpt"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Any, envelope: Any
    ) -> str:
        self.heard.append(bytes(envelope.content))
        if self.dies == "before_answer":
            hang_up(server)
        if "data" in self.answers:
            return self.answers["data"]
        self.taken.append(bytes(envelope.content))
        self.recipients.extend(envelope.rcpt_tos)
        return "250 OK"


def hang_up(server: SMTP) -> None:
    """The process of the mail server ends, as far as its caller can see."""
    transport: Any = server.transport
    transport.abort()


def read_letter(raw: bytes) -> EmailMessage:
    """A message as its reader's program has it."""
    message = message_from_bytes(raw, policy=PARSED)
    assert isinstance(message, EmailMessage)
    return message


@dataclass
class SmsHouse:
    """An HTTP gateway; `asked` holds members and headers of every request.

    `status`, `answer`: what it says; `dies`: it hangs up before; `is_silent`: it says nothing.
    """

    tls: Tls
    status: int = 200
    answer: bytes = b'{"CodeResult": "100"}'
    dies: bool = False
    is_silent: bool = False
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    _ended: Event = field(default_factory=Event)
    _lock: Lock = field(default_factory=Lock)

    def __enter__(self) -> Self:
        house = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                house.take(self)

            def log_message(self, *_said: object) -> None:
                """Say nothing."""

        self._server = QuietServer(("127.0.0.1", 0), Handler)
        self._server.socket = self.tls.context().wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def take(self, request: BaseHTTPRequestHandler) -> None:
        """One request."""
        raw = request.rfile.read(int(request.headers["Content-Length"]))
        with self._lock:
            self.asked.append(json.loads(raw))
            self.headers.append(dict(request.headers.items()))
        if self.is_silent:
            self._ended.wait(PATIENCE_S)
        if self.dies or self.is_silent:
            request.close_connection = True
            return
        request.send_response(self.status)
        request.send_header("Content-Length", str(len(self.answer)))
        request.end_headers()
        request.wfile.write(self.answer)

    def gateway(
        self, name: str = "sms", *, timeout_s: float = PATIENCE_S, **said: Any
    ) -> SmsGateway:
        """The gateway that asks it; `said`: of `SmsServer`."""
        described: dict[str, Any] = {
            "url": f"https://localhost:{self._server.server_port}/send",
            "body": '{"to": "$to", "text": "$text", "id": "$id"}',
            "token": TOKEN,
            "token_header": "Authorization: Bearer $token",
        } | said
        return SmsGateway(
            name,
            SmsServer(**described),
            egress=self.tls.egress(),
            accents="when_short",
            timeout_s=timeout_s,
        )


@pytest.fixture
def mail_house(gateway_tls: Tls) -> Iterator[MailHouse]:
    """A mail server that works."""
    with MailHouse(gateway_tls) as house:
        yield house


@pytest.fixture
def sms_house(gateway_tls: Tls) -> Iterator[SmsHouse]:
    """A gateway for text messages that works."""
    with SmsHouse(gateway_tls) as house:
        yield house
