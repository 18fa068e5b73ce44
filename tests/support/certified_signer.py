"""A small deployment with an authority, somebody who is to sign, and a signer for their keys.

What lives here: what tests of certificates for personal keys begin with.  Not here: everything that
enrolment takes besides (`enrolment_house.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.lifecycle import AccountLifecycle, make_account
from idp.accounts.model import Account, AccountKind, AccountLevel, IdentifierKind, Profile
from idp.sandbox.trust import make_authority
from idp.services import Services, build_services
from idp.settings import Settings
from idp.storage.database import Database
from keystore.kek import Kek, KekRing
from tests.support.provider import KEK
from tests.support.signer import Bench


@contextmanager
def open_authority(database: Database, folder: Path, *, now: datetime) -> Iterator[Services]:
    """The services of a deployment with an authority, whose clock stands still."""
    settings = Settings(var=folder, kek=KEK)
    made = build_services(settings, time=lambda: now, database=database, is_sandbox=True)
    make_authority(made, now=now)
    yield made
    made.clock.close()
    made.ephemeral.close()


def add_citizen(services: Services, *, now: datetime) -> Account:
    """Somebody of level 2."""
    made = make_account(
        kind=AccountKind.CITIZEN,
        level=AccountLevel.TWO,
        profile=Profile(name="Nguyễn Thị Lấp Lánh Ánh"),
        identifiers=[ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, "003190001118")],
        now=now,
    )
    AccountLifecycle(services.database, sealer=services.sealer, log=services.log).open(made)
    found = services.people.find_account(made.account_id)
    assert found is not None
    return found


@contextmanager
def open_bench(database: Database, folder: Path) -> Iterator[Bench]:
    """A signer over the same database, under a root key of its own."""
    made = Bench(database, KekRing([Kek(b"root key of personal keys, 32 b!")]), folder / "signer")
    yield made
    made.ledger.close()
