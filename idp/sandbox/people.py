"""Who lives in the sandbox.

What lives here: invented people and organisations as data, and putting them into an empty database.
Passwords and authenticator secrets are public on purpose: nothing here protects anything.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime

from idp.accounts.birthdates import Birthdate
from idp.accounts.credentials import Totp, TotpHolder
from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.lifecycle import AccountLifecycle, make_account
from idp.accounts.mandates import add_legal_representative
from idp.accounts.model import (
    Account,
    AccountKind,
    AccountLevel,
    Address,
    Gender,
    IdentifierKind,
    Profile,
)
from idp.accounts.officials import Duty, Officials
from idp.accounts.passwords import Argon2Costs, Hashing, Passwords
from idp.ids import AccountId, make_id
from idp.services import Services
from idp.storage.accounts import find_row
from idp.storage.credentials import replace_totps
from keystore.second_factor.client import VerifierClient


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


_AGENCY = "phong-dang-ky"
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


def seed_people(services: Services, *, verifier: VerifierClient | None = None) -> None:
    """Put everybody into the database who is not there; whoever interrupts it may start again.

    Takes   verifier: takes their authenticators, as bound at proofing; without it the service does.
    """
    now = services.time()
    lifecycle = AccountLifecycle(services.database, sealer=services.sealer, log=services.log)
    officials = Officials(services.database, services.log)
    passwords = Passwords(Hashing(Argon2Costs()))
    for person in PEOPLE:
        account = _find(services, IdentifierKind.PERSONAL_ID_NUMBER, person.identifier)
        if account is None:
            account = lifecycle.open(
                _account(person, now=now), password=passwords.hash_new(person.password)
            )
            if person.has_codes_by_message:
                _choose_messages(services, account, now=now)
        if person.has_totp and not services.people.has_totp(account.account_id):
            _enrol(services, account, person, verifier=verifier, now=now)
        held = officials.duties_of(account.account_id, now=now)
        for duty in person.duties:
            if duty not in held:
                officials.add(account.account_id, duty=duty, controller_id=_AGENCY, now=now)
        roles = services.people.representations(account.account_id, now=now)
        for organisation in person.organisations:
            if organisation.code not in {role.enterprise_code for role in roles}:
                add_legal_representative(
                    services.database,
                    holder_id=account.account_id,
                    organisation_id=_open_organisation(services, organisation, now=now),
                    source="sandbox",
                    log=services.log,
                    now=now,
                )


def _find(services: Services, kind: IdentifierKind, number: str) -> Account | None:
    return services.people.find_by_identifier(ParsedIdentifier(kind, number))


def _account(person: SandboxIdentity, *, now: datetime) -> Account:
    identifiers = [ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, person.identifier)]
    if person.legacy_id_9 is not None:
        identifiers.append(ParsedIdentifier(IdentifierKind.LEGACY_ID_9, person.legacy_id_9))
    tail = person.identifier[-4:]
    return make_account(
        kind=AccountKind.CITIZEN,
        level=person.level,
        profile=Profile(
            name=person.name,
            birthdate=person.birthdate,
            gender=person.gender,
            nationality="VNM",
            email=f"nguoi{tail}@sandbox.example",
            is_email_verified=True,
            phone=f"+8400000{tail}",
            is_phone_verified=True,
            address=Address(
                formatted=f"Số {int(tail)}, đường Mẫu, phường Mẫu, tỉnh Mẫu",
                street=f"Số {int(tail)}, đường Mẫu",
                ward="Phường Mẫu",
                province="Tỉnh Mẫu",
                country="VN",
            ),
        ),
        identifiers=identifiers,
        now=now,
    )


def _open_organisation(
    services: Services, organisation: Organisation, *, now: datetime
) -> AccountId:
    known = _find(services, IdentifierKind.ENTERPRISE_CODE, organisation.code)
    if known is not None:
        return known.account_id
    account = make_account(
        kind=AccountKind.ORGANISATION,
        level=None,
        profile=Profile(name=organisation.name, address=Address(formatted=organisation.address)),
        identifiers=[ParsedIdentifier(IdentifierKind.ENTERPRISE_CODE, organisation.code)],
        now=now,
    )
    lifecycle = AccountLifecycle(services.database, sealer=services.sealer, log=services.log)
    return lifecycle.open(account).account_id


def _choose_messages(services: Services, account: Account, *, now: datetime) -> None:
    for channel, contact in services.factors.contacts.of(account).items():
        services.factors.contacts.choose(
            account.account_id, channel, is_factor=True, mark=contact.mark, now=now
        )


def _enrol(
    services: Services,
    account: Account,
    person: SandboxIdentity,
    *,
    verifier: VerifierClient | None,
    now: datetime,
) -> None:
    totp = Totp(make_id("otp"), person.totp_secret, now)
    if verifier is not None:
        kept = verifier.take_totp(
            totp.totp_id,
            account_id=account.account_id,
            secret=person.totp_secret,
            is_bound_at_proofing=True,
        )
        totp = Totp(totp.totp_id, kept, now, TotpHolder.VERIFIER)
    with services.database.transaction() as tx:
        row = find_row(tx.connection, account.account_id, is_locked=True)
        if row is not None:
            replace_totps(tx, row, totp, sealer=services.sealer)
