"""Signing XML in tests, in one call: both halves, with a signatory whose key is open.

What lives here: `sign_xml` for one document in any packaging, `xades_matrix` for every packaging,
level and kind of key, and the timestamp inside as `openssl ts` judges it.
Not here: anything that the product imports, or any judgement of ours.
"""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from lxml import etree

from signing.formats.cades import Sources
from signing.formats.material import Level
from signing.formats.xades import (
    finish_xades,
    prepare_xades_detached,
    prepare_xades_enveloped,
    prepare_xades_enveloping,
)
from signing.formats.xades_prepared import Packaging, PreparedXades
from signing.formats.xades_references import SignedFile
from signing.isolation.blob import Blob
from tests.support.isolation import WithoutWalls
from tests.support.signatory import SIGNING_TIME, Hand, SigningPki
from tests.support.xml_checkers import DS, XADES, Signed, find_signature

FORM: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<hoSo xmlns="urn:vn:ho-so" xml:lang="vi">\r\n'
    "  <nguoiNop>Nguyễn Thế Ước</nguoiNop>\r\n  <phi>100000</phi>\r\n</hoSo>\n"
).encode()
FILE: Final = "Đơn đề nghị (bản 2).xml"
LEVELS: Final = (Level.B, Level.T, Level.LT)
HANDS: Final = ("citizen", "citizen_384", "citizen_rsa")


@dataclass(frozen=True, slots=True)
class Made:
    """A prepared signature, and what it became."""

    prepared: PreparedXades
    xml: bytes


def sources(pki: SigningPki) -> Sources:
    """Our own timestamps and status answers."""
    return Sources(pki.timestamps(), pki.status())


def prepare(
    hand: Hand, *, packaging: Packaging = Packaging.ENVELOPED, document: bytes = FORM, **more: Any
) -> PreparedXades:
    """The first half."""
    given: dict[str, Any] = {"signatory": hand.signatory, "signing_time": SIGNING_TIME, **more}
    with Blob.of(document) as blob:
        if packaging is Packaging.ENVELOPED:
            return prepare_xades_enveloped(blob, isolation=WithoutWalls(), **given)
        if packaging is Packaging.ENVELOPING:
            return prepare_xades_enveloping(blob, **given)
        digest = blob.digest(hand.signatory.hash_name)
        files = [SignedFile(FILE, given.pop("mime_type", "application/xml"), digest)]
        return prepare_xades_detached(files, **given)


def finish(
    prepared: PreparedXades,
    *,
    hand: Hand,
    pki: SigningPki,
    document: bytes = FORM,
    level: Level = Level.B,
    **changes: Any,
) -> bytes:
    """The second half."""
    given: dict[str, Any] = {
        "signature": hand.sign(prepared.to_be_signed.digest),
        "level": level,
        "now": SIGNING_TIME,
        "sources": sources(pki),
    }
    with Blob.of(document) as blob:
        if prepared.packaging is not Packaging.DETACHED:
            given["document"] = blob
        with finish_xades(prepared, **(given | changes)) as made:
            return made.read()


def sign_xml(
    hand: Hand,
    *,
    pki: SigningPki,
    document: bytes = FORM,
    level: Level = Level.B,
    **more: Any,
) -> Made:
    """Both halves."""
    prepared = prepare(hand, document=document, **more)
    return Made(prepared, finish(prepared, hand=hand, pki=pki, document=document, level=level))


def as_signed(name: str, made: Made, *, document: bytes = FORM) -> Signed:
    """For a verifier, with the document beside it where it is detached."""
    beside = {}
    if made.prepared.packaging is Packaging.DETACHED:
        beside[quote(FILE, safe="/-._~!$&'()+,;=@")] = document
    return Signed(
        name,
        made.xml,
        made.prepared.signatory.certificate,
        signature_id=made.prepared.signature_id,
        beside=beside,
    )


def xades_matrix(pki: SigningPki) -> Mapping[str, Signed]:
    """Every packaging at every level by every kind of key."""
    found = {}
    for who in HANDS:
        hand: Hand = getattr(pki, who)
        for packaging in Packaging:
            for level in LEVELS:
                made = sign_xml(hand, pki=pki, packaging=packaging, level=level)
                name = f"{packaging}-{level}-{who}"
                found[name] = as_signed(name, made)
    return found


def tokens_in(xml: bytes) -> list[bytes]:
    """The timestamps over the signature, DER."""
    root = etree.fromstring(xml)
    return [
        base64.b64decode(one.text)
        for one in root.iterfind(
            f".//{{{XADES}}}SignatureTimeStamp/{{{XADES}}}EncapsulatedTimeStamp"
        )
    ]


def canonical_value(xml: bytes, signature_id: str = "") -> bytes:
    """What such a timestamp is over, by lxml."""
    signature = find_signature(etree.fromstring(xml), signature_id)
    value = signature.find(f"{{{DS}}}SignatureValue")
    return bytes(etree.tostring(value, method="c14n", exclusive=True, with_tail=False))


def openssl_stamps(token: bytes, *, data: bytes, pki: SigningPki, folder: Path) -> str:
    """What `openssl ts -verify` says of a token over `data`."""
    (folder / "token").write_bytes(token)
    (folder / "data").write_bytes(data)
    root = pki.write_root(folder)
    command = ["openssl", "ts", "-verify", "-token_in", "-in", str(folder / "token")]
    command += ["-data", str(folder / "data"), "-CAfile", str(root)]
    command += ["-attime", str(int(SIGNING_TIME.timestamp()))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    return done.stdout + done.stderr
