"""Answers of the business register, in both forms that are met.

What lives here: reading `chiTietDoanhNghiep`.  Form A has `MainInformation`, `Representatives` with
names alone; form B is `GetEntCert[]` with documents of the representatives and periods of
suspension.  The status decides against acting wherever it is in doubt, and so does a representative
whose document cannot be read.
Source: what clients of the register read; no schema of it is public.  Law on Enterprises
59/2020/QH14 Art. 12 and 206 (representatives, suspension).
Not here: how it is asked (`business.py`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NoReturn

from idp.accounts.identifiers import ParsedIdentifier, parse_identifier
from idp.accounts.model import IdentifierKind
from idp.accounts.names import MAX_NAME_CHARS, name_key, normalise_name
from idp.registers.errors import RegisterNonsense
from idp.registers.model import BusinessStatus, RegisterName, Representative

MOST_BYTES: Final = 256 * 1024
_MOST_REPRESENTATIVES: Final = 64
_REGISTER: Final = RegisterName.BUSINESS

_DAY_FIRST: Final = re.compile(r"([0-9]{1,2})[/-]([0-9]{1,2})[/-]([0-9]{4})(?:[ T].*)?", re.ASCII)
_YEAR_FIRST: Final = re.compile(r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})(?:[ T].*)?", re.ASCII)
_SEPARATORS: Final = str.maketrans("", "", "-. ")
_WORDS: Final = (
    (BusinessStatus.SUSPENDED, ("TAM NGUNG", "TAM NGHI", "DINH CHI")),
    (BusinessStatus.OTHER, ("KHONG HOAT DONG", "DANG LAM THU TUC", "CHUA")),
    (
        BusinessStatus.DISSOLVED,
        ("GIAI THE", "CHAM DUT", "PHA SAN", "THU HOI", "NGUNG HOAT DONG", "SAP NHAP", "HOP NHAT"),
    ),
    (BusinessStatus.ACTIVE, ("DANG HOAT DONG",)),
)
"""Words in a status, the ones that must be looked for first before the others."""
_WORST_FIRST: Final = (
    BusinessStatus.DISSOLVED,
    BusinessStatus.SUSPENDED,
    BusinessStatus.OTHER,
    BusinessStatus.ACTIVE,
)
_DOCUMENTS: Final = (
    ("HO CHIEU", IdentifierKind.PASSPORT_NUMBER),
    ("PASSPORT", IdentifierKind.PASSPORT_NUMBER),
    ("CHUNG MINH", IdentifierKind.LEGACY_ID_9),
    ("CMND", IdentifierKind.LEGACY_ID_9),
    ("CAN CUOC", IdentifierKind.PERSONAL_ID_NUMBER),
    ("CCCD", IdentifierKind.PERSONAL_ID_NUMBER),
    ("DINH DANH", IdentifierKind.PERSONAL_ID_NUMBER),
)
_NOT_THERE: Final = object()
_HOME: Final = frozenset({"", "VIET NAM", "VN", "VNM"})


@dataclass(frozen=True, slots=True)
class BusinessFields:
    """What is read of an organisation.

    `changes_on` is the day on which the status becomes another by itself, where one is told.
    """

    name: str
    status: BusinessStatus
    representatives: tuple[Representative, ...]
    changes_on: date | None


def read_business(raw: bytes, *, enterprise_code: str, today: date) -> BusinessFields | None:
    """What is registered under `enterprise_code`, on the day `today` in Viet Nam; None for nothing.

    Raises  RegisterNonsense, also when it is about another organisation, or about several.
    """
    answer = _read_json(raw)
    a, b = _find(answer, "MainInformation"), _find(answer, "GetEntCert")
    if a is not _NOT_THERE and b is not _NOT_THERE:
        _refuse("contradicts_itself")
    if a is not _NOT_THERE:
        return _read_a(answer, a, enterprise_code=enterprise_code)
    if b is not _NOT_THERE:
        return _read_b(b, enterprise_code=enterprise_code, today=today)
    if answer in ({}, [], None):
        return None
    return _refuse("malformed")


def _read_a(answer: Any, main: Any, *, enterprise_code: str) -> BusinessFields | None:
    if not main:
        return None
    if not isinstance(main, dict):
        _refuse("malformed")
    _check_code(main.get("ENTERPRISE_GDT_CODE"), enterprise_code=enterprise_code)
    people = [
        Representative(name, None, None)
        for one in _dicts(_find(answer, "Representatives", default=None))
        if (name := _text(one.get("FULL_NAME")))
    ]
    return BusinessFields(
        name=_name(main.get("NAME")),
        status=_status_of_words([_text(main.get("ENTERPRISE_STATUS_NAME"))]),
        representatives=tuple(people),
        changes_on=None,
    )


def _read_b(entries: Any, *, enterprise_code: str, today: date) -> BusinessFields | None:
    found = _dicts(entries)
    if not found:
        return None
    if len(found) > 1:
        _refuse("contradicts_itself")
    entry = found[0]
    _check_code(entry.get("MaSoDoanhNghiep"), enterprise_code=enterprise_code)
    statuses = [_status(one, today=today) for one in _dicts(entry.get("TinhTrangPhapLy"))]
    people = [
        _representative(person)
        for one in _dicts(entry.get("DaiDienPhapLuat"))
        for person in _dicts(one.get("ThongTinCaNhan"))
    ]
    if len(people) > _MOST_REPRESENTATIVES:
        _refuse("too_large")
    days = [day for _status_now, day in statuses if day is not None]
    return BusinessFields(
        name=_name(entry.get("TenTiengViet")),
        status=_worst([status for status, _day_of_change in statuses]),
        representatives=tuple(people),
        changes_on=min(days, default=None),
    )


def _status(entry: dict[str, Any], *, today: date) -> tuple[BusinessStatus, date | None]:
    """The status that an entry tells, and when it becomes another."""
    words = [
        _text(value)
        for key, value in entry.items()
        if isinstance(value, str) and not key.startswith(("Ngay", "LyDo", "Ma"))
    ]
    told = _status_of_words(words)
    raw_from, raw_to = (_text(entry.get(f"Ngay{which}TamNgung")) for which in ("BatDau", "KetThuc"))
    if not raw_from and not raw_to:
        return told, None
    start, end = _day(raw_from), _day(raw_to)
    if (raw_from and start is None) or (raw_to and end is None):
        return _worst([told, BusinessStatus.OTHER]), None
    if start is not None and today < start:
        return told, start
    if end is not None and today > end:
        return told, None
    return _worst([told, BusinessStatus.SUSPENDED]), None


def _status_of_words(words: Sequence[str]) -> BusinessStatus:
    found = []
    for text in words:
        key = name_key(text)
        found += [status for status, signs in _WORDS if key and any(sign in key for sign in signs)][
            :1
        ] or ([BusinessStatus.OTHER] if key else [])
    return _worst(found)


def _worst(statuses: Sequence[BusinessStatus]) -> BusinessStatus:
    """Of what is told, what keeps most from acting; where nothing is told it is in doubt."""
    return next((one for one in _WORST_FIRST if one in statuses), BusinessStatus.OTHER)


def _representative(person: dict[str, Any]) -> Representative:
    name = _name(person.get("HoVaTen"))
    kind_told = name_key(_text(person.get("LoaiGiayToChungThuc")))
    raw = _text(person.get("SoGiayChungThuc"))
    told = next((kind for word, kind in _DOCUMENTS if word in kind_told), None)
    number: ParsedIdentifier | None = None
    if told is IdentifierKind.PASSPORT_NUMBER:
        if name_key(_text(person.get("QuocTich"))) in _HOME:
            number = _parse(raw, told)
    else:
        # people's IDs of twelve digits are personal numbers too
        number = _parse(raw, IdentifierKind.PERSONAL_ID_NUMBER)
        if number is None and told is not IdentifierKind.PERSONAL_ID_NUMBER:
            number = _parse(raw, IdentifierKind.LEGACY_ID_9)
    if number is None:
        return Representative(name, None, None)
    return Representative(name, number.kind, number.value)


def _parse(raw: str, kind: IdentifierKind) -> ParsedIdentifier | None:
    parsed = parse_identifier(raw, kind=kind)
    return parsed if isinstance(parsed, ParsedIdentifier) else None


def _check_code(raw: object, *, enterprise_code: str) -> None:
    """An answer about another organisation than asked for is none; check digits do not matter."""
    told = _text(raw).translate(_SEPARATORS)
    if told != enterprise_code.translate(_SEPARATORS):
        _refuse("other_subject" if told else "incomplete")


def _name(raw: object) -> str:
    name = _text(raw)
    if not name:
        _refuse("incomplete")
    return name


def _text(raw: object) -> str:
    if raw is None:
        return ""
    if isinstance(raw, int) and not isinstance(raw, bool):
        return str(raw)
    if not isinstance(raw, str):
        _refuse("malformed")
    text = normalise_name(raw)
    if len(text) > MAX_NAME_CHARS * 2:
        _refuse("too_large")
    return text


def _dicts(raw: object) -> list[dict[str, Any]]:
    """A list of objects; one object stands for a list of one, null and absence for none."""
    if raw is None:
        return []
    entries: list[Any] = raw if isinstance(raw, list) else [raw]
    if not all(isinstance(one, dict) for one in entries):
        _refuse("malformed")
    return entries


def _day(raw: str) -> date | None:
    if day_first := _DAY_FIRST.fullmatch(raw):
        day, month, year = map(int, day_first.groups())
    elif year_first := _YEAR_FIRST.fullmatch(raw):
        year, month, day = map(int, year_first.groups())
    else:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _find(answer: Any, key: str, *, default: object = _NOT_THERE) -> Any:
    """What stands under `key`, at the top or one level below: platforms wrap what they pass on."""
    found = [one[key] for one in _levels(answer) if key in one]
    if len(found) > 1:
        _refuse("contradicts_itself")
    return found[0] if found else default


def _levels(answer: Any) -> Iterator[dict[str, Any]]:
    if isinstance(answer, dict):
        yield answer
        yield from (one for one in answer.values() if isinstance(one, dict))


def _read_json(raw: bytes) -> Any:
    if len(raw) > MOST_BYTES:
        _refuse("too_large")
    try:
        return json.loads(
            raw.decode("utf-8-sig"), object_pairs_hook=_once, parse_constant=_no_constant
        )
    except (ValueError, RecursionError) as problem:
        raise RegisterNonsense(_REGISTER, "malformed") from problem


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        _refuse("contradicts_itself")
    return made


def _no_constant(_name_of: str) -> NoReturn:
    raise ValueError("no number")


def _refuse(reason: str) -> NoReturn:
    raise RegisterNonsense(_REGISTER, reason)
