"""What goes to the population service and what comes back, byte by byte where it matters."""

from __future__ import annotations

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idp.accounts.birthdates import Birthdate
from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.model import Gender, IdentifierKind
from idp.registers import PersonQuery, RegisterNonsense, RegisterUnavailable, Verdict
from idp.registers.population_messages import (
    Operation,
    RequestHead,
    read_citizen,
    read_verdict,
    write_request,
)

_TODAY = date(2026, 11, 22)
_HEAD = RequestHead(
    request_id="ask_1",
    service_code="1.001193",
    integration_code="037",
    official="CB0001",
    unit="H01.02",
    account="antin",
    phone="",
    auth_hash="ab" * 32,
)
_PERSONAL = ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, "003199000063")
_OLD = ParsedIdentifier(IdentifierKind.LEGACY_ID_9, "003654321")
_QUERY = PersonQuery(_PERSONAL, "Đỗ Thị <Mở> & Lối", Birthdate(1999, 3, 8))


def _enveloped(content: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="u:s"><s:Header/>'
        f"<s:Body>{content}</s:Body></s:Envelope>"
    ).encode()


def _said(*values: str) -> bytes:
    lines = "".join(f"<q:TonTai>{one}</q:TonTai>" for one in values)
    return _enveloped(f"<r><q:KetQuaXacThuc>{lines}</q:KetQuaXacThuc></r>")


def _person(**changed: str) -> str:
    fields = {
        "SoDinhDanh": "003199000063",
        "SoCMND": "003654321",
        "HoVaTen": "<Ho>ĐỖ</Ho><ChuDem>Thị Mở</ChuDem><Ten>Lối</Ten>",
        "GioiTinh": "2",
        "TonGiao": "00",
        "NgayThangNamSinh": "<NgayThangNam>19990308</NgayThangNam>",
        **changed,
    }
    lines = "".join(f"<c:{name}>{value}</c:{name}>" for name, value in fields.items() if value)
    return f"<c:CongDan>{lines}</c:CongDan>"


def _people(*people: str) -> bytes:
    return _enveloped(f"<r><c:CongdanCollection>{''.join(people)}</c:CongdanCollection></r>")


def _read(raw: bytes, *, name: str = "Đỗ Thị Mở Lối", number: ParsedIdentifier = _PERSONAL):
    query = PersonQuery(number, name, Birthdate(1999, 3, 8))
    return read_citizen(raw, query=query, today=_TODAY)


def test_a_request_is_as_the_service_takes_it() -> None:
    """The golden form: one number, a name in capitals without accents, nothing that is empty."""
    assert write_request(Operation.VERIFY, _QUERY, head=_HEAD).decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:dan="http://dancuquocgia.bca"><soapenv:Header/><soapenv:Body>'
        "<dan:XacThucThongTinCongDan><dan:MaYeuCau>ask_1</dan:MaYeuCau>"
        "<dan:MaDVC>1.001193</dan:MaDVC><dan:MaTichHop>037</dan:MaTichHop>"
        "<dan:MaCanBo>CB0001</dan:MaCanBo><dan:MaDonVi>H01.02</dan:MaDonVi>"
        "<dan:TaiKhoan>antin</dan:TaiKhoan><dan:SoDinhDanh>003199000063</dan:SoDinhDanh>"
        "<dan:HoVaTen>DO THI &lt;MO&gt; &amp; LOI</dan:HoVaTen>"
        "<dan:NgayThangNamSinh><dan:NgayThangNam>19990308</dan:NgayThangNam>"
        f"</dan:NgayThangNamSinh><dan:AuthHash>{'ab' * 32}</dan:AuthHash>"
        "</dan:XacThucThongTinCongDan></soapenv:Body></soapenv:Envelope>"
    )


@pytest.mark.parametrize("birthdate", [Birthdate(1948), Birthdate(1948, 5)])
def test_a_day_that_is_not_known_is_not_invented(birthdate: Birthdate) -> None:
    raw = write_request(Operation.FIND, PersonQuery(_OLD, "Ai", birthdate), head=_HEAD).decode()

    assert "<dan:Nam>1948</dan:Nam>" in raw
    assert "NgayThangNam>" not in raw
    assert "<dan:SoCMND>003654321</dan:SoCMND>" in raw
    assert "SoDinhDanh" not in raw


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        (("true",), Verdict.MATCHES),
        ((" 1\n",), Verdict.MATCHES),
        (("TRUE", "true"), Verdict.MATCHES),
        (("false",), Verdict.CONTRADICTS),
        (("0",), Verdict.CONTRADICTS),
        ((), Verdict.UNKNOWN),
        (("",), Verdict.UNKNOWN),
    ],
)
def test_a_verdict_is_read_for_what_it_says(values: tuple[str, ...], verdict: Verdict) -> None:
    assert read_verdict(_said(*values)) is verdict


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (_said("true", "false"), "contradicts_itself"),
        (_said("maybe"), "malformed"),
        (_enveloped("<r/>"), "no_result"),
        (_enveloped("<TonTai>true</TonTai>"), "no_result"),
        (b"<KetQuaXacThuc><TonTai>true</TonTai></KetQuaXacThuc>", "malformed"),
        (b"<html><body>Down<br></body></html>", "malformed"),
        (b"", "malformed"),
    ],
)
def test_what_is_not_one_plain_answer_confirms_nothing(raw: bytes, reason: str) -> None:
    with pytest.raises(RegisterNonsense) as refused:
        read_verdict(raw)
    assert refused.value.reason == reason


def test_a_fault_is_no_answer() -> None:
    with pytest.raises(RegisterUnavailable, match="fault"):
        read_verdict(_enveloped("<s:Fault><faultcode>x</faultcode></s:Fault>"))


def test_only_what_is_needed_is_read_of_a_person() -> None:
    found = _read(_people(_person()))

    assert found is not None
    assert (found.personal_id_number, found.legacy_id_9) == ("003199000063", "003654321")
    assert (found.name, str(found.birthdate), found.gender) == (
        "ĐỖ Thị Mở Lối",
        "1999-03-08",
        Gender.FEMALE,
    )
    assert set(type(found).__slots__) == {
        "personal_id_number",
        "legacy_id_9",
        "name",
        "birthdate",
        "gender",
    }
    assert "Lối" not in repr(found)


def test_nobody_is_nobody_and_somebody_else_is_nobody_too() -> None:
    """An answer about another person must not tell about them."""
    assert _read(_people()) is None
    assert _read(_people(_person()), name="Người Khác") is None
    assert _read(_people(_person(NgayThangNamSinh="<NgayThangNam>19990309</NgayThangNam>"))) is None
    assert _read(_people(_person(SoCMND="003000000")), number=_OLD) is None
    assert _read(_people(_person(NgayThangNamSinh="<Nam>1999</Nam>"))) is not None
    assert _read(_people(_person(NgayThangNamSinh=""))) is not None


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (_people(_person(), _person()), "contradicts_itself"),
        (_people(_person() + "<x/>" + _person()), "contradicts_itself"),
        (_people(_person(SoDinhDanh="")), "incomplete"),
        (_people(_person(HoVaTen="")), "incomplete"),
        (_people(_person(SoDinhDanh="12")), "malformed"),
        (_people(_person(SoCMND="abc")), "malformed"),
        (_people(_person(NgayThangNamSinh="<Nam>19</Nam>")), "malformed"),
        (_people(_person(NgayThangNamSinh="<NgayThangNam>19990230</NgayThangNam>")), "malformed"),
        (
            _people(
                _person(NgayThangNamSinh="<Nam>1998</Nam><NgayThangNam>19990308</NgayThangNam>")
            ),
            "contradicts_itself",
        ),
        (_people(_person(GioiTinh="2</c:GioiTinh><c:GioiTinh>1")), "contradicts_itself"),
        (_enveloped("<r/>"), "no_result"),
    ],
)
def test_a_record_that_cannot_be_is_nonsense(raw: bytes, reason: str) -> None:
    with pytest.raises(RegisterNonsense) as refused:
        _read(raw)
    assert refused.value.reason == reason


_BITS = st.sampled_from(
    [
        "<s:Envelope xmlns:s='x'>", "</s:Envelope>", "<s:Body>", "</s:Body>", "<s:Fault/>",
        "<c:CongdanCollection>", "</c:CongdanCollection>", "<c:CongDan>", "</c:CongDan>",
        "<KetQuaXacThuc>", "</KetQuaXacThuc>", "<TonTai>true</TonTai>", "<TonTai>x</TonTai>",
        "<SoDinhDanh>003199000063</SoDinhDanh>", "<HoVaTen>Do Thi Mo Loi</HoVaTen>",
        "<NgayThangNamSinh><Nam>9999</Nam></NgayThangNamSinh>", "\N{COMBINING TILDE}", "&amp;",
    ]
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(st.one_of(st.lists(_BITS, max_size=14).map("".join), st.text(max_size=60)))
def test_nonsense_raises_nothing_but_what_everybody_expects(text: str) -> None:
    raw = text.encode("utf-8", "surrogatepass")
    for body in (raw, _enveloped("").replace(b"<s:Body>", b"<s:Body>" + raw)):
        with suppress(RegisterNonsense, RegisterUnavailable):
            read_verdict(body)
        with suppress(RegisterNonsense, RegisterUnavailable):
            _read(body)
