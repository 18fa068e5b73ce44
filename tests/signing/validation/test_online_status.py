"""Asking about other people's certificates: bounded, remembered, and never a guess."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from signing.sources import Unreachable
from signing.validation.online_status import AskedOnline, OnlineLimits
from tests.support.pki import SmallPki

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture(scope="module")
def pki() -> SmallPki:
    """An authority whose certificates name a responder, a list and an issuer."""
    return SmallPki(NOW - timedelta(days=30))


@dataclass(slots=True)
class Web:
    """Answers as the addresses of `SmallPki` would."""

    pki: SmallPki
    is_nonce_given: bool = True
    wrong_nonce: bytes = b""
    silent: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    limits: list[tuple[int, float]] = field(default_factory=list)
    garbage: bytes | None = None
    now_s: float = 0.0
    takes_s: float = 0.0
    status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD

    def exchange(
        self, url: str, *, body: bytes | None, content_type: str, most_bytes: int, timeout_s: float
    ) -> bytes:
        """See `OnlineTransport`."""
        kind = "ocsp" if body is not None else "crl" if "/crl/" in url else "issuer"
        self.asked.append(kind)
        self.limits.append((most_bytes, timeout_s))
        self.now_s += min(self.takes_s, timeout_s)
        if kind in self.silent:
            raise Unreachable
        if self.garbage is not None:
            return self.garbage
        if body is not None:
            assert content_type == "application/ocsp-request"
            return self._answer(ocsp.load_der_ocsp_request(body))
        return self.pki.root_crl() if kind == "crl" else self.pki.issuing.der

    def online(self, **limits: float) -> AskedOnline:
        """Whoever asks."""
        return AskedOnline(self, limits=OnlineLimits(**limits), monotonic=lambda: self.now_s)

    def _answer(self, request: ocsp.OCSPRequest) -> bytes:
        nonce = request.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce
        assert len(nonce) == 32
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                self.pki.citizen.certificate,
                self.pki.issuing.certificate,
                SHA256(),
                self.status,
                NOW,
                NOW + timedelta(hours=1),
                None,
                None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.NAME, self.pki.ocsp.certificate)
            .certificates([self.pki.ocsp.certificate])
        )
        if self.is_nonce_given:
            told = self.wrong_nonce or nonce
            builder = builder.add_extension(x509.OCSPNonce(told), critical=False)
        return builder.sign(self.pki.ocsp.key, SHA256()).public_bytes(Encoding.DER)


@pytest.fixture
def web(pki: SmallPki) -> Web:
    """Everybody answers."""
    return Web(pki)


def _find(online: AskedOnline, pki: SmallPki, *, now: datetime = NOW):
    return online.find(pki.citizen.der, issuer=pki.issuing.der, now=now)


@pytest.mark.parametrize("is_nonce_given", [True, False])
def test_a_responder_is_asked_first(web: Web, pki: SmallPki, is_nonce_given: bool) -> None:
    """RFC 9654 §2.1: a responder may leave the nonce out."""
    web.is_nonce_given = is_nonce_given
    found = _find(web.online(), pki)
    assert len(found.ocsp_responses) == 1
    assert found.certificates == (pki.ocsp.der,)
    assert web.asked == ["ocsp"]


def test_the_list_is_fetched_when_the_responder_does_not_know_the_certificate(
    web: Web, pki: SmallPki
) -> None:
    """RFC 6960 §2.2: another source of status may be tried; what was answered is kept."""
    web.status = ocsp.OCSPCertStatus.UNKNOWN
    found = _find(web.online(), pki)
    assert (len(found.ocsp_responses), len(found.crls)) == (1, 1)
    assert web.asked == ["ocsp", "crl"]
    web.silent = {"crl"}
    found = _find(web.online(), pki)
    assert (len(found.ocsp_responses), len(found.crls)) == (1, 0)


def test_the_list_is_fetched_when_the_responder_gives_nothing(web: Web, pki: SmallPki) -> None:
    web.silent = {"ocsp"}
    (crl,) = _find(web.online(), pki).crls
    assert x509.load_der_x509_crl(crl).issuer == pki.root.certificate.subject
    assert web.asked == ["ocsp", "crl"]


@pytest.mark.parametrize("garbage", [b"", b"<html>", bytes(300_000)])
def test_what_is_neither_answer_nor_list_is_nothing(
    web: Web, pki: SmallPki, garbage: bytes
) -> None:
    web.garbage = garbage
    nothing = _find(web.online(), pki)
    assert (nothing.ocsp_responses, nothing.crls) == ((), ())
    assert web.asked == ["ocsp", "crl"]


def test_an_answer_to_another_question_is_none(web: Web, pki: SmallPki) -> None:
    """RFC 6960 §4.4.1: an answer with another nonce was given to somebody else, earlier."""
    web.wrong_nonce = bytes(32)
    online = web.online()
    for _ in range(2):
        found = _find(online, pki)
        assert found.ocsp_responses == ()
        assert found.crls


def test_a_refusal_of_the_responder_is_no_answer(web: Web, pki: SmallPki) -> None:
    """RFC 6960 §4.2.1: tryLater, unauthorized."""
    refused = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
    web.garbage = refused.public_bytes(Encoding.DER)
    found = _find(web.online(), pki)
    assert (found.ocsp_responses, found.crls) == ((), ())


def test_what_came_is_remembered_for_five_minutes(web: Web, pki: SmallPki) -> None:
    online = web.online()
    first = _find(online, pki)
    assert _find(online, pki, now=NOW + timedelta(minutes=4)) == first
    assert web.asked == ["ocsp"]
    _find(online, pki, now=NOW + timedelta(minutes=5))
    assert web.asked == ["ocsp", "ocsp"]


def test_that_nothing_came_is_remembered_for_a_minute(web: Web, pki: SmallPki) -> None:
    web.silent = {"ocsp", "crl"}
    online = web.online()
    for seconds in (0, 30, 59):
        assert not _find(online, pki, now=NOW + timedelta(seconds=seconds)).crls
    assert web.asked == ["ocsp", "crl"]
    web.silent.clear()
    assert _find(online, pki, now=NOW + timedelta(seconds=60)).ocsp_responses


def test_one_validation_has_its_time_and_its_questions(web: Web, pki: SmallPki) -> None:
    web.silent, web.takes_s = {"ocsp", "crl"}, 100.0
    started = web.now_s
    one = web.online(call_s=3.0, validation_s=5.0).for_one_validation()
    for _ in range(3):
        other = pki.issue("Somebody")
        one.find(other.der, issuer=pki.issuing.der, now=NOW)
    assert web.now_s - started == pytest.approx(5.0)
    assert [seconds for _, seconds in web.limits] == pytest.approx([3.0, 2.0])
    web.takes_s = 0.0
    few = web.online(questions=3).for_one_validation()
    web.asked.clear()
    for _ in range(4):
        few.find(pki.issue("Somebody").der, issuer=pki.issuing.der, now=NOW)
    assert len(web.asked) == 3


def test_what_is_remembered_is_bounded(
    web: Web, pki: SmallPki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signing.validation.online_status._MOST_REMEMBERED_BYTES", 2_000)
    online = web.online()
    for _ in range(4):
        online.find(pki.issue("Somebody").der, issuer=pki.issuing.der, now=NOW)
    assert online._memory._bytes <= 2_000
    assert len(online._memory._known) < 4


def test_issuers_are_fetched_where_a_certificate_says(web: Web, pki: SmallPki) -> None:
    """RFC 5280 §4.2.2.1."""
    assert web.online().find_issuers(pki.citizen.der, now=NOW) == (pki.issuing.der,)
    web.garbage = pki.issuing.pem + pki.root.pem
    assert web.online().find_issuers(pki.citizen.der, now=NOW) == (pki.issuing.der, pki.root.der)
    web.garbage = b"<html>"
    assert web.online().find_issuers(pki.citizen.der, now=NOW) == ()


def test_what_is_no_certificate_asks_nobody(web: Web, pki: SmallPki) -> None:
    online = web.online()
    for raw in (b"", b"text", pki.citizen.der[:-1]):
        assert online.find_issuers(raw, now=NOW) == ()
        assert not online.find(raw, issuer=pki.issuing.der, now=NOW).crls
    assert web.asked == []
