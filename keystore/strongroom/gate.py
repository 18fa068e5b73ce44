"""The door: who may ask, known at the connection, before a byte of a request is read.

What lives here: the user ids at the other end of a Unix socket, as the kernel tells them, and the
names in a client certificate over TLS 1.3.  Neither replaces evidence: who may ask has still shown
nothing.  What no person confirms (a key destroyed, a proofing vouched for) is for *keepers* alone:
web workers are none.  Source: unix(7), SO_PEERCRED; RFC 8446 §4.4.2; RFC 6125 §6.4.
"""

from __future__ import annotations

import socket
import ssl
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from keystore.strongroom.errors import CallerRefused

_CREDENTIALS: Final = struct.Struct("3i")


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who was let in: the connection to speak through, and whether a keeper speaks."""

    connection: socket.socket
    is_keeper: bool


class Gate(Protocol):
    """Lets a connection in or not."""

    def admit(self, connection: socket.socket, *, timeout_s: float) -> Admitted:
        """Who is there.

        Raises  CallerRefused; OSError when the other side does not get that far.
        """


@dataclass(frozen=True, slots=True)
class UserGate:
    """Processes of these users, on this host; keepers need not be named twice."""

    user_ids: frozenset[int]
    keepers: frozenset[int]

    def admit(self, connection: socket.socket, *, timeout_s: float) -> Admitted:
        """The same connection, when a user of ours is at its other end."""
        connection.settimeout(timeout_s)
        raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        _pid, user_id, _gid = _CREDENTIALS.unpack(raw)
        is_keeper = user_id in self.keepers
        if user_id not in self.user_ids and not is_keeper:
            raise CallerRefused("user")
        return Admitted(connection, is_keeper)


@dataclass(frozen=True, slots=True)
class TlsGate:
    """Holders of a certificate of an authority that issues for such callers alone.

    Takes   names: DNS names of which one must be in the certificate; empty: any certificate of
            that authority; keepers: DNS names of keepers, who need not be among `names`.
    """

    context: ssl.SSLContext
    names: frozenset[str]
    keepers: frozenset[str]

    def admit(self, connection: socket.socket, *, timeout_s: float) -> Admitted:
        """The connection inside of TLS."""
        connection.settimeout(timeout_s)
        try:
            inner = self.context.wrap_socket(connection, server_side=True)
        except ssl.SSLError as refusal:
            raise CallerRefused("certificate") from refusal
        shown = _names_of(inner)
        is_keeper = bool(self.keepers & shown)
        if self.names and not self.names & shown and not is_keeper:
            inner.close()
            raise CallerRefused("name")
        return Admitted(inner, is_keeper)


def server_context(*, certificate: Path, key: Path, client_ca: Path) -> ssl.SSLContext:
    """TLS 1.3 for who is asked: nobody comes in without a certificate of `client_ca`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.num_tickets = 0  # every connection shows its certificate
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(client_ca)
    return context


def client_context(*, certificate: Path, key: Path, server_ca: Path) -> ssl.SSLContext:
    """TLS 1.3 for whoever asks: the other has a certificate of `server_ca` for its host name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(server_ca)
    return context


def _names_of(connection: ssl.SSLSocket) -> frozenset[str]:
    shown = connection.getpeercert() or {}
    names = shown.get("subjectAltName", ())
    return frozenset(str(one[1]) for one in names if len(one) == 2 and one[0] == "DNS")
