"""Who lives in the sandbox: invented people and organisations.

What lives here: data, and nothing that has to be loaded to use them.  Passwords and authenticator
secrets are public on purpose: nothing here protects anything.
Not here: putting them into a database (`people.py`), into registers (`register_people.py`).
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from idp.accounts.birthdates import Birthdate
from idp.accounts.model import AccountLevel, Gender
from idp.accounts.official_duties import Duty


@dataclass(frozen=True, slots=True)
class Organisation:
    """An invented organisation."""

    code: str
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class SandboxIdentity:
    """An invented person: everything needed to sign in as them."""

    identifier: str
    password: str
    name: str
    birthdate: Birthdate
    gender: Gender
    level: AccountLevel
    organisations: tuple[Organisation, ...] = ()
    has_totp: bool = True
    legacy_id_9: str | None = None
    duties: tuple[Duty, ...] = ()
    has_codes_by_message: bool = False

    @property
    def totp_secret(self) -> bytes:
        """20 bytes made from the number, so that a restart does not change the app."""
        return hashlib.sha256(f"antin sandbox {self.identifier}".encode()).digest()[:20]

    @property
    def totp_text(self) -> str:
        """The same in base32, as an app takes it."""
        return base64.b32encode(self.totp_secret).decode()


_LOTUS = Organisation(
    "9900000016", "Công ty Trách nhiệm hữu hạn Sen Vàng", "12 đường Mẫu, phường Mẫu, tỉnh Mẫu"
)
_BAMBOO = Organisation(
    "9900000023", "Hợp tác xã Nông nghiệp Tre Xanh", "Thôn Mẫu, xã Mẫu, tỉnh Mẫu"
)

PEOPLE: tuple[SandboxIdentity, ...] = (
    SandboxIdentity(
        identifier="003190000018",
        password="hoa-sen-no-buoi-sang",
        name="Nguyễn Thị Lấp Lánh Ánh",
        birthdate=Birthdate(1990, 4, 12),
        gender=Gender.FEMALE,
        level=AccountLevel.TWO,
        organisations=(_LOTUS, _BAMBOO),
        legacy_id_9="003123456",
    ),
    SandboxIdentity(
        identifier="005085000027",
        password="con-duong-lang-que",
        name="Trần Văn Thử Nghiệm",
        birthdate=Birthdate(1985, 9, 2),
        gender=Gender.MALE,
        level=AccountLevel.TWO,
        has_codes_by_message=True,
    ),
    SandboxIdentity(
        identifier="007150000036",
        password="mua-roi-tren-mai-ngoi",
        name="Lê Thị Hương Đồng",
        birthdate=Birthdate(1950),
        gender=Gender.FEMALE,
        level=AccountLevel.ONE,
        has_totp=False,
    ),
    SandboxIdentity(
        identifier="009201000045",
        password="tau-dem-ve-que-me",
        name="Phạm Quốc Mẫu",
        birthdate=Birthdate(2001, 12, 24),
        gender=Gender.MALE,
        level=AccountLevel.TWO,
        organisations=(_LOTUS,),
    ),
    SandboxIdentity(
        identifier="003188000054",
        password="ben-do-chieu-mua-ha",
        name="Hoàng Thị Tiếp Dân",
        birthdate=Birthdate(1988, 2, 20),
        gender=Gender.FEMALE,
        level=AccountLevel.TWO,
        duties=(Duty.PROOFING,),
    ),
    SandboxIdentity(
        identifier="005082000063",
        password="cau-tre-bac-qua-song",
        name="Bùi Văn Hỗ Trợ",
        birthdate=Birthdate(1982, 7, 3),
        gender=Gender.MALE,
        level=AccountLevel.TWO,
        duties=(Duty.HELPDESK,),
    ),
    SandboxIdentity(
        identifier="007193000072",
        password="vuon-rau-sau-nha-bep",
        name="Đặng Thị Giúp Đỡ",
        birthdate=Birthdate(1993, 11, 15),
        gender=Gender.FEMALE,
        level=AccountLevel.TWO,
        duties=(Duty.PROOFING, Duty.HELPDESK),
    ),
)
"""The last three are officials; what takes two of them, two of them can do."""
