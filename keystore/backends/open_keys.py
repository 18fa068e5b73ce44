"""Open private keys in memory: making them, their bytes, and how each kind signs.

What lives here: everything of ours that touches a private key of `cryptography`.  Both software
backends stand on it.  Source: FIPS 186-5 §6 (ECDSA), RFC 8017 §8.1 and §8.2 (RSA, the salt as long
as the hash), RFC 8032 (Ed25519), FIPS 204 (ML-DSA).  Not here: how keys are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from keystore.backends import OpenKey
from keystore.backends.errors import DigestRefused
from keystore.errors import KeyUnavailable, SealBroken
from keystore.key_types import CURVES, HASHES, KeyType
from keystore.signature_schemes import ECDSA, ECDSA_OF_DIGEST, ML_DSA, PADDINGS, PREHASHED

OwnPrivateKey = (
    ec.EllipticCurvePrivateKey
    | rsa.RSAPrivateKey
    | ed25519.Ed25519PrivateKey
    | mldsa.MLDSA44PrivateKey
    | mldsa.MLDSA65PrivateKey
)

_PUBLIC_EXPONENT: Final = 65537


def generate(kind: KeyType) -> OwnPrivateKey:
    """A new private key of that kind."""
    if kind.family == "ec":
        return ec.generate_private_key(CURVES[kind.curve])
    if kind.family == "rsa":
        return rsa.generate_private_key(_PUBLIC_EXPONENT, kind.bits)
    if kind.family == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return ML_DSA[kind.name].private.generate()


def encode_private(key: OwnPrivateKey) -> bytes:
    """The key as DER PKCS #8, in the clear: to be sealed at once."""
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def decode_private(raw: bytes) -> OwnPrivateKey:
    """The key of what `encode_private` returned, which came out of an authenticated envelope.

    Raises  SealBroken.
    """
    try:
        # NOTE: the primes of RSA were tested when the key was made, and the envelope gives it back
        # as it was; testing them at each opening would take 15 ms
        key = load_der_private_key(raw, password=None, unsafe_skip_rsa_key_validation=True)
    except ValueError:
        raise SealBroken from None  # the cause could quote the key
    if not isinstance(key, OwnPrivateKey):
        raise SealBroken
    return key


def open_private(key: OwnPrivateKey, *, kind: KeyType) -> OpenKey:
    """What signs with a key that is of that kind."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return _Ecdsa(key, kind=kind)
    if isinstance(key, rsa.RSAPrivateKey):
        return _Rsa(key, kind=kind)
    if kind.family not in {"ed25519", "ml-dsa"}:
        raise KeyUnavailable(kind.name)
    return _Whole(key.sign, kind=kind)


def check_digest(digest: bytes, *, hash_name: str, kind: KeyType) -> None:
    """Refuse what is no digest of that hash, or a kind that signs none.

    Raises  DigestRefused.
    """
    known = HASHES.get(hash_name)
    if known is None or len(digest) != known.digest_size or not kind.hash_name:
        raise DigestRefused(algorithm=kind.name, hash_name=hash_name)


class _Ecdsa:
    __slots__ = ("_key_sign", "_kind", "_scheme")

    def __init__(self, key: ec.EllipticCurvePrivateKey, *, kind: KeyType) -> None:
        self._key_sign = key.sign
        self._kind = kind
        self._scheme = ECDSA[kind.hash_name]

    def sign(self, message: bytes) -> bytes:
        return self._key_sign(message, self._scheme)

    def sign_digest(self, digest: bytes, *, hash_name: str) -> bytes:
        check_digest(digest, hash_name=hash_name, kind=self._kind)
        return self._key_sign(digest, ECDSA_OF_DIGEST[hash_name])


class _Rsa:
    __slots__ = ("_hash", "_key_sign", "_kind", "_padding")

    def __init__(self, key: rsa.RSAPrivateKey, *, kind: KeyType) -> None:
        self._key_sign = key.sign
        self._kind = kind
        self._hash = HASHES[kind.hash_name]
        self._padding = PADDINGS[kind.padding][kind.hash_name]

    def sign(self, message: bytes) -> bytes:
        return self._key_sign(message, self._padding, self._hash)

    def sign_digest(self, digest: bytes, *, hash_name: str) -> bytes:
        check_digest(digest, hash_name=hash_name, kind=self._kind)
        scheme = PADDINGS[self._kind.padding][hash_name]
        return self._key_sign(digest, scheme, PREHASHED[hash_name])


class _Whole:
    """Schemes that take the message whole."""

    __slots__ = ("_key_sign", "_kind")

    def __init__(self, key_sign: Callable[[bytes], bytes], *, kind: KeyType) -> None:
        self._key_sign = key_sign
        self._kind = kind

    def sign(self, message: bytes) -> bytes:
        return self._key_sign(message)

    def sign_digest(self, digest: bytes, *, hash_name: str) -> bytes:  # noqa: ARG002 - Protocol
        raise DigestRefused(algorithm=self._kind.name, hash_name=hash_name)
