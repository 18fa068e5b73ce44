"""One row of an import file, from text to an account: which columns there are, what each may hold.

What lives here: the rules of the columns and the code with which each refuses.  A code names the
column and what is wrong; it never repeats what the file says.  Not here: reading files
(`import_files`), deciding what is already known (`imports`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from idp.accounts.addresses import parse_email, parse_phone
from idp.accounts.birthdates import Birthdate, find_birthdate
from idp.accounts.credentials import StoredPassword
from idp.accounts.errors import ForeignHashRefused
from idp.accounts.identifiers import (
    IdentifierProblem,
    ParsedIdentifier,
    check_hint,
    parse_identifier,
)
from idp.accounts.lifecycle import make_account
from idp.accounts.model import (
    Account,
    AccountKind,
    AccountLevel,
    Address,
    Gender,
    IdentifierKind,
    Profile,
)
from idp.accounts.names import MAX_NAME_CHARS, normalise_name
from idp.accounts.passwords import Passwords

COLUMNS: Final[Mapping[str, str]] = {
    "kind": "citizen, foreigner, organisation or mandate",
    "personal_id_number": "12 digits (citizens; holder of a mandate)",
    "legacy_id_9": "the old number, 9 digits",
    "passport_number": "letters and digits",
    "passport_country": "three letters (ISO 3166-1), VNM when empty",
    "foreigner_id": "number of an electronic identity (foreigners; holder of a mandate)",
    "enterprise_code": "10 or 13 digits with check digit (organisations; principal of a mandate)",
    "name": "of the person or organisation",
    "birthdate": "YYYY, YYYY-MM, YYYY-MM-DD or DD/MM/YYYY",
    "gender": "male, female or other",
    "nationality": "three letters (ISO 3166-1)",
    "email": "one address",
    "email_verified": "true or false",
    "phone": "+ and country code, or a domestic number with 0",
    "phone_verified": "true or false",
    "address": "one line",
    "account_level": "1 or 2 for people (1 when empty), empty for organisations",
    "password_hash": "bcrypt, PBKDF2 or argon2, in PHC or Django form (people only)",
    "legal_representatives": "personal numbers with | between them (organisations only)",
    "valid_from": "YYYY-MM-DD, first day of a mandate (the day of import when empty)",
    "valid_to": "YYYY-MM-DD, last day of a mandate (open when empty)",
}
"""Name of the column and what it holds; empty is the same as absent."""

MANDATE: Final = "mandate"
_COUNTRY: Final = re.compile(r"[A-Z]{3}")
_MAX_ADDRESS_CHARS: Final = 300
_MAX_REPRESENTATIVES: Final = 100
_YEARS: Final = range(1900, 3000)
_WORDS: Final = {"true": True, "1": True, "false": False, "0": False, "": False}
_KINDS: Final = {kind.value: kind for kind in AccountKind}
_GENDERS: Final = {gender.value: gender for gender in Gender} | {
    "nam": Gender.MALE,
    "nữ": Gender.FEMALE,
    "m": Gender.MALE,
    "f": Gender.FEMALE,
}
_IDENTIFIERS: Final = {
    AccountKind.CITIZEN: (
        IdentifierKind.PERSONAL_ID_NUMBER,
        IdentifierKind.LEGACY_ID_9,
        IdentifierKind.PASSPORT_NUMBER,
    ),
    AccountKind.FOREIGNER: (IdentifierKind.FOREIGNER_ID, IdentifierKind.PASSPORT_NUMBER),
    AccountKind.ORGANISATION: (IdentifierKind.ENTERPRISE_CODE,),
}
"""The first one is required: by it a row is recognised when the file is read again."""


class RowRefused(Exception):
    """The row is not taken; `code` says which column and why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class MandateWish:
    """That a row wants somebody to be legal representative of an organisation."""

    holder: ParsedIdentifier
    principal: ParsedIdentifier
    valid_from: datetime
    valid_to: datetime | None


@dataclass(frozen=True, slots=True)
class ImportRow:
    """A row that is well formed; whether it is new is not decided yet.

    `has_warnings`: the personal number does not agree with the declared sex or year, or begins with
    no known province.
    """

    account: Account | None
    password: StoredPassword | None
    mandates: tuple[MandateWish, ...]
    has_warnings: bool


def parse_row(cells: Mapping[str, str], *, passwords: Passwords, now: datetime) -> ImportRow:
    """Turn the cells of a row into an account, a mandate, or an organisation with mandates.

    Takes   cells: column → text, without the empty ones.
    Raises  RowRefused.
    """
    kind_text = cells.get("kind", "")
    if kind_text == MANDATE:
        is_foreigner = bool(cells.get(IdentifierKind.FOREIGNER_ID))
        number = IdentifierKind.FOREIGNER_ID if is_foreigner else IdentifierKind.PERSONAL_ID_NUMBER
        wish = _mandate(_required(cells, number), cells=cells, now=now)
        return ImportRow(None, None, (wish,), has_warnings=False)
    kind = _KINDS.get(kind_text)
    if kind is None:
        raise RowRefused("kind_unknown")
    identifiers = _identifiers(cells, kind=kind)
    profile = _profile(cells, kind=kind, today=now.date())
    account = make_account(
        kind=kind,
        level=_level(cells, kind=kind),
        profile=profile,
        identifiers=identifiers,
        now=now,
    )
    first = identifiers[0]
    has_warnings = first.kind is IdentifierKind.PERSONAL_ID_NUMBER and bool(
        check_hint(first.value, gender=profile.gender, birthdate=profile.birthdate)
    )
    return ImportRow(
        account,
        _password(cells, kind=kind, passwords=passwords),
        _representatives(cells, kind=kind, now=now),
        has_warnings,
    )


def _identifiers(cells: Mapping[str, str], *, kind: AccountKind) -> list[ParsedIdentifier]:
    first, *others = _IDENTIFIERS[kind]
    found = [_required(cells, first)]
    for other in others:
        raw = cells.get(other)
        if raw:
            found.append(_identifier(raw, kind=other, country=_country(cells, "passport_country")))
    return found


def _required(cells: Mapping[str, str], kind: IdentifierKind) -> ParsedIdentifier:
    raw = cells.get(kind)
    if not raw:
        raise RowRefused(f"{kind}_missing")
    return _identifier(raw, kind=kind)


def _identifier(raw: str, *, kind: IdentifierKind, country: str | None = None) -> ParsedIdentifier:
    parsed = parse_identifier(raw, kind=kind, country=country)
    if isinstance(parsed, IdentifierProblem):
        raise RowRefused(f"{kind}_malformed")
    return parsed


def _profile(cells: Mapping[str, str], *, kind: AccountKind, today: date) -> Profile:
    name = normalise_name(cells.get("name", ""))
    if not name:
        raise RowRefused("name_missing")
    if len(name) > MAX_NAME_CHARS:
        raise RowRefused("name_too_long")
    address = normalise_name(cells.get("address", ""))
    if len(address) > _MAX_ADDRESS_CHARS:
        raise RowRefused("address_too_long")
    email, phone = _email(cells), _phone(cells)
    is_person = kind is not AccountKind.ORGANISATION
    home = "VNM" if kind is AccountKind.CITIZEN else None
    return Profile(
        name=name,
        birthdate=_birthdate(cells, today=today) if is_person else None,
        gender=_gender(cells) if is_person else None,
        nationality=(_country(cells, "nationality") or home) if is_person else None,
        email=email,
        is_email_verified=_flag(cells, "email_verified") and email is not None,
        phone=phone,
        is_phone_verified=_flag(cells, "phone_verified") and phone is not None,
        address=Address(address) if address else None,
    )


def _birthdate(cells: Mapping[str, str], *, today: date) -> Birthdate | None:
    raw = cells.get("birthdate")
    if not raw:
        return None
    found = find_birthdate(raw, today=today)
    if found is None:
        raise RowRefused("birthdate_malformed")
    return found


def _gender(cells: Mapping[str, str]) -> Gender | None:
    raw = cells.get("gender")
    if not raw:
        return None
    found = _GENDERS.get(raw.lower())
    if found is None:
        raise RowRefused("gender_unknown")
    return found


def _country(cells: Mapping[str, str], column: str) -> str | None:
    raw = cells.get(column)
    if not raw:
        return None
    if _COUNTRY.fullmatch(raw.upper()) is None:
        raise RowRefused(f"{column}_malformed")
    return raw.upper()


def _email(cells: Mapping[str, str]) -> str | None:
    raw = cells.get("email")
    if not raw:
        return None
    address = parse_email(raw)
    if address is None:
        raise RowRefused("email_malformed")
    return address


def _phone(cells: Mapping[str, str]) -> str | None:
    raw = cells.get("phone")
    if not raw:
        return None
    number = parse_phone(raw)
    if number is None:
        raise RowRefused("phone_malformed")
    return number


def _flag(cells: Mapping[str, str], column: str) -> bool:
    found = _WORDS.get(cells.get(column, "").lower())
    if found is None:
        raise RowRefused(f"{column}_malformed")
    return found


def _level(cells: Mapping[str, str], *, kind: AccountKind) -> AccountLevel | None:
    raw = cells.get("account_level", "")
    if kind is AccountKind.ORGANISATION:
        if raw:
            raise RowRefused("account_level_not_for_organisations")
        return None
    if raw not in {"", "1", "2"}:
        raise RowRefused("account_level_unknown")
    return AccountLevel(int(raw or "1"))


def _password(
    cells: Mapping[str, str], *, kind: AccountKind, passwords: Passwords
) -> StoredPassword | None:
    raw = cells.get("password_hash")
    if not raw:
        return None
    if kind is AccountKind.ORGANISATION:
        raise RowRefused("password_hash_not_for_organisations")
    try:
        return passwords.import_hash(raw)
    except ForeignHashRefused as refused:
        raise RowRefused(refused.reason) from refused


def _representatives(
    cells: Mapping[str, str], *, kind: AccountKind, now: datetime
) -> tuple[MandateWish, ...]:
    raw = cells.get("legal_representatives")
    if not raw:
        return ()
    if kind is not AccountKind.ORGANISATION:
        raise RowRefused("legal_representatives_not_for_people")
    numbers = raw.split("|")
    if len(numbers) > _MAX_REPRESENTATIVES:
        raise RowRefused("legal_representatives_malformed")
    wishes = []
    for number in numbers:
        holder = parse_identifier(number, kind=IdentifierKind.PERSONAL_ID_NUMBER)
        if isinstance(holder, IdentifierProblem):
            raise RowRefused("legal_representatives_malformed")
        wishes.append(_mandate(holder, cells=cells, now=now))
    return tuple(wishes)


def _mandate(holder: ParsedIdentifier, *, cells: Mapping[str, str], now: datetime) -> MandateWish:
    valid_from = _day(cells, "valid_from") or now
    last_day = _day(cells, "valid_to")
    valid_to = None if last_day is None else last_day + timedelta(days=1)
    if valid_to is not None and valid_to <= valid_from:
        raise RowRefused("valid_to_before_valid_from")
    principal = _required(cells, IdentifierKind.ENTERPRISE_CODE)
    return MandateWish(holder, principal, valid_from, valid_to)


def _day(cells: Mapping[str, str], column: str) -> datetime | None:
    """Midnight in Viet Nam (UTC+7 all year) of the day in a cell."""
    raw = cells.get(column)
    if not raw:
        return None
    try:
        day = date.fromisoformat(raw)
    except ValueError as malformed:
        raise RowRefused(f"{column}_malformed") from malformed
    if day.year not in _YEARS:
        raise RowRefused(f"{column}_malformed")
    return datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=7)
