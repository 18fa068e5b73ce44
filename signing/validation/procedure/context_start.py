"""Validation context initialization.

Source: ETSI EN 319 102-1 §5.2.4.  Constraints come from our own policy, whatever policy a signature
names: its own is not fetched, which is said.
"""

from __future__ import annotations

from signing.validation.found import FoundSignature
from signing.validation.verdict import PASSED, Conclusion, Indication, because


def start_context(found: FoundSignature) -> Conclusion:
    """1. A signature that names a policy is judged by ours, with a warning.

    2. Else it is PASSED.
    """
    # 1
    if found.policy_identifier:
        warning = because("signature_policy_not_processed", policy=found.policy_identifier)
        return Conclusion(Indication.PASSED, warnings=(warning,))
    # 2
    return PASSED
