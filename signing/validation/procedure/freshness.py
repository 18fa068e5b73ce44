"""Revocation freshness checking.

Source: ETSI EN 319 102-1 §5.2.5.
"""

from __future__ import annotations

from datetime import datetime

from signing.validation.policy import ValidationPolicy
from signing.validation.revocation import CertificateStatus


def is_fresh(status: CertificateStatus, *, at: datetime, policy: ValidationPolicy) -> bool:
    """Whether evidence is recent enough for a time.

    1. Evidence that does not say when it was made is not.
    2. Evidence made after that time is.
    3. Evidence that says when there will be newer one is until then.
    4. Other evidence is as long as the policy says.
    """
    # 1
    until = fresh_until(status, policy=policy)
    if until is None or status.this_update is None:
        return False
    # 2
    if status.this_update >= at:
        return True
    # 3, 4
    return at <= until + policy.skew


def fresh_until(status: CertificateStatus, *, policy: ValidationPolicy) -> datetime | None:
    """The last time for which evidence is recent enough; None for evidence without a time."""
    if status.this_update is None:
        return None
    if status.next_update is not None:
        return max(status.this_update, status.next_update)
    return status.this_update + policy.longest_status_age
