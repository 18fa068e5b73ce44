"""A signature that exists is taken to a higher level, and stays what it was."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from signing.errors import (
    CertificateRefused,
    DocumentRefused,
    ParsingFailed,
    SignatureForeign,
    SigningError,
    StatusUnavailable,
    TimestampUnavailable,
)
from signing.formats.cades import Sources
from signing.formats.material import Level, StatusSource
from signing.formats.xades_augment import augment_xades
from signing.formats.xades_prepared import Packaging
from signing.isolation.blob import Blob
from signing.isolation.task import Task
from tests.support.isolation import WithoutWalls
from tests.support.signatory import SIGNING_TIME, Hand, SigningPki
from tests.support.xades_hands import (
    HANDS,
    as_signed,
    canonical_value,
    openssl_stamps,
    sign_xml,
    tokens_in,
)
from tests.support.xml_checkers import DS, Signed, ask_xadesjs, xmlsec_accepts

_LATER = SIGNING_TIME + timedelta(hours=1)


def augment(xml: bytes, *, pki: SigningPki, level: Level, **changes: Any) -> bytes:
    given: dict[str, Any] = {
        "now": _LATER,
        "sources": Sources(pki.timestamps(now=_LATER), pki.status(), pki.chain),
        "isolation": WithoutWalls(),
    }
    with (
        Blob.of(xml) as document,
        augment_xades(document, level=level, **(given | changes)) as made,
    ):
        return made.read()


@pytest.fixture(scope="module")
def raised(signing_pki: SigningPki) -> Mapping[str, Signed]:
    """From B-B to B-T and B-LT at once and step by step, for every packaging and key."""
    found = {}
    for who in HANDS:
        for packaging in Packaging:
            hand: Hand = getattr(signing_pki, who)
            first = as_signed("", sign_xml(hand, pki=signing_pki, packaging=packaging))
            stamped = augment(first.xml, pki=signing_pki, level=Level.T)
            for way, xml in (
                ("T", stamped),
                ("LT", augment(first.xml, pki=signing_pki, level=Level.LT)),
                ("T-LT", augment(stamped, pki=signing_pki, level=Level.LT)),
            ):
                name = f"{packaging}-{who}-{way}"
                found[name] = Signed(name, xml, first.certificate, "", first.beside)
    return found


def test_every_augmented_signature_is_valid_to_both(
    raised: Mapping[str, Signed], tmp_path: Path
) -> None:
    said = ask_xadesjs([*raised.values()], folder=tmp_path)
    for name, signed in raised.items():
        assert xmlsec_accepts(signed), name
        assert said[name]["valid"], (name, said[name]["fault"])
        properties = said[name]["properties"]
        assert properties["timestamps"] == 1
        assert bool(properties["answers"]) is bool(properties["lists"]) is name.endswith("LT")


def test_openssl_accepts_the_timestamps(
    raised: Mapping[str, Signed], signing_pki: SigningPki, tmp_path: Path
) -> None:
    """ETSI EN 319 132-1 §5.3."""
    for signed in raised.values():
        [token] = tokens_in(signed.xml)
        data = canonical_value(signed.xml)
        assert "Verification: OK" in openssl_stamps(
            token, data=data, pki=signing_pki, folder=tmp_path
        )


def test_what_stood_there_is_still_there(hand: Hand, signing_pki: SigningPki) -> None:
    first = sign_xml(hand, pki=signing_pki).xml
    second = augment(first, pki=signing_pki, level=Level.T)
    third = augment(second, pki=signing_pki, level=Level.LT)
    for before, after in ((first, second), (second, third)):
        same = next(n for n, (a, b) in enumerate(zip(before, after, strict=False)) if a != b)
        # what both ends share may overlap: only the length tells that nothing is missing
        assert after.endswith(before[same:])
        assert len(after) > len(before)


def test_a_level_that_is_reached_adds_nothing(hand: Hand, signing_pki: SigningPki) -> None:
    full = sign_xml(hand, pki=signing_pki, level=Level.LT).xml
    for level in (Level.B, Level.T, Level.LT):
        assert augment(full, pki=signing_pki, level=level) == full


def test_a_document_in_another_encoding_is_augmented_in_it(
    hand: Hand, signing_pki: SigningPki
) -> None:
    document = b"\xff\xfe" + "<a>ộ</a>".encode("utf-16-le")
    first = sign_xml(hand, pki=signing_pki, document=document)
    second = augment(first.xml, pki=signing_pki, level=Level.LT)
    second.decode("utf-16")
    assert xmlsec_accepts(
        Signed("", second, hand.signatory.certificate, first.prepared.signature_id)
    )


def test_one_of_several_signatures_is_augmented_and_all_stay_valid(
    signing_pki: SigningPki,
) -> None:
    first = sign_xml(signing_pki.citizen, pki=signing_pki)
    second = sign_xml(signing_pki.seal, pki=signing_pki, document=first.xml)
    both = [as_signed("", made) for made in (first, second)]
    with pytest.raises(DocumentRefused) as refused:
        augment(second.xml, pki=signing_pki, level=Level.LT)
    assert refused.value.reason == "signature_unknown"
    xml = second.xml
    for made in both:
        xml = augment(xml, pki=signing_pki, level=Level.LT, signature_id=made.signature_id)
        for other in both:
            assert xmlsec_accepts(Signed("", xml, other.certificate, other.signature_id))
    assert len(tokens_in(xml)) == 2


def test_a_signature_that_is_not_right_is_not_augmented(
    hand: Hand, signing_pki: SigningPki
) -> None:
    """ETSI EN 319 102-1 §5.3: no proof is collected for what does not verify."""
    xml = sign_xml(hand, pki=signing_pki).xml
    seal = sign_xml(signing_pki.seal, pki=signing_pki).xml
    own, foreign = (
        next(etree.fromstring(one).iter(f"{{{DS}}}X509Certificate")).text.encode()
        for one in (xml, seal)
    )
    for changed in (
        xml.replace(b"2026-11-21T03:04:05Z", b"2026-11-21T03:04:06Z").replace(
            b"<ds:DigestValue>", b"<ds:DigestValue>A", 1
        ),
        xml.replace(own, foreign),
        xml.replace(b"#ecdsa-sha256", b"#ecdsa-sha384"),
        xml.replace(b"#ecdsa-sha256", b"#rsa-sha1"),
    ):
        assert changed != xml
        with pytest.raises(SignatureForeign):
            augment(changed, pki=signing_pki, level=Level.T)


def test_a_timestamp_that_is_there_has_to_be_over_the_value(
    hand: Hand, signing_pki: SigningPki
) -> None:
    """ETSI EN 319 132-1 §5.3; RFC 3161 §2.4.2."""
    xml = sign_xml(hand, pki=signing_pki, level=Level.T).xml
    other = sign_xml(hand, pki=signing_pki, level=Level.T).xml
    [own], [foreign] = tokens_in(xml), tokens_in(other)
    changed = xml.replace(base64.b64encode(own), base64.b64encode(foreign))
    with pytest.raises(TimestampUnavailable):
        augment(changed, pki=signing_pki, level=Level.LT)


def test_without_evidence_nothing_is_made(
    hand: Hand, signing_pki: SigningPki, no_status: StatusSource, revoked_status: StatusSource
) -> None:
    xml = sign_xml(hand, pki=signing_pki).xml
    stamps = signing_pki.timestamps(now=_LATER)
    for status, fault in (
        (no_status, StatusUnavailable),
        (None, StatusUnavailable),
        (revoked_status, CertificateRefused),
    ):
        with pytest.raises(fault):
            augment(
                xml,
                pki=signing_pki,
                level=Level.LT,
                sources=Sources(stamps, status, signing_pki.chain),
            )
    with pytest.raises(TimestampUnavailable):
        augment(xml, pki=signing_pki, level=Level.T, sources=Sources())


def test_archive_timestamps_are_not_promised(hand: Hand, signing_pki: SigningPki) -> None:
    xml = sign_xml(hand, pki=signing_pki).xml
    with pytest.raises(DocumentRefused) as refused:
        augment(xml, pki=signing_pki, level=Level.LTA)
    assert refused.value.reason == "level"


class Liar:
    """An `Isolation` in other hands."""

    def __init__(self, *, signed_info: bytes | None = None, **changes: Any) -> None:
        self._signed_info = signed_info
        self._changes = changes

    def run(self, task: Task, asked: Any, *, inputs: Sequence[Blob] = ()) -> tuple[Any, Blob]:
        """See `Isolation`."""
        answer, output = WithoutWalls().run(task, asked, inputs=inputs)
        changed = msgspec.structs.replace(answer, **self._changes)
        return changed, output if self._signed_info is None else Blob.of(self._signed_info)


@pytest.mark.parametrize(
    ("liar", "fault"),
    [
        (Liar(offset=10), ParsingFailed),
        (Liar(offset=-1), ParsingFailed),
        (Liar(offset=1 << 40), ParsingFailed),
        (Liar(closing="hoSo"), ParsingFailed),
        (Liar(has_unsigned=True), ParsingFailed),
        (Liar(signed_info=b"<ds:SignedInfo></ds:SignedInfo>"), SignatureForeign),
        (Liar(value=b"\x00" * 64), SignatureForeign),
        (Liar(value=b""), SignatureForeign),
        (Liar(certificates=()), SignatureForeign),
        (Liar(certificates=(b"\x30\x00",)), SignatureForeign),
        (Liar(method="urn:none"), SignatureForeign),
        (Liar(tokens=(b"\x30\x00",), token_ids=("x",)), TimestampUnavailable),
    ],
)
def test_a_lie_about_a_signature_is_found_out(
    liar: Liar, fault: type[Exception], hand: Hand, signing_pki: SigningPki
) -> None:
    xml = sign_xml(hand, pki=signing_pki).xml
    with pytest.raises(fault):
        augment(xml, pki=signing_pki, level=Level.T, isolation=liar)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ((b"xades:QualifyingProperties", b"xades:Other"), "signature_not_xades"),
        ((b"xml-exc-c14n#", b"xml-exc-c14n#WithComments"), "signature_form"),
        ((b"ds:SignatureValue", b"ds:Other"), "signature_form"),
        ((b'Id="sig-', b'Id="other-'), "signature_unknown"),
        ((b'<hoSo xmlns="urn:vn:ho-so"', b"<!DOCTYPE hoSo><hoSo"), "doctype"),
        ((b'encoding="UTF-8"', b'encoding="UTF-7"'), "encoding_unknown"),
    ],
)
def test_what_is_no_signature_of_that_form_is_refused(
    change: tuple[bytes, bytes], reason: str, hand: Hand, signing_pki: SigningPki
) -> None:
    made = sign_xml(hand, pki=signing_pki)
    xml = made.xml.replace(*change)
    assert xml != made.xml
    with pytest.raises(DocumentRefused) as refused:
        augment(xml, pki=signing_pki, level=Level.T, signature_id=made.prepared.signature_id)
    assert refused.value.reason == reason


def test_a_signature_that_covers_its_neighbour_keeps_it_as_it_is(
    hand: Hand, signing_pki: SigningPki
) -> None:
    """Augmenting changes a document for every signature that does not leave signatures out."""
    made = sign_xml(hand, pki=signing_pki)
    neighbour = (
        f'<Signature xmlns="{DS}"><SignedInfo><Reference URI=""/></SignedInfo></Signature></hoSo>'
    )
    xml = made.xml.replace(b"</hoSo>", neighbour.encode())
    with pytest.raises(DocumentRefused) as refused:
        augment(xml, pki=signing_pki, level=Level.T, signature_id=made.prepared.signature_id)
    assert refused.value.reason == "signature_would_break"


def test_a_document_has_a_size(
    hand: Hand, signing_pki: SigningPki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signing.formats.xades_augment.MOST_BYTES", 100)
    with pytest.raises(DocumentRefused) as refused:
        augment(sign_xml(hand, pki=signing_pki).xml, pki=signing_pki, level=Level.T)
    assert refused.value.reason == "too_large"


def test_the_digest_in_a_timestamp_is_by_the_hash_of_the_key(signing_pki: SigningPki) -> None:
    made = sign_xml(signing_pki.citizen_384, pki=signing_pki, level=Level.T)
    [token] = tokens_in(made.xml)
    assert hashlib.sha384(canonical_value(made.xml)).digest() in token


@given(data=st.data())
def test_a_damaged_signature_is_refused_with_a_reason(data: st.DataObject, signing_pki) -> None:
    """Whatever stands in a file, the outcome is a refusal or a signature, never a fault."""
    xml = bytearray(_signed_once(signing_pki))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(xml) - 1))
        piece = data.draw(
            st.sampled_from([b"", b"<", b"</", b"/>", b"&", b"=", b"xades:", b"ds:", b"A", b"\xff"])
            | st.binary(max_size=3)
        )
        xml[at : at + data.draw(st.integers(0, 40))] = piece
    with suppress(SigningError):
        augment(bytes(xml), pki=signing_pki, level=Level.LT)


@cache
def _signed_once(pki: SigningPki) -> bytes:
    return sign_xml(pki.citizen, pki=pki, level=Level.T).xml
