"""A provider with pages for signers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from signing.isolation.task import Isolation
from tests.support.provider import Provider
from tests.support.sign_desk import SignDesk
from tests.support.signatory import SigningPki


@pytest.fixture
def desk(
    provider: Provider, isolation: Isolation, signing_pki: SigningPki, tmp_path: Path
) -> Iterator[SignDesk]:
    """Anh is known to the portal; what she signs with is given by the test."""
    desk = SignDesk(provider, isolation=isolation, pki=signing_pki, folder=tmp_path)
    yield desk
    desk.close()
