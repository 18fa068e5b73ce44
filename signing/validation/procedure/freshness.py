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
    this = status.this_update
    if this is None:
        return False
    # 2
    if this >= at:
        return True
    # 3
    if status.next_update is not None:
        return at <= status.next_update + policy.skew
    # 4
    return at - this <= policy.longest_status_age
