"""How each kind of key signs in a token, and what its public half looks like there.

What lives here: the mechanisms.  A token is always given a digest (or, for Ed25519, the message):
what it hashes itself differs from vendor to vendor.  Signatures come back in the form of X.509.
Source: PKCS #11 Current Mechanisms v2.40 §2.1 (RSA), §2.3 (EC); v3.0 §2.3.14 (EdDSA);
RFC 8017 §9.2 (DigestInfo); RFC 5480 §2.2.  Not here: sessions, objects.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from pkcs11 import MGF, Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.util import biginteger

from keystore.backends.open_keys import OwnPrivateKey
from keystore.errors import KeyUnavailable
from keystore.key_types import CURVES
from keystore.key_types import KeyType as Kind
from keystore.public_keys import OwnPublicKey
from keystore.signature_forms import in_der

_CURVE_OIDS: Final[Mapping[str, bytes]] = {
    "P-256": bytes.fromhex("06082a8648ce3d030107"),
    "P-384": bytes.fromhex("06052b81040022"),
    "Ed25519": bytes.fromhex("06032b6570"),
}
_TOKEN_TYPES: Final = {"ec": KeyType.EC, "rsa": KeyType.RSA, "ed25519": KeyType.EC_EDWARDS}
_LABEL: Final = "antin signing key"
_EC_GENERATION: Final = {
    KeyType.EC: Mechanism.EC_KEY_PAIR_GEN,
    KeyType.EC_EDWARDS: Mechanism.EC_EDWARDS_KEY_PAIR_GEN,
}
_PSS: Final = {
    "sha256": (Mechanism.SHA256, MGF.SHA256, 32),
    "sha384": (Mechanism.SHA384, MGF.SHA384, 48),
    "sha512": (Mechanism.SHA512, MGF.SHA512, 64),
}
_DIGEST_INFO: Final = {
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha384": bytes.fromhex("3041300d060960864801650304020205000430"),
    "sha512": bytes.fromhex("3051300d060960864801650304020305000440"),
}


def token_type(kind: Kind) -> KeyType:
    """CKA_KEY_TYPE of that kind.

    Raises  KeyUnavailable for a kind that tokens do not make for us.
    """
    try:
        return _TOKEN_TYPES[kind.family]
    except KeyError:
        raise KeyUnavailable(kind.name) from None


def generate_pair(
    session: Any, *, kind: Kind, key_id: bytes, private: Mapping[Attribute, Any]
) -> tuple[OwnPublicKey, Any]:
    """A new pair in the token: its public half, and the private object.

    The public object is a session object and destroyed at once: we keep public halves ourselves.
    """
    which = token_type(kind)
    public_template: dict[Attribute, Any] = {Attribute.TOKEN: False, Attribute.VERIFY: True}
    if which is KeyType.RSA:
        public_object, private_object = session.generate_keypair(
            which,
            kind.bits,
            id=key_id,
            label=_LABEL,
            mechanism=Mechanism.RSA_PKCS_KEY_PAIR_GEN,
            public_template=public_template,
            private_template=dict(private),
        )
    else:
        oid = _CURVE_OIDS[kind.curve or kind.name]
        parameters = session.create_domain_parameters(which, {Attribute.EC_PARAMS: oid}, local=True)
        public_object, private_object = parameters.generate_keypair(
            id=key_id,
            label=_LABEL,
            mechanism=_EC_GENERATION[which],
            public_template=public_template,
            private_template=dict(private),
        )
    try:
        return _read_public(public_object, kind=kind), private_object
    finally:
        public_object.destroy()


def private_template(private: OwnPrivateKey) -> dict[Attribute, Any]:
    """What an object in a token must be given to become that private key.

    Raises  KeyUnavailable for a kind that tokens do not take from us.
    """
    template: dict[Attribute, Any] = {Attribute.CLASS: ObjectClass.PRIVATE_KEY}
    if isinstance(private, ec.EllipticCurvePrivateKey):
        (curve,) = (name for name, one in CURVES.items() if one.name == private.curve.name)
        size = (private.key_size + 7) // 8
        return template | {
            Attribute.KEY_TYPE: KeyType.EC,
            Attribute.EC_PARAMS: _CURVE_OIDS[curve],
            Attribute.VALUE: private.private_numbers().private_value.to_bytes(size, "big"),
        }
    if isinstance(private, rsa.RSAPrivateKey):
        numbers = private.private_numbers()
        values = {
            Attribute.MODULUS: numbers.public_numbers.n,
            Attribute.PUBLIC_EXPONENT: numbers.public_numbers.e,
            Attribute.PRIVATE_EXPONENT: numbers.d,
            Attribute.PRIME_1: numbers.p,
            Attribute.PRIME_2: numbers.q,
            Attribute.EXPONENT_1: numbers.dmp1,
            Attribute.EXPONENT_2: numbers.dmq1,
            Attribute.COEFFICIENT: numbers.iqmp,
        }
        template |= {name: biginteger(value) for name, value in values.items()}
        return template | {Attribute.KEY_TYPE: KeyType.RSA}
    raise KeyUnavailable("token")


def can_hash(kind: Kind, *, hash_name: str) -> bool:
    """Whether a token signs such digests: RSA names the hash, and SHA-3 has no name there."""
    return kind.family == "ec" or hash_name in _DIGEST_INFO


def sign_in_token(key: Any, message: bytes, *, kind: Kind) -> bytes:
    """The signature of a message by a private object."""
    if kind.family == "ed25519":
        return bytes(key.sign(message, mechanism=Mechanism.EDDSA))
    digest = hashlib.new(kind.hash_name, message).digest()
    return sign_digest_in_token(key, digest, kind=kind, hash_name=kind.hash_name)


def sign_digest_in_token(key: Any, digest: bytes, *, kind: Kind, hash_name: str) -> bytes:
    """The signature of a digest by a private object."""
    if kind.family == "ec":
        # FIPS 186-5 §6.4: the leftmost bits; some tokens refuse more than the order has
        raw = bytes(key.sign(digest[: kind.size_bytes], mechanism=Mechanism.ECDSA))
        return in_der(raw, size_bytes=kind.size_bytes)
    if kind.padding == "pss":
        return bytes(
            key.sign(digest, mechanism=Mechanism.RSA_PKCS_PSS, mechanism_param=_PSS[hash_name])
        )
    return bytes(key.sign(_DIGEST_INFO[hash_name] + digest, mechanism=Mechanism.RSA_PKCS))


def _read_public(public_object: Any, *, kind: Kind) -> OwnPublicKey:
    if kind.family == "rsa":
        modulus = int.from_bytes(public_object[Attribute.MODULUS], "big")
        exponent = int.from_bytes(public_object[Attribute.PUBLIC_EXPONENT], "big")
        return rsa.RSAPublicNumbers(exponent, modulus).public_key()
    point = _octet_string(bytes(public_object[Attribute.EC_POINT]))
    if kind.family == "ed25519":
        return ed25519.Ed25519PublicKey.from_public_bytes(point)
    return ec.EllipticCurvePublicKey.from_encoded_point(CURVES[kind.curve], point)


def _octet_string(raw: bytes) -> bytes:
    # DER OCTET STRING by the standard; some tokens leave the wrapping out.  A point of ours is
    # shorter than 128 bytes, so its length is one byte.
    is_wrapped = len(raw) > 2 and raw[0] == 0x04 and raw[1] == len(raw) - 2
    return raw[2:] if is_wrapped else raw
