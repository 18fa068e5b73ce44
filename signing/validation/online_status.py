"""Status of other people's certificates, asked where these certificates say.

What lives here: `AskedOnline`, which asks a responder first (with a nonce) and lists when it tells
nothing, over a transport that carries bytes to an address; what came is remembered for a short
time, and so is that nothing came.  All of it is bounded: questions of one validation and the time
for them, questions at once, octets remembered.
Source: RFC 6960 appendix A, RFC 9654 (nonce); RFC 5280 §4.2.1.13, §4.2.2.1; RFC 5280 §5, RFC 5652
(certificates at an address); ETSI EN 319 102-1 §5.2.5; TT 15/2025/TT-BKHCN, Annex II.
Not here: judging what came (`signing/validation/revocation.py`), and which addresses may be called
(the provider's egress door: those in a certificate are whoever made it chose).
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

from signing.formats.chains import find_extension, parse_certificate
from signing.formats.material import ValidationMaterial
from signing.sources import Unreachable
from signing.validation.status_answers import find_answer

MOST_OCSP_BYTES: Final = 128 * 1024
MOST_CRL_BYTES: Final = 16 << 20
MOST_ISSUER_BYTES: Final = 256 * 1024
_OCSP_TYPE: Final = "application/ocsp-request"
_NONCE_BYTES: Final = 32
_MOST_ADDRESSES: Final = 3
"""Of one kind in one certificate: more of them are there to keep us busy."""
_MOST_ISSUERS: Final = 16
_REMEMBERED_FOR: Final = timedelta(minutes=5)
_SILENCE_REMEMBERED_FOR: Final = timedelta(seconds=60)
_MOST_REMEMBERED: Final = 2_000
_MOST_REMEMBERED_BYTES: Final = 64 << 20
_AT_ONCE: Final = 8
_UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


class OnlineTransport(Protocol):
    """Carries bytes to an address that nobody vouches for, and brings back what was answered."""

    def exchange(
        self, url: str, *, body: bytes | None, content_type: str, most_bytes: int, timeout_s: float
    ) -> bytes:
        """Post `body`, or fetch where it is None.

        Raises  Unreachable: also for every status but 200, and for addresses that are not called.
        """


@dataclass(frozen=True, slots=True)
class OnlineLimits:
    """Of one call, and of one validation; times in seconds."""

    call_s: float = 3.0
    validation_s: float = 8.0
    questions: int = 24


class AskedOnline:
    """Whoever asks, for all validations of a process; safe to share between threads.

    Takes   monotonic: tells durations.
    """

    def __init__(
        self,
        transport: OnlineTransport,
        *,
        limits: OnlineLimits | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self._limits = limits or OnlineLimits()
        self._monotonic = monotonic
        self._memory = _Memory()
        self._seats = threading.BoundedSemaphore(_AT_ONCE)

    def for_one_validation(self) -> AskedForOne:
        """The same, with the questions and the time that one validation has."""
        return AskedForOne(
            self, until_s=self._monotonic() + self._limits.validation_s, limits=self._limits
        )

    def find(self, certificate: bytes, *, issuer: bytes, now: datetime) -> ValidationMaterial:
        """See `OnlineStatus.find`."""
        return self.for_one_validation().find(certificate, issuer=issuer, now=now)

    def find_issuers(self, certificate: bytes, *, now: datetime) -> tuple[bytes, ...]:
        """See `OnlineStatus.find_issuers`."""
        return self.for_one_validation().find_issuers(certificate, now=now)

    def recall(self, key: _Key, *, now: datetime) -> bytes | None:
        """What is remembered of an address; None when nothing is."""
        return self._memory.recall(key, now=now)

    def fetch(
        self,
        key: _Key,
        *,
        body: bytes | None,
        most_bytes: int,
        read: Callable[[bytes], bytes],
        until_s: float,
        now: datetime,
    ) -> bytes:
        """What `read` takes of what an address gives, empty for nothing in time; remembered."""
        left_s = min(self._limits.call_s, until_s - self._monotonic())
        # NOTE: who waits for a seat holds a thread that could answer somebody else
        if left_s <= 0 or not self._seats.acquire(blocking=False):
            return b""
        try:
            answer = self._transport.exchange(
                key.url,
                body=body,
                content_type=_OCSP_TYPE,
                most_bytes=most_bytes,
                timeout_s=left_s,
            )
        except Unreachable:
            answer = b""
        finally:
            self._seats.release()
        answer = read(answer) if 0 < len(answer) <= most_bytes else b""
        self._memory.remember(key, answer, now=now)
        return answer


class AskedForOne:
    """An `OnlineStatus` for one validation: after its questions or its time nothing is asked."""

    def __init__(self, asked: AskedOnline, *, until_s: float, limits: OnlineLimits) -> None:
        self._asked = asked
        self._until_s = until_s
        self._questions = limits.questions

    def find(self, certificate: bytes, *, issuer: bytes, now: datetime) -> ValidationMaterial:
        """See `OnlineStatus.find`."""
        try:
            parsed, above = parse_certificate(certificate), parse_certificate(issuer)
            responders, lists = tuple(_responders(parsed)), tuple(_lists(parsed))
        except _UNREADABLE:
            return ValidationMaterial()
        found = ValidationMaterial()
        for url in responders[:_MOST_ADDRESSES]:
            answer = self._ask_responder(url, certificate=parsed, issuer=above, now=now)
            if answer is not None and _tells(answer):
                return answer
            found = answer or found
        # RFC 6960 §2.2: who does not know it says nothing, and somebody else may
        for url in lists[:_MOST_ADDRESSES]:
            crl = self._get(url, most_bytes=MOST_CRL_BYTES, read=_read_list, now=now)
            if crl:
                return found.with_others(ValidationMaterial(crls=(crl,)))
        return found

    def find_issuers(self, certificate: bytes, *, now: datetime) -> tuple[bytes, ...]:
        """See `OnlineStatus.find_issuers`."""
        try:
            places = tuple(_issuers(parse_certificate(certificate)))
        except _UNREADABLE:
            return ()
        found: list[bytes] = []
        for url in places[:_MOST_ADDRESSES]:
            raw = self._get(url, most_bytes=MOST_ISSUER_BYTES, read=bytes, now=now)
            found += _read_certificates(raw)
        return tuple(dict.fromkeys(found))[:_MOST_ISSUERS]

    def _ask_responder(
        self, url: str, *, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime
    ) -> ValidationMaterial | None:
        try:
            asked = ocsp.OCSPRequestBuilder().add_certificate(
                certificate,
                issuer,
                SHA1(),  # noqa: S303 - RFC 6960 §4.1.1 CertID: what every responder knows
            )
            plain = asked.build().public_bytes(Encoding.DER)
            nonce = secrets.token_bytes(_NONCE_BYTES)
            fresh = asked.add_extension(x509.OCSPNonce(nonce), critical=False).build()
        except _UNREADABLE:
            return None
        key = _Key(url, plain)
        raw = self._fetch(
            key,
            body=fresh.public_bytes(Encoding.DER),
            most_bytes=MOST_OCSP_BYTES,
            read=lambda answer: _read_answer(answer, nonce=nonce),
            now=now,
        )
        return ValidationMaterial(_inside(raw), ocsp_responses=(raw,)) if raw else None

    def _get(
        self, url: str, *, most_bytes: int, read: Callable[[bytes], bytes], now: datetime
    ) -> bytes:
        # what was read as one thing is not remembered as another
        key = _Key(url, str(most_bytes).encode())
        return self._fetch(key, body=None, most_bytes=most_bytes, read=read, now=now)

    def _fetch(
        self,
        key: _Key,
        *,
        body: bytes | None,
        most_bytes: int,
        read: Callable[[bytes], bytes],
        now: datetime,
    ) -> bytes:
        known = self._asked.recall(key, now=now)
        if known is not None:
            return known
        if self._questions <= 0:
            return b""
        self._questions -= 1
        return self._asked.fetch(
            key,
            body=body,
            most_bytes=most_bytes,
            read=read,
            until_s=self._until_s,
            now=now,
        )


@dataclass(frozen=True, slots=True)
class _Key:
    url: str
    request: bytes = b""


class _Memory:
    """What addresses gave, the oldest forgotten first."""

    def __init__(self) -> None:
        self._known: OrderedDict[_Key, tuple[bytes, datetime]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def recall(self, key: _Key, *, now: datetime) -> bytes | None:
        with self._lock:
            known = self._known.get(key)
        return known[0] if known is not None and now < known[1] else None

    def remember(self, key: _Key, answer: bytes, *, now: datetime) -> None:
        until = now + (_REMEMBERED_FOR if answer else _SILENCE_REMEMBERED_FOR)
        with self._lock:
            before = self._known.pop(key, None)
            self._bytes += len(answer) - (len(before[0]) if before else 0)
            self._known[key] = answer, until
            while len(self._known) > _MOST_REMEMBERED or self._bytes > _MOST_REMEMBERED_BYTES:
                _, (old, _) = self._known.popitem(last=False)
                self._bytes -= len(old)


def _read_answer(raw: bytes, *, nonce: bytes) -> bytes:
    """An answer that says something to us, empty for every other.

    A responder may leave the nonce out (RFC 9654 §2.1); another nonce than ours answers somebody
    else, earlier.
    """
    try:
        found = ocsp.load_der_ocsp_response(raw)
        if found.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return b""
        said = _nonce_of(found)
    except _UNREADABLE:
        return b""
    return raw if said is None or secrets.compare_digest(said, nonce) else b""


def _tells(answer: ValidationMaterial) -> bool:
    """Whether something else than `unknown` is said in it; **not verified**."""
    said = [find_answer(one) for one in answer.ocsp_responses]
    return any(single.status != "unknown" for one in said if one for single in one.singles)


def _inside(raw: bytes) -> tuple[bytes, ...]:
    """The certificates of an answer, which are evidence as well."""
    try:
        found = ocsp.load_der_ocsp_response(raw)
        return tuple(one.public_bytes(Encoding.DER) for one in found.certificates)
    except _UNREADABLE:
        return ()


def _nonce_of(found: ocsp.OCSPResponse) -> bytes | None:
    try:
        return found.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce
    except x509.ExtensionNotFound:
        return None


def _read_list(raw: bytes) -> bytes:
    """A list in DER, also where it came as PEM; empty when it is none."""
    try:
        if raw.lstrip()[:10] == b"-----BEGIN":
            return x509.load_pem_x509_crl(raw).public_bytes(Encoding.DER)
        x509.load_der_x509_crl(raw)
    except _UNREADABLE:
        return b""
    return raw


def _read_certificates(raw: bytes) -> list[bytes]:
    """RFC 5280 §4.2.2.1: one certificate, or a bundle of them in CMS; some send PEM."""
    if not raw:
        return []
    loads: tuple[Callable[[bytes], list[x509.Certificate]], ...] = (
        lambda data: [x509.load_der_x509_certificate(data)],
        pkcs7.load_der_pkcs7_certificates,
        x509.load_pem_x509_certificates,
        pkcs7.load_pem_pkcs7_certificates,
    )
    for load in loads:
        try:
            return [one.public_bytes(Encoding.DER) for one in load(raw)[:_MOST_ISSUERS]]
        except _UNREADABLE:
            continue
    return []


def _responders(certificate: x509.Certificate) -> Iterator[str]:
    yield from _access(certificate, AuthorityInformationAccessOID.OCSP)


def _issuers(certificate: x509.Certificate) -> Iterator[str]:
    yield from _access(certificate, AuthorityInformationAccessOID.CA_ISSUERS)


def _access(certificate: x509.Certificate, method: x509.ObjectIdentifier) -> Iterator[str]:
    access = find_extension(certificate, x509.AuthorityInformationAccess)
    for one in () if access is None else access.value:
        where = one.access_location
        if one.access_method == method and isinstance(where, x509.UniformResourceIdentifier):
            yield from _callable(where.value)


def _lists(certificate: x509.Certificate) -> Iterator[str]:
    points = find_extension(certificate, x509.CRLDistributionPoints)
    for point in () if points is None else points.value:
        for name in point.full_name or ():
            if isinstance(name, x509.UniformResourceIdentifier):
                yield from _callable(name.value)


def _callable(url: str) -> Iterator[str]:
    """Only the web: a directory (LDAP) or a file is never asked."""
    if url[:8].lower().startswith(("http://", "https://")):
        yield url
