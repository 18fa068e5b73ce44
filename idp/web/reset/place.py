"""Where a forgotten password is replaced.

What lives here: the address, for pages that lead there.
"""

from __future__ import annotations

from typing import Final

PLACE: Final = "/forgot"
