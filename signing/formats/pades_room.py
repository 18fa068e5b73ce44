"""How much room a signature needs before there is one.

What lives here: the size of a CMS to the octet, but for the signature value, of which the longest
is taken; and timestamps that know how large they are, because one was asked for.  The hole stands
among what is signed, so it cannot grow afterwards, and a guess that is too small loses a signature.
Source: ISO 32000-2 §12.8.1; RFC 5652 §5.1.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Final

from cryptography import x509

from keystore.key_types import KeyType, get_key_type
from signing.formats.algorithms import DIGEST_ALGORITHMS, signature_algorithm
from signing.formats.chains import is_self_issued
from signing.formats.cms import PreparedCms, frame_signed_data, prepare_cms, signature_timestamp
from signing.formats.material import Signatory, Timestamps
from signing.formats.signed_data import DATA, SignedData, SignerInfo, issuer_and_serial

_SPARE_BYTES: Final = 512
"""By how much a token may grow: a longer serial number, name or fraction of a second."""
_ONE: Final = b"\x02\x01\x01"


class MeasuredTimestamps:
    """An authority whose tokens are measured: the largest so far decides.

    Safe to share between threads: two that measure at once come to the same.
    """

    def __init__(self, timestamps: Timestamps) -> None:
        self._timestamps = timestamps
        self._largest: dict[str, int] = {}

    def stamp(self, digest: bytes, *, hash_name: str) -> bytes:
        """See `Timestamps`."""
        token = self._timestamps.stamp(digest, hash_name=hash_name)
        self._largest[hash_name] = max(self._largest.get(hash_name, 0), len(token))
        return token

    def token_bytes(self, hash_name: str) -> int:
        """How much room a token takes; one is asked for if there was none yet.

        Raises  TimestampUnavailable.
        """
        if hash_name not in self._largest:
            self.stamp(hashlib.new(hash_name).digest(), hash_name=hash_name)
        return self._largest[hash_name] + _SPARE_BYTES


@lru_cache(maxsize=256)
def cms_bytes(signatory: Signatory, *, token_bytes: int = 0, organisation: str = "") -> int:
    """How large the CMS of a signature in a PDF becomes at most.

    Takes   token_bytes: of the signature timestamp in it, 0 for none; organisation: in whose name.
    """
    kind = get_key_type(signatory.algorithm)
    digest = hashlib.new(signatory.hash_name).digest()
    prepared = prepare_cms(
        signatory, content_digest=digest, signing_time=None, organisation=organisation
    )
    return len(_longest(prepared, kind=kind, token_bytes=token_bytes))


def _longest(prepared: PreparedCms, *, kind: KeyType, token_bytes: int) -> bytes:
    signatory = prepared.signatory
    algorithm = DIGEST_ALGORITHMS[signatory.hash_name]
    signer = SignerInfo(
        version=_ONE,
        sid=issuer_and_serial(x509.load_der_x509_certificate(signatory.certificate)),
        digest_algorithm=algorithm,
        signed_attributes=prepared.signed_attributes,
        signature_algorithm=signature_algorithm(signatory.algorithm),
        signature=bytes(_longest_signature(kind)),
        unsigned_attributes=(signature_timestamp(bytes(token_bytes)),) if token_bytes else (),
    )
    rest = (one for one in signatory.chain if not is_self_issued(one))
    data = SignedData(
        digest_algorithms=(algorithm,),
        content_type=DATA,
        content=None,
        certificates=(signatory.certificate, *rest),
        crls=(),
        signers=(signer,),
    )
    frame = frame_signed_data(data, content_size=None)
    return frame.head + frame.tail


def _longest_signature(kind: KeyType) -> int:
    """A modulus; or two numbers with a sign octet each, in a sequence (X.690 §8.3, §8.9)."""
    if kind.family == "rsa":
        return kind.bits // 8
    number = kind.size_bytes + 1
    header = 2 if 2 * (number + 2) < 128 else 3
    return header + 2 * (number + 2)
