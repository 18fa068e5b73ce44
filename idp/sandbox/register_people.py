"""Who stands in the registers of the sandbox: its people and organisations, and some more.

What lives here: invented records as data.  Beside everybody of `people.py` there are people without
an account, who can open one, and organisations in every state.  Numbers have province prefixes that
were never assigned.
Not here: how a register answers (`register_simulators.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from idp.accounts.birthdates import Birthdate
from idp.accounts.model import Gender
from idp.sandbox.invented_people import PEOPLE


@dataclass(frozen=True, slots=True)
class Citizen:
    """A person as the population service holds them; `replaced` is a number they had before."""

    number: str
    name: str
    birthdate: Birthdate
    gender: Gender
    legacy_id_9: str | None = None
    replaced: str | None = None


class Standing(StrEnum):
    """The state of an organisation in the business register."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    DISSOLVED = "dissolved"


@dataclass(frozen=True, slots=True)
class Signatory:
    """A legal representative as registered: a name, which paper, its number."""

    name: str
    paper: str
    number: str


@dataclass(frozen=True, slots=True)
class Enterprise:
    """An organisation as the business register holds it; `form` is the schema of its answers."""

    code: str
    name: str
    signatories: tuple[Signatory, ...]
    standing: Standing = Standing.ACTIVE
    suspended: tuple[date, date] | None = None
    form: str = "B"


_WITHOUT_ACCOUNT = (
    Citizen("003199000063", "Đỗ Thị Mở Lối", Birthdate(1999, 3, 8), Gender.FEMALE, "003654321"),
    Citizen("005095000072", "Vũ Văn Chưa Có", Birthdate(1995, 11, 30), Gender.MALE),
    Citizen("007148000081", "Hồ Thị Năm Sinh", Birthdate(1948), Gender.FEMALE),
    Citizen("009215000090", "Bùi Nhi Đồng", Birthdate(2015, 6, 1), Gender.MALE),
    # her number was cancelled and established anew: NĐ 70/2024/NĐ-CP Art. 11
    Citizen(
        "003191000107",
        "Ngô Thị Đổi Số",
        Birthdate(1991, 7, 19),
        Gender.FEMALE,
        replaced="003190000107",
    ),
)

CITIZENS: tuple[Citizen, ...] = (
    *(
        Citizen(one.identifier, one.name, one.birthdate, one.gender, one.legacy_id_9)
        for one in PEOPLE
    ),
    *_WITHOUT_ACCOUNT,
)

_ANH, _NGHIEM, _, _QUOC = PEOPLE[:4]
_CARD, _OLD_PAPER = "Thẻ căn cước", "Chứng minh nhân dân"

ENTERPRISES: tuple[Enterprise, ...] = (
    Enterprise(
        "9900000016",
        "Công ty Trách nhiệm hữu hạn Sen Vàng",
        (
            Signatory(_ANH.name, _CARD, _ANH.identifier),
            Signatory(_QUOC.name, _CARD, _QUOC.identifier),
        ),
    ),
    # registered long ago, under the number of nine digits
    Enterprise(
        "9900000023",
        "Hợp tác xã Nông nghiệp Tre Xanh",
        (Signatory(_ANH.name, _OLD_PAPER, _ANH.legacy_id_9 or ""),),
    ),
    Enterprise(
        "9900000030",
        "Công ty Cổ phần Gió Mới",
        (Signatory(_NGHIEM.name, _CARD, _NGHIEM.identifier),),
    ),
    Enterprise(
        "9900000048",
        "Công ty Trách nhiệm hữu hạn Khói Tan",
        (Signatory(_NGHIEM.name, _CARD, _NGHIEM.identifier),),
        Standing.DISSOLVED,
    ),
    Enterprise(
        "9900000055",
        "Công ty Trách nhiệm hữu hạn Ngủ Đông",
        (Signatory(_NGHIEM.name, _CARD, _NGHIEM.identifier),),
        Standing.SUSPENDED,
        (date(2026, 1, 1), date(2036, 12, 31)),
    ),
    # the other form of answers, which tells names alone
    Enterprise(
        "9900000111",
        "Công ty Hợp danh Tên Suông",
        (Signatory(_NGHIEM.name, "", ""),),
        form="A",
    ),
)
