"""Times in ASN.1, as anybody writes them.

Source: X.680 §46 and §47; RFC 5652 §11.3; RFC 3161 §2.4.2 (fractions of seconds).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from signing.formats.der import DerMalformed, Element

_UTC_TIME: Final = 0x17
_GENERALIZED: Final = 0x18
_LONGEST: Final = 40
_FORM: Final = re.compile(
    r"(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})?(?:[.,](\d{1,9}))?(Z|[+-]\d{4})",
    re.ASCII,
)
_PIVOT: Final = 50


def read_time(element: Element) -> datetime:
    """A UTCTime or GeneralizedTime, aware, UTC.

    Raises  DerMalformed.
    """
    if element.tag not in {_UTC_TIME, _GENERALIZED} or len(element.content) > _LONGEST:
        raise DerMalformed
    found = _FORM.fullmatch(bytes(element.content).decode("ascii", "replace"))
    if found is None or (len(found[1]) == 2) != (element.tag == _UTC_TIME):
        raise DerMalformed
    year = int(found[1])
    if element.tag == _UTC_TIME:
        year += 1900 if year >= _PIVOT else 2000
    try:
        moment = datetime(
            year,
            int(found[2]),
            int(found[3]),
            int(found[4]),
            int(found[5]),
            int(found[6] or 0),
            int((found[7] or "0")[:6].ljust(6, "0")),
            tzinfo=UTC,
        )
        zone = found[8]
        if zone != "Z":
            offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:]))
            moment = moment - offset if zone[0] == "+" else moment + offset
    except (ValueError, OverflowError) as malformed:
        raise DerMalformed from malformed
    return moment
