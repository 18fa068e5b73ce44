"""A portal's document on its way to be signed, and back."""

from __future__ import annotations

import base64
import json
import re
import runpy
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest
from werkzeug.test import TestResponse

from clients.sdk import HttpAnswer
from idp.sandbox.specimens import SEAL_WIDTH_MM, seal_specimen, signature_specimen
from signing.appearance.appear import Showing, appear
from signing.appearance.general import Details
from signing.appearance.geometry import Page
from signing.appearance.surroundings import look_around
from signing.appearance.wanted import SealWanted, Wanted, read_wanted
from signing.formats.material import Level
from signing.formats.table import Act, Material, Parties, finish_half, prepare_half
from signing.intake import Intake
from signing.isolation.blob import Blob
from signing.model import SignatureFormat
from tests.clients.portals.conftest import PortalBrowser
from tests.clients.sdk.signing_api import EVENT, FakeSigning
from tests.support.signatory import Hand
from tests.support.tree import ROOT

_DOCUMENTS = ROOT / "clients/portals/documents"
_ORG = {
    "id": "org_1",
    "enterprise_code": "9900000016",
    "name": "Công ty Mây Suối",
    "role": "legal_representative",
}


def press(browser: PortalBrowser) -> TestResponse:
    """Sign in, and press the button."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.sign_in().text)
    assert token
    return browser.post("/sign", data={"csrf_token": token[1]})


def asked(browser: PortalBrowser) -> tuple[FakeSigning, str]:
    """Press it; returns the service and the id of the request."""
    answer = press(browser)
    assert answer.status_code == 303, answer.text
    service = browser.provider
    assert isinstance(service, FakeSigning)
    request_id = answer.headers["Location"].rsplit("/", 1)[1]
    return service, request_id


def look(browser: PortalBrowser, request_id: str, **more: str) -> TestResponse:
    return browser.get("/signed", query_string={"request_id": request_id, **more})


def state_of(page: TestResponse) -> str:
    found = re.search(r'id="signing-state"[^>]*data-state="(\w+)"', page.text)
    assert found, page.text
    return found[1]


def test_the_form_is_sent_and_the_person_with_it(citizen) -> None:
    service, request_id = asked(citizen)
    (body,) = service.bodies
    content = base64.b64decode(body["documents"][0].pop("content"))
    assert content == (_DOCUMENTS / "don-de-nghi.pdf").read_bytes()
    assert body["signers"] == [{"sub": "p-1", "role": "person"}]
    assert body["return_uri"] == "http://localhost:8001/signed"
    assert body["webhook_uri"] == "http://localhost:8001/signing-events"
    assert body["title"] == "Đơn đề nghị cấp giấy phép xây dựng"
    assert service.made[request_id]["state"] == "waiting"


def test_the_decision_is_signed_by_the_person_then_sealed(business) -> None:
    """Decree 30/2020/ND-CP: the seal follows the signature."""
    business.provider.userinfo["org"] = _ORG
    service, _ = asked(business)
    (body,) = service.bodies
    assert body["signers"] == [
        {"sub": "p-1", "role": "person"},
        {"sub": "p-1", "role": "seal", "organization": "9900000016"},
    ]
    content = base64.b64decode(body["documents"][0]["content"])
    assert content == (_DOCUMENTS / "quyet-dinh.pdf").read_bytes()


def test_what_shall_be_seen_is_what_the_service_reads(citizen, business) -> None:
    business.provider.userinfo["org"] = _ORG
    for browser, signers in ((citizen, 1), (business, 2)):
        service, _ = asked(browser)
        raw = json.dumps(service.bodies[-1]["appearance"]).encode()
        assert None not in read_wanted(raw, signers=signers)


def test_without_an_organisation_there_is_no_decision(business) -> None:
    assert 'id="sign-start"' not in business.sign_in().text
    answer = press(business)
    assert answer.status_code == 403
    assert 'data-problem="nothing_to_sign"' in answer.text
    assert business.provider.bodies == []


def test_back_at_the_portal_the_file_is_there(citizen) -> None:
    service, request_id = asked(citizen)
    service.finish(request_id)
    page = look(citizen, request_id, state="signed")
    assert (page.status_code, state_of(page)) == (200, "signed")
    assert 'id="signed-download"' in page.text
    file = citizen.get("/signed/document", query_string={"request_id": request_id})
    assert file.data == b"%PDF-signed"
    assert file.mimetype == "application/pdf"
    disposition = file.headers["Content-Disposition"]
    assert unquote(disposition).endswith("''Đơn đề nghị cấp giấy phép xây dựng (đã ký).pdf")
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    assert f'data-request="{request_id}" data-state="signed"' in citizen.get("/").text


@pytest.mark.parametrize("state", ["waiting", "confirmed", "refused", "expired", "failed"])
def test_every_state_is_said_in_both_languages(citizen, state: str) -> None:
    service, request_id = asked(citizen)
    service.finish(request_id, state)
    first, second = (look(citizen, request_id, lang=lang) for lang in ("vi", "en"))
    assert state_of(first) == state_of(second) == state
    assert first.text != second.text
    assert 'id="signed-download"' not in second.text


def test_whatever_the_address_says_the_service_is_asked(citizen) -> None:
    _, request_id = asked(citizen)
    assert state_of(look(citizen, request_id, state="signed")) == "waiting"


def test_a_signature_that_is_nearly_there_is_waited_for(citizen) -> None:
    service, request_id = asked(citizen)
    look(citizen, request_id)
    assert service.requests[-1].url.endswith(request_id)
    look(citizen, request_id, state="confirmed")
    assert service.requests[-1].url.endswith("?wait=5")


def test_nothing_is_handed_out_before_it_is_signed(citizen) -> None:
    _, request_id = asked(citizen)
    answer = citizen.get("/signed/document", query_string={"request_id": request_id})
    assert answer.status_code == 409
    assert 'data-problem="not_signed_yet"' in answer.text


def test_what_others_sign_is_nobodys_business(citizen) -> None:
    service, request_id = asked(citizen)
    service.finish(request_id)
    stranger = citizen.another()
    for path in ("/signed", "/signed/document"):
        answer = stranger.get(path, query_string={"request_id": request_id})
        assert answer.status_code == 403
    service.spoil_claims = lambda claims: claims.update(sub="p-2")
    service.userinfo["sub"] = "p-2"
    stranger.sign_in()
    for path in ("/signed", "/signed/document"):
        answer = stranger.get(path, query_string={"request_id": request_id})
        assert answer.status_code == 404
    assert request_id not in stranger.get("/").text


def test_a_foreign_form_signs_nothing(citizen) -> None:
    assert citizen.post("/sign").status_code == 403
    citizen.sign_in()
    assert citizen.post("/sign", data={"csrf_token": "x"}).status_code == 400
    assert citizen.provider.bodies == []


def test_the_portal_is_told(citizen) -> None:
    service, request_id = asked(citizen)
    said = {"request_id": request_id, "state": "refused"}
    token = service.event_token(jti="e-1", events={EVENT: said})
    for _ in range(2):  # told again it is no error: RFC 8935 §2
        answer = citizen.post(
            "/signing-events", data=token, content_type="application/secevent+jwt"
        )
        assert (answer.status_code, answer.data) == (202, b"")
    assert f'data-request="{request_id}" data-state="refused"' in citizen.get("/").text


def test_an_end_stays_one_whatever_arrives_late(citizen) -> None:
    service, request_id = asked(citizen)
    service.finish(request_id)
    look(citizen, request_id)
    said = {"request_id": request_id, "state": "waiting"}
    citizen.post("/signing-events", data=service.event_token(events={EVENT: said}))
    assert f'data-request="{request_id}" data-state="signed"' in citizen.get("/").text


def test_an_event_that_is_none_is_refused_with_a_code(citizen) -> None:
    """RFC 8935 §2.3."""
    answer = citizen.post("/signing-events", data="x")
    assert (answer.status_code, answer.get_json()["err"]) == (400, "invalid_request")
    token = citizen.provider.event_token(aud="other")
    answer = citizen.post("/signing-events", data=token)
    assert answer.get_json() == {"err": "invalid_audience", "description": "audience"}


def test_an_event_is_told_again_when_it_could_not_be_judged(citizen) -> None:
    token = citizen.provider.event_token()
    citizen.provider.is_down = True
    assert citizen.post("/signing-events", data=token).status_code == 503


@pytest.mark.parametrize(
    ("status", "error", "problem"),
    [
        (422, "signer_unknown", "signer_unknown"),
        (422, "encrypted", "signing_refused"),
        (403, "insufficient_scope", "signing_refused"),
        (200, "", "signing_refused"),
    ],
)
def test_a_refusal_is_said_without_details(citizen, status, error, problem) -> None:
    citizen.provider.next_answer = HttpAnswer(
        status=status, headers={}, body=b'{"error": "%s"}' % error.encode()
    )
    answer = press(citizen)
    assert f'data-problem="{problem}"' in answer.text
    assert answer.status_code >= 400


def test_a_document_whose_time_is_over_is_said_so(citizen) -> None:
    service, request_id = asked(citizen)
    service.finish(request_id)
    service.next_answer = HttpAnswer(status=410, headers={}, body=b'{"error": "document_gone"}')
    answer = citizen.get("/signed/document", query_string={"request_id": request_id})
    assert (answer.status_code, 'data-problem="document_gone"' in answer.text) == (410, True)


def test_the_documents_are_those_that_the_script_makes(tmp_path: Path) -> None:
    runpy.run_path(str(ROOT / "scripts/make_portal_forms.py"))["main"](tmp_path)
    kept = sorted(_DOCUMENTS.iterdir())
    assert [one.name for one in kept] == ["don-de-nghi.pdf", "quyet-dinh.pdf"]
    for one in kept:
        assert unpacked(one) == unpacked(tmp_path / one.name), one.name


def unpacked(file: Path) -> bytes:
    """A PDF without compression, which is not the same everywhere."""
    command = ("qpdf", "--qdf", "--deterministic-id", "--no-original-object-ids", file, "-")
    return subprocess.run(command, capture_output=True, check=True, timeout=600).stdout


@pytest.mark.parametrize("portal", ["citizen", "business"])
def test_what_shall_be_seen_has_its_place_on_the_page(
    request, isolation, signing_pki, now, portal
) -> None:
    """Each signer's in turn, on the revision that the one before left."""
    browser = request.getfixturevalue(portal)
    browser.provider.userinfo["org"] = _ORG
    service, _ = asked(browser)
    (body,) = service.bodies
    wanted = read_wanted(json.dumps(body["appearance"]).encode(), signers=len(body["signers"]))
    content = base64.b64decode(body["documents"][0]["content"])
    hands = [signing_pki.citizen, signing_pki.seal]
    for one, hand in zip(wanted, hands, strict=False):
        assert one is not None
        content = signed_visibly(content, one, hand=hand, isolation=isolation, now=now)
    assert content.count(b"/Subtype /Widget") == len(wanted)


def signed_visibly(content: bytes, wanted: Wanted, *, hand: Hand, isolation, now) -> bytes:
    """The next revision; what is seen leaves every line of the page readable."""
    is_seal = isinstance(wanted, SealWanted)
    details = Details(
        name="Công ty Trách nhiệm hữu hạn Sen Vàng và những người bạn",
        signed_at=now,
        issuer="Ấn Tín SANDBOX issuing",
        verify_url="https://dang-nhap.example/verify",
        reason="Ban hành",
    )
    parties = Parties.of(isolation, timestamps=None, status=None)
    with (
        Blob.of(content) as document,
        Blob.of(seal_specimen() if is_seal else signature_specimen()) as image,
    ):
        taken = Intake(isolation).look_at_pdf(document)
        showing = Showing(details=details, image=image, seal_width_mm=SEAL_WIDTH_MM)
        visible = appear(isolation, [document], wanted=wanted, pages=taken.pages, showing=showing)
        page = Page.of_shape(taken.pages[0], number=0)
        around = look_around(isolation, [document], page=page, wanted=())
        assert not any(visible.seen.covers(line) for line in around.lines)
        material = Material(
            name="x",
            media_type="application/pdf",
            content=document,
            digest=document.digest("sha256"),
            hash_name="sha256",
        )
        act = Act(
            signatory=hand.signatory,
            level=Level.B,
            now=now.replace(microsecond=0),
            place=visible.place,
            drawn=visible.drawing,
        )
        with visible.drawing:
            half = prepare_half(SignatureFormat.PADES, {0: material}, act=act, parties=parties)
        made = finish_half(
            half, [material], signature=hand.sign(half.digest), act=act, parties=parties
        )
        with made:
            return made.read()
