"""Every kind of bad input that a portal can send, over HTTP: its own code, and nothing is kept.

What lives here: documents, digests, addresses and appearances that are refused with the request.
Not here: what goes wrong once somebody signs (`tests/idp/web/sign/test_bad_input.py`); images of
signatures and seals, which come in by the operator's command alone and are refused there
(`tests/idp/test_signature_images.py`, `tests/signing/parsing/test_images.py`).
"""

from __future__ import annotations

import base64
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from signing.storage.request_tables import signing_request
from tests.support.already_signed import with_signature
from tests.support.handmade_pdf import plain_document
from tests.support.hostile_pdfs import REFUSED
from tests.support.portal_api import Api
from tests.support.signing_house import PORTAL, SigningHouse

_BOX = {"kind": "general", "box": [10, 10, 200, 100]}


@pytest.fixture
def portal(api: Api, now: datetime) -> Api:
    """The API for larger documents; the portal knows a person, and one address is private."""
    api.house.with_passkey()
    private = frozenset({f"https://{PORTAL}.example/within"})
    return Api(api.house, now, max_bytes=20_000_000, private=private)


def _document(content: bytes, media_type: str = "application/pdf") -> dict[str, Any]:
    return {
        "name": "Đơn.pdf",
        "media_type": media_type,
        "content": base64.b64encode(content).decode(),
    }


def _is_refused(portal: Api, body: dict[str, Any], error: str, part: str, folder: Path) -> None:
    answer = portal.ask(**body)
    found = answer.get_json()
    assert (answer.status_code, found["error"], found["part"]) == (422, error, part), found
    _is_empty(portal.house, folder)


def _is_empty(house: SigningHouse, folder: Path) -> None:
    """There is no request in any state, and no document at rest."""
    with house.database.read() as connection:
        count = connection.execute(select(func.count()).select_from(signing_request))
        assert count.scalar_one() == 0
    documents = folder / "documents"
    assert [one for one in documents.rglob("*") if one.is_file()] == []


@pytest.mark.parametrize(
    ("hostile", "error"),
    [
        ("truncated", "truncated"),
        ("encrypted", "encrypted"),
        ("10,001 pages", "too_many_pages"),
        ("a bomb in the contents", "expands_too_much"),
        ("a script when it opens", "javascript"),
        ("a program that is started", "launch_action"),
    ],
)
def test_a_pdf_that_is_not_signed_says_why(
    portal: Api, tmp_path: Path, hostile: str, error: str
) -> None:
    content = REFUSED[hostile][0]()
    _is_refused(portal, {"documents": [_document(content)]}, error, "documents[0]", tmp_path)


def test_what_is_no_pdf_says_so(portal: Api, tmp_path: Path) -> None:
    body = {"documents": [_document(b"no PDF at all")]}
    _is_refused(portal, body, "not_a_pdf", "documents[0]", tmp_path)


@pytest.mark.parametrize(
    ("appearance", "error"),
    [
        ({"kind": "person", "field": "Signature1"}, "field_filled"),
        ({"kind": "general", "field": "Signature1"}, "field_filled"),
        ({"kind": "person", "field": "Nowhere"}, "no_such_field"),
        ({"kind": "general", "box": [500, 10, 700, 100]}, "appearance_off_page"),
        ({"kind": "person", "box": [-1, 10, 200, 100]}, "appearance_off_page"),
        ({"kind": "general", "box": [10, 10, 10, 100]}, "appearance_off_page"),
        ({**_BOX, "page": 2}, "no_such_page"),
        ({**_BOX, "page": -2}, "no_such_page"),
    ],
)
def test_a_place_for_a_signature_that_cannot_be_is_refused_before_anybody_reads(
    portal: Api, tmp_path: Path, appearance: dict[str, Any], error: str
) -> None:
    """Whoever is asked to sign could do nothing about it; the portal can."""
    documents = [_document(with_signature())]
    body = {"documents": documents, "appearance": appearance}
    _is_refused(portal, body, error, "appearance", tmp_path)


def test_one_field_is_not_for_two(portal: Api, tmp_path: Path) -> None:
    portal.house.with_passkey("acc_2")
    body: dict[str, object] = {
        "documents": [_document(with_signature())],
        "signers": [{"sub": "sub-acc_1"}, {"sub": "sub-acc_2"}],
        "appearance": {"kind": "person", "field": "Empty"},
    }
    _is_refused(portal, body, "field_filled", "appearance", tmp_path)
    body["appearance"] = [{"kind": "person", "field": "Empty"}, None]
    assert portal.ask(**body).status_code == 201


@pytest.mark.parametrize(
    "appearance", [_BOX, {"kind": "general", "field": "Empty"}, {**_BOX, "page": -1}]
)
def test_a_place_that_can_be_is_taken(portal: Api, appearance: dict[str, Any]) -> None:
    body = {"documents": [_document(with_signature())], "appearance": appearance}
    assert portal.ask(**body).status_code == 201


def test_an_earlier_signature_that_allows_nothing_visible_is_heeded(
    portal: Api, tmp_path: Path
) -> None:
    """ISO 32000-2 §12.8.2.2."""
    documents = [_document(with_signature(transform="DocMDP", parameters="/P 2"))]
    body = {"documents": documents, "appearance": _BOX}
    _is_refused(portal, body, "no_new_visible_field", "appearance", tmp_path)


@pytest.mark.parametrize(
    ("body", "error", "part"),
    [
        ({"documents": [{"name": "a", "digest": "AAAA"}]}, "digest_length", "documents[0].digest"),
        (
            {"documents": [{"name": "a", "hash": "sha512", "digest": "A" * 43}]},
            "digest_length",
            "documents[0].digest",
        ),
        (
            {"documents": [{"name": f"a{n}", "digest": "A" * 43} for n in range(1_001)]},
            "documents_number",
            "documents",
        ),
        (
            {"webhook_uri": f"https://{PORTAL}.example/within"},
            "webhook_refused",
            "webhook_uri",
        ),
    ],
)
def test_bounds_and_addresses(
    portal: Api, tmp_path: Path, body: dict[str, Any], error: str, part: str
) -> None:
    _is_refused(portal, body, error, part, tmp_path)


def test_a_thousand_digests_are_not_too_many(portal: Api) -> None:
    documents = [{"name": f"a{n}", "digest": "A" * 43} for n in range(1_000)]
    assert portal.ask(documents=documents).status_code == 201


def test_a_script_in_the_second_of_two_leaves_nothing_of_the_first(
    portal: Api, tmp_path: Path
) -> None:
    good, bad = plain_document().classic(), REFUSED["a script with a name"][0]()
    body = {"documents": [_document(good), _document(bad)]}
    _is_refused(portal, body, "javascript", "documents[1]", tmp_path)
