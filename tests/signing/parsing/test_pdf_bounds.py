"""What a file says at too great length is told in part: no file ends who reads it by that."""

from __future__ import annotations

import pytest

from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.messages.pdf_changes import COMPARE_PDF, MOST_NAME, CompareAsked
from signing.messages.pdf_validation import READ_PDF, PdfAsked, SignatureRead
from tests.support.handmade_pdf import plain_document
from tests.support.pdf_attacks import ROOT, append

_LONG = "x" * 3_000
_TOP = "x" * 900
_HUGE = "9" * 400
_ODD = "<FEFFD800>"  # half a letter
_SAID = "/SubFilter /a /ByteRange [0 1 2 3] /Contents <00>"


def _with_field(said: str, *, name: str = "(a)", more: str = "") -> bytes:
    made = plain_document(catalog="/AcroForm << /Fields [90 0 R] >>")
    made.put(91, f"<< /Type /Sig /Filter /A {said} >>")
    made.put(90, f"<< /FT /Sig /T {name} /V 91 0 R {more} >>")
    return made.classic()


def _read(content: bytes, isolation: Isolation) -> SignatureRead:
    with Blob.of(content) as document:
        read, output = isolation.run(READ_PDF, PdfAsked(), inputs=[document])
    output.close()
    (one,) = read.signatures
    return one


_SAYINGS = {
    "numbers": _with_field(_SAID.replace("[0 1 2 3]", f"[0 {_HUGE} 2 -{_HUGE}]")),
    "a name": _with_field(_SAID.replace("/a", f"/{_LONG}")),
    "an odd name": _with_field(_SAID.replace("/a", "/#ed#a0#80")),
    "a name of a field": _with_field(_SAID, name=f"({_LONG})"),
    "an odd name of a field": _with_field(_SAID, name=_ODD),
    "texts": _with_field(f"{_SAID} /Reason {_ODD} /Location ({_LONG}) /Name {_ODD} /M {_ODD}"),
    "a lock": _with_field(
        _SAID, more=f"/Lock << /Action /{_LONG} /Fields [{_ODD} 5] /P {_HUGE} >>"
    ),
    "certificates": _with_field(f"{_SAID} /Cert [(a) {_ODD} 5]"),
}


@pytest.mark.parametrize("said", _SAYINGS)
def test_a_signature_that_says_too_much_is_read(isolation: Isolation, said: str) -> None:
    one = _read(_SAYINGS[said], isolation)
    assert one.is_listed
    assert all(-1 <= number <= 3 for number in one.byte_range)


def test_so_is_one_that_no_field_has(isolation: Isolation) -> None:
    made = plain_document()
    made.add(f"<< /Type /Sig{_LONG} {_SAID.replace('/a', '/' + _LONG)} >>")
    one = _read(made.classic(), isolation)
    assert not one.is_listed
    assert (len(one.kind), len(one.sub_filter)) == (999, 999)


def test_a_change_of_a_field_with_a_long_name_is_told(isolation: Isolation) -> None:
    before = plain_document(catalog="/AcroForm << /Fields [] >>").classic()
    fields = {at: f"<< /T ({_TOP}) /Kids [{at + 1} 0 R] >>".encode() for at in range(90, 95)}
    fields[95] = b"<< /T (a) /FT /Tx >>"
    after = append(
        before,
        {ROOT: b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [90 0 R] >> >>", **fields},
    )
    with Blob.of(after) as document:
        asked = CompareAsked((len(before),), (0,))
        answered, output = isolation.run(COMPARE_PDF, asked, inputs=[document])
    output.close()
    told = [one for one in answered.revisions[0].differences if one.code == "field_added"]
    assert [len(one.field) for one in told] == [MOST_NAME]
