"""Signatures of PDFs of any kind, read for validation: by other programs' signatures."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from keystore.pki.der import OCTET_STRING, wrap
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.messages.pdf_validation import READ_PDF, PdfAsked
from signing.validation.found import Form
from signing.validation.pdf import FoundPdf, pdf_time, read_pdf
from signing.validation.verify_value import is_value_of
from tests.support import pdf_attacks as attacks
from tests.support.handmade_pdf import plain_document
from tests.support.signatory import SigningPki

_ROOM = 12_000


def _sign(
    sub_filter: str,
    make: Callable[[bytes], bytes],
    *,
    more: bytes = b"",
    is_within: bool = False,
) -> bytes:
    """A signature as any program writes one: a hole, a range, and the value filled in."""
    hole = b"<" + b"0" * _ROOM + b">"
    value = (
        b"<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /%b /ByteRange [0 0000000000 "
        b"0000000000 0000000000] /M (D:20240229235958+07'00') /Reason (Gia h\\341\\272\\241n) "
        b"%b /Contents %b >>" % (sub_filter.encode(), more, hole)
    )
    field = b"<< /FT /Sig /T (Theirs) /Type /Annot /Subtype /Widget /Rect [0 0 0 0] /V 901 0 R >>"
    form = attacks.latest(attacks.victim(), attacks.FORM).replace(b"[8 0 R", b"[900 0 R 8 0 R")
    objects = {900: field, 901: value}
    if is_within:
        objects = {900: field.replace(b"901 0 R", value)}
    content = attacks.append(attacks.victim(), {**objects, attacks.FORM: form})
    start = content.index(hole)
    end = start + len(hole)
    said = b"[0 %010d %010d %010d]" % (start, end, len(content) - end)
    content = content.replace(b"[0 0000000000 0000000000 0000000000]", said)
    made = make(content[:start] + content[end:]).hex().encode()
    return content[: start + 1] + made.ljust(_ROOM, b"0") + content[end - 1 :]


def _read(content: bytes, isolation: Isolation) -> FoundPdf:
    with Blob.of(content) as document:
        return read_pdf(document, isolation=isolation)


@pytest.fixture
def openssl(signing_pki: SigningPki, tmp_path: Path) -> Callable[..., bytes]:
    """Signs with the program, by the seal's key."""
    hand = signing_pki.seal
    certificate, key, data = (tmp_path / name for name in ("c.der", "k.pem", "data"))
    certificate.write_bytes(hand.issued.der)
    key.write_bytes(
        hand.issued.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    pem = tmp_path / "c.pem"
    subprocess.run(
        ["openssl", "x509", "-inform", "DER", "-in", str(certificate), "-out", str(pem)],
        check=True,
        capture_output=True,
    )

    def sign(octets: bytes, *options: str) -> bytes:
        data.write_bytes(octets)
        command = ["openssl", "cms", "-sign", "-binary", "-outform", "DER", "-signer", str(pem)]
        command += ["-inkey", str(key), "-in", str(data), *options]
        return subprocess.run(command, check=True, capture_output=True).stdout

    return sign


@pytest.mark.parametrize("options", [(), ("-cades",), ("-stream", "-nodetach"), ("-noattr",)])
def test_a_signature_of_openssl_is_intact_whatever_its_encoding(
    isolation: Isolation, openssl: Callable[..., bytes], options: tuple[str, ...]
) -> None:
    """ISO 32000-2 §12.8.3.3: detached; content inside is none of it (`-nodetach`, in BER)."""
    found = _read(_sign("adbe.pkcs7.detached", lambda one: openssl(one, *options)), isolation)
    (signature,) = found.signatures
    assert signature.form is Form.PKCS7
    assert [one.is_intact for one in signature.objects] == [True]
    assert signature.value is not None
    assert signature.candidate is not None
    expected = ["content_encapsulated"] if "-nodetach" in options else []
    assert [one.code for one in signature.malformed] == expected
    assert signature.stated_reason
    assert signature.claimed_time is not None


def test_a_digest_inside_is_compared_with_that_of_the_octets(
    isolation: Isolation, openssl: Callable[..., bytes]
) -> None:
    """`adbe.pkcs7.sha1` (ISO 32000-1 §12.8.3.3.1): the content is the digest of the octets."""

    def make(octets: bytes) -> bytes:
        digest = hashes.Hash(hashes.SHA1())  # noqa: S303  what that sub-filter is
        digest.update(octets)
        return openssl(digest.finalize(), "-nodetach")

    content = _sign("adbe.pkcs7.sha1", make)
    (signature,) = _read(content, isolation).signatures
    assert [one.is_intact for one in signature.objects] == [True, True]
    assert signature.malformed == ()
    (changed,) = _read(content.replace(b"Pay 100", b"Pay 900"), isolation).signatures
    assert [one.is_intact for one in changed.objects] == [False, True]


def test_a_bare_rsa_value_is_over_the_octets(isolation: Isolation) -> None:
    """`adbe.x509.rsa_sha1` (ISO 32000-1 §12.8.3.2)."""
    key = rsa.generate_private_key(65537, 2048)
    spki = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )

    def make(octets: bytes) -> bytes:
        value = key.sign(octets, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303  what it is
        return wrap(OCTET_STRING, value)

    content = _sign("adbe.x509.rsa_sha1", make, more=b"/Cert <300102>")
    (signature,) = _read(content, isolation).signatures
    assert signature.candidate == b"0\x01\x02"
    assert signature.value is not None
    assert is_value_of(spki, signed=signature.value)
    (changed,) = _read(content.replace(b"Pay 100", b"Pay 900"), isolation).signatures
    assert changed.value is not None
    assert not is_value_of(spki, signed=changed.value)
    (broken,) = _read(_sign("adbe.x509.rsa_sha1", lambda _: b"\x01\x02"), isolation).signatures
    assert [one.code for one in broken.malformed] == ["signature_value_malformed"]


def test_a_sub_filter_that_nobody_knows_is_read_and_doubted(
    isolation: Isolation, openssl: Callable[..., bytes]
) -> None:
    """What it says is no reason to say nothing."""
    (signature,) = _read(_sign("somebody.else", openssl), isolation).signatures
    assert "sub_filter_unknown" in [one.code for one in signature.doubts]
    assert [one.is_intact for one in signature.objects] == [True]


def test_a_signature_may_stand_in_its_field(
    isolation: Isolation, openssl: Callable[..., bytes]
) -> None:
    """ISO 32000-2 §12.7.5.5: the value is a dictionary; that it is an object is not demanded."""
    content = _sign("adbe.pkcs7.detached", openssl, is_within=True)
    found = _read(content, isolation)
    (signature,) = found.signatures
    assert (signature.malformed, [one.is_intact for one in signature.objects]) == ((), [True])
    assert found.places[0].read.is_listed


@pytest.mark.parametrize(("said", "permission"), [("1", 1), ("1.0", 1), ("3", 3), ("9", 2)])
def test_what_a_certification_allows_is_read_as_it_is_written(
    isolation: Isolation, said: str, permission: int
) -> None:
    """ISO 32000-2 Table 257: 2 where it does not say."""
    more = f"/Reference [<< /TransformMethod /DocMDP /TransformParams << /P {said} >> >>]"
    content = _sign("adbe.pkcs7.detached", lambda _: b"0\0", more=more.encode())
    (place,) = _read(content, isolation).places
    assert place.read.permission == permission


def test_evidence_is_there_as_soon_as_it_can_be_read(isolation: Isolation) -> None:
    """What says how a stream is read may be written later than the stream (ISO 32000-2 §7.3.8)."""
    root = attacks.latest(attacks.victim(), attacks.ROOT)[:-2] + b"/DSS << /Certs [900 0 R] >> >>"
    evidence = b"<< /Length 901 0 R >>\nstream\n0\0\nendstream"
    once = attacks.append(attacks.victim(), {attacks.ROOT: root, 900: evidence, 901: b"2"})
    twice = attacks.append(once, {901: b"2"})
    plain = attacks.append(once, {900: evidence.replace(b"901 0 R", b"2")})
    ends = []
    for content in (once, twice, plain):
        with Blob.of(content) as document:
            read, written = isolation.run(READ_PDF, PdfAsked(), inputs=(document,))
            written.close()
        (one,) = read.certificates
        ends.append(one.within)
    assert len(attacks.victim()) < ends[0] < len(once) < ends[1] < len(twice)
    assert len(once) < ends[2] < len(plain)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not_a_pdf"),
        (b"GIF89a", "not_a_pdf"),
        (b"%PDF-1.7 and no more", None),
        (plain_document().classic(), None),
        (plain_document().classic()[:-300], None),
        (b"%PDF-1.7\n" + b"1 0 obj << " * 5_000, None),
        (b"%PDF-1.7\n" + b"9 0 obj << /Contents <00> /ByteRange [0 1 2 3] >>\n" * 3_000, None),
    ],
)
def test_whatever_comes_in_is_described(
    isolation: Isolation, content: bytes, code: str | None
) -> None:
    """No signature, no PDF, half a PDF, thousands of signatures."""
    found = _read(content, isolation)
    assert [one.code for one in found.malformed] == ([] if code is None else [code])
    assert len(found.signatures) <= 200


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("D:20240229235958+07'00'", (2024, 2, 29, 23, 59, 58, 7)),
        ("D:20240229235958+07'00", (2024, 2, 29, 23, 59, 58, 7)),
        ("20240229", (2024, 2, 29, 0, 0, 0, 0)),
        ("D:2024", (2024, 1, 1, 0, 0, 0, 0)),
        ("D:20240229235958Z", (2024, 2, 29, 23, 59, 58, 0)),
        ("D:20240229235958-03'00'", (2024, 2, 29, 23, 59, 58, -3)),
    ],
)
def test_a_date_is_read_as_pdf_writes_it(said: str, expected: tuple[int, ...]) -> None:
    """ISO 32000-2 §7.9.4."""
    *parts, hours = expected
    zone = timezone(timedelta(hours=hours)) if hours else UTC
    assert pdf_time(said) == datetime(*parts, tzinfo=zone)  # type: ignore[misc]  # six numbers


@pytest.mark.parametrize("said", ["", "yesterday", "D:20241399", "D:0000", "D:20240229+99'99'"])
def test_what_is_no_date_is_none(said: str) -> None:
    """And no exception."""
    assert pdf_time(said) is None
