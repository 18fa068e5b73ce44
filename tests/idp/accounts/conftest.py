"""What the tests of accounts stand on: a keystore of their own, cheap hashing, and people.

Numbers begin with province codes that were never assigned, organisation codes with 99.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from idp.accounts.attempts import Attempts, Source
from idp.accounts.directory import Directory
from idp.accounts.identifiers import ParsedIdentifier, parse_identifier
from idp.accounts.lifecycle import AccountLifecycle, make_account
from idp.accounts.login import Login
from idp.accounts.model import Account, AccountKind, AccountLevel, IdentifierKind, Profile
from idp.accounts.notices import Notices
from idp.accounts.passwords import Argon2Costs, Hashing, Passwords
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from idp.storage.ephemeral_sql import SqlEphemeralStore
from idp.work.outbox import Outbox
from keystore.destruction import DestructionList
from keystore.log.record import LogWriter
from keystore.sealing import Sealer, load_kek
from tests.support.factor_house import FactorHouse
from tests.support.passkey_house import PasskeyHouse
from tests.support.provider import KEK

CHEAP = Argon2Costs(memory_kib=64, passes=1)


class CountingHashing(Hashing):
    """Real computations, counted: what costs time is what has to be the same for everybody."""

    def __init__(self, costs: Argon2Costs = CHEAP) -> None:
        super().__init__(costs)
        self.work: list[str] = []

    def hash(self, secret: bytes) -> str:
        self.work.append("argon2id hash")
        return super().hash(secret)

    def verify(self, encoded: str, secret: bytes) -> bool:
        self.work.append("argon2id")
        return super().verify(encoded, secret)

    def compute_foreign(self, scheme: str, *, salt: str, password: bytes) -> str:
        self.work.append(scheme)
        return super().compute_foreign(scheme, salt=salt, password=password)

    def taken(self) -> list[str]:
        """The work since the last call."""
        done, self.work = self.work, []
        return done


@dataclass(frozen=True)
class House:
    """Everything that accounts are made of, over one database and one ephemeral store."""

    database: Database
    store: EphemeralStore
    sealer: Sealer
    log: LogWriter
    now: datetime
    folder: Path
    hashing: CountingHashing = field(default_factory=CountingHashing)

    @property
    def passwords(self) -> Passwords:
        return Passwords(self.hashing)

    @property
    def attempts(self) -> Attempts:
        return Attempts(self.store, sealer=self.sealer)

    @property
    def lifecycle(self) -> AccountLifecycle:
        return AccountLifecycle(
            self.database,
            sealer=self.sealer,
            log=self.log,
            destructions=DestructionList(self.folder / "destroyed", sealer=self.sealer),
        )

    @property
    def notices(self) -> Notices:
        return Notices(Outbox(lambda _ids: None), self.sealer)

    @property
    def directory(self) -> Directory:
        return Directory(self.database, sealer=self.sealer)

    def login(self) -> Login:
        made = Login(
            self.database,
            store=self.store,
            sealer=self.sealer,
            attempts=self.attempts,
            passwords=self.passwords,
        )
        self.hashing.taken()
        return made

    def add_citizen(
        self, number: str, *, password: str | None = None, name: str = "Người Thử Nghiệm"
    ) -> Account:
        account = make_account(
            kind=AccountKind.CITIZEN,
            level=AccountLevel.TWO,
            profile=Profile(name),
            identifiers=[parsed(number)],
            now=self.now,
        )
        stored = None if password is None else self.passwords.hash_new(password)
        return self.lifecycle.open(account, password=stored)

    def add_organisation(self, code: str, *, name: str = "Công ty Thử Nghiệm") -> Account:
        account = make_account(
            kind=AccountKind.ORGANISATION,
            level=None,
            profile=Profile(name),
            identifiers=[parsed(code, kind=IdentifierKind.ENTERPRISE_CODE)],
            now=self.now,
        )
        return self.lifecycle.open(account)


def parsed(
    raw: str, *, kind: IdentifierKind = IdentifierKind.PERSONAL_ID_NUMBER
) -> ParsedIdentifier:
    """An identifier that is known to be well formed."""
    found = parse_identifier(raw, kind=kind)
    assert isinstance(found, ParsedIdentifier)
    return found


@pytest.fixture
def quick_store(tmp_path: Path) -> Iterator[EphemeralStore]:
    """An ephemeral store on SQLite: the contract suite shows that the others are the same."""
    store = SqlEphemeralStore(f"sqlite:///{tmp_path / 'marks.db'}")
    yield store
    store.close()


@pytest.fixture
def sealer(database: Database, now: datetime) -> Sealer:
    """A sealer under a root key that is only for tests."""
    value = base64.urlsafe_b64encode(bytes(range(32))).decode()
    return Sealer.open(database, kek=load_kek(file=None, value=value), now=now)


@pytest.fixture
def house(
    database: Database, quick_store: EphemeralStore, sealer: Sealer, now: datetime, tmp_path: Path
) -> House:
    """Accounts over an empty database, on SQLite and on PostgreSQL."""
    log = LogWriter(sealer, writer_id="test")
    return House(database, quick_store, sealer, log, now, tmp_path)


@pytest.fixture
def source() -> Source:
    """A browser that was never here before."""
    return Source("192.0.2.7")


@pytest.fixture
def passkey_house(sqlite_url: str, tmp_path: Path, now: datetime) -> Iterator[PasskeyHouse]:
    """On SQLite: the statements that differ elsewhere are tested on both."""
    database = Database(sqlite_url)
    ephemeral = SqlEphemeralStore(f"sqlite:///{tmp_path / 'ephemeral.db'}")
    yield PasskeyHouse(database, ephemeral, now)
    ephemeral.close()
    database.close()


@pytest.fixture
def factor_house(sqlite_url: str, tmp_path: Path, now: datetime) -> Iterator[FactorHouse]:
    """On SQLite: the statements that differ elsewhere are tested on both."""
    database = Database(sqlite_url)
    ephemeral = SqlEphemeralStore(f"sqlite:///{tmp_path / 'ephemeral.db'}")
    made = Sealer.open(database, kek=load_kek(file=None, value=KEK), now=now)
    yield FactorHouse(database, ephemeral, made, now)
    ephemeral.close()
    database.close()
