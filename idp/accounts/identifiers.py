"""Numbers and codes that name an account: their forms, and what may be typed at sign-in.

What lives here: one function per kind that normalises and checks, the reading of what a person
types, and the hint that a personal number contains.  The hint never refuses anybody: whether
newborns get the code of a merged province is not known, and corrected birth years leave old
numbers behind.  Not here: finding the account (`idp.storage.accounts`).

About python-stdnum (`stdnum.vn.mst`): its check digit, length and zero rules are right and are
used.  Its limits: it takes separators at any place, so the form is checked here first; and its
note that the first two digits are a province is wrong, the circular calls them a range part.

Source: Law 26/2023/QH15 Art. 12 (12 digits, no check digit is laid down); TT 105/2020/TT-BTC
Art. 5 and TT 86/2024/TT-BTC Art. 5 (tax codes); NĐ 69/2024/NĐ-CP Art. 5 (foreigners).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from stdnum.vn import mst

from idp.accounts.birthdates import Birthdate
from idp.accounts.model import Gender, IdentifierKind
from idp.accounts.provinces import BIRTH_PROVINCES

MAX_RAW_CHARS: Final = 64
"""Longer input is refused before anything looks at it."""

_SEPARATORS: Final = str.maketrans("", "", ".-")
_DASHES: Final = str.maketrans(dict.fromkeys("\u2010\u2012\u2013\u2014\u2212", "-"))
_DIGITS_12: Final = re.compile(r"[0-9]{12}")
_NEARLY_12: Final = re.compile(r"[0-9]{11}|[0-9]{14}")
"""A digit dropped or two doubled: said so at once instead of asking for the password again."""
_DIGITS_9: Final = re.compile(r"[0-9]{9}")
_ENTERPRISE: Final = re.compile(r"([0-9]{10})(?:-?([0-9]{3}))?")
_VIETNAMESE_PASSPORT: Final = re.compile(r"[A-Z][0-9]{7}")
_ANY_PASSPORT: Final = re.compile(r"[A-Z0-9]{5,15}")
_PASSPORT_WITH_COUNTRY: Final = re.compile(r"([A-Z]{3})/([A-Z0-9]{5,15})")
_FOREIGNER_ID: Final = re.compile(r"[A-Z0-9]{5,32}")
_HOME: Final = "VNM"


NEVER_REASSIGNED: Final = frozenset({IdentifierKind.PERSONAL_ID_NUMBER})
"""Kinds whose cancelled values stay with who had them; old cards and passports do not promise it.

Source: Law 26/2023/QH15 Art. 12 (never repeated for another person); NĐ 70/2024/NĐ-CP Art. 11.
"""


class IdentifierProblem(StrEnum):
    """Why what was given is not an identifier; stable words, no data."""

    MALFORMED = "identifier_malformed"
    TAX_CODE_MALFORMED = "tax_code_malformed"
    ORGANISATION = "organisation_identifier"


class IdentifierWarning(StrEnum):
    """What looks odd and is still taken; somebody may look at it."""

    PASSPORT_UNUSUAL = "passport_unusual"
    PROVINCE_UNKNOWN = "hint_province_unknown"
    GENDER_DIFFERS = "hint_gender_differs"
    BIRTH_YEAR_DIFFERS = "hint_birth_year_differs"


@dataclass(frozen=True, slots=True)
class ParsedIdentifier:
    """One normalised identifier of a known kind."""

    kind: IdentifierKind
    value: str = field(repr=False)
    warnings: tuple[IdentifierWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class TypedIdentifier:
    """What a person typed, and what it may be, likeliest first.

    A foreigner's number has no published length, so 12 digits can be that as well.
    """

    value: str = field(repr=False)
    candidates: tuple[ParsedIdentifier, ...]


@dataclass(frozen=True, slots=True)
class NumberHint:
    """What the digits of a personal number suggest; never a reason to refuse."""

    province: str | None
    gender: Gender = field(repr=False)
    birth_year: int = field(repr=False)


def parse_identifier(
    raw: str, *, kind: IdentifierKind, country: str | None = None
) -> ParsedIdentifier | IdentifierProblem:
    """Normalise and check an identifier whose kind is known.

    Takes   raw: as written, separators and full-width digits allowed; country: ISO 3166-1 alpha-3
            of who issued a passport, because two countries may give out the same number.
    Returns the identifier, with what looks odd about it, or the problem.
    """
    compact = _compact(raw)
    if compact is None:
        return IdentifierProblem.MALFORMED
    match kind:
        case IdentifierKind.PERSONAL_ID_NUMBER:
            return _personal(compact.translate(_SEPARATORS))
        case IdentifierKind.LEGACY_ID_9:
            return _legacy(compact.translate(_SEPARATORS))
        case IdentifierKind.ENTERPRISE_CODE:
            return _enterprise(compact)
        case IdentifierKind.PASSPORT_NUMBER:
            return _passport(compact.translate(_SEPARATORS), country=country or _HOME)
        case IdentifierKind.FOREIGNER_ID:
            return _form(compact.translate(_SEPARATORS), kind=kind, form=_FOREIGNER_ID)


def parse_tax_code(raw: str) -> ParsedIdentifier | IdentifierProblem:
    """A tax code: the personal number of an individual (12 digits) or an enterprise code.

    Source: TT 86/2024/TT-BTC Art. 5(5), in force from 2025-07-01.
    """
    compact = _compact(raw)
    if compact is None:
        return IdentifierProblem.TAX_CODE_MALFORMED
    digits = compact.translate(_SEPARATORS)
    parsed = _personal(digits) if _DIGITS_12.fullmatch(digits) else _enterprise(compact)
    if isinstance(parsed, IdentifierProblem):
        return IdentifierProblem.TAX_CODE_MALFORMED
    return parsed


def parse_login_identifier(raw: str) -> TypedIdentifier | IdentifierProblem:
    """What may have been typed into the field `identifier` of the sign-in page.

    Organisations do not sign in by themselves: their code gives ORGANISATION whether it is known
    here or not, and the person is asked to sign in with a number of their own.
    """
    compact = _compact(raw)
    if compact is None:
        return IdentifierProblem.MALFORMED
    plain = compact.translate(_SEPARATORS)
    if plain.isascii() and plain.isdigit() and len(plain) in {10, 13}:
        organisation = _enterprise(compact)
        is_code = isinstance(organisation, ParsedIdentifier)
        return IdentifierProblem.ORGANISATION if is_code else IdentifierProblem.TAX_CODE_MALFORMED
    if _NEARLY_12.fullmatch(plain) or (plain.isdigit() and len(set(plain)) == 1):
        return IdentifierProblem.MALFORMED
    abroad = _PASSPORT_WITH_COUNTRY.fullmatch(compact)
    if abroad is not None:
        readings = [_passport(abroad[2], country=abroad[1])]
    else:
        readings = [_personal(plain), _legacy(plain)]
        if not plain.isdigit():
            readings.append(_passport(plain, country=_HOME))
        readings.append(_form(plain, kind=IdentifierKind.FOREIGNER_ID, form=_FOREIGNER_ID))
    candidates = tuple(found for found in readings if isinstance(found, ParsedIdentifier))
    if not candidates:
        return IdentifierProblem.MALFORMED
    return TypedIdentifier(candidates[0].value, candidates)


def hint_for(number: str) -> NumberHint:
    """Province of birth registration, sex and birth year that a 12-digit number suggests.

    Takes   number: a normalised personal number.
    Source  TT 07/2016/TT-BCA Art. 7.
    """
    century_and_sex = int(number[3])
    return NumberHint(
        province=BIRTH_PROVINCES.get(number[:3]),
        gender=Gender.FEMALE if century_and_sex % 2 else Gender.MALE,
        birth_year=1900 + 100 * (century_and_sex // 2) + int(number[4:6]),
    )


def check_hint(
    number: str, *, gender: Gender | None, birthdate: Birthdate | None
) -> tuple[IdentifierWarning, ...]:
    """What in a personal number does not agree with what was declared: warnings, nothing else."""
    hint = hint_for(number)
    found = []
    if hint.province is None:
        found.append(IdentifierWarning.PROVINCE_UNKNOWN)
    if gender in {Gender.MALE, Gender.FEMALE} and gender is not hint.gender:
        found.append(IdentifierWarning.GENDER_DIFFERS)
    if birthdate is not None and birthdate.year != hint.birth_year:
        found.append(IdentifierWarning.BIRTH_YEAR_DIFFERS)
    return tuple(found)


def _compact(raw: str) -> str | None:
    """NFKC (full-width digits become digits), capitals, no white space; None when too long."""
    if len(raw) > MAX_RAW_CHARS:
        return None
    text = unicodedata.normalize("NFKC", raw).upper().translate(_DASHES)
    return "".join(text.split())


def _personal(digits: str) -> ParsedIdentifier | IdentifierProblem:
    if _DIGITS_12.fullmatch(digits) is None or len(set(digits)) == 1:
        return IdentifierProblem.MALFORMED
    return ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, digits)


def _legacy(digits: str) -> ParsedIdentifier | IdentifierProblem:
    if _DIGITS_9.fullmatch(digits) is None or len(set(digits)) == 1:
        return IdentifierProblem.MALFORMED
    return ParsedIdentifier(IdentifierKind.LEGACY_ID_9, digits)


def _enterprise(compact: str) -> ParsedIdentifier | IdentifierProblem:
    match = _ENTERPRISE.fullmatch(compact)
    if match is None or not mst.is_valid(compact):
        return IdentifierProblem.TAX_CODE_MALFORMED
    value = match[1] if match[2] is None else f"{match[1]}-{match[2]}"
    return ParsedIdentifier(IdentifierKind.ENTERPRISE_CODE, value)


def _passport(plain: str, *, country: str) -> ParsedIdentifier | IdentifierProblem:
    if _ANY_PASSPORT.fullmatch(plain) is None:
        return IdentifierProblem.MALFORMED
    if country != _HOME:
        return ParsedIdentifier(IdentifierKind.PASSPORT_NUMBER, f"{country}/{plain}")
    is_usual = _VIETNAMESE_PASSPORT.fullmatch(plain) is not None
    warnings = () if is_usual else (IdentifierWarning.PASSPORT_UNUSUAL,)
    return ParsedIdentifier(IdentifierKind.PASSPORT_NUMBER, plain, warnings)


def _form(
    plain: str, *, kind: IdentifierKind, form: re.Pattern[str]
) -> ParsedIdentifier | IdentifierProblem:
    if form.fullmatch(plain) is None:
        return IdentifierProblem.MALFORMED
    return ParsedIdentifier(kind, plain)
