"""Real servers on the loopback interface, with certificates of a throw-away authority."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from idp.egress import Egress
from tests.support.egress import CLIENT

NAME = "portal.example"
Serve = Callable[[socket.socket, threading.Event], None]


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority and the files of a server certificate for `portal.example`."""

    ca_file: str
    server_pem: str


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    *,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    is_ca: bool,
) -> x509.Certificate:
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=36_500))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=is_ca,
                crl_sign=is_ca,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    )
    if not is_ca:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False
        )
    return builder.sign(issuer_key, hashes.SHA256())


def _make_authority(folder: Path) -> Authority:
    ca_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca = _certificate("Test CA", ca_key, issuer="Test CA", issuer_key=ca_key, is_ca=True)
    server = _certificate(NAME, server_key, issuer="Test CA", issuer_key=ca_key, is_ca=False)
    (folder / "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    (folder / "server.pem").write_bytes(
        server_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + server.public_bytes(serialization.Encoding.PEM)
    )
    return Authority(str(folder / "ca.pem"), str(folder / "server.pem"))


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The authority that the door under test trusts."""
    return _make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that nobody trusts."""
    return _make_authority(tmp_path_factory.mktemp("stranger"))


@dataclass(slots=True)
class Server:
    """A server that hands each connection to `serve` in a thread of its own.

    `connections` counts what reached it, before TLS; `requests` holds the bytes up to the end of
    each request's body.
    """

    serve: Serve
    tls: ssl.SSLContext | None
    host: str = "127.0.0.1"
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    _listener: socket.socket = field(init=False)
    _ended: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __post_init__(self) -> None:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._listener = socket.create_server((self.host, 0), family=family)
        self._listener.settimeout(0.05)
        self._start(self._accept)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    def url(self, path: str = "/logout", *, scheme: str | None = None, host: str = NAME) -> str:
        """Its address under its certificate's name."""
        return f"{scheme or ('https' if self.tls else 'http')}://{host}:{self.port}{path}"

    def close(self) -> None:
        """Stop; connections that still drip are let go."""
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            self.connections += 1
            self._start(self._answer, connection)

    def _answer(self, connection: socket.socket) -> None:
        # what a client that gives up does to its server is no failure of the test
        with suppress(OSError), connection:
            connection.settimeout(120)
            if self.tls is None:
                self._read_and_serve(connection)
                return
            with self.tls.wrap_socket(connection, server_side=True) as secured:
                self._read_and_serve(secured)

    def _read_and_serve(self, connection: socket.socket) -> None:
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._receive(connection)
        head, _, body = received.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        while len(body) < length:
            body += self._receive(connection)
        self.requests.append(head + b"\r\n\r\n" + body)
        self.serve(connection, self._ended)

    def _receive(self, connection: socket.socket) -> bytes:
        received = connection.recv(65536)
        if not received:
            raise ConnectionResetError
        return received


@pytest.fixture
def start_server(authority: Authority) -> Iterator[Callable[..., Server]]:
    """Starts a server: `start_server(serve, certificate=…, is_tls=…, host=…)`."""
    started: list[Server] = []

    def start(
        serve: Serve,
        *,
        certificate: Authority = authority,
        is_tls: bool = True,
        host: str = "127.0.0.1",
    ) -> Server:
        tls = None
        if is_tls:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificate.server_pem)
        started.append(Server(serve, tls, host))
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.fixture
def make_egress(authority):
    """A door that trusts the test's authority and resolves every name to `addresses`."""

    def make(
        *addresses: str, networks: Sequence[str] = ("127.0.0.0/8", "::1/128"), **options
    ) -> Egress:
        options.setdefault("resolve", lambda _host, _port: addresses or ("127.0.0.1",))
        return Egress(
            allow_private={CLIENT: networks} if networks else None,
            ca_file=authority.ca_file,
            **options,
        )

    return make
