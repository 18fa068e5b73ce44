"""Who is registered at the provider of protocol tests: clients of every kind, invented people.

What lives here: one registration file and the people, put in by the use cases of the house.  Every
client stands for one thing that a test turns on, its name says which.  Nobody here is real: numbers
begin with province codes that were never assigned, organisation codes with 99.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from string import Template
from typing import Final

from clients.registry.document import parse_document
from clients.registry.editing import RegistryEditor
from idp.accounts.birthdates import Birthdate
from idp.accounts.credentials import Totp
from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.lifecycle import AccountLifecycle, make_account
from idp.accounts.mandates import add_legal_representative
from idp.accounts.model import AccountKind, AccountLevel, Address, Gender, IdentifierKind, Profile
from idp.accounts.passwords import Argon2Costs, Hashing, Passwords
from idp.ids import AccountId, make_id
from idp.registration import Registration
from idp.services import Services
from idp.storage.accounts import find_row
from idp.storage.credentials import replace_totps
from tests.support.pii_alarm import SEEDED

CHEAP: Final = Passwords(Hashing(Argon2Costs(memory_kib=64, passes=1)))

SECRET: Final = "mot-chuoi-bi-mat-dung-chung-trong-kiem-thu-0123456789"
API: Final = "https://api.example/ho-so"
FOREIGN_API: Final = "https://api.example/thue"

_DOCUMENT: Final = Template("""
[[controllers]]
controller_id = "agency"
name_vi = "Cơ quan"
name_en = "Agency"
dpo_email = "dpo@agency.example"

[[sectors]]
sector_id = "land"
controller_id = "agency"
name_vi = "Đất đai"
name_en = "Land"

[[sectors]]
sector_id = "tax"
controller_id = "agency"
name_vi = "Thuế"
name_en = "Tax"

$clients

[[resource_servers]]
identifier = "$api"
name_vi = "Kho hồ sơ"
name_en = "Case store"
sector_id = "land"
client_id = "api"
scopes = ["doc.read", "doc.write"]

[[resource_servers]]
identifier = "$foreign_api"
name_vi = "Kho thuế"
name_en = "Tax store"
sector_id = "tax"
client_id = "api-tax"
scopes = ["tax.read", "doc.read"]

[[resource_servers]]
identifier = "$issuer/userinfo"
name_vi = "Thông tin"
name_en = "Userinfo"
sector_id = "land"
client_id = "api"

[[statutory_bases]]
client_id = "statutory"
scope = "identity"
procedure = "1.000001"
legal_ref = "Article 5"
valid_from = 2026-01-01

[[statutory_bases]]
client_id = "told"
scope = "phone"
procedure = "1.000001"
legal_ref = "Article 6"
valid_from = 2026-01-01

[[statutory_bases]]
client_id = "files"
scope = "doc.read"
procedure = "1.000001"
legal_ref = "Article 7"
valid_from = 2026-01-01
""")

_ALL_SCOPES: Final = (
    '["openid", "profile", "email", "phone", "address", "identity", "organization",'
    ' "offline_access", "doc.read"]'
)
_THREE: Final = '["authorization_code", "refresh_token", "client_credentials"]'


def _purpose(scope: str, *, required: bool) -> str:
    return (
        f'{{ scope = "{scope}", purpose_vi = "Việc {scope}", purpose_en = "For {scope}",'
        f' retention_vi = "1 năm", retention_en = "1 year", required = {str(required).lower()} }}'
    )


def _client(client_id: str, *, secret: bool = True, **fields: str) -> str:
    members = {
        "client_id": f'"{client_id}"',
        "name_vi": f'"Cổng {client_id}"',
        "name_en": f'"Portal {client_id}"',
        "sector_id": '"land"',
        "redirect_uris": f'["https://{client_id}.example/callback"]',
        "post_logout_redirect_uris": f'["https://{client_id}.example/out"]',
        "grant_types": _THREE,
        "scopes": _ALL_SCOPES,
        **fields,
    }
    if secret:
        members["client_secret"] = f'"{SECRET}"'
    return "[[clients]]\n" + "\n".join(f"{name} = {value}" for name, value in members.items())


def _clients(keys: dict[str, str]) -> str:
    out = '"https://{}.example/backchannel"'
    jwt = '"private_key_jwt"'
    return "\n\n".join(
        (
            _client(
                "portal",
                backchannel_logout_uri=out.format("portal"),
                resources=f'["{API}", "{FOREIGN_API}"]',
                redirect_uris='["https://portal.example/callback",'
                ' "https://portal.example/with?kept=1&also=%20"]',
                post_logout_redirect_uris='["https://portal.example/out",'
                ' "https://portal.example/out?kept=1"]',
            ),
            _client("sibling", backchannel_logout_uri=out.format("sibling")),
            _client(
                "other", sector_id='"tax"', backchannel_logout_uri=out.format("other"),
            ),
            _client("post", token_endpoint_auth_method='"client_secret_post"'),
            _client("if-sent", pkce='"if_sent"'),
            _client("level2", required_level="2"),
            _client("known", required_account_level="2"),
            _client("person-only", capacities='"person_only"'),
            _client("organisation-only", capacities='"organisation_only"'),
            _client("narrow", scopes='["openid", "profile"]', grant_types='["authorization_code"]'),
            _client("listed", claims='["name", "email"]'),
            _client("alias", acr_aliases="true"),
            _client(
                "rs256",
                id_token_signed_response_alg='"RS256"',
                userinfo_signed_response_alg='"RS256"',
            ),
            _client(
                "choices",
                purposes="["
                + ", ".join(
                    (
                        _purpose("profile", required=True),
                        _purpose("email", required=False),
                        _purpose("offline_access", required=False),
                    )
                )
                + "]",
            ),
            _client(
                "files",
                resources=f'["{API}", "{FOREIGN_API}"]',
                scopes='["openid", "profile", "offline_access", "doc.read", "doc.write",'
                ' "tax.read", "ghost"]',
                purposes="["
                + ", ".join(
                    (
                        _purpose("doc.read", required=True),
                        _purpose("doc.write", required=False),
                        _purpose("ghost", required=True),
                    )
                )
                + "]",
            ),
            _client("statutory"),
            _client(
                "told",
                purposes=f"[{_purpose('profile', required=True)},"
                f" {_purpose('phone', required=False)}]",
            ),
            _client(
                "native",
                secret=False,
                token_endpoint_auth_method='"none"',
                application_type='"native"',
                redirect_uris='["http://127.0.0.1/callback", "vn.example.app:/callback"]',
                post_logout_redirect_uris="[]",
                grant_types='["authorization_code", "refresh_token"]',
            ),
            _client(
                "keyed", secret=False, token_endpoint_auth_method=jwt, jwks=keys["keyed"]
            ),
            _client(
                "fapi",
                secret=False,
                profile='"fapi2"',
                token_endpoint_auth_method=jwt,
                jwks=keys["fapi"],
            ),
            _client(
                "legacy",
                profile='"legacy"',
                sector_id='"tax"',
                token_endpoint_auth_method='"client_secret_post"',
                pkce='"if_sent"',
                grant_types='["authorization_code"]',
                scopes='["openid", "vnconnect"]',
                claims='["TechID", "HoVaTen", "SoDinhDanh"]',
                source_allow_list='["192.0.2.0/24"]',
                legal_reference='"NĐ 69/2024"',
                end_date="2027-12-31",
            ),
            _client("api", redirect_uris="[]", grant_types='["client_credentials"]',
                    post_logout_redirect_uris="[]", scopes='["doc.read"]'),
            _client("api-tax", redirect_uris="[]", grant_types='["client_credentials"]',
                    post_logout_redirect_uris="[]", scopes='["tax.read"]'),
        )
    )  # fmt: skip


_NOBODY: Final = AccountId("")


@dataclass(slots=True)
class Somebody:
    """Somebody who can sign in; `totp_secret` None: no second factor is enrolled."""

    identifier: str = field(repr=False)
    password: str = field(repr=False)
    name: str = field(repr=False)
    totp_secret: bytes | None = field(default=None, repr=False)
    level: AccountLevel = AccountLevel.TWO
    organisations: tuple[str, ...] = ()
    account_id: AccountId = _NOBODY


def _secret_of(number: str) -> bytes:
    return hashlib.sha256(number.encode()).digest()[:20]


ANH: Final = Somebody(
    SEEDED.citizen_number, SEEDED.password, SEEDED.name, _secret_of(SEEDED.citizen_number)
)
"""Represents nobody, has everything that a profile can hold."""
BINH: Final = Somebody(
    "007079083141", "con-duong-lang-que", "Đỗ Thị Bình Mẫu", _secret_of("b"),
    organisations=("9900000016", "9900000023"),
)  # fmt: skip
"""Represents two organisations."""
CHI: Final = Somebody(
    "009079083142", "mua-roi-tren-mai-ngoi", "Vũ Văn Chi Mẫu", level=AccountLevel.ONE
)
"""Has no second factor, and an account of level 1."""
DUNG: Final = Somebody(
    "003079083143", "tau-dem-ve-que-me", "Hồ Thị Dung Mẫu", _secret_of("d"),
    organisations=("9900000016",),
)  # fmt: skip
"""Represents one organisation."""

PEOPLE: Final = (ANH, BINH, CHI, DUNG)


def seed(services: Services, *, jwks: dict[str, str], now: datetime) -> None:
    """Fill an empty database.  `jwks`: TOML of the key sets of the clients that use keys."""
    document = _DOCUMENT.substitute(
        clients=_clients(jwks),
        api=API,
        foreign_api=FOREIGN_API,
        issuer=services.settings.issuer,
    ).encode()
    registration = Registration(services.database, registry=services.registry, log=services.log)
    with services.database.transaction() as tx:
        RegistryEditor(services.registry).ensure_defaults(tx, now=now)
    registration.take_document(
        parse_document(document, file="tests", for_sandbox=True), operator="first", now=now
    )
    _seed_people(services, now=now)


def _seed_people(services: Services, *, now: datetime) -> None:
    lifecycle = AccountLifecycle(services.database, sealer=services.sealer, log=services.log)
    organisations: dict[str, AccountId] = {}
    for person in PEOPLE:
        account = lifecycle.open(
            make_account(
                kind=AccountKind.CITIZEN,
                level=person.level,
                profile=_profile(person),
                identifiers=[
                    ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, person.identifier)
                ],
                now=now,
            ),
            password=CHEAP.hash_new(person.password),
        )
        if person.totp_secret is not None:
            with services.database.transaction() as tx:
                row = find_row(tx.connection, account.account_id, is_locked=True)
                assert row is not None
                totp = Totp(make_id("otp"), person.totp_secret, now)
                replace_totps(tx, row, totp, sealer=services.sealer)
        for code in person.organisations:
            if code not in organisations:
                organisation = make_account(
                    kind=AccountKind.ORGANISATION,
                    level=None,
                    profile=Profile(name=f"Công ty Mẫu {code[-2:]}"),
                    identifiers=[ParsedIdentifier(IdentifierKind.ENTERPRISE_CODE, code)],
                    now=now,
                )
                organisations[code] = lifecycle.open(organisation).account_id
            add_legal_representative(
                services.database,
                holder_id=account.account_id,
                organisation_id=organisations[code],
                source="tests",
                log=services.log,
                now=now,
            )


def _profile(person: Somebody) -> Profile:
    if person is not ANH:
        return Profile(name=person.name, birthdate=Birthdate(1979), email="nguoi@mau.example")
    return Profile(
        name=SEEDED.name,
        birthdate=Birthdate(1983, 2, 17),
        gender=Gender.FEMALE,
        nationality="VNM",
        email=SEEDED.email,
        is_email_verified=True,
        phone=SEEDED.phone,
        is_phone_verified=False,
        address=Address(formatted=SEEDED.address, country="VN"),
    )


def totp_text(secret: bytes) -> str:
    """An authenticator's secret as an app takes it."""
    return base64.b32encode(secret).decode()
