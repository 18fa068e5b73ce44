"""Whatever comes through the doors for PDF, XML, CMS and ZIP: a report, and never a wrong yes.

Files of our own signing and files of others are damaged and checked behind the walls.  What still
passes holds what was signed, to the last octet, as readers see it who are not ours.
Source: ETSI EN 319 102-1 §5.1.3 (one of three indications, whatever comes in).
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from signing.formats.material import Level
from signing.isolation.blob import Blob
from signing.isolation.pool import IsolationPool
from signing.model import SignatureFormat
from signing.validation.model import DocumentReport
from signing.validation.validate import Validation
from tests.support.fuzzing import bounded
from tests.support.handmade_pdf import plain_document
from tests.support.mutations import damages
from tests.support.validation_house import CONTENT, ValidationHouse
from tests.vectors.corpus import corpus_folder

_XML: Final = "<đơn xmlns='urn:x'><tên>Người Mây Suối</tên><tuổi>1</tuổi></đơn>".encode()
_DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
_LARGEST: Final = 40_000
_OURS: Final[Mapping[str, tuple[SignatureFormat, ...]]] = {
    "pdf": (SignatureFormat.PADES,),
    "xml": (SignatureFormat.XADES_ENVELOPED, SignatureFormat.XADES_ENVELOPING),
    "cms": (SignatureFormat.CADES_ENVELOPING,),
    "zip": (
        SignatureFormat.ASIC_S_CADES,
        SignatureFormat.ASIC_E_CADES,
        SignatureFormat.ASIC_E_XADES,
    ),
}
_THEIRS: Final[Mapping[str, tuple[str, ...]]] = {
    "pdf": ("dss/pades",),
    "xml": ("dss/xades",),
    "cms": ("dss/cades",),
    "zip": ("dss/asic-xades", "dss/asic-cades", "digidoc4j/valid", "digidoc4j/invalid"),
}


def _content(kind: SignatureFormat) -> bytes:
    if kind is SignatureFormat.PADES:
        return plain_document().classic()
    return _XML if kind is SignatureFormat.XADES_ENVELOPED else CONTENT


@cache
def _signed(house: ValidationHouse, kind: SignatureFormat) -> bytes:
    return house.sign(kind, Level.LT, content=_content(kind))


@cache
def _of_others(door: str) -> tuple[Path, ...]:
    """Small files of others that come through this door; none where there is no corpus."""
    found = [one for name in _THEIRS[door] for one in (corpus_folder() / name).glob("**/*")]
    return tuple(sorted(one for one in found if one.is_file() and one.stat().st_size < _LARGEST))


def _pdf_held(signed: bytes, raw: bytes) -> bool:
    """What the signature covers, around its value, stands where it stood, and looks as it did."""
    found = re.search(rb"/ByteRange \[0 (\d+) (\d+) (\d+)\]", signed)
    assert found is not None
    end, start, size = map(int, found.groups())
    covered = slice(start, start + size)
    stands = raw[:end] == signed[:end] and raw[covered] == signed[covered]
    return stands and _looks(raw) == _looks(signed)


def _looks(raw: bytes) -> list[bytes]:
    """Its pages, as another library draws them."""
    with pypdfium2.PdfDocument(raw) as document:
        document.init_forms()
        return [bytes(page.render(scale=0.5).buffer) for page in document]


def _xml_held(signed: bytes, raw: bytes) -> bool:
    """The same canonical form but for signatures, or the same text inside of one."""
    return _spoken(raw) == _spoken(signed)


def _spoken(raw: bytes) -> bytes:
    root = etree.fromstring(raw)
    if root.tag == f"{_DS}Signature":
        return b"".join((one.text or "").encode() for one in root.iter(f"{_DS}Object"))
    for one in root.findall(f".//{_DS}Signature"):
        parent = one.getparent()
        assert parent is not None
        parent.remove(one)
    return bytes(etree.tostring(root, method="c14n"))


def _cms_held(signed: bytes, raw: bytes) -> bool:
    return CONTENT in raw


def _zip_held(signed: bytes, raw: bytes) -> bool:
    return _members(raw) == _members(signed)


def _members(raw: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        names = [one for one in archive.namelist() if not one.startswith("META-INF/")]
        return {name: archive.read(name) for name in names if name != "mimetype"}


_HELD: Final[Mapping[str, Callable[[bytes, bytes], bool]]] = {
    "pdf": _pdf_held,
    "xml": _xml_held,
    "cms": _cms_held,
    "zip": _zip_held,
}


def _check(judge: Validation, raw: bytes, *, house: ValidationHouse) -> DocumentReport:
    with Blob.of(raw) as document:
        report = judge.validate(document, name="a", now=house.signed_at)
    codes = {one.code for one in (*report.conclusion.reasons, *report.findings)}
    assert "fault" not in codes, codes
    return report


@pytest.mark.parametrize("door", _OURS)
@given(data=st.data())
@bounded(40)
def test_what_was_damaged_ends_in_a_report_and_passes_only_when_it_says_the_same(
    validation_house: ValidationHouse, walls: IsolationPool, door: str, data: st.DataObject
) -> None:
    judge = replace(validation_house.validation(), isolation=walls.for_tenant("verify"))
    kind = data.draw(st.sampled_from(_OURS[door]))
    signed = _signed(validation_house, kind)
    raw = _damaged(
        signed, data=data, others=[_signed(validation_house, one) for one in _OURS[door]]
    )
    report = _check(judge, raw, house=validation_house)
    assert not report.conclusion.is_passed or _HELD[door](signed, raw)
    assert _check(judge, signed, house=validation_house).conclusion.is_passed, "it works as before"


@pytest.mark.parametrize("door", _THEIRS)
@given(data=st.data())
@bounded(40)
def test_files_of_others_that_were_damaged_end_in_a_report(
    validation_house: ValidationHouse, walls: IsolationPool, door: str, data: st.DataObject
) -> None:
    judge = replace(validation_house.validation(), isolation=walls.for_tenant("verify"))
    files = _of_others(door)
    if not files:
        return
    chosen = st.sampled_from(files)
    raw = data.draw(chosen).read_bytes()
    raw = _damaged(raw, data=data, others=[data.draw(chosen).read_bytes()])
    report = _check(judge, raw, house=validation_house)
    assert not report.conclusion.is_passed, "nobody trusts them"


def _damaged(raw: bytes, *, data: st.DataObject, others: Sequence[bytes]) -> bytes:
    for one in data.draw(damages()):
        raw = one.do(raw, other=others[one.number % len(others)])
    return raw
