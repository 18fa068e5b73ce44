"""What our own signing makes, in every format and at every level; and the same, changed."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signing.formats.material import Level
from signing.isolation.blob import Blob
from signing.model import SignatureFormat
from signing.validation.detached import Detached
from signing.validation.found import Form
from signing.validation.model import DocumentReport
from signing.validation.verdict import Indication
from tests.support.handmade_pdf import plain_document
from tests.support.validation_house import CONTENT, ValidationHouse

_XML = "<đơn xmlns='urn:x'><tên>Người Mây Suối</tên></đơn>".encode()
_PASSED = Indication.TOTAL_PASSED
_FORMS = {
    SignatureFormat.PADES: Form.PADES,
    SignatureFormat.XADES_ENVELOPED: Form.XADES,
    SignatureFormat.XADES_ENVELOPING: Form.XADES,
    SignatureFormat.XADES_DETACHED: Form.XADES,
    SignatureFormat.CADES_DETACHED: Form.CADES,
    SignatureFormat.CADES_ENVELOPING: Form.CADES,
    SignatureFormat.ASIC_S_CADES: Form.CADES,
    SignatureFormat.ASIC_E_CADES: Form.CADES,
    SignatureFormat.ASIC_E_XADES: Form.XADES,
}
_DETACHED = {SignatureFormat.XADES_DETACHED, SignatureFormat.CADES_DETACHED}


def _content(kind: SignatureFormat) -> bytes:
    if kind is SignatureFormat.PADES:
        return plain_document().classic()
    return _XML if kind is SignatureFormat.XADES_ENVELOPED else CONTENT


def _validate(
    house: ValidationHouse, kind: SignatureFormat, signed: bytes, *, is_online: bool
) -> DocumentReport:
    online = house.online() if is_online else None
    if kind not in _DETACHED:
        return house.validate(signed, online=online)
    with Blob.of(_content(kind)) as content:
        return house.validate(signed, online=online, detached=[Detached("quyet-dinh.txt", content)])


@pytest.mark.parametrize("level", [Level.B, Level.T, Level.LT])
@pytest.mark.parametrize("kind", list(SignatureFormat))
def test_every_format_passes_at_every_level(
    validation_house: ValidationHouse, kind: SignatureFormat, level: Level
) -> None:
    signed = validation_house.sign(kind, level, content=_content(kind))
    report = _validate(validation_house, kind, signed, is_online=not level.has_material)
    assert report.conclusion.indication is _PASSED, (report.conclusion, report.findings)
    assert [(one.form, one.level) for one in report.signatures] == [(_FORMS[kind], level.value)]
    assert report.conclusion.warnings == ()


@pytest.mark.parametrize("kind", list(SignatureFormat))
def test_every_format_says_in_whose_name_a_person_signed(
    validation_house: ValidationHouse, kind: SignatureFormat
) -> None:
    """ETSI EN 319 122-1 §5.2.6.1, EN 319 132-1 §5.2.6: claimed, and certified by nobody."""
    office = "CÔNG TY LẤP LÁNH TƯỞNG TƯỢNG"
    signed = validation_house.sign(kind, Level.B, content=_content(kind), organisation=office)
    report = _validate(validation_house, kind, signed, is_online=True)
    assert report.conclusion.indication is _PASSED, (report.conclusion, report.findings)
    (one,) = report.signatures
    is_xml = _FORMS[kind] is Form.XADES
    assert one.claimed_roles == ((f"Thay mặt {office}" if is_xml else office),)
    assert report.conclusion.warnings == ()


@cache
def _signed(house: ValidationHouse, kind: SignatureFormat) -> bytes:
    return house.sign(kind, Level.B, content=_content(kind))


@settings(max_examples=25)
@pytest.mark.parametrize("kind", list(SignatureFormat))
@given(data=st.data())
def test_a_changed_octet_never_makes_another_signer_or_document_pass(
    validation_house: ValidationHouse, kind: SignatureFormat, data: st.DataObject
) -> None:
    """Whatever still passes says of the same document the same thing by the same signer.

    What stands outside of all that is signed (a header of an archive, a blank) may change.
    """
    signed = bytearray(_signed(validation_house, kind))
    sound = _validate(validation_house, kind, bytes(signed), is_online=True)
    assert sound.conclusion.indication is _PASSED
    place = data.draw(st.integers(0, len(signed) - 1))
    signed[place] ^= 1 << data.draw(st.integers(0, 7))
    report = _validate(validation_house, kind, bytes(signed), is_online=True)
    if report.conclusion.indication is _PASSED:
        assert _meaning(report) == _meaning(sound)


def _meaning(report: DocumentReport) -> list[object]:
    return [
        (
            [(each.actual, each.hash_name) for each in one.objects],
            one.chain[0].der,
            one.claimed_time,
        )
        for one in report.signatures
    ]
