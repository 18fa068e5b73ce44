"""Images of signatures and seals: what is kept, and what is refused before it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from idp.accounts.errors import AccountUnknown
from idp.accounts.lifecycle import AccountLifecycle, make_account
from idp.accounts.model import Account, AccountKind, AccountLevel, Profile
from idp.ids import AccountId
from idp.sandbox.specimens import SEAL_WIDTH_MM, seal_specimen, signature_specimen
from idp.signature_images import SignatureImages
from idp.storage.accounts import find_row
from idp.storage.database import Database
from idp.storage.signature_images import remove_signature_image
from keystore.kek import load_kek
from keystore.log.events import EventType
from keystore.log.record import LogWriter
from keystore.sealing import Sealer
from signing.errors import DocumentRefused
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation, Task
from signing.messages.appearance import CHECK_IMAGE
from signing.messages.signature_photo import CUT_SIGNATURE
from tests.support.photographs import photograph
from tests.support.provider import KEK
from tests.support.signer import events


@pytest.fixture
def sealer(database: Database, now: datetime) -> Sealer:
    return Sealer.open(database, kek=load_kek(file=None, value=KEK), now=now)


@pytest.fixture
def log(sealer: Sealer) -> LogWriter:
    return LogWriter(sealer, writer_id="test")


@pytest.fixture
def images(
    database: Database, sealer: Sealer, log: LogWriter, isolation: Isolation
) -> SignatureImages:
    return SignatureImages(database, sealer=sealer, log=log, isolation=isolation)


@pytest.fixture
def lifecycle(database: Database, sealer: Sealer, log: LogWriter) -> AccountLifecycle:
    return AccountLifecycle(database, sealer=sealer, log=log)


def _open(lifecycle: AccountLifecycle, kind: AccountKind, now: datetime) -> Account:
    level = None if kind is AccountKind.ORGANISATION else AccountLevel.TWO
    return lifecycle.open(
        make_account(kind=kind, level=level, profile=Profile("Tên"), identifiers=[], now=now)
    )


def test_an_image_is_kept_replaced_and_removed(
    images: SignatureImages, lifecycle: AccountLifecycle, database: Database, now: datetime
) -> None:
    person = _open(lifecycle, AccountKind.CITIZEN, now)
    assert images.find_image(person.account_id) is None
    for _ in range(2):
        images.set_image(person.account_id, signature_specimen(), now=now)
    found = images.find_image(person.account_id)
    assert found is not None
    assert (found.png, found.width_mm) == (signature_specimen(), None)
    assert images.remove_image(person.account_id, now=now)
    assert not images.remove_image(person.account_id, now=now)
    assert images.find_image(person.account_id) is None
    assert len(events(database, EventType.SIGNATURE_IMAGE_SET)) == 2
    assert len(events(database, EventType.SIGNATURE_IMAGE_REMOVED)) == 1


def test_a_seal_has_its_true_width(
    images: SignatureImages, lifecycle: AccountLifecycle, now: datetime
) -> None:
    """NĐ 30/2020/NĐ-CP Annex I II.8a."""
    seal = _open(lifecycle, AccountKind.ORGANISATION, now)
    images.set_image(seal.account_id, seal_specimen(), width_mm=SEAL_WIDTH_MM, now=now)
    found = images.find_image(seal.account_id)
    assert found is not None
    assert found.width_mm == SEAL_WIDTH_MM
    for width in (None, 3.0, 600.0, float("nan")):
        with pytest.raises(DocumentRefused, match="seal_size_unlikely"):
            images.set_image(seal.account_id, seal_specimen(), width_mm=width, now=now)


def test_what_is_no_signature_is_refused(
    images: SignatureImages, lifecycle: AccountLifecycle, now: datetime
) -> None:
    """NĐ 30/2020/NĐ-CP Annex I II.7d: PNG, blue, clear background."""
    person = _open(lifecycle, AccountKind.CITIZEN, now)
    for png, reason in (
        (b"\xff\xd8\xff\xe0 no PNG", "image_not_png"),
        (signature_specimen()[:200], "image_damaged"),
        (seal_specimen(), "image_colour_wrong"),
    ):
        with pytest.raises(DocumentRefused, match=reason):
            images.set_image(person.account_id, png, now=now)
    with pytest.raises(DocumentRefused, match="seal_size_unlikely"):
        images.set_image(person.account_id, signature_specimen(), width_mm=36, now=now)
    with pytest.raises(AccountUnknown):
        images.set_image(AccountId("acc_nobody"), signature_specimen(), now=now)
    assert images.find_image(person.account_id) is None


def test_it_lies_sealed_and_goes_with_the_account(
    images: SignatureImages, lifecycle: AccountLifecycle, database: Database, now: datetime
) -> None:
    person = _open(lifecycle, AccountKind.CITIZEN, now)
    images.set_image(person.account_id, signature_specimen(), now=now)
    with database.read() as connection:
        stored = connection.exec_driver_sql("SELECT image_sealed FROM signature_image").scalar_one()
    assert signature_specimen()[:64] not in bytes(stored)
    with database.transaction() as tx:
        row = find_row(tx.connection, person.account_id)
        assert row is not None
        assert remove_signature_image(tx, row)
    assert images.find_image(person.account_id) is None


class _Noting:
    """Notes who does which job; each tenant is another process, as in a pool."""

    def __init__(self, isolation: Isolation, noted: list[tuple[str, str]], *, tenant: str) -> None:
        self._isolation, self._noted, self._tenant = isolation, noted, tenant

    def run(
        self, task: Task[Any, Any], asked: Any, *, inputs: Sequence[Blob] = ()
    ) -> tuple[Any, Blob]:
        self._noted.append((task.function, self._tenant))
        answered, output = self._isolation.run(task, asked, inputs=inputs)
        return answered, output

    def for_tenant(self, tenant: str) -> Isolation:
        return _Noting(self._isolation, self._noted, tenant=tenant)


def test_who_cuts_a_photograph_is_not_who_says_that_the_result_is_good(
    database: Database,
    sealer: Sealer,
    log: LogWriter,
    isolation: Isolation,
    lifecycle: AccountLifecycle,
    now: datetime,
) -> None:
    """A picture that takes a process over must not be asked whether it did."""
    noted: list[tuple[str, str]] = []
    own = _Noting(isolation, noted, tenant="")
    images = SignatureImages(database, sealer=sealer, log=log, isolation=own)
    person = _open(lifecycle, AccountKind.CITIZEN, now)
    with Blob.of(photograph()) as photo:
        images.set_from_photo(person.account_id, photo, now=now)
    (cut, cutter), (looked, looker) = noted
    assert (cut, looked) == (CUT_SIGNATURE.function, CHECK_IMAGE.function)
    assert cutter
    assert looker not in {"", cutter}
