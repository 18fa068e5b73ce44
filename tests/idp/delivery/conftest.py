"""What the tests of delivery stand on: gateways that are real servers on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from idp.storage.database import Database
from idp.storage.ephemeral_sql import SqlEphemeralStore
from tests.support.delivery_house import DeliveryHouse
from tests.support.gateways import gateway_tls, mail_house, sms_house

__all__ = ["gateway_tls", "mail_house", "sms_house"]


@pytest.fixture
def house(
    sqlite_url: str, tmp_path: Path, clock: Callable[[], datetime]
) -> Iterator[DeliveryHouse]:
    """People, and what is sent to them."""
    made = DeliveryHouse(
        Database(sqlite_url),
        SqlEphemeralStore(f"sqlite:///{tmp_path / 'ephemeral.db'}"),
        time=clock,
        folder=tmp_path,
    )
    yield made
    made.close()
