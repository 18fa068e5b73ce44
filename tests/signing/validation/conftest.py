"""What tests of checking share: somebody who signs PDFs and looks at what was done to them."""

from __future__ import annotations

from datetime import datetime

import pytest

from signing.formats.material import StatusSource, Timestamps
from signing.formats.pades import PadesParties
from signing.formats.pades_room import MeasuredTimestamps
from signing.isolation.task import Isolation
from tests.support.pdf_desk import Desk
from tests.support.signatory import Hand, SigningPki


@pytest.fixture(scope="module")
def signed_before() -> dict[tuple[object, ...], bytes]:
    """What was signed for one test serves the others."""
    return {}


@pytest.fixture
def desk(
    signed_before: dict[tuple[object, ...], bytes],
    isolation: Isolation,
    timestamps: Timestamps,
    status: StatusSource,
    hand: Hand,
    signing_pki: SigningPki,
    now: datetime,
) -> Desk:
    """Somebody who signs and looks."""
    parties = PadesParties(
        isolation, MeasuredTimestamps(timestamps), status, (signing_pki.root.der,)
    )
    return Desk(parties, hand, now, signed_before)
