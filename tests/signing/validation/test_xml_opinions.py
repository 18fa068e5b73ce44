"""We, xmlsec and xadesjs say the same of signatures of ours, whole and changed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from signing.formats.material import Level
from signing.formats.xades_prepared import Packaging
from signing.isolation.blob import Blob
from signing.validation.detached import Detached
from tests.support.signatory import SigningPki
from tests.support.xades_hands import FILE, FORM, as_signed, sign_xml
from tests.support.xml_checkers import Signed, ask_xadesjs, xmlsec_accepts
from tests.support.xml_found import all_hold

CHANGES = {
    "document": (rb"100000", b"900000"),
    "attribute": (rb'xml:lang="vi"', b'xml:lang="en"'),
    "comment": (rb"<phi>", b"<!--x--><phi>"),
    "time": (rb"2026-11-21T", b"2025-11-21T"),
    "kind of data": (rb"<xades:MimeType>application", b"<xades:MimeType>text"),
    "digest": (
        rb"(</ds:Transforms><ds:DigestMethod [^>]*></ds:DigestMethod><ds:DigestValue>)",
        rb"\1A",
    ),
    "value": (rb"(<ds:SignatureValue[^>]*>)....", rb"\1AAAA"),
    "reference renamed": (rb'URI="#sig-', b'URI="#sih-'),
    "reference twice": (rb"(<ds:Reference Type=.*?</ds:Reference>)", rb"\1\1"),
    "timestamp": (rb"<xades:UnsignedProperties>.*</xades:UnsignedProperties>", b""),
}


@pytest.fixture(scope="module")
def files(signing_pki: SigningPki) -> Mapping[str, Signed]:
    found = {}
    for packaging in Packaging:
        made = sign_xml(signing_pki.citizen, pki=signing_pki, packaging=packaging, level=Level.T)
        signed = as_signed(f"{packaging}", made)
        found[signed.name] = signed
        for name, (pattern, new) in CHANGES.items():
            changed = re.sub(pattern, new, signed.xml, count=1, flags=re.DOTALL)
            if changed != signed.xml:
                full = f"{packaging}: {name}"
                found[full] = Signed(full, changed, signed.certificate, "", signed.beside)
    return found


@pytest.fixture(scope="module")
def xadesjs(
    files: Mapping[str, Signed], tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Any]:
    return ask_xadesjs([*files.values()], folder=tmp_path_factory.mktemp("opinions"))


def test_three_programs_agree(files: Mapping[str, Signed], xadesjs: Mapping[str, Any]) -> None:
    """W3C XML Signature 1.1 §3.2; the two others do not look at timestamps."""
    beside = [Detached(FILE, Blob.of(FORM))]
    ours = {name: all_hold(one.xml, beside=beside) for name, one in files.items()}
    assert ours == {name: xmlsec_accepts(one) for name, one in files.items()}
    assert ours == {name: bool(xadesjs[name]["valid"]) for name in files}
    held = {name for name, holds in ours.items() if holds}
    assert held == {
        "enveloped",
        "enveloping",
        "detached",
        "enveloped: comment",
        "enveloped: timestamp",
        "enveloping: timestamp",
        "detached: timestamp",
    }
