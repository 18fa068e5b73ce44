"""Messages of the population service, as its clients speak and read them.

What lives here: writing the two requests and reading their answers.  `XacThucThongTinCongDan` asks
whether somebody exists of whom all of it is true; `TraCuuThongTinCongDan` asks for fields, of which
only those of `CitizenFields` are looked at.  Answers are read by local name: their namespaces
differ from one integration platform to the next.
Source: what clients of the service send and receive; no schema of it is public.  NĐ 70/2024/NĐ-CP
Art. 11–12 (numbers that were replaced).
Not here: how a message travels (`population.py`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final
from xml.sax.saxutils import escape

from idp.accounts.birthdates import Birthdate, find_birthdate
from idp.accounts.identifiers import ParsedIdentifier, parse_identifier
from idp.accounts.model import Gender, IdentifierKind
from idp.accounts.names import name_key, normalise_name
from idp.registers.errors import RegisterNonsense, RegisterUnavailable
from idp.registers.model import PersonQuery, RegisterName, Verdict
from idp.registers.xml_reader import Element, XmlRefused, read_xml

NAMESPACE: Final = "http://dancuquocgia.bca"
_ENVELOPE: Final = "http://schemas.xmlsoap.org/soap/envelope/"
_DAY: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})", re.ASCII)
_GENDERS: Final = {"1": Gender.MALE, "2": Gender.FEMALE}
_TRUE: Final = frozenset({"true", "1"})
_FALSE: Final = frozenset({"false", "0"})
_REGISTER: Final = RegisterName.POPULATION


class Operation(StrEnum):
    """What the service can be asked; the value is the name on the wire."""

    VERIFY = "XacThucThongTinCongDan"
    FIND = "TraCuuThongTinCongDan"


@dataclass(frozen=True, slots=True)
class RequestHead:
    """Who asks, in the words of the service.

    Takes   request_id: unique (`MaYeuCau`); official, unit, account: `MaCanBo`, `MaDonVi`,
            `TaiKhoan`; auth_hash: what the transport header carries too.
    """

    request_id: str
    service_code: str
    integration_code: str
    official: str
    unit: str
    account: str
    phone: str
    auth_hash: str = field(repr=False)


@dataclass(frozen=True, slots=True, repr=False)
class CitizenFields:
    """What is read of a person; everything else in the answer is passed over."""

    personal_id_number: str
    legacy_id_9: str | None
    name: str
    birthdate: Birthdate | None
    gender: Gender | None


def write_request(operation: Operation, query: PersonQuery, *, head: RequestHead) -> bytes:
    """A SOAP 1.1 envelope, UTF-8.

    Exactly one of `SoDinhDanh` and `SoCMND` is in it; the name is in capitals without accents; a
    birth date of which the day is not known is its year alone.
    """
    number = "SoDinhDanh" if query.number.kind is IdentifierKind.PERSONAL_ID_NUMBER else "SoCMND"
    fields: Sequence[tuple[str, str]] = (
        ("MaYeuCau", head.request_id),
        ("MaDVC", head.service_code),
        ("MaTichHop", head.integration_code),
        ("MaCanBo", head.official),
        ("MaDonVi", head.unit),
        ("TaiKhoan", head.account),
        ("SoDienThoai", head.phone),
        (number, query.number.value),
        ("HoVaTen", name_key(query.name)),
    )
    lines = "".join(f"<dan:{name}>{escape(value)}</dan:{name}>" for name, value in fields if value)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<soapenv:Envelope xmlns:soapenv="{_ENVELOPE}" xmlns:dan="{NAMESPACE}">'
        f"<soapenv:Header/><soapenv:Body><dan:{operation}>{lines}"
        f"<dan:NgayThangNamSinh>{_birthdate(query.birthdate)}</dan:NgayThangNamSinh>"
        f"<dan:AuthHash>{escape(head.auth_hash)}</dan:AuthHash>"
        f"</dan:{operation}></soapenv:Body></soapenv:Envelope>"
    ).encode()


def read_verdict(raw: bytes) -> Verdict:
    """What `XacThucThongTinCongDan` answered.

    Raises  RegisterNonsense; RegisterUnavailable (`fault`).
    """
    body = _read_body(raw)
    results = list(body.all_named("KetQuaXacThuc"))
    if not results:
        raise RegisterNonsense(_REGISTER, "no_result")
    said = {
        one.text.strip().lower()
        for result in results
        for one in (*result.all_named("TonTai"),)
        if one.text.strip()
    }
    if not said:
        return Verdict.UNKNOWN
    if said <= _TRUE:
        return Verdict.MATCHES
    if said <= _FALSE:
        return Verdict.CONTRADICTS
    reason = "contradicts_itself" if said <= _TRUE | _FALSE else "malformed"
    raise RegisterNonsense(_REGISTER, reason)


def read_citizen(raw: bytes, *, query: PersonQuery, today: date) -> CitizenFields | None:
    """What `TraCuuThongTinCongDan` answered; None: there is nobody of whom all of it is true.

    Somebody of another name, birth date or old number than asked for is nobody too: the answer must
    not tell about others.
    Raises  RegisterNonsense; RegisterUnavailable (`fault`).
    """
    body = _read_body(raw)
    if not any(True for _one in body.all_named("CongdanCollection")):
        raise RegisterNonsense(_REGISTER, "no_result")
    people = list(body.all_named("CongDan"))
    if not people:
        return None
    if len(people) > 1:
        raise RegisterNonsense(_REGISTER, "contradicts_itself")
    try:
        found = _read_fields(people[0], today=today)
    except XmlRefused as problem:
        raise RegisterNonsense(_REGISTER, "contradicts_itself") from problem
    return found if _is_about(found, query) else None


def _read_body(raw: bytes) -> Element:
    try:
        envelope = read_xml(raw)
        body = envelope.child("Body") if envelope.name == "Envelope" else None
    except XmlRefused as problem:
        raise RegisterNonsense(_REGISTER, str(problem)) from problem
    if body is None:
        raise RegisterNonsense(_REGISTER, "malformed")
    if any(one.name == "Fault" for one in body.children):
        raise RegisterUnavailable(_REGISTER, "fault")
    return body


def _read_fields(person: Element, *, today: date) -> CitizenFields:
    number = _number(person.value("SoDinhDanh"), kind=IdentifierKind.PERSONAL_ID_NUMBER)
    name = _name(person)
    if number is None or not name:
        raise RegisterNonsense(_REGISTER, "incomplete")
    return CitizenFields(
        personal_id_number=number,
        legacy_id_9=_number(person.value("SoCMND"), kind=IdentifierKind.LEGACY_ID_9),
        name=name,
        birthdate=_read_birthdate(person, today=today),
        gender=_GENDERS.get(person.value("GioiTinh") or ""),
    )


def _number(raw: str | None, *, kind: IdentifierKind) -> str | None:
    if raw is None:
        return None
    parsed = parse_identifier(raw, kind=kind)
    if not isinstance(parsed, ParsedIdentifier):
        raise RegisterNonsense(_REGISTER, "malformed")
    return parsed.value


def _name(person: Element) -> str:
    parts = [person.value("HoVaTen", part) or "" for part in ("Ho", "ChuDem", "Ten")]
    return normalise_name(" ".join(parts)) or normalise_name(person.value("HoVaTen") or "")


def _read_birthdate(person: Element, *, today: date) -> Birthdate | None:
    raw_day = person.value("NgayThangNamSinh", "NgayThangNam")
    raw_year = person.value("NgayThangNamSinh", "Nam")
    day = None if raw_day is None else _day(raw_day, today=today)
    year = None if raw_year is None else find_birthdate(raw_year, today=today)
    if (raw_day is not None and day is None) or (raw_year is not None and year is None):
        raise RegisterNonsense(_REGISTER, "malformed")
    if day is not None and year is not None and day.year != year.year:
        raise RegisterNonsense(_REGISTER, "contradicts_itself")
    return day or year


def _day(raw: str, *, today: date) -> Birthdate | None:
    match = _DAY.fullmatch(raw)
    return None if match is None else find_birthdate("-".join(match.groups()), today=today)


def _is_about(found: CitizenFields, query: PersonQuery) -> bool:
    asked, told = query.birthdate, found.birthdate
    if name_key(found.name) != name_key(query.name):
        return False
    if query.number.kind is IdentifierKind.LEGACY_ID_9 and found.legacy_id_9 not in {
        None,
        query.number.value,
    }:
        return False
    return told is None or all(
        one is None or other is None or one == other
        for one, other in (
            (asked.year, told.year),
            (asked.month, told.month),
            (asked.day, told.day),
        )
    )


def _birthdate(birthdate: Birthdate) -> str:
    if birthdate.month is None or birthdate.day is None:
        return f"<dan:Nam>{birthdate.year:04d}</dan:Nam>"
    day = f"{birthdate.year:04d}{birthdate.month:02d}{birthdate.day:02d}"
    return f"<dan:NgayThangNam>{day}</dan:NgayThangNam>"
