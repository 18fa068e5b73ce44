"""Answers of the business register in both forms, and in none."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idp.accounts.model import IdentifierKind
from idp.registers import BusinessStatus, RegisterNonsense
from idp.registers.business_messages import MOST_BYTES, BusinessFields, read_business

_CODE = "9900000016"
_TODAY = date(2026, 11, 22)


def _a(**changed: Any) -> dict[str, Any]:
    return {
        "MainInformation": {
            "NAME": "CÔNG TY MẪU",
            "ENTERPRISE_GDT_CODE": _CODE,
            "ENTERPRISE_TYPE_NAME": "x",
            "ENTERPRISE_STATUS_NAME": "Đang hoạt động",
            **changed,
        },
        "HOAdress": {"AddressFullText": "Số 1"},
        "Representatives": [{"FULL_NAME": "MỘT NGƯỜI"}],
    }


def _b(*people: dict[str, Any], status: Any = "Đang hoạt động", **changed: Any) -> dict[str, Any]:
    statuses = status if isinstance(status, list) else [{"TinhTrang": status}]
    entry = {
        "MaSoDoanhNghiep": _CODE,
        "TenTiengViet": "CÔNG TY MẪU",
        "TinhTrangPhapLy": statuses,
        "DaiDienPhapLuat": [{"ThongTinCaNhan": [one]} for one in people],
        **changed,
    }
    return {"GetEntCert": [entry]}


def _who(number: object, *, paper: str = "", nationality: object = "Việt Nam") -> dict[str, Any]:
    return {
        "HoVaTen": "MỘT NGƯỜI",
        "LoaiGiayToChungThuc": paper,
        "SoGiayChungThuc": number,
        "QuocTich": nationality,
    }


def _read(answer: object, *, code: str = _CODE, today: date = _TODAY) -> BusinessFields | None:
    raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return read_business(raw, enterprise_code=code, today=today)


def _sure(answer: object, **options: Any) -> BusinessFields:
    found = _read(answer, **options)
    assert found is not None
    return found


def test_both_forms_are_read() -> None:
    for answer in (_a(), _b(_who("003190000018")), {"data": _a()}, {"Data": _b(_who("1"))}):
        found = _sure(answer)
        assert (found.name, found.status) == ("CÔNG TY MẪU", BusinessStatus.ACTIVE)
        assert [one.name for one in found.representatives] in ([], ["MỘT NGƯỜI"])


@pytest.mark.parametrize(
    "answer", [{}, [], {"GetEntCert": []}, {"GetEntCert": None}, {"MainInformation": None}]
)
def test_nothing_is_registered_under_it(answer: object) -> None:
    assert _read(answer) is None


@pytest.mark.parametrize(
    ("person", "kind", "value"),
    [
        (_who("003190000018", paper="Thẻ căn cước"), "personal_id_number", "003190000018"),
        (_who("003190000018", paper="CMND"), "personal_id_number", "003190000018"),
        (_who("003 123 456", paper="Chứng minh nhân dân"), "legacy_id_9", "003123456"),
        (_who(123456789), "legacy_id_9", "123456789"),
        (_who("B1234567", paper="Hộ chiếu"), "passport_number", "B1234567"),
        (_who("B1234567", paper="Hộ chiếu", nationality=None), "passport_number", "B1234567"),
        # whose passport it is would have to be guessed, or the paper does not fit the number
        (_who("B1234567", paper="Hộ chiếu", nationality="Nhật Bản"), None, None),
        (_who("003123456", paper="Căn cước công dân"), None, None),
        (_who("không rõ"), None, None),
        (_who(None), None, None),
    ],
)
def test_a_representative_has_a_number_that_can_be_read_or_none(
    person: dict[str, Any], kind: str | None, value: str | None
) -> None:
    (found,) = _sure(_b(person)).representatives

    expected = None if kind is None else IdentifierKind(kind)
    assert (found.document_kind, found.document_number) == (expected, value)


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("Đang hoạt động", BusinessStatus.ACTIVE),
        ("NNT đang hoạt động (đã được cấp GCN ĐKT)", BusinessStatus.ACTIVE),
        ("Tạm ngừng hoạt động", BusinessStatus.SUSPENDED),
        ("Tạm nghỉ kinh doanh có thời hạn", BusinessStatus.SUSPENDED),
        ("Đã giải thể", BusinessStatus.DISSOLVED),
        ("NNT ngừng hoạt động và đã đóng MST", BusinessStatus.DISSOLVED),
        ("Bị thu hồi Giấy chứng nhận", BusinessStatus.DISSOLVED),
        ("Đang làm thủ tục giải thể", BusinessStatus.OTHER),
        ("NNT không hoạt động tại địa chỉ đã đăng ký", BusinessStatus.OTHER),
        ("Gì đó khác", BusinessStatus.OTHER),
        ("", BusinessStatus.OTHER),
    ],
)
def test_words_of_a_status_decide_against_acting_where_they_are_in_doubt(
    words: str, status: BusinessStatus
) -> None:
    assert _sure(_b(status=words)).status is status
    assert _sure(_a(ENTERPRISE_STATUS_NAME=words)).status is status


@pytest.mark.parametrize(
    ("period", "status", "changes"),
    [
        (("01/11/2026", "30/11/2026"), BusinessStatus.SUSPENDED, None),
        (("2026-11-22", "20261122"), BusinessStatus.SUSPENDED, None),
        (("01/11/2026", ""), BusinessStatus.SUSPENDED, None),
        (("", "22/11/2026 00:00:00"), BusinessStatus.SUSPENDED, None),
        (("01/12/2026", "30/12/2026"), BusinessStatus.ACTIVE, date(2026, 12, 1)),
        (("01/10/2026", "21/11/2026"), BusinessStatus.ACTIVE, None),
        (("ngày nào đó", ""), BusinessStatus.OTHER, None),
        (("31/02/2026", "01/03/2026"), BusinessStatus.OTHER, None),
    ],
)
def test_a_period_of_suspension_counts_by_the_days_in_viet_nam(
    period: tuple[str, str], status: BusinessStatus, changes: date | None
) -> None:
    """Law on Enterprises Art. 206."""
    start, end = period
    entry = {"TinhTrang": "Đang hoạt động", "NgayBatDauTamNgung": start, "NgayKetThucTamNgung": end}
    found = _sure(_b(status=[entry]))

    assert (found.status, found.changes_on) == (status, changes)


def test_of_several_statuses_the_worst_counts() -> None:
    entries = [{"TinhTrang": "Đang hoạt động"}, {"TinhTrang": "Đã giải thể"}]

    assert _sure(_b(status=entries)).status is BusinessStatus.DISSOLVED
    assert _sure(_b(status=[])).status is BusinessStatus.OTHER


def test_a_wrong_check_digit_of_an_old_code_does_not_matter_here() -> None:
    assert _read(_b(MaSoDoanhNghiep="9900000019"), code="9900000019") is not None
    assert _read(_b(MaSoDoanhNghiep="9900000016001"), code="9900000016-001") is not None


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (_b(MaSoDoanhNghiep="9900000023"), "other_subject"),
        (_a(ENTERPRISE_GDT_CODE="9900000023"), "other_subject"),
        (_a(ENTERPRISE_GDT_CODE=None), "incomplete"),
        (_a(NAME=" "), "incomplete"),
        (_b(TenTiengViet=None), "incomplete"),
        ({**_a(), **_b()}, "contradicts_itself"),
        ({"GetEntCert": [*_b()["GetEntCert"], *_b()["GetEntCert"]]}, "contradicts_itself"),
        ({**_a(), "data": _a()}, "contradicts_itself"),
        (b'{"GetEntCert": [], "GetEntCert": [1]}', "contradicts_itself"),
        ({"GetEntCert": ["x"]}, "malformed"),
        ({"MainInformation": "x"}, "malformed"),
        (_b(TenTiengViet=["x"]), "malformed"),
        (_b(TenTiengViet="x" * 401), "too_large"),
        (_b(*([_who("1")] * 65)), "too_large"),
        ({"error": "x"}, "malformed"),
        ("x", "malformed"),
        (b"{", "malformed"),
        (b'{"a": NaN}', "malformed"),
        (b"\xff", "malformed"),
        (b"[" * 100_000, "malformed"),
        (b'{"a": ' + b"9" * 5000 + b"}", "malformed"),
        (b" " * (MOST_BYTES + 1), "too_large"),
    ],
)
def test_what_is_not_one_plain_answer_is_nonsense(answer: object, reason: str) -> None:
    with pytest.raises(RegisterNonsense) as refused:
        _read(answer)
    assert refused.value.reason == reason


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *_b()["GetEntCert"][0],
                    *_a()["MainInformation"],
                    "ThongTinCaNhan",
                    "HoVaTen",
                    "SoGiayChungThuc",
                    "NgayBatDauTamNgung",
                    "FULL_NAME",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=80, deadline=None)
@given(_VALUES, st.binary(max_size=40))
def test_nonsense_raises_nothing_but_what_everybody_expects(value: object, raw: bytes) -> None:
    entry = {**_b()["GetEntCert"][0], **(value if isinstance(value, dict) else {"x": value})}
    for answer in (
        {"GetEntCert": value},
        {"GetEntCert": [entry]},
        {**_a(), "Representatives": value},
    ):
        with suppress(RegisterNonsense):
            _read(json.dumps(answer).encode("utf-8", "surrogatepass"))
    with suppress(RegisterNonsense):
        _read(raw)
