"""What a personal key signs when it asks for a certificate: a request for itself, nothing else.

What lives here: the rule that keeps requests and documents apart.  For documents the signer is
handed digests and cannot know of what.  An activation with the purpose of a request comes with the
bytes themselves, and the signer looks at them and hashes them on its own: they are a
CertificationRequestInfo for this very key, without attributes, so a document's digest never passes
for one.  The other way round nothing can be seen: somebody who has a document confirmed whose
digest is that of such bytes has a request signed for a key that is the holder's all the same; its
name is the authority's to verify, and the log tells the purpose that was confirmed.
Source: RFC 2986 §4.1; CEN EN 419 241-1 (what is signed is what was confirmed).
Not here: how a request is made and finished (`keystore/pki/personal_requests.py`).
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from cryptography.hazmat import asn1

from keystore.signer.activation import DIGEST_BYTES, SignatureActivation
from keystore.signer.errors import ActivationMalformed

CERTIFICATE_REQUEST: Final = "certificate_request"
"""The purpose of an activation that signs a request."""
LONGEST_REQUEST: Final = 8 * 1024

_SEQUENCE: Final = b"\x30"
_VERSION_1: Final = b"\x02\x01\x00"
_NO_ATTRIBUTES: Final = b"\xa0\x00"


def verify_request(activation: SignatureActivation, info: bytes, *, public_spki: bytes) -> None:
    """Refuse bytes that are no request for this key, and digests that are not of these bytes.

    1. Bytes come with the purpose of a request and with no other.
    2. One digest is confirmed: the hash of the bytes, computed here.
    3. They are version 1, one name, this key, no attribute, and nothing behind it.

    Takes   info: DER CertificationRequestInfo, empty where there is none; public_spki: of the row,
            which the signature is verified under before it leaves.
    Raises  ActivationMalformed("request").
    """
    # 1
    if activation.purpose != CERTIFICATE_REQUEST:
        if info:
            raise ActivationMalformed("request")
        return
    # 2
    if activation.hash_name not in DIGEST_BYTES or not 0 < len(info) <= LONGEST_REQUEST:
        raise ActivationMalformed("request")
    computed = hashlib.new(activation.hash_name, info).digest()
    if len(activation.digests) != 1 or not hmac.compare_digest(activation.digests[0], computed):
        raise ActivationMalformed("request")
    # 3
    tail = public_spki + _NO_ATTRIBUTES
    body = _content_of(info)
    if not body.startswith(_VERSION_1) or not body.endswith(tail):
        raise ActivationMalformed("request")
    _content_of(body[len(_VERSION_1) : -len(tail)])


def _content_of(sequence: bytes) -> bytes:
    """What is in a SEQUENCE that is all there is."""
    try:
        found = asn1.decode_der(asn1.TLV, sequence)
    except ValueError as malformed:
        raise ActivationMalformed("request") from malformed
    if bytes(found.tag_bytes) != _SEQUENCE:
        raise ActivationMalformed("request")
    return bytes(found.data)
