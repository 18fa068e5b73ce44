"""`/verify` for browsers and programs: three answers, bad input in words, no file kept."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from pathlib import Path
from typing import Any

import pytest
from werkzeug.datastructures import FileStorage

from signing.formats.material import Level
from tests.support.handmade_pdf import plain_document
from tests.support.provider import ISSUER
from tests.support.validation_house import CONTENT


@pytest.fixture(scope="module")
def signed(validation_house) -> bytes:
    found = validation_house.pdf(Level.LT)
    assert isinstance(found, bytes)
    return found


@pytest.fixture(scope="module")
def beside(validation_house) -> bytes:
    found = validation_house.cms(Level.LT)
    assert isinstance(found, bytes)
    return found


def tampered(signed: bytes) -> bytes:
    return signed.replace(b"/MediaBox", b"/MediaBux", 1)


def _page(answer: Any) -> str:
    return str(answer.get_data(as_text=True))


def test_a_program_gets_the_report_as_json(desk, signed):
    answer = desk().post(("don.pdf", signed))
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    report = answer.get_json()
    assert (report["answer"], report["indication"]) == ("valid", "TOTAL_PASSED")
    assert report["document"]["sha256"] == hashlib.sha256(signed).hexdigest()
    (signature,) = report["signatures"]
    assert signature["integrity"] == "intact"
    assert {one["step"] for one in signature["checks"]} >= {"format", "path", "cryptography"}
    assert "kept" not in report


def test_no_file_is_too_large_for_what_stands_at_the_edges_of_its_pieces(desk):
    """RFC 2046 §5.1.1: each end of a line may be the beginning of a boundary."""
    for raw in (b"\n" * 300_000, b"\r" * 300_000, b"\r\n-" * 100_000):
        report = desk().post(("so-lieu.bin", raw)).get_json()
        assert report["document"]["size"] == len(raw)


def test_a_browser_gets_the_answer_and_one_sentence_first(desk, signed):
    """TT 15/2025/TT-BKHCN Art. 6: the rows that a reader has to be shown, in Vietnamese."""
    page = _page(desk().post(("đơn.pdf", signed), accept="text/html"))
    assert page.index('id="verify-valid"') < page.index("Người đã ký")
    labels = [
        "Người đã ký", "Đơn vị quản lý người ký", "Tổ chức cấp chứng thư", "Thời điểm ký",
        "Tính toàn vẹn", "Chứng thư khi ký", "Tình trạng thu hồi", "Thời hạn của chứng thư",
    ]  # fmt: skip
    places = [page.index(f"<dt>{label}</dt>") for label in labels]
    assert places == sorted(places)
    assert "Các bước kiểm tra" in page


def test_what_was_changed_is_invalid_and_what_nobody_is_trusted_for_is_undetermined(desk, signed):
    here = desk()
    page = _page(here.post(("don.pdf", tampered(signed)), accept="text/html"))
    assert 'id="verify-invalid"' in page
    assert "Không sử dụng tài liệu này" in page
    stranger = here.house.validation(anchors=type(here.house.anchors)([]))
    object.__setattr__(here.validation, "validation", stranger)
    report = here.post(("don.pdf", signed)).get_json()
    assert (report["answer"], report["sub_indication"]) == (
        "undetermined", "NO_CERTIFICATE_CHAIN_FOUND",
    )  # fmt: skip


def test_a_signature_and_its_document_may_come_together(desk, beside):
    page = _page(desk().post(("a.p7s", beside), ("quyet-dinh.txt", CONTENT), accept="text/html"))
    assert 'id="verify-valid"' in page
    assert "cùng với quyet-dinh.txt" in page


def test_a_document_may_stay_with_its_owner(desk, beside):
    """Issue: a digest-only variant; the other digest is found out."""
    here = desk()
    for raw, answer in ((CONTENT, "valid"), (b"another", "invalid")):
        digest = hashlib.sha256(raw).hexdigest()
        by_form = here.post(("a.p7s", beside), digest=f"sha256:{digest}").get_json()
        body = {
            "content": base64.b64encode(beside).decode(),
            "name": "a.p7s",
            "detached": [{"digests": {"sha256": digest}}],
        }
        by_json = here.worker.http.post("/verify", base_url=ISSUER, json=body).get_json()
        assert [by_form["answer"], by_json["answer"]] == [answer, answer]
    assert here.post(("a.p7s", beside)).get_json()["sub_indication"] == "SIGNED_DATA_NOT_FOUND"


def test_several_files_have_a_report_each(desk, signed):
    here = desk()
    files = (("a.pdf", signed), ("b.pdf", tampered(signed)), ("c.txt", b"nothing"))
    reports = here.post(*files).get_json()["reports"]
    assert [one["answer"] for one in reports] == ["valid", "invalid", "unreadable"]
    page = _page(here.post(*files, accept="text/html"))
    for found in ("verify-valid-1", "verify-invalid-2", "verify-unreadable-3"):
        assert f'id="{found}"' in page


@pytest.mark.parametrize(
    ("raw", "answer"),
    [
        (b"", "unreadable"),
        (b"\x89PNG\r\n\x1a\n" + bytes(64), "unsigned"),
        (b"hello", "unreadable"),
        (plain_document().classic(), "unsigned"),
        (b"%PDF-1.7\nnothing", "unreadable"),
        (b"PK\x03\x04" + bytes(40), "unreadable"),
    ],
)
def test_whatever_comes_gets_an_answer_in_words(desk, raw, answer):
    here = desk()
    assert here.post(("tep", raw)).get_json()["answer"] == answer
    page = _page(here.post(("tep", raw), accept="text/html"))
    assert f'id="verify-{answer}"' in page
    assert "Lý do kỹ thuật" not in page


@pytest.mark.parametrize(
    ("sent", "status", "error"),
    [
        ({"data": {}}, 422, "file_missing"),
        ({"data": {"file": (io.BytesIO(b""), "")}}, 422, "file_missing"),
        ({"data": b"file", "content_type": "text/plain"}, 415, "unsupported_media_type"),
        ({"json": {"name": "a"}}, 400, "malformed"),
        ({"json": {"content": "!"}}, 400, "malformed"),
        ({"json": {"content": "", "detached": [{"digests": {"md5": "00"}}]}}, 422,
         "digest_malformed"),
        ({"data": {"file": [FileStorage(io.BytesIO(b"x"), filename=str(n)) for n in range(21)]}},
         422, "too_many_files"),
        ({"data": b"x", "environ_overrides": {"CONTENT_LENGTH": str(2 << 30)}}, 413, "too_large"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_refused_by_name(desk, sent, status, error):
    """RFC 9110 §15.5; the page says the same in words."""
    if "data" in sent and isinstance(sent["data"], dict):
        sent = sent | {"content_type": "multipart/form-data"}
    headers = {"Accept": "application/json", **sent.pop("headers", {})}
    answer = desk().worker.http.post("/verify", base_url=ISSUER, headers=headers, **sent)
    assert (answer.status_code, answer.get_json()["error"]) == (status, error)


def test_a_form_without_a_file_is_shown_again_with_a_sentence(desk):
    here = desk()
    answer = here.worker.http.post(
        "/verify", base_url=ISSUER, data={}, content_type="multipart/form-data"
    )
    assert answer.status_code == 422
    assert "Chưa chọn tệp" in _page(answer)
    assert 'aria-invalid="true"' in _page(answer)


def test_one_address_may_have_so_many_files_checked(desk):
    """Architecture, decision 6: limits end by themselves."""
    here = desk(verify_files_per_minute=2)
    for _ in range(2):
        assert here.post(("a", b"x")).status_code == 200
    refused = here.post(("a", b"x"))
    assert (refused.status_code, refused.get_json()["error"]) == (429, "too_many_checks")
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert "thử lại" in _page(here.post(("a", b"x"), accept="text/html"))
    here.worker.provider.clock.advance(minutes=1)
    assert here.post(("a", b"x")).status_code == 200


def test_the_report_can_be_fetched_in_its_forms_and_is_forgotten(desk, signed, tmp_path):
    here = desk()
    page = _page(here.post(("don.pdf", signed), accept="text/html"))
    (place,) = set(re.findall(r"/verify/reports/vr_[0-9a-f]{32}", page))
    assert here.worker.get(f"{place}/json").get_json()["answer"] == "valid"
    xml = here.worker.get(f"{place}/xml")
    assert xml.headers["Content-Type"].startswith("application/xml")
    assert "sandbox" in xml.headers["Content-Security-Policy"]
    assert here.worker.get(f"{place}/pdf").status_code == 404, "nothing seals here"
    assert here.worker.get(f"{place}/exe").status_code == 404
    here.worker.provider.clock.advance(minutes=15)
    assert here.worker.get(f"{place}/json").status_code == 404


def test_no_file_and_no_name_is_left_anywhere(desk, signed):
    here = desk()
    here.post(("mat-cua-toi.pdf", signed), accept="text/html")
    folder = Path(here.worker.provider.services.settings.var)
    for file in folder.rglob("*"):
        if file.is_file():
            raw = file.read_bytes()
            assert b"mat-cua-toi" not in raw
            assert signed[:400] not in raw


def test_what_was_signed_is_shown_and_downloaded(desk, validation_house, signed):
    """ISO 32000-1 §12.8.1: the revision is the beginning of the file."""
    here = desk()

    def ask(**form: Any) -> Any:
        form["file"] = (io.BytesIO(signed + b"\n% later"), "don.pdf")
        return here.worker.http.post("/verify/signed", base_url=ISSUER, data=form)

    got = ask(revision=str(len(signed)), form="download")
    assert got.get_data() == signed
    assert got.headers["Content-Disposition"].startswith("attachment")
    shown = ask(revision=str(len(signed)))
    assert shown.status_code == 200
    assert "data:image/webp;base64," in _page(shown)
    for wrong in ("0", "-1", "x", str(len(signed) * 2)):
        assert ask(revision=wrong).status_code == 422
    plain = here.worker.http.post(
        "/verify/signed",
        base_url=ISSUER,
        data={"revision": "3", "file": (io.BytesIO(b"abcdef"), "a")},
    )
    assert plain.status_code == 422


def _token(here: Any) -> dict[str, str]:
    services = here.worker.provider.services
    token = services.access_tokens.issue_for_client(
        "portal", scopes=("sign",), audience=f"{ISSUER}/sign", now=services.time()
    )
    return {"Authorization": f"Bearer {token}"}


def test_an_agency_keeps_a_report_and_nobody_else_reads_it(desk, signed):
    """TT 15/2025/TT-BKHCN Art. 6: the evidence is kept."""
    here = desk(verify_files_per_minute=1)
    for _ in range(2):  # is not counted among all others
        report = here.post(("don.pdf", signed), keep="true", headers=_token(here)).get_json()
    kept = report["kept"]
    place = f"/verify/reports/{kept['report_id']}/json"
    assert here.worker.get(place).status_code == 404
    found = here.worker.get(place, headers=_token(here))
    assert found.get_json()["document"] == report["document"]
    here.worker.provider.clock.advance(days=11 * 366)
    assert here.worker.get(place, headers=_token(here)).status_code == 404


def test_a_token_that_is_not_taken_is_refused(desk, signed):
    """RFC 6750 §3.1."""
    answer = desk().post(("a", b"x"), headers={"Authorization": "Bearer nonsense"})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_nothing_is_kept_for_whoever_does_not_say_who_it_is(desk, signed):
    assert "kept" not in desk().post(("don.pdf", signed), keep="true").get_json()


def test_a_file_may_be_larger_than_any_other_form(desk):
    """Architecture, "HTTP": only here and where portals bring documents."""
    here = desk()
    assert here.post(("lon.bin", bytes(400_000))).get_json()["answer"] == "unreadable"
    assert "lon.bin" in _page(here.post(("lon.bin", bytes(400_000)), accept="text/html"))


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("*/*", "application/json"),
        ("text/html", "text/html"),
        ("application/xml", "application/xml"),
    ],
)
def test_json_is_answered_in_json_unless_somebody_asks_for_another_form(desk, accept, form):
    """RFC 9110 §12.5.1: whoever takes anything gets what programs of the kind can read."""
    answer = desk().worker.http.post(
        "/verify", base_url=ISSUER, json={"content": "eA=="}, headers={"Accept": accept}
    )
    assert (answer.status_code, answer.mimetype) == (200, form)
