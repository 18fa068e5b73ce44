"""What stands directly before the hole of a signature, to the octet.

What lives here: the one place that knows it, for who writes it and for who checks it.
Source: ISO 32000-2 §12.8.1 (/ByteRange).
"""

from __future__ import annotations

from typing import Final

_DIGITS: Final = 12
"""Files have up to a terabyte; the numbers are filled up with blanks behind the bracket."""
_WIDTH: Final = len("[0   ]") + 3 * _DIGITS


def before_hole(start: int, end: int, rest: int) -> bytes:
    """The entry /ByteRange and the key of the hole.

    Takes   start, end: the hole in the document, from its `<` to behind its `>`;
            rest: how many octets follow it.
    Returns as many octets for any numbers.
    """
    numbers = b"[0 %d %d %d]" % (start, end, rest)
    return b"/ByteRange %b\n/Contents " % numbers.ljust(_WIDTH)
