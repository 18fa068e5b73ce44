"""A provider whose people have keys that sign, and a thief who has one thing of theirs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from signing.isolation.task import Isolation
from tests.support.pii_alarm import PiiAlarm
from tests.support.provider import Provider
from tests.support.sign_desk import SignDesk
from tests.support.signatory import SigningPki
from tests.support.thief import Thief


@pytest.fixture
def thief(
    provider: Provider,
    isolation: Isolation,
    signing_pki: SigningPki,
    tmp_path: Path,
    pii_alarm: PiiAlarm,
) -> Iterator[Thief]:
    """Anh has a signing key that takes a code, and a document waits for her."""
    desk = SignDesk(provider, isolation=isolation, pki=signing_pki, folder=tmp_path)
    with pii_alarm.excuse(
        "error page 422", reason="who gave the password reads whose code is asked for"
    ):
        yield Thief(desk)
    desk.close()
