"""Many documents with one confirmation, and several signers one after the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from signing.errors import (
    RequestNotWaiting,
)
from signing.formats.material import Level
from signing.isolation.blob import Blob
from signing.model import DocumentKind, RequestState, Role
from signing.new_request import NewDocument, NewSigner
from signing.outcomes import Finished
from tests.support.cms_opinions import openssl_verifies
from tests.support.signer import digests_of
from tests.support.signing_house import SigningHouse


def test_a_thousand_digests_are_signed_with_one_confirmation(
    house: SigningHouse, tmp_path: Path
) -> None:
    anh = house.with_passkey()
    digests = digests_of(1_000)
    documents = [NewDocument(name=f"{at}", digest=one) for at, one in enumerate(digests)]
    request = house.ask(*documents, level=Level.B)
    assert house.confirm(request, anh).state is RequestState.SIGNED
    found = house.requests.get(request.request_id)
    assert {one.kind for one in found.documents} == {DocumentKind.DIGEST}
    assert len({one.current_id for one in found.documents}) <= 5, "together at rest"
    for at in (0, 1, 999):
        opinion = openssl_verifies(
            house.result(request, at),
            root=house.pki.root_pem,
            folder=tmp_path,
            content=f"document {at}".encode(),
        )
        assert opinion.is_valid, opinion.said


def test_the_person_signs_first_and_then_the_seal(house: SigningHouse) -> None:
    anh = house.with_passkey()
    clerk = house.with_seal("acc_2")
    xml = NewDocument(
        name="a.xml", media_type="application/xml", content=Blob.of(b"<a>\xc4\x90</a>")
    )
    signers = [
        NewSigner(sub="sub-acc_1"),
        NewSigner(sub="sub-acc_2", role=Role.SEAL, enterprise_code="9900000016"),
    ]
    request = house.ask(xml, signers=signers, level=Level.B)
    with pytest.raises(RequestNotWaiting):
        house.open(request, clerk)
    assert house.confirm(request, anh) == Finished(RequestState.WAITING)
    first = house.result(request)
    with pytest.raises(RequestNotWaiting):
        house.open(request, anh)
    assert house.confirm(request, clerk) == Finished(RequestState.SIGNED)
    both = house.result(request)
    assert (first.count(b"<ds:Signature "), both.count(b"<ds:Signature ")) == (1, 2)
    assert [one.purpose for one in house.door.seen] == ["document", "seal"]
