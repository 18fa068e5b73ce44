"""A handwritten signature and a seal that nobody has, for trying out how signatures are seen.

What lives here: two PNG files, drawn by the code in `tests/support/seals.py`, and how large the
seal is.  Every seal of the sandbox says on itself that it is a specimen.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Final

SEAL_WIDTH_MM: Final = 36.0


def signature_specimen() -> bytes:
    """A signature in blue on a clear background: PNG."""
    return files(__name__).joinpath("signature.png").read_bytes()


def seal_specimen() -> bytes:
    """A round seal in red on a clear background: PNG."""
    return files(__name__).joinpath("seal.png").read_bytes()
