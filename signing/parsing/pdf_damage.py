"""What a library raises about PDF files that are not as they should be.

What lives here: `DAMAGE`, for whoever reads or writes with pyHanko.  Not here: what follows.
"""

from __future__ import annotations

import struct
import zlib
from decimal import InvalidOperation
from typing import Final

from pyhanko.pdf_utils.misc import PdfError

DAMAGE: Final = (
    PdfError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    InvalidOperation,
    RecursionError,
    NotImplementedError,
    struct.error,
    zlib.error,
    EOFError,
)
