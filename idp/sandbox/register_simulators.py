"""Both registers as their clients see them, with invented people, and with everything going wrong.

What lives here: answers to the requests of `idp/registers`, made without any of its code, so that
each side checks the other: who asks without the right headers, with both numbers or with a name in
small letters is refused.  Modes make a register be away, slow, send nonsense or contradict itself;
records can be changed while it runs.
Source: what clients of these services send and read; no schema of them is public.
Not here: sockets and the page of switches (`registers.py`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final
from urllib.parse import parse_qs
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from idp.accounts.model import Gender
from idp.sandbox.register_people import CITIZENS, ENTERPRISES, Citizen, Enterprise, Standing

_SOAP: Final = "{http://schemas.xmlsoap.org/soap/envelope/}"
_ASKED: Final = "{http://dancuquocgia.bca}"
_TOLD: Final = "http://www.mic.gov.vn/dancu/1.0"
_STATUS_WORDS: Final = {
    Standing.ACTIVE: "Đang hoạt động",
    Standing.SUSPENDED: "Tạm ngừng kinh doanh",
    Standing.DISSOLVED: "Đã giải thể",
}
_GENDERS: Final = {Gender.MALE: "1", Gender.FEMALE: "2"}


class Mode(StrEnum):
    """How a register behaves; SLOW answers after its caller's patience is over."""

    NORMAL = "normal"
    AWAY = "away"
    SLOW = "slow"
    NONSENSE = "nonsense"
    CONTRADICTS_ITSELF = "contradicts_itself"


@dataclass(frozen=True, slots=True)
class Answered:
    """An HTTP answer."""

    status: int
    content_type: str
    body: bytes


@dataclass(slots=True)
class Registers:
    """Both registers of one sandbox; safe for any number of threads.

    Takes   user, secret: of the connection to the population service; url: as its client knows it,
            which the hash in the header is over; authorization: what the business register wants
            to see in its header.
    """

    user: str
    secret: str = field(repr=False)
    population_url: str
    authorization: str = field(repr=False)
    population_mode: Mode = Mode.NORMAL
    business_mode: Mode = Mode.NORMAL
    citizens: dict[str, Citizen] = field(
        default_factory=lambda: {one.number: one for one in CITIZENS}
    )
    enterprises: dict[str, Enterprise] = field(
        default_factory=lambda: {one.code: one for one in ENTERPRISES}
    )
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def renumber(self, number: str, *, new: str) -> None:
        """Cancel a person's number and establish another."""
        with self._lock:
            person = self.citizens.pop(number)
            self.citizens[new] = replace(person, number=new, replaced=number)

    def set_standing(self, code: str, standing: Standing) -> None:
        """Dissolve, suspend or revive an organisation."""
        with self._lock:
            self.enterprises[code] = replace(
                self.enterprises[code], standing=standing, suspended=None
            )

    # -- the population service ------------------------------------------------------------------

    def answer_population(self, body: bytes, *, headers: Mapping[str, str]) -> Answered:
        """One SOAP request."""
        if self.population_mode is Mode.AWAY:
            return Answered(503, "text/plain", b"Service Unavailable")
        if self.population_mode is Mode.NONSENSE:
            return Answered(200, "text/html", "<html><body>Bảo trì<br></body></html>".encode())
        if not self._is_known(headers):
            return Answered(401, "text/plain", b"Unauthorized")
        asked = _read_question(body)
        if asked is None:
            return _fault("Yêu cầu không đúng định dạng")
        operation, fields = asked
        if headers.get("soapaction") != f'"http://dancuquocgia.bca/{operation}"':
            return _fault("SOAPAction")
        with self._lock:
            person = self._find(fields)
        if operation == "XacThucThongTinCongDan":
            is_there = person is not None and not _is_replaced(person, fields)
            return self._told_verdict(is_there=is_there)
        people = [] if person is None else [person]
        if self.population_mode is Mode.CONTRADICTS_ITSELF:
            people = [*people, next(iter(self.citizens.values()))] * 2
        return _told_people(people)

    def _is_known(self, headers: Mapping[str, str]) -> bool:
        scheme, _, wrapped = headers.get("authorization", "").partition(" ")
        if scheme != "Basic":
            return False
        try:
            user, _, told = base64.b64decode(wrapped, validate=True).decode().partition(":")
        except ValueError:
            return False
        joined = f"{self.population_url}{user}{headers.get('timestamp', '')}{self.secret}"
        right = hashlib.sha256(joined.encode()).hexdigest()
        return user == self.user and hmac.compare_digest(told.encode(), right.encode())

    def _find(self, fields: Mapping[str, str]) -> Citizen | None:
        for one in self.citizens.values():
            is_number = (
                fields["SoDinhDanh"] in {one.number, one.replaced}
                if "SoDinhDanh" in fields
                else fields["SoCMND"] == one.legacy_id_9
            )
            if is_number and fields["HoVaTen"] == _bare(one.name) and _was_born(one, fields):
                return one
        return None

    def _told_verdict(self, *, is_there: bool) -> Answered:
        told = [is_there]
        if self.population_mode is Mode.CONTRADICTS_ITSELF:
            told = [True, False]
        lines = "".join(f"<TonTai>{str(one).lower()}</TonTai>" for one in told)
        return _envelope(
            '<ns1:XacThucThongTinCongDanResponse xmlns:ns1="http://dancuquocgia.bca">'
            f"<KetQuaXacThuc>{lines}</KetQuaXacThuc></ns1:XacThucThongTinCongDanResponse>"
        )

    # -- the business register -------------------------------------------------------------------

    def answer_business(self, query: str, *, headers: Mapping[str, str]) -> Answered:
        """One GET of `chiTietDoanhNghiep`."""
        if self.business_mode is Mode.AWAY:
            return Answered(503, "text/plain", b"Service Unavailable")
        if self.business_mode is Mode.NONSENSE:
            return Answered(200, "application/json", b'{"GetEntCert": [{"MaSoDoanhNghiep": ')
        if headers.get("authorization") != self.authorization:
            return Answered(401, "text/plain", b"Unauthorized")
        code = parse_qs(query).get("msdn", [""])[0]
        with self._lock:
            found = self.enterprises.get(code)
        told: Any = {"GetEntCert": []}
        if found is not None and found.form == "A":
            told = _form_a(found)
        elif found is not None:
            told = {"GetEntCert": [_form_b(found)]}
        if found is not None and self.business_mode is Mode.CONTRADICTS_ITSELF:
            told = {**_form_a(found), "GetEntCert": [_form_b(found)]}
        return Answered(200, "application/json", json.dumps(told, ensure_ascii=False).encode())


def _read_question(body: bytes) -> tuple[str, dict[str, str]] | None:
    """Operation and fields, or None for what is not a request of this service."""
    try:
        envelope = ET.fromstring(body)  # noqa: S314 - requests of our own to an invented register
    except ET.ParseError:
        return None
    bodies = envelope.findall(f"{_SOAP}Body")
    if len(bodies) != 1 or len(bodies[0]) != 1:
        return None
    asked = bodies[0][0]
    operation = asked.tag.removeprefix(_ASKED)
    if operation not in {"XacThucThongTinCongDan", "TraCuuThongTinCongDan"}:
        return None
    fields = {one.tag.removeprefix(_ASKED): one.text or "" for one in asked if not len(one)}
    for part in asked.findall(f"{_ASKED}NgayThangNamSinh/*"):
        fields[part.tag.removeprefix(_ASKED)] = part.text or ""
    needed = {"MaYeuCau", "MaDVC", "MaTichHop", "MaCanBo", "MaDonVi", "TaiKhoan", "HoVaTen"}
    is_one_number = ("SoDinhDanh" in fields) != ("SoCMND" in fields)
    is_one_day = ("Nam" in fields) != ("NgayThangNam" in fields)
    if not needed <= {name for name, value in fields.items() if value}:
        return None
    if not is_one_number or not is_one_day or fields["HoVaTen"] != _bare(fields["HoVaTen"]):
        return None
    return operation, fields


def _bare(name: str) -> str:
    """Capitals without accents."""
    apart = unicodedata.normalize("NFD", name.replace("Đ", "D").replace("đ", "d"))
    return "".join(one for one in apart if not unicodedata.combining(one)).upper()


def _was_born(person: Citizen, fields: Mapping[str, str]) -> bool:
    born = person.birthdate
    if "Nam" in fields:
        return born.month is None and fields["Nam"] == f"{born.year:04d}"
    return fields["NgayThangNam"] == str(born).replace("-", "")


def _is_replaced(person: Citizen, fields: Mapping[str, str]) -> bool:
    """A cancelled number is true of nobody any more."""
    return "SoDinhDanh" in fields and fields["SoDinhDanh"] != person.number


def _told_people(people: Sequence[Citizen]) -> Answered:
    told = "".join(_told_person(one) for one in people)
    return _envelope(
        '<ns1:TraCuuThongTinCongDanResponse xmlns:ns1="http://dancuquocgia.bca">'
        f'<ns2:CongdanCollection xmlns:ns2="{_TOLD}">{told}</ns2:CongdanCollection>'
        "</ns1:TraCuuThongTinCongDanResponse>"
    )


def _told_person(person: Citizen) -> str:
    family, *middle, given = person.name.split(" ")
    born = person.birthdate
    day = (
        f"<ns2:Nam>{born}</ns2:Nam>"
        if born.month is None
        else f"<ns2:NgayThangNam>{str(born).replace('-', '')}</ns2:NgayThangNam>"
    )
    old = "" if person.legacy_id_9 is None else f"<ns2:SoCMND>{person.legacy_id_9}</ns2:SoCMND>"
    # more than anybody asked for, as the real one does: nothing of it may be read
    return (
        f"<ns2:CongDan><ns2:SoDinhDanh>{person.number}</ns2:SoDinhDanh>{old}"
        f"<ns2:HoVaTen><ns2:Ho>{escape(family)}</ns2:Ho>"
        f"<ns2:ChuDem>{escape(' '.join(middle))}</ns2:ChuDem>"
        f"<ns2:Ten>{escape(given)}</ns2:Ten></ns2:HoVaTen>"
        f"<ns2:GioiTinh>{_GENDERS.get(person.gender, '0')}</ns2:GioiTinh>"
        "<ns2:DanToc>01</ns2:DanToc><ns2:TonGiao>00</ns2:TonGiao>"
        f"<ns2:NgayThangNamSinh>{day}</ns2:NgayThangNamSinh>"
        "<ns2:Cha><ns2:HoVaTen>Không Ai</ns2:HoVaTen><ns2:SoDinhDanh>003000000001"
        "</ns2:SoDinhDanh></ns2:Cha></ns2:CongDan>"
    )


def _envelope(content: str) -> Answered:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">'
        f"<soap:Body>{content}</soap:Body></soap:Envelope>"
    )
    return Answered(200, "text/xml; charset=utf-8", body.encode())


def _fault(text: str) -> Answered:
    told = _envelope(
        "<soap:Fault><faultcode>soap:Client</faultcode>"
        f"<faultstring>{escape(text)}</faultstring></soap:Fault>"
    )
    return replace(told, status=500)


def _form_a(one: Enterprise) -> dict[str, Any]:
    return {
        "MainInformation": {
            "NAME": one.name,
            "ENTERPRISE_GDT_CODE": one.code,
            "ENTERPRISE_TYPE_NAME": "Công ty",
            "ENTERPRISE_STATUS_NAME": _STATUS_WORDS[one.standing],
        },
        "HOAdress": {"AddressFullText": "Số 1, đường Mẫu, tỉnh Mẫu"},
        "Representatives": [{"FULL_NAME": signatory.name.upper()} for signatory in one.signatories],
    }


def _form_b(one: Enterprise) -> dict[str, Any]:
    standing: dict[str, Any] = {"TinhTrang": _STATUS_WORDS[one.standing]}
    if one.suspended is not None:
        start, end = (f"{day:%d/%m/%Y}" for day in one.suspended)
        standing |= {
            "NgayBatDauTamNgung": start,
            "NgayKetThucTamNgung": end,
            "LyDoTamNgung": "Theo yêu cầu",
        }
    return {
        "MaNoiBo": f"NB{one.code[-4:]}",
        "MaSoDoanhNghiep": one.code,
        "SoGCNDKKD": one.code,
        "MaLoaiHinhDN": "TNHH",
        "LoaiHinhDN": "Công ty",
        "TenTiengViet": one.name.upper(),
        "TenNuocNgoai": None,
        "TenVietTat": "",
        "NgayDangKyLanDau": "01/02/2015",
        "SoLanDangKyThayDoi": 2,
        "TinhTrangPhapLy": [standing],
        "DaiDienPhapLuat": [
            {
                "ThongTinCaNhan": [
                    {
                        "HoVaTen": signatory.name.upper(),
                        "LoaiGiayToChungThuc": signatory.paper,
                        "SoGiayChungThuc": signatory.number,
                        "NgayCap": "01/03/2020",
                        "NoiCap": "Cục Cảnh sát",
                        "QuocTich": "Việt Nam",
                    }
                ]
            }
            for signatory in one.signatories
        ],
        "DiaChiTruSo": "Số 1, đường Mẫu, tỉnh Mẫu",
        "NganhNgheKinhDoanh": [{"MaNganh": "6201"}],
    }
