"""The status of a certificate, as an OCSP responder tells it.

What lives here: the way from a request to an answer.  An answer that was signed ahead is taken
where it is still true; everything else (a nonce, unusual words for the same question, several
certificates, a number that was never issued) is signed at once, as far as the budget goes.
Source: RFC 6960 §2.2, §2.3, §4.2.2.2 (delegated responder); RFC 9919 §3.2.3 (`unauthorized` for
authorities that are not ours); RFC 9654.
Not here: HTTP and what is kept in memory (`ocsp_cache.py`, `keystore/web/ocsp.py`), signing ahead
(`ocsp_ahead.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from keystore.pki.budget import SigningBudget
from keystore.pki.errors import RequestMalformed
from keystore.pki.model import CaKind, CertificateStatus, issuer_names
from keystore.pki.ocsp_requests import CertId, OcspRequest, encode_cert_id, parse_request
from keystore.pki.ocsp_responses import (
    REFUSALS,
    Refusal,
    Responder,
    SignedStatus,
    SingleStatus,
    sign_status,
)
from keystore.pki.storage.authorities import read_cas
from keystore.pki.storage.responses import find_status
from keystore.storage import DatabaseLike

LIFETIME: Final = timedelta(hours=12)
"""How long an answer may be believed, at most."""
_RELOAD: Final = timedelta(seconds=30)
_MANY: Final = 64
"""Responders remembered by authority and key: those now and those before."""

_log = structlog.get_logger("antin.ocsp")


class Responders(Protocol):
    """Who may answer for an authority."""

    def responder(self, ca_id: str, *, now: datetime) -> Responder:
        """The key and certificate in use.

        Raises  KeystoreError when there is none at this instant.
        """


@dataclass(frozen=True, slots=True)
class OcspAnswer:
    """One whole OCSPResponse.

    `about`: what it rests on, None for a certificate that was never issued; empty for a refusal.
    `is_reusable`: the same bytes asked again may have it again.
    """

    der: bytes = field(repr=False)
    this_update: datetime | None = None
    next_update: datetime | None = None
    about: tuple[CertificateStatus | None, ...] = ()
    is_reusable: bool = False


_REFUSED: Final = {one: OcspAnswer(der) for one, der in REFUSALS.items()}


@dataclass(frozen=True, slots=True)
class _Issuers:
    """Our issuing authorities by the hashes of their name and key."""

    by_hashes: Mapping[tuple[str, bytes, bytes], str]
    loaded_at: datetime


class OcspResponder:
    """Answers requests; one per process, for any number of threads.

    Takes   budget: for what must be signed at once; lifetime: of an answer.
    """

    def __init__(
        self,
        database: DatabaseLike,
        *,
        responders: Responders,
        budget: SigningBudget,
        lifetime: timedelta = LIFETIME,
    ) -> None:
        self._database = database
        self._responders = responders
        self._budget = budget
        self._lifetime = lifetime
        self._issuers: _Issuers | None = None
        self._seen: dict[tuple[str, str], Responder] = {}

    def answer(self, raw: bytes, *, now: datetime) -> OcspAnswer:
        """Answer one request, whatever its bytes are.

        1. It is a request: otherwise `malformedRequest`.
        2. It asks about certificates of one authority of ours: otherwise `unauthorized`.
        3. An answer signed ahead fits: one certificate, no nonce, and it is still true.
        4. The budget allows a signature: otherwise `tryLater`; so too where storage or key is away.

        Source  RFC 6960 §2.3, §4.2.1; RFC 9919 §3.2.3.
        """
        try:
            request = parse_request(raw)  # 1
        except RequestMalformed:
            return _REFUSED[Refusal.MALFORMED_REQUEST]
        try:
            ca_id = self._find_issuer(request, now=now)  # 2
            if ca_id is None:
                return _REFUSED[Refusal.UNAUTHORIZED]
            return self._answer(request, ca_id=ca_id, now=now)
        except Exception as error:  # noqa: BLE001  # the protocol has a word for "not now"
            _log.error("ocsp_unanswered", reason=type(error).__name__)
            return _REFUSED[Refusal.TRY_LATER]

    def _answer(self, request: OcspRequest, *, ca_id: str, now: datetime) -> OcspAnswer:
        responder = self._responders.responder(ca_id, now=now)
        if self._seen.get((ca_id, responder.key.kid)) is not responder:
            self._remember(ca_id, responder)
        kept: SignedStatus | None = None
        statuses: list[CertificateStatus | None] = []
        with self._database.read() as connection:
            for cert_id in request.cert_ids:
                status, kept = find_status(
                    connection, ca_id=ca_id, serial=cert_id.serial, hash_name=cert_id.hash_name
                )
                statuses.append(status)
        if request.nonce is None and len(statuses) == 1 and kept is not None:
            by = self._seen.get((ca_id, kept.kid))  # 3
            is_fit = has_usual_form(request.cert_ids[0]) and kept.this_update <= now
            if is_fit and by is not None and now < min(kept.next_update, by.not_after):
                return _complete(kept, by, about=tuple(statuses), is_reusable=True)
        if not self._budget.spend(now=now):  # 4
            return _REFUSED[Refusal.TRY_LATER]
        signed = sign_status(
            [
                SingleStatus(cert_id.encoded, status)
                for cert_id, status in zip(request.cert_ids, statuses, strict=True)
            ],
            responder=responder,
            this_update=now,
            next_update=min(now + self._lifetime, responder.not_after),
            nonce=request.nonce,
        )
        return _complete(
            signed, responder, about=tuple(statuses), is_reusable=request.nonce is None
        )

    def _remember(self, ca_id: str, responder: Responder) -> None:
        # answers of the key before are still in the table for some hours
        if len(self._seen) >= _MANY:
            self._seen.clear()
        self._seen[ca_id, responder.key.kid] = responder

    def _find_issuer(self, request: OcspRequest, *, now: datetime) -> str | None:
        issuers = self._issuers
        if issuers is None or abs(now - issuers.loaded_at) > _RELOAD:
            issuers = self._issuers = self._load(now)
        found = {
            issuers.by_hashes.get((one.hash_name, one.issuer_name_hash, one.issuer_key_hash))
            for one in request.cert_ids
        }
        return found.pop() if len(found) == 1 else None

    def _load(self, now: datetime) -> _Issuers:
        with self._database.read() as connection:
            cas = read_cas(connection)
        by_hashes: dict[tuple[str, bytes, bytes], str] = {}
        for ca in cas:
            if ca.kind is CaKind.ISSUING:
                names = issuer_names(ca)
                by_hashes["sha1", names.name_sha1, names.key_sha1] = ca.ca_id
                by_hashes["sha256", names.name_sha256, names.key_sha256] = ca.ca_id
        return _Issuers(by_hashes, loaded_at=now)


def _complete(
    signed: SignedStatus,
    responder: Responder,
    *,
    about: tuple[CertificateStatus | None, ...],
    is_reusable: bool,
) -> OcspAnswer:
    return OcspAnswer(
        der=signed.complete(responder),
        this_update=signed.this_update,
        next_update=signed.next_update,
        about=about,
        is_reusable=is_reusable,
    )


def has_usual_form(cert_id: CertId) -> bool:
    """Whether the words of the question are those that answers signed ahead repeat."""
    return cert_id.encoded == encode_cert_id(
        cert_id.hash_name,
        name_hash=cert_id.issuer_name_hash,
        key_hash=cert_id.issuer_key_hash,
        serial=cert_id.serial,
    )
