"""Several signatures in one document: each new one leaves those before it valid."""

from __future__ import annotations

from pathlib import Path

import pytest

from signing.errors import DocumentRefused
from signing.formats.material import Level
from tests.support.signatory import Hand, SigningPki
from tests.support.xades_hands import as_signed, prepare, sign_xml
from tests.support.xml_checkers import Signed, ask_xadesjs, xmlsec_accepts

_PLAIN = (
    b'<a><b>1</b><ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>'
    b'<ds:Reference URI=""><ds:Transforms><ds:Transform '
    b'Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/></ds:Transforms>'
    b"</ds:Reference></ds:SignedInfo></ds:Signature></a>"
)


def test_person_and_seal_are_both_valid_to_both(signing_pki: SigningPki, tmp_path: Path) -> None:
    """NĐ 30/2020/NĐ-CP: the person first, then the organisation's seal."""
    first = sign_xml(signing_pki.citizen, pki=signing_pki, level=Level.LT)
    second = sign_xml(signing_pki.seal, pki=signing_pki, document=first.xml, level=Level.T)
    third = sign_xml(signing_pki.citizen_rsa, pki=signing_pki, document=second.xml)
    all_three = [
        Signed(str(number), third.xml, one.certificate, one.signature_id)
        for number, one in enumerate(as_signed("", made) for made in (first, second, third))
    ]
    assert [xmlsec_accepts(one) for one in all_three] == [True, True, True]
    said = ask_xadesjs(all_three, folder=tmp_path)
    assert [one["valid"] for one in said.values()] == [True, True, True], said


def test_the_bytes_of_earlier_signatures_stay(signing_pki: SigningPki) -> None:
    first = sign_xml(signing_pki.citizen, pki=signing_pki)
    second = sign_xml(signing_pki.seal, pki=signing_pki, document=first.xml)
    place = second.prepared.place
    assert place is not None
    assert second.xml.startswith(first.xml[: place.offset])
    assert second.xml.endswith(first.xml[place.offset :])


def test_the_order_in_which_signatures_were_made_does_not_matter_to_the_document(
    hand: Hand, signing_pki: SigningPki
) -> None:
    first = prepare(hand)
    signed = sign_xml(hand, pki=signing_pki)
    second = prepare(hand, document=signed.xml)
    assert first.place is not None
    assert second.place is not None
    assert first.place.canonical_digest == second.place.canonical_digest


def test_an_earlier_signature_that_would_break_keeps_the_document_closed(hand: Hand) -> None:
    """W3C XML Signature 1.1 §6.6.4: enveloped takes out the one signature it stands in."""
    with pytest.raises(DocumentRefused) as refused:
        prepare(hand, document=_PLAIN)
    assert refused.value.reason == "signature_would_break"


def test_a_signature_that_is_meant_to_stay_alone_keeps_the_document_closed(
    hand: Hand, signing_pki: SigningPki
) -> None:
    alone = sign_xml(hand, pki=signing_pki, is_alone=True)
    for is_alone in (False, True):
        with pytest.raises(DocumentRefused) as refused:
            prepare(hand, document=alone.xml, is_alone=is_alone)
        assert refused.value.reason == "signature_would_break"


def test_nobody_is_alone_beside_a_signature(
    hand: Hand, signing_pki: SigningPki, tmp_path: Path
) -> None:
    """Asked to be alone in a document that is signed already, a signature lets others be."""
    first = sign_xml(hand, pki=signing_pki)
    second = sign_xml(signing_pki.seal, pki=signing_pki, document=first.xml, is_alone=True)
    third = sign_xml(hand, pki=signing_pki, document=second.xml)
    checked = as_signed("second", second)
    checked = Signed("second", third.xml, checked.certificate, checked.signature_id)
    assert xmlsec_accepts(checked)
    assert ask_xadesjs([checked], folder=tmp_path)["second"]["valid"]


def test_a_document_changed_between_two_signatures_breaks_the_first(
    signing_pki: SigningPki,
) -> None:
    first = sign_xml(signing_pki.citizen, pki=signing_pki)
    changed = first.xml.replace(b"100000", b"900000")
    second = sign_xml(signing_pki.seal, pki=signing_pki, document=changed)
    checked = as_signed("", first)
    assert not xmlsec_accepts(Signed("", second.xml, checked.certificate, checked.signature_id))
    assert xmlsec_accepts(as_signed("", second))


def test_a_signature_as_root_has_no_inside(hand: Hand, signing_pki: SigningPki) -> None:
    root = b'<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/>'
    with pytest.raises(DocumentRefused) as refused:
        prepare(hand, document=root)
    assert refused.value.reason == "signature_is_root"
