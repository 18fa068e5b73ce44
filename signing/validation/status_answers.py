"""Answers about the status of certificates, as responders give them.

What lives here: one answer as plain data.
Source: RFC 6960 §4.2.1 and §4.4; RFC 5019; Common PKI, part 4 (the digest of the certificate).
An answer that was read is **not verified**; who may give one is for `status_by_answers`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final

from keystore.pki.der import SEQUENCE
from signing.formats.der import INTEGER, OCTET_STRING, DerMalformed, Element, read_all, read_one
from signing.validation.certificate_extensions import each_extension
from signing.validation.certificates import signed_value
from signing.validation.cms_algorithms import hash_name
from signing.validation.der_values import (
    ENUMERATED,
    GENERALIZED_TIME,
    UNREADABLE,
    dotted,
    expect,
    members,
    number,
    octets,
    optional,
    sequence,
    time,
)
from signing.validation.found import SignedValue
from signing.validation.revocation_lists import Entry, reason_name

LARGEST: Final = 4 * 1024 * 1024
_ORDINARY: Final = 16 * 1024
"""Octets of an answer that is worth remembering."""
_MOST_SINGLES: Final = 64
"""Certificates that one answer is about: where it is kept, it is mostly about one."""
_BASIC: Final = "1.3.6.1.5.5.7.48.1.1"
_ARCHIVE_CUTOFF: Final = "1.3.6.1.5.5.7.48.1.6"
_CERT_HASH: Final = "1.3.36.8.3.13"
_KNOWN: Final = frozenset({*(f"1.3.6.1.5.5.7.48.1.{one}" for one in (2, 3, 6, 7, 9)), _CERT_HASH})


@dataclass(frozen=True, slots=True)
class Single:
    """What an answer says about one certificate (SingleResponse).

    Takes   issuer_name, issuer_key: digests under `hash_name`; serial: contents of the INTEGER;
            status: `good`, `revoked` or `unknown`; entry: of a revoked one;
            archive_cutoff: certificates that ended after that are still known, None without;
            certificate_digest: hash and digest of the certificate itself, None without;
            is_understood: whether nothing critical in it is unknown here.
    """

    hash_name: str
    issuer_name: bytes
    issuer_key: bytes
    serial: bytes = field(repr=False)
    status: str
    entry: Entry | None
    this_update: datetime
    next_update: datetime | None
    archive_cutoff: datetime | None
    certificate_digest: tuple[str, bytes] | None
    is_understood: bool


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """BasicOCSPResponse.

    Takes   der: as it was handed in; responder_name: DER, or empty; responder_key: SHA-1 of the
            key, or empty; certificates: DER.
    """

    der: bytes = field(repr=False)
    responder_name: bytes
    responder_key: bytes
    produced_at: datetime
    singles: tuple[Single, ...]
    certificates: tuple[bytes, ...] = field(repr=False)
    is_understood: bool
    signed: SignedValue = field(repr=False)


def find_answer(der: bytes) -> Answer | None:
    """An answer, or None for what is none, or for a responder that refuses to answer.

    Takes   der: OCSPResponse, or the BasicOCSPResponse in it, as some archives keep it.
    """
    if len(der) <= _ORDINARY:
        return _remembered(der)
    return _find(der) if len(der) <= LARGEST else None


def _find(der: bytes) -> Answer | None:
    try:
        return _read(der)
    except UNREADABLE:
        return None


_remembered: Final = lru_cache(maxsize=256)(_find)


def _read(der: bytes) -> Answer:
    parts = sequence(der, most=4)
    if parts[0].tag == ENUMERATED:
        # OCSPResponse: successful, and of the basic kind
        if number(parts[0], tag=ENUMERATED) != 0:
            raise DerMalformed
        kind, basic = sequence(expect(parts[1], 0xA0).content, most=2)
        if dotted(kind) != _BASIC:
            raise DerMalformed
        parts = sequence(octets(basic), most=4)
    tbs, algorithm, value, *rest = parts
    certificates: tuple[bytes, ...] = ()
    if rest:
        (tagged,) = rest
        certificates = tuple(
            bytes(one.whole) for one in sequence(expect(tagged, 0xA0).content, most=64)
        )
    inner = list(members(tbs, most=5))
    if inner[0].tag == 0xA0:
        inner.pop(0)
    responder, produced_at, singles, *extensions = inner
    is_named = responder.tag == 0xA1
    identity = read_one(responder.content)
    if not is_named and responder.tag != 0xA2:
        raise DerMalformed
    return Answer(
        der=der,
        responder_name=bytes(expect(identity, SEQUENCE).whole) if is_named else b"",
        responder_key=b"" if is_named else octets(identity, tag=OCTET_STRING),
        produced_at=time(expect(produced_at, GENERALIZED_TIME)),
        singles=tuple(_single(one) for one in members(singles, most=_MOST_SINGLES)),
        certificates=certificates,
        is_understood=all(
            kind in _KNOWN or not is_critical for kind, is_critical, _ in _each(extensions)
        ),
        signed=signed_value(tbs, algorithm=algorithm, value=value),
    )


def _each(tagged: list[Element]) -> Iterator[tuple[str, bool, bytes]]:
    for one in tagged:
        yield from each_extension(expect(one, 0xA1).content)


def _single(element: Element) -> Single:
    asked, status, this_update, *rest = members(element, most=5)
    algorithm, name, key, serial = members(asked, most=4)
    more = optional(iter(rest), frozenset({0xA0, 0xA1}))
    found = list(each_extension(more[0xA1].content)) if 0xA1 in more else []
    values = {kind: value for kind, _, value in found}
    cutoff = values.get(_ARCHIVE_CUTOFF)
    digest = values.get(_CERT_HASH)
    return Single(
        hash_name=hash_name(bytes(algorithm.whole)),
        issuer_name=octets(name),
        issuer_key=octets(key),
        serial=bytes(expect(serial, INTEGER).content),
        status=_STATES.get(status.tag, "unknown"),
        entry=_revoked(status) if status.tag == 0xA1 else None,
        this_update=time(expect(this_update, GENERALIZED_TIME)),
        next_update=time(read_one(more[0xA0].content)) if 0xA0 in more else None,
        archive_cutoff=None if cutoff is None else time(read_one(cutoff)),
        certificate_digest=None if digest is None else _digest(digest),
        is_understood=all(kind in _KNOWN or not is_critical for kind, is_critical, _ in found),
    )


def _revoked(status: Element) -> Entry:
    revoked_at, *rest = read_all(status.content, most=2)
    reason = "unspecified"
    if rest:
        reason = reason_name(number(read_one(expect(rest[0], 0xA0).content), tag=ENUMERATED))
    return Entry(time(revoked_at), reason)


def _digest(value: bytes) -> tuple[str, bytes]:
    algorithm, digest = sequence(value, most=2)
    return hash_name(bytes(algorithm.whole)), octets(digest)


_STATES: Final = {0x80: "good", 0xA1: "revoked", 0x82: "unknown"}
