"""Who stands in a certificate, and how the name is written.

What lives here: the kinds of subject and their distinguished names.  Names are taken as they are
registered (NFC, one space between words); what would deceive a reader, such as control characters
or a change of the writing direction, is refused.  A name of an organisation that is longer than an
attribute may be is shortened the way such names are abbreviated in the country; its identifier
beside it stays whole and is what counts.
Source: ETSI EN 319 412-1 §5.1, 412-2 §4.2.4, 412-3 §4.2.1; RFC 5280 appendix A.1 (lengths count
characters); Decree 23/2025/ND-CP (title and organisation of an official).
Not here: whether the name is somebody's; the caller took it from the account.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from keystore.pki.deployment import PkiDeployment, SubjectNumbers
from keystore.pki.errors import NameRefused

_LONGEST: Final = 64
"""Characters of O, OU, CN and title: `ub-common-name` and its like of RFC 5280."""
_LONGEST_OTHER: Final = 128
_NEVER_TOO_LONG: Final = 16
_DECEIVING: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_PERSON_KINDS: Final = {"PNO": "CCCD", "PAS": "HC", "IDC": "CMND"}
_NUMBER: Final = re.compile(r"[0-9A-Z]{5,20}", re.ASCII)
_IDENTIFIER: Final = re.compile(r"(?:NTR|VAT|GOV)[A-Z]{2}-[0-9A-Za-z.-]{1,48}", re.ASCII)
_ABBREVIATIONS: Final = (
    ("TRÁCH NHIỆM HỮU HẠN", "TNHH"),
    ("MỘT THÀNH VIÊN", "MTV"),
    ("CỔ PHẦN", "CP"),
    ("ỦY BAN NHÂN DÂN", "UBND"),
    ("UỶ BAN NHÂN DÂN", "UBND"),
    ("HỘI ĐỒNG NHÂN DÂN", "HĐND"),
    ("XUẤT NHẬP KHẨU", "XNK"),
    ("THÀNH PHỐ HỒ CHÍ MINH", "TP.HCM"),
    ("THÀNH PHỐ", "TP."),
    ("THƯƠNG MẠI", "TM"),
    ("DỊCH VỤ", "DV"),
    ("SẢN XUẤT", "SX"),
    ("XÂY DỰNG", "XD"),
    ("ĐẦU TƯ", "ĐT"),
    ("CHI NHÁNH", "CN"),
)
_SANDBOX: Final = "SANDBOX"


@dataclass(frozen=True, slots=True)
class PersonalNumber:
    """An identification number: `kind` is PNO (personal number), IDC (old card) or PAS."""

    kind: str
    number: str = field(repr=False)
    country: str = "VN"


@dataclass(frozen=True, slots=True)
class PersonSubject:
    """A natural person.

    `name` is the full name as registered, family name first.  `surname` and `given_name` are taken
    from it where they are not given: the first word, and the rest.
    """

    name: str = field(repr=False)
    surname: str | None = field(default=None, repr=False)
    given_name: str | None = field(default=None, repr=False)
    number: PersonalNumber | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class OrganisationSubject:
    """An organisation; `identifier` as ETSI writes it: `NTRVN-…`, `VATVN-…` or `GOVVN-…`."""

    name: str
    identifier: str


@dataclass(frozen=True, slots=True)
class OfficialSubject:
    """A person in an office: title and organisation stand in the certificate."""

    person: PersonSubject
    organisation: OrganisationSubject
    title: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ServiceSubject:
    """A service of the deployment itself, by a name that its operator gives."""

    name: str


Subject = PersonSubject | OrganisationSubject | OfficialSubject | ServiceSubject


def subject_name(
    subject: Subject, *, deployment: PkiDeployment, opaque_number: str | None = None
) -> x509.Name:
    """The distinguished name of `subject`: country first, common name last.

    Takes   opaque_number: of the person, needed unless the deployment writes ETSI numbers.
    Raises  NameRefused.
    """
    match subject:
        case PersonSubject():
            parts = _person(subject, deployment=deployment, opaque_number=opaque_number)
        case OrganisationSubject():
            parts = [*_organisation(subject, deployment=deployment)]
            parts.append((NameOID.COMMON_NAME, shortened(_clean(subject.name, field="name"))))
        case OfficialSubject():
            person = _person(subject.person, deployment=deployment, opaque_number=opaque_number)
            title = _clean(subject.title, field="title")
            parts = [
                *_organisation(subject.organisation, deployment=deployment, is_alone=False),
                (NameOID.TITLE, _fitting(title, field="title")),
                *person,
            ]
        case ServiceSubject():
            own = OrganisationSubject(deployment.organisation, deployment.organisation_identifier)
            name = _fitting(_clean(subject.name, field="name"), field="name")
            parts = [
                *_organisation(own, deployment=deployment, is_alone=False),
                (NameOID.COMMON_NAME, name),
            ]
    return _name(parts, deployment=deployment)


def authority_name(name: str, *, deployment: PkiDeployment) -> x509.Name:
    """The distinguished name of a certification authority of the deployment."""
    if deployment.is_sandbox:
        name = f"{_SANDBOX} {name}"
    return subject_name(ServiceSubject(name), deployment=deployment)


def split_name(name: str) -> tuple[str | None, str | None]:
    """Family name and given names of a full name; a single word is a given name."""
    first, _, rest = name.partition(" ")
    return (first, rest) if rest else (None, first)


def shortened(name: str) -> str:
    """The name of an organisation, within the length of an attribute.

    Usual abbreviations are put in one after the other until it fits; where that is not enough, it
    is cut after a word, and the cut is shown.
    """
    for long, short in _ABBREVIATIONS:
        if len(name) <= _LONGEST:
            return name
        name = re.sub(re.escape(long), short, name, flags=re.IGNORECASE)
    if len(name) <= _LONGEST:
        return name
    cut = name[: _LONGEST - 1]
    return (cut.rpartition(" ")[0] or cut).rstrip(" ,-–") + "…"


class _Attribute(x509.NameAttribute[str]):
    """An attribute whose length was checked by characters, as RFC 5280 counts.

    `cryptography` counts bytes of UTF-8, of which a Vietnamese letter has up to three: it refuses
    names that fit, and warns where it is told not to.  So it is shown the beginning.
    """

    def __init__(self, oid: x509.ObjectIdentifier, value: str) -> None:
        super().__init__(oid, value[:_NEVER_TOO_LONG])
        self._value = value


_Part = tuple[x509.ObjectIdentifier, str]


def _person(
    person: PersonSubject, *, deployment: PkiDeployment, opaque_number: str | None
) -> list[_Part]:
    name = _clean(person.name, field="name")
    surname, given_name = person.surname, person.given_name
    if surname is None and given_name is None:
        surname, given_name = split_name(name)
    parts: list[_Part] = []
    for oid, value, what in (
        (NameOID.SURNAME, surname, "surname"),
        (NameOID.GIVEN_NAME, given_name, "given_name"),
    ):
        if value is not None:
            cleaned = _clean(value, field=what)
            parts.append((oid, _fitting(cleaned, field=what, longest=_LONGEST_OTHER)))
    if deployment.numbers is SubjectNumbers.ETSI:
        number = _number(person.number)
        parts.append((NameOID.SERIAL_NUMBER, f"{number.kind}{number.country}-{number.number}"))
    elif opaque_number is None:
        raise NameRefused("serial_number", reason="missing")
    else:
        parts.append((NameOID.SERIAL_NUMBER, opaque_number))
    if deployment.numbers is SubjectNumbers.VIETNAMESE:
        number = _number(person.number)
        parts.append((NameOID.USER_ID, f"{_PERSON_KINDS[number.kind]}:{number.number}"))
    # a person's name is never abbreviated: cut, it is still found by the number beside it
    parts.append((NameOID.COMMON_NAME, name if len(name) <= _LONGEST else _cut(name)))
    return parts


def _organisation(
    organisation: OrganisationSubject, *, deployment: PkiDeployment, is_alone: bool = True
) -> list[_Part]:
    if not _IDENTIFIER.fullmatch(organisation.identifier):
        raise NameRefused("organisation_identifier", reason="malformed")
    parts = [
        (NameOID.ORGANIZATION_NAME, shortened(_clean(organisation.name, field="organisation"))),
        (NameOID.ORGANIZATION_IDENTIFIER, organisation.identifier),
    ]
    if is_alone and deployment.numbers is SubjectNumbers.VIETNAMESE:
        kind, _, code = organisation.identifier.partition("-")
        parts.append((NameOID.USER_ID, f"{'MDD' if kind.startswith('GOV') else 'MST'}:{code}"))
    return parts


def _number(number: PersonalNumber | None) -> PersonalNumber:
    if number is None:
        raise NameRefused("number", reason="missing")
    if number.kind not in _PERSON_KINDS or not _NUMBER.fullmatch(number.number):
        raise NameRefused("number", reason="malformed")
    if not re.fullmatch(r"[A-Z]{2}", number.country, re.ASCII):
        raise NameRefused("number", reason="malformed")
    return number


def _name(parts: list[_Part], *, deployment: PkiDeployment) -> x509.Name:
    if deployment.is_sandbox:
        # before the common name: seen by whoever looks at the certificate
        parts.insert(-1, (NameOID.ORGANIZATIONAL_UNIT_NAME, _SANDBOX))
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, deployment.country),
            *(_Attribute(oid, value) for oid, value in parts),
        ]
    )


def _clean(value: str, *, field: str) -> str:
    value = unicodedata.normalize("NFC", value)
    # NOTE: `split` would take a line break or a tab for a space
    value = " ".join(word for word in value.split(" ") if word)
    if not value:
        raise NameRefused(field, reason="missing")
    if any(unicodedata.category(character) in _DECEIVING for character in value):
        raise NameRefused(field, reason="control_character")
    return value


def _fitting(value: str, *, field: str, longest: int = _LONGEST) -> str:
    if len(value) > longest:
        raise NameRefused(field, reason="too_long")
    return value


def _cut(name: str) -> str:
    cut = name[: _LONGEST - 1]
    return (cut.rpartition(" ")[0] or cut) + "…"
