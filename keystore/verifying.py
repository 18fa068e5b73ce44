"""Verifying a signature, by strict rules, with a key of a kind that we know.

What lives here: the one door for raw signatures (JOSE has its own).  Strict means: the key is of
the kind and size that the caller names, an ECDSA signature is DER as DER must be with r and s in
range, an RSA-PSS salt is as long as the hash, and a digest has the length of its hash.
Source: FIPS 186-5 §6.4 (ECDSA), RFC 8017 §8.1.2 and §8.2.2, RFC 8032 §5.1.7, FIPS 204 §5.3;
X.690 §10 (one encoding only).  A signature whose r and s are written in full goes through
`signature_forms.in_der` first.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from keystore.backends.errors import DigestRefused, SignatureBroken, SignatureRefused
from keystore.errors import KeyUnavailable
from keystore.key_types import HASHES, KeyType, get_key_type
from keystore.public_keys import OwnPublicKey, load_spki
from keystore.signature_forms import check_der
from keystore.signature_schemes import ECDSA, ECDSA_OF_DIGEST, PADDINGS, PREHASHED


def verify_signature(
    public_spki: bytes, *, algorithm: str, message: bytes, signature: bytes
) -> None:
    """Verify the signature of a message, in the form of X.509 and CMS.

    1. The key is a DER SubjectPublicKeyInfo of the kind that `algorithm` names.
    2. The signature has its one encoding.
    3. It verifies.

    Raises  SignatureRefused (key, encoding, signature).
    """
    kind = get_key_type(algorithm)
    # 1
    public = _load(public_spki, algorithm=algorithm)
    # 2, 3
    _verify_message(public, message, kind=kind, signature=signature)


def verify_digest(
    public_spki: bytes, *, algorithm: str, digest: bytes, hash_name: str, signature: bytes
) -> None:
    """Verify the signature of a digest that was computed elsewhere.

    Raises  SignatureRefused, as `verify_signature`; DigestRefused: unknown hash, wrong length, or a
            kind of key that signs no digests.
    """
    kind = get_key_type(algorithm)
    public = _load(public_spki, algorithm=algorithm)
    _verify_digest(public, digest, kind=kind, hash_name=hash_name, signature=signature)


def check_own_signature(
    public: OwnPublicKey, digest: bytes, *, kind: KeyType, hash_name: str, signature: bytes
) -> None:
    """Look at a signature that we have just made, before it leaves.

    Raises  SignatureBroken: a fault of memory, processor or module; such a signature can tell the
            private key.
    """
    try:
        _verify_digest(public, digest, kind=kind, hash_name=hash_name, signature=signature)
    except SignatureRefused as fault:
        raise SignatureBroken from fault


def check_own_message(
    public: OwnPublicKey, message: bytes, *, kind: KeyType, signature: bytes
) -> None:
    """As `check_own_signature`, for a message."""
    try:
        _verify_message(public, message, kind=kind, signature=signature)
    except SignatureRefused as fault:
        raise SignatureBroken from fault


def _load(public_spki: bytes, *, algorithm: str) -> OwnPublicKey:
    try:
        return load_spki(public_spki, algorithm=algorithm)
    except KeyUnavailable as other:
        raise SignatureRefused("key") from other


def _verify_message(
    public: OwnPublicKey, message: bytes, *, kind: KeyType, signature: bytes
) -> None:
    name = kind.hash_name
    try:
        if isinstance(public, ec.EllipticCurvePublicKey):
            check_der(signature)
            public.verify(signature, message, ECDSA[name])
        elif isinstance(public, rsa.RSAPublicKey):
            public.verify(signature, message, PADDINGS[kind.padding][name], HASHES[name])
        else:
            public.verify(signature, message)
    except (InvalidSignature, ValueError) as mismatch:
        raise SignatureRefused("signature") from mismatch


def _verify_digest(
    public: OwnPublicKey, digest: bytes, *, kind: KeyType, hash_name: str, signature: bytes
) -> None:
    known = HASHES.get(hash_name)
    if known is None or len(digest) != known.digest_size:
        raise DigestRefused(algorithm=kind.name, hash_name=hash_name)
    try:
        if isinstance(public, ec.EllipticCurvePublicKey):
            check_der(signature)
            public.verify(signature, digest, ECDSA_OF_DIGEST[hash_name])
        elif isinstance(public, rsa.RSAPublicKey):
            scheme = PADDINGS[kind.padding][hash_name]
            public.verify(signature, digest, scheme, PREHASHED[hash_name])
        else:
            raise DigestRefused(algorithm=kind.name, hash_name=hash_name)
    except InvalidSignature as mismatch:
        raise SignatureRefused("signature") from mismatch
