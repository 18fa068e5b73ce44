"""`/crl/…`: certificate revocation lists, over HTTP.

What lives here: `/crl/ID.crl` (all certificates of an authority), `/crl/ID/N.crl` (one partition),
DER, from memory; every few seconds it is looked whether there is a newer one.
Source: RFC 5280 §4.2.1.13; RFC 2585 §3 (media type); RFC 9110 §13.1.2 (`If-None-Match`).
Not here: publishing (`keystore/pki/crl_publishing.py`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final

import structlog
from cryptography import x509

from keystore.pki.model import CaKind, CaRecord
from keystore.pki.storage import crls
from keystore.pki.storage.authorities import read_cas
from keystore.storage import DatabaseLike
from keystore.web.answer import WebAnswer, WebRequest

_PATH: Final = re.compile(
    r"/crl/(?P<ca>[A-Za-z0-9_-]{1,64})(?:/(?P<shard>0|[1-9][0-9]{0,4}))?\.crl", re.ASCII
)
_TYPE: Final = "application/pkix-crl"
_LOOK_EVERY: Final = timedelta(seconds=2)
_RELOAD_CAS: Final = timedelta(seconds=30)
_MAX_AGE: Final = timedelta(minutes=5)
"""Whoever asks through a cache has a list that is at most so much older than the newest."""
_NOT_FOUND: Final = WebAnswer(
    404, "text/plain", b"no such list\n", (("Cache-Control", "no-store"),)
)
_AWAY: Final = WebAnswer(
    503, "text/plain", b"try later\n", (("Cache-Control", "no-store"), ("Retry-After", "5"))
)

_log = structlog.get_logger("antin.crl")

_Name = tuple[str, int | None]


@dataclass(frozen=True, slots=True)
class _List:
    """One list in memory; `sha256` tells whether storage has another."""

    der: bytes
    sha256: bytes
    this_update: datetime
    next_update: datetime


@dataclass(frozen=True, slots=True)
class _Kept:
    found: _List | None
    answer: WebAnswer
    looked_at: datetime


@dataclass(frozen=True, slots=True)
class _Authorities:
    by_id: Mapping[str, CaRecord]
    loaded_at: datetime


class CrlEndpoint:
    """All lists of a deployment; one per process, for any number of threads.

    There are as many entries in memory as there are lists: names that lead nowhere leave nothing.
    """

    max_body_bytes = 0

    def __init__(self, database: DatabaseLike) -> None:
        self._database = database
        self._kept: dict[_Name, _Kept] = {}
        self._authorities: _Authorities | None = None

    def answer(self, request: WebRequest, *, now: datetime) -> WebAnswer:
        """The newest list of that name."""
        if request.method not in ("GET", "HEAD"):
            return WebAnswer(405, "text/plain", b"", (("Allow", "GET, HEAD"),))
        match = _PATH.fullmatch(request.path)
        if match is None:
            return _NOT_FOUND
        shard = match["shard"]
        name = (match["ca"], None if shard is None else int(shard))
        kept = self._kept.get(name)
        if kept is None or abs(now - kept.looked_at) >= _LOOK_EVERY:
            try:
                kept = self._look(name, before=kept, now=now)
            except Exception as error:  # noqa: BLE001  # whatever storage raises: it is away
                _log.warning("crl_watch_failed", reason=type(error).__name__)
                if kept is None:
                    return _AWAY
                # a list says itself until when it may be believed
            if kept is None:
                return _NOT_FOUND
        answer = kept.answer
        if request.if_none_match and kept.found is not None:
            tag = _etag(kept.found)
            if tag in request.if_none_match:
                return replace(answer, status=304, body=b"")
        return answer

    def _look(self, name: _Name, *, before: _Kept | None, now: datetime) -> _Kept | None:
        authority = self._find_authority(name[0], now=now)
        if authority is None or (name[1] is not None and name[1] >= authority.shards):
            return None
        if authority.kind is CaKind.ISSUING:
            found = self._find_list(name, before=before)
        else:
            found = _offline_list(authority) if name[1] is None else None
        if found is None:
            self._kept.pop(name, None)
            return None
        kept = _Kept(found, _make_answer(found, now=now), looked_at=now)
        self._kept[name] = kept
        return kept

    def _find_list(self, name: _Name, *, before: _Kept | None) -> _List | None:
        ca_id, shard = name
        with self._database.read() as connection:
            head = crls.find_head(connection, ca_id=ca_id, shard=shard)
            if head is None:
                return None
            known = None if before is None else before.found
            if known is not None and known.sha256 == head.der_sha256:
                return known
            der = crls.get_der(connection, head)
        return _List(der, head.der_sha256, head.this_update, head.next_update)

    def _find_authority(self, ca_id: str, *, now: datetime) -> CaRecord | None:
        authorities = self._authorities
        if authorities is None or abs(now - authorities.loaded_at) >= _RELOAD_CAS:
            with self._database.read() as connection:
                by_id = {ca.ca_id: ca for ca in read_cas(connection)}
            authorities = self._authorities = _Authorities(by_id, now)
        return authorities.by_id.get(ca_id)


def _offline_list(authority: CaRecord) -> _List | None:
    """The list that was signed together with an authority whose key is offline."""
    der = authority.offline_crl
    if der is None:
        return None
    parsed = x509.load_der_x509_crl(der)
    next_update = parsed.next_update_utc or parsed.last_update_utc
    return _List(der, hashlib.sha256(der).digest(), parsed.last_update_utc, next_update)


def _make_answer(found: _List, *, now: datetime) -> WebAnswer:
    # it is sent until the next look, and its age counts from then
    left = found.next_update - now - _LOOK_EVERY
    seconds = int(max(timedelta(), min(_MAX_AGE, left)).total_seconds())
    return WebAnswer(
        200,
        _TYPE,
        found.der,
        (
            ("Cache-Control", f"max-age={seconds}, public, no-transform"),
            ("ETag", _etag(found)),
            ("Last-Modified", format_datetime(found.this_update.astimezone(UTC), usegmt=True)),
            ("Expires", format_datetime(found.next_update.astimezone(UTC), usegmt=True)),
        ),
    )


def _etag(found: _List) -> str:
    return f'"{found.sha256.hex()[:32]}"'
