"""The two ways to write an ECDSA signature, and the way from one to the other.

What lives here: r and s in full, one after the other (JOSE, COSE, PKCS #11), and ECDSA-Sig-Value in
DER (X.509, CMS, TLS).  Source: RFC 7518 §3.4; RFC 5480 §2.2.3.  Not here: verifying.
"""

from __future__ import annotations

import hmac

from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from keystore.backends.errors import SignatureRefused


def in_full(signature: bytes, *, size_bytes: int) -> bytes:
    """R and s, `size_bytes` each, from DER that we made."""
    r, s = decode_dss_signature(signature)
    return r.to_bytes(size_bytes, "big") + s.to_bytes(size_bytes, "big")


def in_der(signature: bytes, *, size_bytes: int) -> bytes:
    """ECDSA-Sig-Value from r and s, `size_bytes` each.

    Raises  SignatureRefused("encoding") for any other length.
    """
    if len(signature) != 2 * size_bytes:
        raise SignatureRefused("encoding")
    r, s = signature[:size_bytes], signature[size_bytes:]
    return encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))


def check_der(signature: bytes) -> None:
    """Refuse every encoding of a signature but the one that DER has for it.

    Raises  SignatureRefused("encoding"): BER, trailing bytes, r or s not above zero.
    Source  X.690 §8.3.2 (shortest integers), §10.1 (shortest lengths).
    """
    try:
        r, s = decode_dss_signature(signature)
        canonical = encode_dss_signature(r, s)
    except ValueError as malformed:
        raise SignatureRefused("encoding") from malformed
    if not hmac.compare_digest(canonical, signature) or r <= 0 or s <= 0:
        raise SignatureRefused("encoding")
