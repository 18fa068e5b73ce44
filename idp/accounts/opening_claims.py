"""What somebody says of themselves who wants an account, read and checked by its form.

What lives here: from typed text to a question for the population service, or the word for what is
wrong.  Whoever cannot be opened for by themselves is told so before anybody is asked: children
under fourteen, foreigners, organisations.
Source: NĐ 69/2024/NĐ-CP Art. 7, 12 and 14(2); Law 91/2025/QH15 Art. 9 (consent, not ticked before).
Not here: whether any of it is true.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from idp.accounts.birthdates import Birthdate, find_birthdate
from idp.accounts.errors import AccountError
from idp.accounts.identifiers import IdentifierProblem, ParsedIdentifier, parse_identifier
from idp.accounts.model import IdentifierKind
from idp.accounts.names import MAX_NAME_CHARS, normalise_name

LEAST_AGE: Final = 14
_BESIDE_LETTERS: Final = frozenset(" '-’")
_SEPARATORS: Final = re.compile(r"[\s.-]+")


class OpeningRefused(AccountError):
    """Nothing was opened; `reason` is a stable word, and the field it belongs to is the page's.

    address_malformed; nothing_begun; code_missing; wrong_code; code_gone;
    number_missing, number_format, old_number, foreigner, organisation, name_missing, name_format,
    birthdate_missing, birthdate_format, under_age, consent_missing;
    contradicts; exists.
    """

    code = "opening_refused"

    def __init__(self, reason: str, *, attempts_left: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.attempts_left = attempts_left


@dataclass(frozen=True, slots=True)
class RawClaim:
    """As typed."""

    number: str = field(repr=False)
    name: str = field(repr=False)
    birthdate: str = field(repr=False)
    has_consented: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """Well-formed, and **not** confirmed by anybody."""

    number: ParsedIdentifier = field(repr=False)
    name: str = field(repr=False)
    birthdate: Birthdate


def read_claim(raw: RawClaim, *, today: date) -> Claim:
    """What was typed, in the forms in which it is asked for and kept.

    Takes   today: in Viet Nam.
    Raises  OpeningRefused.
    """
    number = read_number(raw.number)
    name = normalise_name(raw.name[: MAX_NAME_CHARS * 4])
    if not name:
        raise OpeningRefused("name_missing")
    if len(name) > MAX_NAME_CHARS or not all(
        one.isalpha() or one in _BESIDE_LETTERS for one in name
    ):
        raise OpeningRefused("name_format")
    birthdate = read_birthdate(raw.birthdate, today=today)
    if _least_age(birthdate, today=today) < LEAST_AGE:
        raise OpeningRefused("under_age")
    if not raw.has_consented:
        raise OpeningRefused("consent_missing")
    return Claim(number, name, birthdate)


def read_number(raw: str) -> ParsedIdentifier:
    """A personal number.

    Raises  OpeningRefused: number_missing, number_format, old_number, foreigner, organisation.
    """
    if not raw.strip():
        raise OpeningRefused("number_missing")
    found = parse_identifier(raw, kind=IdentifierKind.PERSONAL_ID_NUMBER)
    if isinstance(found, ParsedIdentifier):
        return found
    if isinstance(parse_identifier(raw, kind=IdentifierKind.LEGACY_ID_9), ParsedIdentifier):
        raise OpeningRefused("old_number")
    if isinstance(parse_identifier(raw, kind=IdentifierKind.ENTERPRISE_CODE), ParsedIdentifier):
        raise OpeningRefused("organisation")
    foreign = parse_identifier(raw, kind=IdentifierKind.PASSPORT_NUMBER)
    has_letters = any(one.isalpha() for one in raw)
    if has_letters and not isinstance(foreign, IdentifierProblem):
        raise OpeningRefused("foreigner")
    raise OpeningRefused("number_format")


def read_birthdate(raw: str, *, today: date) -> Birthdate:
    """A day as `DD/MM/YYYY` (also with dots, dashes or spaces), or a year alone.

    Raises  OpeningRefused: birthdate_missing, birthdate_format.
    """
    text = raw.strip()[:32]
    if not text:
        raise OpeningRefused("birthdate_missing")
    parts = _SEPARATORS.sub("/", text).split("/")
    if len(parts) == 3 and len(parts[2]) == 4:
        text = f"{parts[0]:0>2}/{parts[1]:0>2}/{parts[2]}"
    found = find_birthdate(text, today=today)
    if found is None or (found.month is not None and found.day is None):
        raise OpeningRefused("birthdate_format")
    return found


def _least_age(birthdate: Birthdate, *, today: date) -> int:
    """How old somebody is at least; of a year alone, as if born on its last day."""
    month, day = birthdate.month or 12, birthdate.day or 31
    is_before_birthday = (today.month, today.day) < (month, day)
    return today.year - birthdate.year - (1 if is_before_birthday else 0)
