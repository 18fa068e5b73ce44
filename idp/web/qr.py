"""A QR code as an image that a page without scripts can hold.

Source: Key URI format of authenticator apps (`otpauth://`).
"""

from __future__ import annotations

import segno


def qr_data_uri(text: str) -> str:
    """`text` as a QR code in SVG, as a `data:` URI for `img-src data:`."""
    return str(segno.make(text, error="m", micro=False).svg_data_uri(scale=4, border=4))
