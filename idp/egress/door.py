"""What the provider may call, and the ways it calls: post a form, fetch JSON, ask a witness.

What lives here: the rules of the door, in the order in which `_call` keeps them:

 1. the URL is https, with a host and nothing that hides another (no user, no fragment, no port 0);
    http only to this machine, and only in the sandbox; or to anybody, for what its maker has signed
    and the caller says so (status of certificates, RFC 5280 §4.2.1.13: https would need itself);
 2. the name is resolved once, within the deadline;
 3. of its addresses only public ones count, and private ones that the operator has opened for the
    client that the call is for;
 4. the connection goes to such an address, whatever the name resolves to a moment later; the
    certificate is that of the name;
 5. no redirect is followed, nothing is sent twice, no proxy of the environment is used;
 6. five seconds for all of it, however slowly the other side drips; one MiB of answer at most,
    where the caller does not set another limit;
 7. what the other side says reaches no log and no page.

Not here: what is called, and when (`idp.oauth.backchannel_logout`, keys of clients).
"""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPException
from typing import Final, TypeVar
from urllib.parse import urlencode, urlsplit

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from idp.egress.addresses import Address, Network, is_public, parse_address, parse_private_networks
from idp.egress.connection import (
    Deadline,
    connect_to,
    make_tls_context,
    open_connection,
    system_tls,
)
from idp.egress.errors import EgressFailed, EgressRefused
from idp.errors import SettingsInvalid

TIMEOUT_S: Final = 5.0
MOST_BYTES: Final = 1024 * 1024
_URL_LENGTH: Final = 2048
_PIECE_BYTES: Final = 65_536
_MOST_LOOKUPS: Final = 16
_LEGAL_URL: Final = re.compile(r"[!-~]+")
"""Printable ASCII: no space, no control character, nothing that two parsers read differently."""
_LEGAL_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9.])?|[0-9a-f:.]{2,45}")

Resolver = Callable[[str, int], Sequence[str]]
_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class EgressAnswer:
    """What came back of a form that was posted: its status and nothing else."""

    status: int


@dataclass(frozen=True, slots=True)
class EgressReply:
    """What came back whole: status, media type, and at most 1 MiB, **not** parsed."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class _Target:
    is_https: bool
    host: str
    port: int
    path: str


class Egress:
    """The door; share one between all threads of a process.

    Takes   allow_private: client_id → private networks that may be called for it;
            allow_insecure: http and https to this machine, for the sandbox only;
            ca_file: PEM of further trust anchors; resolve: name, port → addresses.
    Raises  SettingsInvalid when `allow_private` opens what is not a private network.
    """

    def __init__(
        self,
        *,
        allow_private: Mapping[str, Sequence[str]] | None = None,
        allow_insecure: bool = False,
        ca_file: str | None = None,
        resolve: Resolver | None = None,
    ) -> None:
        try:
            self._private: dict[str, tuple[Network, ...]] = {
                client_id: parse_private_networks(networks)
                for client_id, networks in (allow_private or {}).items()
            }
        except ValueError as problem:
            raise SettingsInvalid("ANTIN_EGRESS_PRIVATE", reason=str(problem)) from problem
        self._allow_insecure = allow_insecure
        # a file that cannot be read is found now
        self._own_tls = None if ca_file is None else make_tls_context(ca_file)
        self._resolve = resolve or resolve_by_system
        self._lookups = threading.BoundedSemaphore(_MOST_LOOKUPS)

    def post_form(
        self, url: str, form: Mapping[str, str], *, client_id: str, timeout_s: float = TIMEOUT_S
    ) -> EgressAnswer:
        """Post `application/x-www-form-urlencoded` and return the status, whichever it is.

        Takes   client_id: for whom; decides about private networks.
        Raises  EgressRefused; EgressFailed.
        """
        body = urlencode(form).encode("ascii")
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "*/*"}
        return self._call(
            url,
            method="POST",
            headers=headers,
            body=body,
            client_id=client_id,
            deadline=Deadline(timeout_s),
            read=lambda response: EgressAnswer(response.status),
        )

    def get_json(self, url: str, *, client_id: str, timeout_s: float = TIMEOUT_S) -> bytes:
        """Fetch a JSON document; at most 1 MiB, as it came, **not** parsed.

        Raises  EgressRefused; EgressFailed, also for every status but 200.
        """
        return self._call(
            url,
            method="GET",
            headers={"Accept": "application/json, */*;q=0.1"},
            body=None,
            client_id=client_id,
            deadline=Deadline(timeout_s),
            read=_read_document,
        )

    def exchange(
        self,
        url: str,
        *,
        body: bytes | None,
        content_type: str,
        client_id: str,
        timeout_s: float = TIMEOUT_S,
        most_bytes: int = MOST_BYTES,
        may_be_plain: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> EgressReply:
        """Post `body`, or fetch where it is None, and return the whole reply, whatever its status.

        For protocols in which a refusal carries what to do next.
        Takes   most_bytes: of the reply; may_be_plain: whether http will do, because whatever comes
                back is signed by its maker and nothing secret goes out; headers: beside the door's
                own, such as who asks.
        Raises  EgressRefused; EgressFailed.
        """
        return self._call(
            url,
            method="GET" if body is None else "POST",
            headers={**(headers or {}), **({} if body is None else {"Content-Type": content_type})},
            body=body,
            client_id=client_id,
            deadline=Deadline(timeout_s),
            read=lambda response: EgressReply(
                response.status,
                response.headers.get("Content-Type", ""),
                _read_whole(response, most_bytes=most_bytes),
            ),
            may_be_plain=may_be_plain,
        )

    def reach(
        self, host: str, *, port: int, client_id: str, deadline: Deadline
    ) -> tuple[socket.socket, ssl.SSLContext]:
        """A connection for a protocol that is not HTTP, and with what it is secured.

        The same addresses may be reached as by https.
        Returns a socket that keeps to `deadline`, in the clear still: whoever asked begins TLS with
                `keep_to` on what comes of it.
        Raises  EgressRefused; EgressFailed; TimeoutError.
        """
        if not 0 < port < 65536 or not _LEGAL_HOST.fullmatch(host):
            raise EgressRefused("url_malformed")
        target = _Target(is_https=True, host=host, port=port, path="")
        addresses = self._find_addresses(target, client_id=client_id, deadline=deadline)
        reached = connect_to(addresses, port=port, deadline=deadline)
        return reached, self._own_tls or system_tls()

    def _call(
        self,
        url: str,
        *,
        method: str,
        headers: Mapping[str, str],
        body: bytes | None,
        client_id: str,
        deadline: Deadline,
        read: Callable[[BaseHTTPResponse], _Read],
        may_be_plain: bool = False,
    ) -> _Read:
        target = self._check_url(url, may_be_plain=may_be_plain)
        try:
            addresses = self._find_addresses(
                target, client_id=client_id, deadline=deadline, may_be_plain=may_be_plain
            )
            connection = open_connection(
                target.host,
                port=target.port,
                addresses=addresses,
                tls=(self._own_tls or system_tls()) if target.is_https else None,
                deadline=deadline,
            )
            try:
                connection.request(
                    method,
                    target.path,
                    body=body,
                    headers={
                        **headers,
                        "Accept-Encoding": "identity",
                        "Connection": "close",
                        "User-Agent": "antin",
                    },
                    preload_content=False,
                    decode_content=False,
                )
                with closing(connection.getresponse()) as response:
                    return read(response)
            finally:
                connection.close()
        except ssl.SSLCertVerificationError as failure:
            raise EgressFailed("certificate_refused") from failure
        except (HTTPError, HTTPException, OSError, ValueError) as failure:
            raise EgressFailed(_reason_of(failure, deadline=deadline)) from failure

    def may_be_called(self, url: str, client_id: str) -> bool:
        """Whether anything can ever be sent there, as far as the address itself says.

        A name is not resolved: what it stands for is looked at with each call.
        """
        try:
            target = self._check_url(url)
        except EgressRefused:
            return False
        is_local_name = target.host.lower().rstrip(".").rpartition(".")[2] == "localhost"
        address = parse_address(target.host.strip("[]"))
        if address is None:
            return self._allow_insecure or not is_local_name
        if self._allow_insecure and address.is_loopback:
            return True
        networks = self._private.get(client_id, ())
        return target.is_https and (is_public(address) or any(address in one for one in networks))

    def _check_url(self, url: str, *, may_be_plain: bool = False) -> _Target:
        if len(url) > _URL_LENGTH or not _LEGAL_URL.fullmatch(url) or "\\" in url:
            raise EgressRefused("url_malformed")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as problem:
            raise EgressRefused("url_malformed") from problem
        if parts.scheme not in {"https", "http"}:
            raise EgressRefused("scheme_refused")
        if parts.scheme == "http" and not self._allow_insecure and not may_be_plain:
            raise EgressRefused("scheme_refused")
        host = parts.hostname or ""
        if "@" in parts.netloc or "#" in url or port == 0 or not _LEGAL_HOST.fullmatch(host):
            raise EgressRefused("url_malformed")
        is_https = parts.scheme == "https"
        path = parts.path or "/"
        return _Target(
            is_https=is_https,
            host=host,
            port=port or (443 if is_https else 80),
            path=f"{path}?{parts.query}" if parts.query else path,
        )

    def _find_addresses(
        self, target: _Target, *, client_id: str, deadline: Deadline, may_be_plain: bool = False
    ) -> tuple[Address, ...]:
        raw_addresses = self._resolve_within(target, deadline=deadline)
        networks = self._private.get(client_id, ())
        found = []
        for address in map(parse_address, raw_addresses):
            if address is None:
                continue
            is_local = self._allow_insecure and address.is_loopback
            if not target.is_https and not is_local and not may_be_plain:
                continue
            if is_local or is_public(address) or any(address in one for one in networks):
                found.append(address)
        if not found:
            raise EgressRefused("address_refused") if raw_addresses else EgressFailed("unresolved")
        return tuple(found)

    def _resolve_within(self, target: _Target, *, deadline: Deadline) -> Sequence[str]:
        """Resolve in a thread of its own: the system's resolver knows no timeout.

        A look-up that hangs keeps its thread until it ends; there are never more than sixteen.
        """
        if not self._lookups.acquire(timeout=deadline.left_s):
            raise TimeoutError
        found: list[Sequence[str]] = []
        failed: list[OSError] = []
        is_done = threading.Event()

        def look_up() -> None:
            try:
                found.append(self._resolve(target.host, target.port))
            except (OSError, UnicodeError) as failure:
                failed.append(
                    OSError("unresolved") if isinstance(failure, UnicodeError) else failure
                )
            finally:
                self._lookups.release()
                is_done.set()

        threading.Thread(target=look_up, name="egress-lookup", daemon=True).start()
        if not is_done.wait(deadline.left_s):
            raise TimeoutError
        if failed or not found:
            raise EgressFailed("unresolved") from (failed[0] if failed else None)
        return found[0]


def resolve_by_system(host: str, port: int) -> tuple[str, ...]:
    """The addresses of a name, in the system's order of preference.

    Raises  OSError when there are none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def _read_document(response: BaseHTTPResponse) -> bytes:
    if response.status != 200:
        raise EgressFailed("answer_refused")
    return _read_whole(response)


def _read_whole(response: BaseHTTPResponse, *, most_bytes: int = MOST_BYTES) -> bytes:
    length = response.headers.get("Content-Length", "")
    if length.isdecimal() and int(length[:20]) > most_bytes:
        raise EgressFailed("answer_too_large")
    document = bytearray()
    while piece := response.read(_PIECE_BYTES, decode_content=False):  # raises where it is cut off
        document += piece
        if len(document) > most_bytes:
            raise EgressFailed("answer_too_large")
    return bytes(document)


def _reason_of(failure: Exception, *, deadline: Deadline) -> str:
    if isinstance(failure, TimeoutError) or deadline.is_over:
        return "timed_out"
    if isinstance(failure, ssl.SSLError):
        return "tls_failed"
    if isinstance(failure, OSError):
        return "unreachable"
    return "answer_malformed"
