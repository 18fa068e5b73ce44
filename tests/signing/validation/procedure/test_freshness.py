"""How recent evidence about a certificate has to be."""

from __future__ import annotations

from datetime import timedelta

import pytest

from signing.validation.model import RevocationState
from signing.validation.policy import POLICY
from signing.validation.procedure.freshness import fresh_until, is_fresh
from signing.validation.revocation import CertificateStatus
from tests.support.signatory import SIGNING_TIME

_HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("made", "following", "is_enough"),
    [
        (None, None, False),
        (_HOUR, None, True),
        (-_HOUR, _HOUR, True),
        (-_HOUR, -timedelta(seconds=30), True),
        (-2 * _HOUR, -_HOUR, False),
        (-23 * _HOUR, None, True),
        (-25 * _HOUR, None, False),
    ],
)
def test_evidence_is_fresh_until_newer_one_is_due(
    made: timedelta | None, following: timedelta | None, is_enough: bool
) -> None:
    """ETSI EN 319 102-1 §5.2.5.4."""
    status = CertificateStatus(
        RevocationState.GOOD,
        this_update=None if made is None else SIGNING_TIME + made,
        next_update=None if following is None else SIGNING_TIME + following,
    )
    assert is_fresh(status, at=SIGNING_TIME, policy=POLICY) is is_enough


def test_newer_evidence_is_never_due_before_this_one() -> None:
    status = CertificateStatus(
        RevocationState.GOOD, this_update=SIGNING_TIME, next_update=SIGNING_TIME - _HOUR
    )
    assert fresh_until(status, policy=POLICY) == SIGNING_TIME
