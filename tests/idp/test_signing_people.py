"""Who may sign for an organisation, and under which mandate."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from idp.storage.mandates import mandate
from tests.support.enrolment_house import EnrolmentHouse, open_house


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path, now: datetime) -> Iterator[EnrolmentHouse]:
    """On SQLite alone: the storage files have tests of their own on both."""
    with open_house(sqlite_url, tmp_path, now=now) as opened:
        yield opened


@pytest.mark.parametrize(
    ("scopes", "may_sign"),
    [((), True), (("sign",), True), (("report", "sign"), True), (("report",), False)],
)
def test_a_mandate_that_is_narrowed_signs_only_if_signing_is_named(
    house: EnrolmentHouse, scopes: tuple[str, ...], *, may_sign: bool
) -> None:
    """Decree 30/2020/ND-CP Art. 32: the seal is used by who was charged with it."""
    person = house.person()
    organisation, given = house.organisation(person)
    with house.services.database.transaction() as tx:
        tx.connection.execute(
            update(mandate)
            .where(mandate.c.mandate_id == given.mandate_id)
            .values(scopes=json.dumps(scopes))
        )
    signer = house.signer(person, organisation)
    found = house.signers.refresh(signer, client_id=None, now=house.now)
    assert (found is not None) is may_sign
