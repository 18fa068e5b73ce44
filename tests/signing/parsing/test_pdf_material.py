"""Evidence in a PDF and what can be read back: nothing is lost, nothing twice without need."""

from __future__ import annotations

import zlib

from signing.messages.pdf_signature import MaterialAsked, SignaturesAsked, TimestampAsked
from signing.parsing.pdf_material import add_material
from signing.parsing.pdf_signatures import find_signatures
from signing.parsing.pdf_timestamp import add_timestamp
from tests.support.handmade_pdf import plain_document
from tests.support.pdf_increments import sign, write

_PLAIN = plain_document().classic()


def test_signatures_and_evidence_are_found_in_order() -> None:
    content = sign(_PLAIN).content
    content = write(
        add_material, MaterialAsked(certificates=(b"a",), crls=(b"b",)), content
    ).content
    content = write(add_timestamp, TimestampAsked(hole_bytes=50), content).content
    found = write(find_signatures, SignaturesAsked(), content).answered
    assert [(one.field, one.is_timestamp) for one in found.signatures] == [
        ("Signature1", False),
        ("Timestamp1", True),
    ]
    assert (found.certificates, found.ocsp_responses, found.crls) == ((b"a",), (), (b"b",))
    assert content[found.signatures[1].start : found.signatures[1].end] == b"<%b>" % (b"0" * 100)


def test_evidence_is_stored_once_and_none_is_lost() -> None:
    """ISO 32000-2 §12.8.4.3; entries for one signature (VRI) stay as they are."""
    made = plain_document(catalog="/DSS 6 0 R")
    made.add("<< /Certs 7 0 R /VRI << /ABCD << /Cert [8 0 R] >> >> >>")
    made.add("[8 0 R]")
    made.add_stream(b"first")
    asked = MaterialAsked(certificates=(b"second", b"first", b"second"), ocsp_responses=(b"third",))
    added = write(add_material, asked, made.classic())
    assert added.answered.added == 2
    store = added.root["/DSS"]
    assert [one.get_object().data for one in store["/Certs"]] == [b"first", b"second"]
    assert [one.get_object().data for one in store["/OCSPs"]] == [b"third"]
    assert "/ABCD" in store["/VRI"]
    again = write(add_material, asked, added.content)
    assert (again.answered.added, again.increment) == (0, b"")


def test_evidence_that_is_packed_is_stored_again_so_that_it_can_be_found() -> None:
    made = plain_document(catalog="/DSS << /Certs [6 0 R] >>")
    made.add_stream(zlib.compress(b"first"), "/Filter /FlateDecode")
    added = write(add_material, MaterialAsked(certificates=(b"first",)), made.classic())
    assert b"first" in added.increment
    found = write(find_signatures, SignaturesAsked(), added.content).answered
    assert found.certificates == (b"first", b"first")
