"""`/ca/…`: the certificates of authorities, as certificates name them.

What lives here: `/ca/<id>.cer` (DER, what AIA points to), `/ca/<id>.pem`, and `/ca/<id>.p7c`, the
chain up to the root.  Authorities are few and never change: their files are made once and kept in
memory; an id that is not known is looked for again every few seconds, and not at every request.
Source: RFC 5280 §4.2.2.1; RFC 2585 §4.1; RFC 8551 §3.2.1 (media types); RFC 9110 §13.1.2.
Not here: the page about an authority, CRLs (`keystore/web/crl.py`).
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from keystore.pki.authority import Authorities
from keystore.web.answer import WebAnswer, WebRequest

_PREFIX: Final = "/ca/"
_RELOAD_AFTER: Final = timedelta(seconds=5)
_MAX_AGE: Final = 24 * 3600
_NOT_FOUND: Final = WebAnswer(
    404, "text/plain; charset=utf-8", b"not found\n", (("Cache-Control", "no-store"),)
)
_NOT_ALLOWED: Final = WebAnswer(405, "text/plain", b"", (("Allow", "GET, HEAD"),))


@dataclass(frozen=True, slots=True)
class _Files:
    """The answers by path."""

    answers: Mapping[str, WebAnswer]
    at: datetime


class CertificatesEndpoint:
    """The files of all authorities; one per process."""

    max_body_bytes = 0

    def __init__(self, authorities: Authorities) -> None:
        self._authorities = authorities
        self._files: _Files | None = None
        self._loading = threading.Lock()

    def answer(self, request: WebRequest, *, now: datetime) -> WebAnswer:
        """The file of that name, or 404."""
        if request.method not in ("GET", "HEAD"):
            return _NOT_ALLOWED
        files = self._files
        if files is None or (
            request.path not in files.answers and abs(now - files.at) >= _RELOAD_AFTER
        ):
            files = self._load(now)
        found = files.answers.get(request.path, _NOT_FOUND)
        if request.if_none_match and found.status == 200:
            etag = dict(found.headers)["ETag"]
            if etag in request.if_none_match or request.if_none_match.strip() == "*":
                return WebAnswer(304, found.content_type, b"", found.headers)
        return found

    def _load(self, now: datetime) -> _Files:
        with self._loading:
            answers: dict[str, WebAnswer] = {}
            for record in self._authorities.records():
                chain = [
                    x509.load_der_x509_certificate(der)
                    for der in self._authorities.chain(record.ca_id)
                ]
                name = f"{_PREFIX}{record.ca_id}"
                pem = chain[0].public_bytes(Encoding.PEM)
                bundle = pkcs7.serialize_certificates(chain, Encoding.DER)
                answers[f"{name}.cer"] = _file("application/pkix-cert", record.certificate)
                answers[f"{name}.pem"] = _file("application/x-pem-file", pem)
                answers[f"{name}.p7c"] = _file("application/pkcs7-mime", bundle)
            self._files = files = _Files(answers, at=now)
        return files


def _file(content_type: str, body: bytes) -> WebAnswer:
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = (("ETag", etag), ("Cache-Control", f"public, max-age={_MAX_AGE}"))
    return WebAnswer(200, content_type, body, headers)
