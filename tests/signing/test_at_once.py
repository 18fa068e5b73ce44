"""Signing at once: what the command relies on, and what stands between a wish and a signature."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from signing.at_once import OwnKey, Wish, sign_at_once
from signing.errors import CertificateRefused, DocumentRefused, RequestRefused, SignatureForeign
from signing.formats.material import Level
from signing.formats.table import Parties
from signing.intake import Intake
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.model import SignatureFormat
from signing.new_request import NewDocument
from tests.support.handmade_pdf import plain_document
from tests.support.signatory import Hand

_MOST = 1_000_000


@pytest.fixture
def key(hand: Hand) -> OwnKey:
    return OwnKey(signatory=hand.signatory, sign=hand.sign, holder="Ấn Tín", issuer="CA")


@pytest.fixture
def sign(isolation: Isolation, now: datetime) -> Callable[..., bytes]:
    def signed(content: bytes, *, by: OwnKey, at: datetime = now, **more) -> bytes:
        wish = {"level": Level.B} | more
        with Blob.of(content) as blob:
            made = sign_at_once(
                Wish(document=NewDocument(name="tệp", content=blob), **wish),
                key=by,
                intake=Intake(isolation),
                parties=Parties.of(isolation, timestamps=None, status=None),
                most_bytes=_MOST,
                now=at,
            )
        with made.content:
            assert made.signed_at == at.replace(microsecond=0)
            return made.content.read()

    return signed


def test_a_pdf_is_followed_by_its_signature(sign, key) -> None:
    document = plain_document().classic()
    signed = sign(document, by=key, reason="Ban hành", appearance=b'{"kind": "general"}')
    assert signed.startswith(document)
    assert b"/ETSI.CAdES.detached" in signed


def test_any_other_file_gets_a_signature_beside_it(sign, key) -> None:
    assert sign(bytes(9), by=key).startswith(b"0\x82")


def test_a_digest_alone_is_not_signed_here(key, isolation, now) -> None:
    wish = Wish(document=NewDocument(name="x", digest=bytes(32)), level=Level.B)
    parties = Parties.of(isolation, timestamps=None, status=None)
    with pytest.raises(RequestRefused, match="content_or_digest"):
        sign_at_once(
            wish, key=key, intake=Intake(isolation), parties=parties, most_bytes=_MOST, now=now
        )


@pytest.mark.parametrize(
    ("content", "more", "error", "reason"),
    [
        (bytes(_MOST + 1), {}, RequestRefused, "document_size"),
        (b"%PDF-1.7\n%%EOF", {}, DocumentRefused, "damaged|truncated"),
        (b"x", {"level": Level.LTA}, RequestRefused, "level_unfit"),
        (b"x", {"reason": "x" * 501}, RequestRefused, "text_length"),
        (b"x", {"appearance": b'{"kind": "general"}'}, RequestRefused, "appearance"),
        (b"x", {"appearance": b"["}, RequestRefused, "appearance"),
    ],
)
def test_what_cannot_be_is_refused(sign, key, content, more, error, reason) -> None:
    with pytest.raises(error, match=reason):
        sign(content, by=key, **more)


def test_a_signature_of_another_key_comes_to_nothing(sign, key, signing_pki) -> None:
    other = OwnKey(
        signatory=key.signatory, sign=signing_pki.seal.sign, holder=key.holder, issuer=key.issuer
    )
    for content in (b"x", plain_document().classic()):
        with pytest.raises(SignatureForeign):
            sign(content, by=other)


def test_a_certificate_that_has_ended_signs_no_pdf(sign, key, now) -> None:
    """Circular 15/2025/TT-BKHCN Art. 5: the certificate is checked before signing."""
    with pytest.raises(CertificateRefused, match="expired"):
        sign(plain_document().classic(), by=key, at=now + timedelta(days=40 * 365))


def test_formats_are_those_of_requests(isolation, key, now) -> None:
    with Blob.of(b"x") as blob:
        document = NewDocument(name="x", content=blob, format=SignatureFormat.ASIC_E_XADES)
        made = sign_at_once(
            Wish(document=document, level=Level.B),
            key=key,
            intake=Intake(isolation),
            parties=Parties.of(isolation, timestamps=None, status=None),
            most_bytes=_MOST,
            now=now,
        )
    with made.content:
        assert made.format is SignatureFormat.ASIC_E_XADES
        assert made.content.read().startswith(b"PK")
