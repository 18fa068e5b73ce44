"""XAdES: accepted by xmlsec and xadesjs, its timestamps by openssl; and what is refused."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from cryptography import x509
from lxml import etree

from signing.errors import (
    CertificateRefused,
    DocumentRefused,
    SignatureForeign,
    StatusUnavailable,
    TimestampUnavailable,
)
from signing.formats.cades import Sources
from signing.formats.material import Level, StatusSource, Timestamps
from signing.formats.xades import finish_xades, prepare_xades_detached
from signing.formats.xades_prepared import Packaging, PreparedXades
from signing.formats.xades_references import SignedFile
from signing.isolation.blob import Blob
from tests.support.signatory import SIGNING_TIME, Hand, SigningPki
from tests.support.xades_hands import (
    FORM,
    HANDS,
    LEVELS,
    as_signed,
    canonical_value,
    finish,
    openssl_stamps,
    prepare,
    sign_xml,
    sources,
    tokens_in,
    xades_matrix,
)
from tests.support.xml_checkers import DS, XADES, Signed, ask_xadesjs, xmlsec_accepts
from tests.support.xml_inputs import INPUTS

MATRIX = [
    f"{packaging}-{level}-{who}" for packaging in Packaging for level in LEVELS for who in HANDS
]

OUTSIDE_ROOT = {"instructions_outside"}
"""xadesjs hashes the root element and leaves out what stands around it (XML Signature 1.1 §4.4.3.3
says: the whole document)."""
OTHER_DS = {"our_prefixes_mean_others"}
"""xadesjs lets the prefixes of the root replace those of ds:SignedInfo."""


@pytest.fixture(scope="module")
def matrix(signing_pki: SigningPki) -> Mapping[str, Signed]:
    return xades_matrix(signing_pki)


@pytest.fixture(scope="module")
def inputs(signing_pki: SigningPki) -> Mapping[str, Signed]:
    found = {}
    for name, document in INPUTS.items():
        for is_alone in (False, True):
            made = sign_xml(
                signing_pki.citizen, pki=signing_pki, document=document, is_alone=is_alone
            )
            full = f"{name}-alone" if is_alone else name
            found[full] = as_signed(full, made)
    return found


@pytest.fixture(scope="module")
def xadesjs(
    matrix: Mapping[str, Signed],
    inputs: Mapping[str, Signed],
    tmp_path_factory: pytest.TempPathFactory,
) -> Mapping[str, Any]:
    folder = tmp_path_factory.mktemp("xadesjs")
    return ask_xadesjs([*matrix.values(), *inputs.values()], folder=folder)


@pytest.mark.parametrize("name", MATRIX)
def test_xmlsec_accepts_every_packaging_level_and_key(
    name: str, matrix: Mapping[str, Signed]
) -> None:
    assert xmlsec_accepts(matrix[name])


@pytest.mark.parametrize("name", MATRIX)
def test_xadesjs_accepts_every_packaging_level_and_key(
    name: str, xadesjs: Mapping[str, Any]
) -> None:
    said = xadesjs[name]
    assert said["valid"], said["fault"]
    properties = said["properties"]
    assert properties["signing_time"] == "2026-11-21T03:04:05Z"
    assert properties["timestamps"] == (0 if "-B-B-" in name else 1)
    has_material = "-B-LT-" in name
    assert bool(properties["certificates"]) is has_material
    assert bool(properties["answers"]) is bool(properties["lists"]) is has_material


@pytest.mark.parametrize("name", [name for name in MATRIX if "-B-B-" not in name])
def test_openssl_accepts_the_timestamp_over_the_canonical_signature_value(
    name: str, matrix: Mapping[str, Signed], signing_pki: SigningPki, tmp_path
) -> None:
    """ETSI EN 319 132-1 §5.3."""
    xml = matrix[name].xml
    [token] = tokens_in(xml)
    data = canonical_value(xml)
    said = openssl_stamps(token, data=data, pki=signing_pki, folder=tmp_path)
    assert "Verification: OK" in said, said
    other = openssl_stamps(token, data=data + b" ", pki=signing_pki, folder=tmp_path)
    assert "OK" not in other


@pytest.mark.parametrize("name", [*INPUTS, *(f"{name}-alone" for name in INPUTS)])
def test_documents_of_every_make_are_signed(
    name: str, inputs: Mapping[str, Signed], xadesjs: Mapping[str, Any]
) -> None:
    assert xmlsec_accepts(inputs[name])
    said = xadesjs[name]
    if name.removesuffix("-alone") in OUTSIDE_ROOT | OTHER_DS:
        assert not said["valid"]  # the peer's fault; when it is mended, this test says so
        return
    assert said["valid"], said["fault"]


def test_the_text_of_a_signature_is_its_own_canonical_form(matrix: Mapping[str, Signed]) -> None:
    """W3C Exclusive XML Canonicalization 1.0 §3."""
    for signed in matrix.values():
        root = etree.fromstring(signed.xml)
        [signature] = root.iter(f"{{{DS}}}Signature")
        text = etree.tostring(signature, method="c14n", exclusive=True, with_tail=False)
        assert text in signed.xml


def test_what_has_to_be_signed_is_the_canonical_signed_info(
    hand: Hand, signing_pki: SigningPki
) -> None:
    """W3C XML Signature 1.1 §3.1.2."""
    made = sign_xml(hand, pki=signing_pki)
    root = etree.fromstring(made.xml)
    [info] = root.iter(f"{{{DS}}}SignedInfo")
    wanted = made.prepared.to_be_signed
    assert wanted.octets == etree.tostring(info, method="c14n", exclusive=True, with_tail=False)
    assert wanted.digest == hashlib.sha256(wanted.octets).digest()


@pytest.mark.parametrize("who", HANDS)
def test_algorithms_are_those_of_the_key(who: str, signing_pki: SigningPki) -> None:
    """RFC 6931 §2.3.6; RFC 9231 §2.3.10; TT 15/2025/TT-BKHCN Annex I."""
    hand: Hand = getattr(signing_pki, who)
    root = etree.fromstring(sign_xml(hand, pki=signing_pki).xml)
    [method] = [one.get("Algorithm") for one in root.iter(f"{{{DS}}}SignatureMethod")]
    [value] = [base64.b64decode(one.text) for one in root.iter(f"{{{DS}}}SignatureValue")]
    expected = {
        "citizen": ("ecdsa-sha256", 64, "sha256"),
        "citizen_384": ("ecdsa-sha384", 96, "sha384"),
        "citizen_rsa": ("sha256-rsa-MGF1", 384, "sha256"),
    }
    name, size, hashed = expected[who]
    assert method.endswith(f"#{name}")
    assert len(value) == size
    digests = {one.get("Algorithm") for one in root.iter(f"{{{DS}}}DigestMethod")}
    assert all(one.endswith(hashed) for one in digests)


def test_the_signing_certificate_is_named_by_its_digest(
    hand: Hand, signing_pki: SigningPki
) -> None:
    """ETSI EN 319 132-1 §5.2.2, §6.3: SigningCertificateV2, among what is signed."""
    root = etree.fromstring(sign_xml(hand, pki=signing_pki).xml)
    path = (
        f".//{{{XADES}}}SignedProperties//{{{XADES}}}SigningCertificateV2/{{{XADES}}}Cert"
        f"/{{{XADES}}}CertDigest/{{{DS}}}DigestValue"
    )
    [digest] = [base64.b64decode(one.text) for one in root.iterfind(path)]
    assert digest == hashlib.sha256(hand.signatory.certificate).digest()
    [first, *issuers] = [
        base64.b64decode(one.text) for one in root.iter(f"{{{DS}}}X509Certificate")
    ]
    assert first == hand.signatory.certificate
    assert issuers == [signing_pki.issuing.der]


def test_the_issuers_stand_in_an_rsa_signature_only_where_xadesjs_does_not_look(
    signing_pki: SigningPki,
) -> None:
    made = sign_xml(signing_pki.citizen_rsa, pki=signing_pki, level=Level.LT)
    root = etree.fromstring(made.xml)
    in_key_info = [base64.b64decode(one.text) for one in root.iter(f"{{{DS}}}X509Certificate")]
    assert in_key_info == [signing_pki.citizen_rsa.signatory.certificate]
    path = (
        f".//{{{XADES}}}UnsignedSignatureProperties/{{{XADES}}}CertificateValues"
        f"/{{{XADES}}}EncapsulatedX509Certificate"
    )
    values = [base64.b64decode(one.text) for one in root.iterfind(path)]
    assert signing_pki.issuing.der in values
    assert signing_pki.root.der in values


@pytest.mark.parametrize("packaging", Packaging)
def test_the_two_halves_can_be_stored_in_between(
    packaging: Packaging, hand: Hand, signing_pki: SigningPki
) -> None:
    prepared = prepare(hand, packaging=packaging)
    stored = msgspec.json.encode(prepared)
    again = msgspec.json.decode(stored, type=PreparedXades)
    assert again == prepared
    made = finish(again, hand=hand, pki=signing_pki)
    assert prepared.signature_id.encode() in made


def test_ids_are_new_each_time(hand: Hand) -> None:
    assert prepare(hand).signature_id != prepare(hand).signature_id


def test_a_prepared_signature_tells_nothing_by_accident(hand: Hand) -> None:
    shown = repr(prepare(hand))
    assert "Nguyễn" not in shown
    assert base64.b64encode(hand.signatory.certificate).decode()[:40] not in shown


@pytest.mark.parametrize("packaging", Packaging)
def test_a_signature_of_another_key_is_refused(
    packaging: Packaging, hand: Hand, signing_pki: SigningPki
) -> None:
    """W3C XML Signature 1.1 §3.2.2: nothing leaves that does not verify."""
    prepared = prepare(hand, packaging=packaging)
    other = signing_pki.seal.sign(prepared.to_be_signed.digest)
    for signature in (other, b"", b"\x30\x00", hand.sign(hashlib.sha256(b"other").digest())):
        with pytest.raises(SignatureForeign):
            finish(prepared, hand=hand, pki=signing_pki, signature=signature)


@pytest.mark.parametrize("packaging", Packaging)
def test_a_document_that_changed_in_between_is_refused(
    packaging: Packaging, hand: Hand, signing_pki: SigningPki
) -> None:
    prepared = prepare(hand, packaging=packaging)
    signature = hand.sign(prepared.to_be_signed.digest)
    for changed in (FORM.replace(b"100000", b"900000"), FORM + b"\n", b""):
        with Blob.of(changed) as document, pytest.raises(DocumentRefused) as refused:
            finish_xades(
                prepared,
                signature=signature,
                level=Level.B,
                now=SIGNING_TIME,
                sources=sources(signing_pki),
                document=document,
            )
        assert refused.value.reason == "document_changed"


def test_an_enveloped_signature_needs_its_document(hand: Hand, signing_pki: SigningPki) -> None:
    prepared = prepare(hand)
    with pytest.raises(DocumentRefused) as refused:
        finish_xades(
            prepared,
            signature=hand.sign(prepared.to_be_signed.digest),
            level=Level.B,
            now=SIGNING_TIME,
            sources=sources(signing_pki),
        )
    assert refused.value.reason == "document_changed"


@pytest.mark.parametrize("level", [Level.T, Level.LT])
def test_a_level_without_its_timestamp_is_not_made(
    level: Level, hand: Hand, signing_pki: SigningPki, no_timestamps: Timestamps
) -> None:
    """ETSI EN 319 132-1 §6.3: B-T has a SignatureTimeStamp."""
    for absent in (Sources(no_timestamps, signing_pki.status()), Sources()):
        with pytest.raises(TimestampUnavailable):
            finish(prepare(hand), hand=hand, pki=signing_pki, level=level, sources=absent)


def test_a_timestamp_over_something_else_is_refused(hand: Hand, signing_pki: SigningPki) -> None:
    """RFC 3161 §2.4.2."""
    stamps = signing_pki.timestamps()

    class Confused:
        def stamp(self, digest: bytes, *, hash_name: str) -> bytes:
            return stamps.stamp(hashlib.sha256(digest).digest(), hash_name=hash_name)

    with pytest.raises(TimestampUnavailable):
        finish(
            prepare(hand),
            hand=hand,
            pki=signing_pki,
            level=Level.T,
            sources=Sources(Confused(), signing_pki.status()),
        )


def test_a_level_without_its_evidence_is_not_made(
    hand: Hand, signing_pki: SigningPki, no_status: StatusSource
) -> None:
    """ETSI EN 319 132-1 §6.3: B-LT has CertificateValues and RevocationValues."""
    for status in (no_status, None):
        with pytest.raises(StatusUnavailable):
            finish(
                prepare(hand),
                hand=hand,
                pki=signing_pki,
                level=Level.LT,
                sources=Sources(signing_pki.timestamps(), status),
            )


def test_a_revoked_certificate_gets_no_evidence(
    hand: Hand, signing_pki: SigningPki, revoked_status: StatusSource
) -> None:
    with pytest.raises(CertificateRefused):
        finish(
            prepare(hand),
            hand=hand,
            pki=signing_pki,
            level=Level.LT,
            sources=Sources(signing_pki.timestamps(), revoked_status),
        )


def test_archive_timestamps_are_not_promised(hand: Hand, signing_pki: SigningPki) -> None:
    with pytest.raises(DocumentRefused) as refused:
        finish(prepare(hand), hand=hand, pki=signing_pki, level=Level.LTA)
    assert refused.value.reason == "level"


@pytest.mark.parametrize("packaging", Packaging)
def test_a_certificate_outside_of_its_time_signs_nothing(packaging: Packaging, hand: Hand) -> None:
    certificate = x509.load_der_x509_certificate(hand.signatory.certificate)
    for instant in (
        certificate.not_valid_after_utc + timedelta(seconds=1),
        certificate.not_valid_before_utc - timedelta(seconds=1),
    ):
        with pytest.raises(CertificateRefused):
            prepare(hand, packaging=packaging, signing_time=instant)


def test_a_document_too_large_to_be_enveloped_in_base64_is_refused(
    hand: Hand, signing_pki: SigningPki
) -> None:
    largest = sign_xml(
        hand, pki=signing_pki, packaging=Packaging.ENVELOPING, document=b"\x00" * 7_000_000
    )
    assert etree.fromstring(largest.xml).tag.endswith("Signature")  # by default limits
    with pytest.raises(DocumentRefused) as refused:
        prepare(hand, packaging=Packaging.ENVELOPING, document=b"\x00" * 7_000_001)
    assert refused.value.reason == "too_large"


def test_an_enveloping_signature_gives_the_document_back(
    hand: Hand, signing_pki: SigningPki
) -> None:
    document = bytes(range(256))
    made = sign_xml(
        hand,
        pki=signing_pki,
        packaging=Packaging.ENVELOPING,
        document=document,
        mime_type="image/png",
    )
    [content] = etree.fromstring(made.xml).iterfind(f"{{{DS}}}Object[@Encoding]")
    assert base64.b64decode(content.text) == document
    assert content.get("MimeType") == "image/png"
    assert xmlsec_accepts(as_signed("binary", made))


@pytest.mark.parametrize("packaging", Packaging)
@pytest.mark.parametrize("mime_type", ["", "text", "text/", "a b/c", "text/xml\n", "ă/b"])
def test_a_mime_type_has_its_form(packaging: Packaging, mime_type: str, hand: Hand) -> None:
    """RFC 6838 §4.2; ETSI EN 319 132-1 §5.2.4."""
    with pytest.raises(DocumentRefused) as refused:
        prepare(hand, packaging=packaging, mime_type=mime_type)
    assert refused.value.reason == "mime_type"


def test_many_files_are_signed_at_once(hand: Hand, signing_pki: SigningPki) -> None:
    contents = {f"thư mục/{number}.txt": b"%d" % number for number in range(100)}
    files = [
        SignedFile(name, "text/plain", hashlib.sha256(content).digest())
        for name, content in contents.items()
    ]
    prepared = prepare_xades_detached(files, signatory=hand.signatory, signing_time=SIGNING_TIME)
    xml = finish(prepared, hand=hand, pki=signing_pki)
    beside = {one.get("URI"): one for one in etree.fromstring(xml).iter(f"{{{DS}}}Reference")}
    assert "th%C6%B0%20m%E1%BB%A5c/7.txt" in beside
    named = {uri: contents[name] for uri, name in zip(list(beside)[:-1], contents, strict=True)}
    signed = Signed("many", xml, hand.signatory.certificate, beside=named)
    assert xmlsec_accepts(signed)
    changed = Signed(
        "changed", xml, hand.signatory.certificate, beside=named | {next(iter(named)): b"x"}
    )
    assert not xmlsec_accepts(changed)


def test_large_documents_are_signed_by_one(hand: Hand, signing_pki: SigningPki, tmp_path) -> None:
    """XPath over many nodes takes xmlsec the square of their number."""
    words = "Căn cứ Luật Giao dịch điện tử, " * 8
    rows = "".join(f"<dong so='{n}'><ten>{words}</ten></dong>\r\n" for n in range(16_000))
    document = f"<bang>{rows}</bang>".encode()
    assert len(document) > 5_000_000
    made = sign_xml(hand, pki=signing_pki, document=document)
    assert xmlsec_accepts(as_signed("large", made))
    assert ask_xadesjs([as_signed("large", made)], folder=tmp_path)["large"]["valid"]
    with pytest.raises(DocumentRefused) as refused:
        prepare(hand, document=document, is_alone=False)
    assert refused.value.reason == "too_large_to_share"


def test_a_document_that_grew_too_large_for_others_is_not_signed_again(
    hand: Hand, signing_pki: SigningPki, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = sign_xml(hand, pki=signing_pki)
    monkeypatch.setattr("signing.formats.xades.MOST_NODES_SHARED", 3)
    for is_alone in (None, True, False):
        with pytest.raises(DocumentRefused) as refused:
            prepare(hand, document=first.xml, is_alone=is_alone)
        assert refused.value.reason == "too_large_to_share"


def test_sources_of_evidence_are_asked_about_signer_and_timestamp(
    hand: Hand, signing_pki: SigningPki
) -> None:
    """ETSI EN 319 132-1 §5.4, §5.5: TimeStampValidationData for the chain of the timestamp."""
    status = signing_pki.status()
    given = Sources(signing_pki.timestamps(), status)
    xml = finish(prepare(hand), hand=hand, pki=signing_pki, level=Level.LT, sources=given)
    assert [chain[0] for chain in status.asked] == [
        hand.signatory.certificate,
        signing_pki.tsa.der,
    ]
    root = etree.fromstring(xml)
    [data] = root.iter("{http://uri.etsi.org/01903/v1.4.1#}TimeStampValidationData")
    [stamp] = root.iter(f"{{{XADES}}}SignatureTimeStamp")
    assert data.get("URI") == f"#{stamp.get('Id')}"
