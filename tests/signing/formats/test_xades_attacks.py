"""What was changed or wrapped after signing is refused by both verifiers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest

from signing.formats.material import Level
from signing.formats.xades_prepared import Packaging
from signing.formats.xades_properties import Particulars
from tests.support.signatory import SigningPki
from tests.support.xades_hands import FORM, as_signed, sign_xml
from tests.support.xml_checkers import Signed, ask_xadesjs, xmlsec_accepts

Change = Callable[[bytes], bytes]


def swap(old: bytes, new: bytes) -> Change:
    def change(xml: bytes) -> bytes:
        assert xml.count(old) >= 1, old
        return xml.replace(old, new, 1)

    return change


def rewrite(pattern: bytes, new: bytes) -> Change:
    def change(xml: bytes) -> bytes:
        changed, count = re.subn(pattern, new, xml, count=1, flags=re.DOTALL)
        assert count == 1, pattern
        return changed

    return change


def flip(pattern: bytes) -> Change:
    """One letter of base64 changed, behind what the pattern finds."""

    def change(xml: bytes) -> bytes:
        found = re.search(pattern, xml)
        assert found is not None
        at = found.end() + 5
        other = b"B" if xml[at : at + 1] == b"A" else b"A"
        return xml[:at] + other + xml[at + 1 :]

    return change


def wrap(xml: bytes) -> bytes:
    """The signed document becomes a part of another (signature wrapping)."""
    body = xml[xml.index(b"<hoSo") :]
    return b"<hoSo xmlns='urn:vn:ho-so'><phi>900000</phi><cu>" + body.strip() + b"</cu></hoSo>"


def wrap_beside(xml: bytes) -> bytes:
    """The signature goes into a document of somebody else, with the old one beside it."""
    [signature] = re.findall(rb"<ds:Signature .*</ds:Signature>", xml, flags=re.DOTALL)
    old = xml[xml.index(b"<hoSo") :].replace(signature, b"").strip()
    return b"<hoSo xmlns='urn:vn:ho-so'><phi>900000</phi>" + signature + old + b"</hoSo>"


def duplicate_id(xml: bytes) -> bytes:
    """A second element of the id that is referenced stands before the signed one."""
    [identifier] = re.findall(rb'<xades:SignedProperties [^>]*Id="([^"]+)"', xml)
    return xml.replace(b"<nguoiNop>", b'<evil Id="' + identifier + b'"/><nguoiNop>', 1)


IN_THE_DOCUMENT: Final[Mapping[str, Change]] = {
    "text": swap(b"100000", b"900000"),
    "attribute": swap(b'xml:lang="vi"', b'xml:lang="en"'),
    "added element": swap(b"</phi>", b"</phi><phi>1</phi>"),
    "added space": swap(b"<phi>", b"<phi> "),
    "namespace": swap(b"urn:vn:ho-so", b"urn:vn:ho-sO"),
    "decomposed letter": swap("ễ".encode(), "e\u0302\u0303".encode()),
    "wrapped": wrap,
    "wrapped beside": wrap_beside,
    "id twice": duplicate_id,
}
IN_THE_SIGNATURE: Final[Mapping[str, Change]] = {
    "signing time": swap(b"2026-11-21T03:04:05Z", b"2025-11-21T03:04:05Z"),
    "role": swap("Giám đốc".encode(), "Bộ trưởng".encode()),
    "kind of data": swap(b"<xades:MimeType>application/", b"<xades:MimeType>text/"),
    "digest of the certificate": flip(rb"<xades:CertDigest>.*?<ds:DigestValue>"),
    "digest of the document": flip(rb"</ds:DigestMethod><ds:DigestValue>"),
    "value": flip(rb"<ds:SignatureValue[^>]*>"),
    "reference dropped": rewrite(rb"<ds:Reference Type=.*?</ds:Reference>", b""),
    "reference renamed": rewrite(rb'(<ds:Reference [^>]*)URI="#sig-', rb'\1URI="#sih-'),
    "method weakened": swap(b"#ecdsa-sha256", b"#ecdsa-sha1"),
    "reference added": rewrite(rb"(<ds:Reference Type=.*?</ds:Reference>)", rb"\1\1"),
}


@pytest.fixture(scope="module")
def attacked(signing_pki: SigningPki) -> Mapping[str, Signed]:
    found = {}
    for packaging in Packaging:
        for is_alone in (False, True):
            if is_alone and packaging is not Packaging.ENVELOPED:
                continue
            more = {"is_alone": True} if is_alone else {}
            made = sign_xml(
                signing_pki.citizen,
                pki=signing_pki,
                packaging=packaging,
                particulars=Particulars(role="Giám đốc"),
                **more,
            )
            name = f"{packaging}{'-alone' if is_alone else ''}"
            signed = as_signed(name, made)
            found[name] = signed
            changes = dict(IN_THE_SIGNATURE)
            if packaging is Packaging.ENVELOPED:
                changes |= IN_THE_DOCUMENT
            for what, change in changes.items():
                full = f"{name}: {what}"
                found[full] = Signed(
                    full, change(signed.xml), signed.certificate, "", signed.beside
                )
            if packaging is Packaging.DETACHED:
                [uri] = signed.beside
                full = f"{name}: file"
                found[full] = Signed(
                    full, signed.xml, signed.certificate, "", {uri: FORM.replace(b"1", b"9")}
                )
            if packaging is Packaging.ENVELOPING:
                full = f"{name}: content"
                changed = flip(rb"<ds:Object Encoding[^>]*>")(signed.xml)
                found[full] = Signed(full, changed, signed.certificate)
    return found


@pytest.fixture(scope="module")
def xadesjs(
    attacked: Mapping[str, Signed], tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Any]:
    return ask_xadesjs([*attacked.values()], folder=tmp_path_factory.mktemp("attacks"))


def test_what_was_not_changed_is_accepted(
    attacked: Mapping[str, Signed], xadesjs: Mapping[str, Any]
) -> None:
    whole = [name for name in attacked if ": " not in name]
    assert len(whole) == 4
    for name in whole:
        assert xmlsec_accepts(attacked[name])
        assert xadesjs[name]["valid"], xadesjs[name]["fault"]


def test_xmlsec_refuses_every_change(attacked: Mapping[str, Signed]) -> None:
    """W3C XML Signature 1.1 §3.2; ETSI EN 319 132-1 §6.3 (signed properties are signed)."""
    accepted = [name for name, one in attacked.items() if ": " in name and xmlsec_accepts(one)]
    assert accepted == []


def test_xadesjs_refuses_every_change(xadesjs: Mapping[str, Any]) -> None:
    """W3C XML Signature 1.1 §3.2; ETSI EN 319 132-1 §6.3 (signed properties are signed)."""
    accepted = [name for name, said in xadesjs.items() if ": " in name and said["valid"]]
    assert accepted == []


def test_another_certificate_in_the_signature_is_noticed(signing_pki: SigningPki, tmp_path) -> None:
    """ETSI EN 319 132-1 §5.2.2: the certificate is named among what is signed."""
    made = sign_xml(signing_pki.citizen, pki=signing_pki, level=Level.B)
    other = sign_xml(signing_pki.seal, pki=signing_pki, level=Level.B)
    pattern = rb"<ds:X509Certificate>([^<]+)</ds:X509Certificate>"
    own, foreign = (re.findall(pattern, one.xml)[0] for one in (made, other))
    certificate = signing_pki.seal.signatory.certificate
    swapped = Signed("swapped", made.xml.replace(own, foreign), certificate)
    assert not xmlsec_accepts(swapped)
    said = ask_xadesjs([swapped], folder=tmp_path)["swapped"]
    assert not said["valid"] or said["fault"]
