"""base64url without padding, in its one canonical spelling.

What lives here: the encoder and the strict decoder.  Decoders commonly pass over foreign letters
and stray bits; here only the canonical text is taken, so that a token has one text and one hash.
Source: RFC 7515 §2, RFC 4648 §3.5 and §5.
"""

from __future__ import annotations

import base64


def to_base64url(value: bytes) -> bytes:
    """`value` in letters, digits, `-` and `_`."""
    return base64.urlsafe_b64encode(value).rstrip(b"=")


def from_base64url(encoded: bytes) -> bytes:
    """The bytes behind `encoded`.

    Raises  ValueError for padding, white space, other letters, or bits that would be lost.
    """
    value = base64.urlsafe_b64decode(encoded + b"=" * (-len(encoded) % 4))
    if to_base64url(value) != encoded:
        raise ValueError("base64url")
    return value
