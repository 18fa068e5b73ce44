"""What every backend for keys of persons must do, as one contract.

What lives here: the checks; a test file per backend calls them.
"""

from __future__ import annotations

import hashlib

import pytest

from keystore.backends import PersonalKeyBackend
from keystore.backends.errors import DigestRefused, PersonalKekUnknown
from keystore.errors import KeyUnavailable, SealBroken
from keystore.verifying import verify_digest


def digests(many: int, *, hash_name: str = "sha256") -> list[bytes]:
    """Digests that differ."""
    return [hashlib.new(hash_name, bytes((number,))).digest() for number in range(many)]


def check_signs_each_digest(backend: PersonalKeyBackend, *, algorithm: str, hash_name: str) -> None:
    """A key signs what it is given, in order, under its own public half."""
    made = backend.make(algorithm, context="k1")
    asked = digests(3, hash_name=hash_name)
    signatures = backend.sign_digests(
        made.wrapped, algorithm=algorithm, context="k1", digests=asked, hash_name=hash_name
    )
    assert len(signatures) == 3
    for digest, signature in zip(asked, signatures, strict=True):
        verify_digest(
            made.public_spki,
            algorithm=algorithm,
            digest=digest,
            hash_name=hash_name,
            signature=signature,
        )


def check_opens_for_its_record_alone(backend: PersonalKeyBackend) -> None:
    """A blob that was moved to another record, or changed in one bit, does not open."""
    made = backend.make("ES256", context="k1")

    def sign(wrapped: bytes, *, context: str, algorithm: str = "ES256") -> None:
        backend.sign_digests(
            wrapped, algorithm=algorithm, context=context, digests=digests(1), hash_name="sha256"
        )

    sign(made.wrapped, context="k1")
    with pytest.raises(SealBroken):
        sign(made.wrapped, context="k2")
    with pytest.raises(SealBroken):
        backend.rewrap(made.wrapped, context="k2")
    with pytest.raises(SealBroken):
        sign(made.wrapped, context="k1", algorithm="ES384")
    for place in range(len(made.wrapped)):
        changed = bytearray(made.wrapped)
        changed[place] ^= 1
        with pytest.raises((SealBroken, PersonalKekUnknown)):
            sign(bytes(changed), context="k1")
    for cut in (0, 1, 8, 9, 40, len(made.wrapped) - 1):
        with pytest.raises((SealBroken, PersonalKekUnknown)):
            sign(made.wrapped[:cut], context="k1")


def check_refuses_what_it_does_not_sign(backend: PersonalKeyBackend) -> None:
    """Kinds that sign no digests are not made; what is no digest is not signed."""
    for algorithm in ("Ed25519", "ML-DSA-44", "HS256"):
        with pytest.raises(KeyUnavailable):
            backend.make(algorithm, context="k1")
    made = backend.make("ES256", context="k1")
    for hash_name, digest in (("sha256", bytes(31)), ("sha1", bytes(20)), ("none", b"")):
        with pytest.raises(DigestRefused):
            backend.sign_digests(
                made.wrapped,
                algorithm="ES256",
                context="k1",
                digests=[bytes(32), digest],
                hash_name=hash_name,
            )


def check_moves_to_another_root_key(
    before: PersonalKeyBackend, after: PersonalKeyBackend, *, algorithm: str
) -> None:
    """Wrapped anew under the root key of `after`, it is the same key; the old blob opens still.

    Takes   after: holds the root keys of both, and wraps under the other one.
    """
    made = before.make(algorithm, context="k1")
    wrapped, kek_id = after.rewrap(made.wrapped, context="k1")
    assert kek_id == after.kek_ids()[0] != made.kek_id
    assert wrapped != made.wrapped
    assert made.kek_id in after.kek_ids()
    for blob in (wrapped, made.wrapped):
        (signature,) = after.sign_digests(
            blob, algorithm=algorithm, context="k1", digests=digests(1), hash_name="sha256"
        )
        verify_digest(
            made.public_spki,
            algorithm=algorithm,
            digest=digests(1)[0],
            hash_name="sha256",
            signature=signature,
        )


def check_names_an_unknown_root_key(
    backend: PersonalKeyBackend, *, foreign: PersonalKeyBackend
) -> None:
    """A key under a root key that this process does not have says which."""
    made = foreign.make("ES256", context="k1")
    with pytest.raises(PersonalKekUnknown) as unknown:
        backend.rewrap(made.wrapped, context="k1")
    assert unknown.value.kek_id == made.kek_id
