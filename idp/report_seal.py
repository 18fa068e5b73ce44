"""Seals reports of checks: a PDF or an XML signed in the name of this service.

What lives here: `ReportSeal`, which has the pages drawn and signs them, or the XML, with the
service's own key for documents, with a timestamp and the evidence of its validity where they can be
had.
Source: TT 15/2025/TT-BKHCN Art. 6 (the result of a check is kept); ETSI TS 119 102-2 §4.5 (the
report's own signature is the last child of its root).
Not here: what the report says (`idp/web/verify`), the pages (`signing/validation/report/pdf`), the
XML (`signing/validation/report/etsi_xml`).
"""

from __future__ import annotations

from datetime import datetime

from idp.pki import Pki
from idp.service_key import own_key
from idp.settings import Settings
from idp.signing import SigningServices
from idp.signing_format_services import find_roots
from keystore.errors import KeystoreError
from signing.at_once import Wish, sign_at_once
from signing.errors import SigningError, StatusUnavailable, TimestampUnavailable
from signing.formats.material import Level
from signing.isolation.blob import Blob
from signing.model import SignatureFormat
from signing.new_request import NewDocument
from signing.validation.report.pdf import ReportPages, draw_report

_MIB = 1 << 20


class SealUnavailable(SigningError):
    """There is no key to seal with at this moment."""

    code = "seal_unavailable"


class ReportSeal:
    """Safe to share between threads."""

    def __init__(self, settings: Settings, *, pki: Pki, signing: SigningServices) -> None:
        self._settings = settings
        self._pki = pki
        self._signing = signing

    def seal(self, pages: ReportPages, *, name: str, is_sandbox: bool, now: datetime) -> Blob:
        """The pages as a sealed PDF; the caller closes it.

        Takes   name: of the file; is_sandbox: a key is made at first need.
        Raises  SealUnavailable; ParsingFailed.
        """
        isolation = self._signing.isolation.for_tenant("reports")
        with draw_report(isolation, pages=pages) as drawn:
            document = NewDocument(name=name, media_type="application/pdf", content=drawn)
            return self._sign(document, is_sandbox=is_sandbox, now=now)

    def seal_xml(self, raw: bytes, *, is_sandbox: bool, now: datetime) -> bytes:
        """The XML with the signature in it.

        Raises  SealUnavailable; DocumentRefused; ParsingFailed.
        """
        with Blob.of(raw) as written:
            document = NewDocument(
                name="report.xml",
                media_type="application/xml",
                content=written,
                format=SignatureFormat.XADES_ENVELOPED,
            )
            with self._sign(document, is_sandbox=is_sandbox, now=now) as signed:
                return signed.read()

    def _sign(self, document: NewDocument, *, is_sandbox: bool, now: datetime) -> Blob:
        certificates = self._pki.document_certificates
        try:
            if is_sandbox:
                certificates.renew_due(now)
            signer = certificates.find(now)
        except KeystoreError as missing:
            raise SealUnavailable from missing
        key = own_key(signer, roots=find_roots(self._settings, pki=self._pki))
        for level in (Level.LT, Level.T, Level.B):
            try:
                return sign_at_once(
                    Wish(document=document, level=level),
                    key=key,
                    intake=self._signing.intake,
                    parties=self._signing.parties,
                    most_bytes=self._settings.document_mib * _MIB,
                    now=now,
                ).content
            except (TimestampUnavailable, StatusUnavailable):
                continue
        raise SealUnavailable
