"""A signing key of the keyring as a private key of `cryptography`, for its X.509 builders.

What lives here: objects that sign and give their public half, and refuse everything else, so that
the builders of certificates, revocation lists, requests and status answers work with a key that is
a handle, in software or in a token alike.  Source: RFC 5758 §3.2, RFC 4055, RFC 8410.
Not here: ML-DSA, which those builders do not take.
"""

from __future__ import annotations

from typing import NoReturn

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo, Prehashed
from cryptography.hazmat.primitives.hashes import HashAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key

from keystore.errors import KeyUnavailable
from keystore.key_handle import SigningKey
from keystore.key_types import CURVES, HASHES, KeyType, get_key_type

Buffer = bytes | bytearray | memoryview

X509PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


def as_private_key(key: SigningKey, *, content: str) -> X509PrivateKey:
    """What an X.509 builder signs with.

    Takes   content: what is built, in the words of `KeyPurpose.may_sign`; nothing else is signed.
    Raises  KeyUnavailable for a kind of key that the builders do not know.
    """
    public = load_der_public_key(key.public_spki)
    if isinstance(public, ec.EllipticCurvePublicKey):
        return _EcKey(key, public=public, content=content)
    if isinstance(public, rsa.RSAPublicKey):
        return _RsaKey(key, public=public, content=content)
    if isinstance(public, ed25519.Ed25519PublicKey):
        return _Ed25519Key(key, public=public, content=content)
    raise KeyUnavailable(key.algorithm)


def builder_hash(key: SigningKey) -> HashAlgorithm | None:
    """The hash to hand to a builder together with this key; None for Ed25519."""
    return HASHES.get(get_key_type(key.algorithm).hash_name)


class _NoWayIn:
    """The methods that a handle has no answer to."""

    def private_bytes(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("a handle")

    def private_numbers(self) -> NoReturn:
        raise TypeError("a handle")

    def __copy__(self) -> NoReturn:
        raise TypeError("a handle")

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise TypeError("a handle")


class _EcKey(_NoWayIn, ec.EllipticCurvePrivateKey):
    def __init__(self, key: SigningKey, *, public: ec.EllipticCurvePublicKey, content: str) -> None:
        self._key, self._public, self._content = key, public, content
        self._kind = get_key_type(key.algorithm)

    def sign(self, data: Buffer, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """The signature, with the hash of the key's kind alone."""
        _check_hash(signature_algorithm.algorithm, kind=self._kind)
        return self._key.sign_x509(bytes(data), content=self._content)

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The public half."""
        return self._public

    @property
    def curve(self) -> ec.EllipticCurve:
        """Its curve."""
        return CURVES[self._kind.curve]

    @property
    def key_size(self) -> int:
        """Bits."""
        return self._public.key_size

    def exchange(self, *_: object, **__: object) -> NoReturn:
        """Refused: a signing key agrees on nothing."""
        raise TypeError("a handle")


class _RsaKey(_NoWayIn, rsa.RSAPrivateKey):
    def __init__(self, key: SigningKey, *, public: rsa.RSAPublicKey, content: str) -> None:
        self._key, self._public, self._content = key, public, content
        self._kind = get_key_type(key.algorithm)

    def sign(
        self,
        data: Buffer,
        padding: padding.AsymmetricPadding,
        algorithm: HashAlgorithm | Prehashed | NoDigestInfo,
    ) -> bytes:
        """The signature, with the hash and padding of the key's kind alone."""
        _check_hash(algorithm, kind=self._kind)
        _check_padding(padding, kind=self._kind)
        return self._key.sign_x509(bytes(data), content=self._content)

    def public_key(self) -> rsa.RSAPublicKey:
        """The public half."""
        return self._public

    @property
    def key_size(self) -> int:
        """Bits."""
        return self._public.key_size

    def decrypt(self, *_: object, **__: object) -> NoReturn:
        """Refused: a signing key decrypts nothing."""
        raise TypeError("a handle")


class _Ed25519Key(_NoWayIn, ed25519.Ed25519PrivateKey):
    def __init__(self, key: SigningKey, *, public: ed25519.Ed25519PublicKey, content: str) -> None:
        self._key, self._public, self._content = key, public, content

    def sign(self, data: Buffer) -> bytes:
        """The signature."""
        return self._key.sign_x509(bytes(data), content=self._content)

    def public_key(self) -> ed25519.Ed25519PublicKey:
        """The public half."""
        return self._public

    def private_bytes_raw(self) -> NoReturn:
        """Refused."""
        raise TypeError("a handle")


def _check_hash(algorithm: object, *, kind: KeyType) -> None:
    if not isinstance(algorithm, HashAlgorithm) or algorithm.name != HASHES[kind.hash_name].name:
        raise ValueError(f"{kind.name} signs with {kind.hash_name}")


def _check_padding(scheme: padding.AsymmetricPadding, *, kind: KeyType) -> None:
    if kind.padding == "pss":
        hashed = HASHES[kind.hash_name]
        is_right = scheme == padding.PSS(padding.MGF1(hashed), hashed.digest_size)
    else:
        is_right = isinstance(scheme, padding.PKCS1v15)
    if not is_right:
        raise ValueError(f"{kind.name} signs with {kind.padding}")
