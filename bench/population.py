"""What our provider needs before it can be measured: tables, clients, invented people, codes.

What lives here: filling an empty database through the service's own layers, and issuing codes as a
finished sign-in does.  Numbers begin with province codes that were never assigned.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import cycle, islice
from typing import Final, TypeVar

from bench.side import API, API_SCOPE, CHALLENGE, REDIRECT_URI, SCOPES, Audience, Credentials
from clients.registry.document import parse_document
from clients.registry.imports import import_document
from clients.registry.model import Client
from idp.accounts.birthdates import Birthdate
from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.lifecycle import make_account
from idp.accounts.model import AccountKind, AccountLevel, Gender, IdentifierKind, Profile
from idp.accounts.passwords import Argon2Costs, Hashing, Passwords
from idp.ids import AccountId, GrantId, make_id
from idp.model import Grant
from idp.oauth.scopes import claims_of
from idp.services import Services
from idp.storage.accounts import insert_accounts
from idp.storage.credentials import insert_passwords
from idp.storage.subjects import get_or_make_subject

_T = TypeVar("_T")

PASSWORD: Final = "mat-khau-do-luong"
PORTAL: Final = "cong-do-luong"
RESOURCE_SERVER: Final = "kho-do-luong"
_PROVINCES: Final = ("003", "005", "007", "009")
_LIFETIME: Final = timedelta(hours=12)
_BATCH: Final = 500
_DOCUMENT: Final = """
[[clients]]
client_id = "{portal}"
client_secret = "{portal_secret}"
name_vi = "Cổng đo lường"
name_en = "Portal of the measurement"
redirect_uris = ["{redirect_uri}"]
grant_types = ["authorization_code", "refresh_token", "client_credentials"]
scopes = [{scopes}, "{api_scope}"]
resources = ["{api}"]
capacities = "person_only"

[[clients]]
client_id = "{resource_server}"
client_secret = "{resource_secret}"
name_vi = "Kho hồ sơ đo lường"
name_en = "Case store of the measurement"
redirect_uris = []
grant_types = ["client_credentials"]
scopes = ["openid"]

[[resource_servers]]
identifier = "{api}"
name_vi = "Kho hồ sơ"
name_en = "Case store"
client_id = "{resource_server}"
scopes = ["{api_scope}"]
"""


@dataclass(frozen=True, slots=True)
class Clients:
    """The two clients of a run."""

    portal: Credentials
    resource_server: Credentials


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may sign in with `PASSWORD`."""

    number: str = field(repr=False)
    account_id: AccountId


def number_of(index: int) -> str:
    """The 12-digit number of the n-th invented person; different for the first four million."""
    return f"{_PROVINCES[index % 4]}190{index // 4:06d}"


def add_clients(services: Services) -> Clients:
    """Register the portal and the resource server with fresh secrets."""
    clients = Clients(
        Credentials(PORTAL, secrets.token_urlsafe(32)),
        Credentials(RESOURCE_SERVER, secrets.token_urlsafe(32)),
    )
    text = _DOCUMENT.format(
        portal=PORTAL,
        portal_secret=clients.portal.secret,
        redirect_uri=REDIRECT_URI,
        scopes=", ".join(f'"{scope}"' for scope in SCOPES),
        api=API,
        api_scope=API_SCOPE,
        resource_server=RESOURCE_SERVER,
        resource_secret=clients.resource_server.secret,
    )
    document = parse_document(text.encode(), file="bench")
    with services.database.transaction() as tx:
        import_document(services.registry, document, tx=tx, operator="bench", now=services.time())
    return clients


def add_people(services: Services, indices: Sequence[int]) -> tuple[Person, ...]:
    """Invented people with one common password hash of ours: made once, it costs the same."""
    now = services.time()
    password = Passwords(Hashing(Argon2Costs())).hash_new(PASSWORD)
    people: list[Person] = []
    for batch in _batches(indices):
        accounts = [
            make_account(
                kind=AccountKind.CITIZEN,
                level=AccountLevel.TWO,
                profile=Profile(
                    name="Nguyễn Thị Đo Lường",
                    birthdate=Birthdate(1990, 1, 1),
                    gender=Gender.FEMALE,
                    nationality="VNM",
                ),
                identifiers=[_identifier(index)],
                now=now,
            )
            for index in batch
        ]
        with services.database.transaction() as tx:
            rows = insert_accounts(tx, accounts, sealer=services.sealer)
            insert_passwords(
                tx, [(row, password) for row in rows.values()], sealer=services.sealer, now=now
            )
        people += [
            Person(number_of(index), account.account_id)
            for index, account in zip(batch, accounts, strict=True)
        ]
    return tuple(people)


def find_people(services: Services, indices: Iterable[int]) -> tuple[Person, ...]:
    """People who are there already."""
    people = []
    for index in indices:
        account = services.people.find_by_identifier(_identifier(index))
        assert account is not None, "the import lacks somebody"
        people.append(Person(number_of(index), account.account_id))
    return tuple(people)


class Minting:
    """Issues codes to the portal in the name of the people, in turn, without their sign-ins."""

    def __init__(self, services: Services, people: Sequence[Person]) -> None:
        self._services = services
        self._turn = cycle(people)

    def __call__(self, count: int, audience: Audience) -> list[str]:
        """So many codes, each with a grant of its own."""
        services = self._services
        now = services.time()
        client = services.registry.find_client(PORTAL, now=now)
        assert client is not None, "the portal is not registered"
        codes: list[str] = []
        for batch in _batches(tuple(islice(self._turn, count))):
            with services.database.transaction() as tx:
                for person in batch:
                    subject = get_or_make_subject(tx, person.account_id, sector_id=client.sector_id)
                    grant = _grant(person, client, sub=subject.sub, audience=audience, now=now)
                    code = services.code_exchange.issue(
                        tx, grant, client=client, redirect_uri=REDIRECT_URI,
                        code_challenge=CHALLENGE, lifetime=timedelta(seconds=60),
                    )  # fmt: skip
                    codes.append(code)
        return codes


def _grant(person: Person, client: Client, *, sub: str, audience: Audience, now: datetime) -> Grant:
    return Grant(
        grant_id=GrantId("grt_" + secrets.token_hex(16)),
        account_id=person.account_id,
        client_id=client.client_id,
        sector_id=client.sector_id,
        sub=sub,
        session_id=None,
        sid=make_id("sid"),
        mandate_id=None,
        scopes=SCOPES,
        claims={},
        shared=claims_of(SCOPES),
        claims_locales=(),
        resource=API if audience is Audience.API else None,
        is_offline=True,
        acr="urn:vn:auth:1",
        amr=("pwd",),
        auth_time=now,
        nonce=secrets.token_urlsafe(16),
        created_at=now,
        expires_at=now + _LIFETIME,
    )


def _identifier(index: int) -> ParsedIdentifier:
    return ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, number_of(index))


def _batches(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for start in range(0, len(items), _BATCH):
        yield items[start : start + _BATCH]
