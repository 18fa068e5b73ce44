"""Format checking.

Source: ETSI EN 319 102-1 §5.2.2.  The readers of a format have looked; here is what it comes to.
"""

from __future__ import annotations

from signing.validation.found import FoundSignature
from signing.validation.verdict import PASSED, Conclusion, SubIndication, failed


def check_format(found: FoundSignature) -> Conclusion:
    """1. What the format demands and is not so makes it FAILED, FORMAT_FAILURE.

    2. Else it is PASSED.
    """
    # 1
    if found.malformed:
        return failed(SubIndication.FORMAT_FAILURE, *found.malformed)
    # 2
    return PASSED
