"""What identifiers of algorithms in foreign signatures mean.

What lives here: hashes and signatures by AlgorithmIdentifier, those that nobody should use any more
included: whether one suffices is for the policy, and it cannot say so of one that it does not know.
Source: RFC 5754, RFC 3279, RFC 4055, RFC 5758, RFC 8410, RFC 8692 (SHAKE: not taken); NIST CSOR
(SHA-3); BSI TR-03111 §5.2 (plain ECDSA).
Not here: verifying.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from keystore.pki.der import SEQUENCE
from signing.formats.der import INTEGER, DerMalformed, Element, read_oid, read_one
from signing.validation.found import SignatureAlgorithm

_NIST: Final = "2.16.840.1.101.3.4."
HASH_NAMES: Final = MappingProxyType(
    {
        "1.2.840.113549.2.5": "md5",
        "1.3.14.3.2.26": "sha1",
        f"{_NIST}2.4": "sha224",
        f"{_NIST}2.1": "sha256",
        f"{_NIST}2.2": "sha384",
        f"{_NIST}2.3": "sha512",
        f"{_NIST}2.6": "sha512_256",
        f"{_NIST}2.7": "sha3_224",
        f"{_NIST}2.8": "sha3_256",
        f"{_NIST}2.9": "sha3_384",
        f"{_NIST}2.10": "sha3_512",
        "1.3.36.3.2.1": "ripemd160",
    }
)
_RSA: Final = "1.2.840.113549.1.1."
_PSS: Final = f"{_RSA}10"
_MGF1: Final = f"{_RSA}8"
_ECDSA: Final = "1.2.840.10045.4."
_PLAIN: Final = "0.4.0.127.0.7.1.1.4.1."
_SIGNATURES: Final = MappingProxyType(
    {
        # the first three name no hash: the digest algorithm beside them is meant
        f"{_RSA}1": ("rsa", "pkcs1", ""),
        "1.2.840.10045.2.1": ("ec", "", ""),
        "1.2.840.10040.4.1": ("dsa", "", ""),
        f"{_RSA}4": ("rsa", "pkcs1", "md5"),
        f"{_RSA}5": ("rsa", "pkcs1", "sha1"),
        "1.3.14.3.2.29": ("rsa", "pkcs1", "sha1"),
        f"{_RSA}14": ("rsa", "pkcs1", "sha224"),
        f"{_RSA}11": ("rsa", "pkcs1", "sha256"),
        f"{_RSA}12": ("rsa", "pkcs1", "sha384"),
        f"{_RSA}13": ("rsa", "pkcs1", "sha512"),
        f"{_RSA}16": ("rsa", "pkcs1", "sha512_256"),
        "1.3.36.3.3.1.2": ("rsa", "pkcs1", "ripemd160"),
        f"{_NIST}3.13": ("rsa", "pkcs1", "sha3_224"),
        f"{_NIST}3.14": ("rsa", "pkcs1", "sha3_256"),
        f"{_NIST}3.15": ("rsa", "pkcs1", "sha3_384"),
        f"{_NIST}3.16": ("rsa", "pkcs1", "sha3_512"),
        f"{_ECDSA}1": ("ec", "", "sha1"),
        f"{_ECDSA}3.1": ("ec", "", "sha224"),
        f"{_ECDSA}3.2": ("ec", "", "sha256"),
        f"{_ECDSA}3.3": ("ec", "", "sha384"),
        f"{_ECDSA}3.4": ("ec", "", "sha512"),
        f"{_NIST}3.9": ("ec", "", "sha3_224"),
        f"{_NIST}3.10": ("ec", "", "sha3_256"),
        f"{_NIST}3.11": ("ec", "", "sha3_384"),
        f"{_NIST}3.12": ("ec", "", "sha3_512"),
        f"{_PLAIN}1": ("ec", "plain", "sha1"),
        f"{_PLAIN}2": ("ec", "plain", "sha224"),
        f"{_PLAIN}3": ("ec", "plain", "sha256"),
        f"{_PLAIN}4": ("ec", "plain", "sha384"),
        f"{_PLAIN}5": ("ec", "plain", "sha512"),
        "1.2.840.10040.4.3": ("dsa", "", "sha1"),
        f"{_NIST}3.1": ("dsa", "", "sha224"),
        f"{_NIST}3.2": ("dsa", "", "sha256"),
        f"{_NIST}3.3": ("dsa", "", "sha384"),
        f"{_NIST}3.4": ("dsa", "", "sha512"),
        "1.3.101.112": ("ed25519", "", "sha512"),
        "1.3.101.113": ("ed448", "", "shake256"),
    }
)


def hash_name(identifier: bytes) -> str:
    """The hash of an AlgorithmIdentifier; empty for one that is not known or makes no sense."""
    try:
        return HASH_NAMES.get(_named(read_one(identifier))[0], "")
    except DerMalformed:
        return ""


def read_signature_algorithm(identifier: bytes, *, digest: str) -> SignatureAlgorithm:
    """How a value was made.

    Takes   identifier: DER of the AlgorithmIdentifier; digest: the hash that stands beside it,
            which is meant where the identifier names none.
    Returns one with an empty family for what is not known.
    """
    try:
        dotted, parameters = _named(read_one(identifier))
        if dotted == _PSS:
            return _read_pss(parameters)
    except DerMalformed:
        return SignatureAlgorithm("", "", "", "malformed")
    family, padding, named = _SIGNATURES.get(dotted, ("", "", ""))
    return SignatureAlgorithm(family, padding, named or digest, dotted)


def as_der_value(value: bytes, *, algorithm: SignatureAlgorithm) -> bytes:
    """The value as the procedure takes it: two numbers side by side become DER."""
    if algorithm.padding != "plain":
        return value
    half = len(value) // 2
    first, second = int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big")
    return encode_dss_signature(first, second)


def without_plain(algorithm: SignatureAlgorithm) -> SignatureAlgorithm:
    """The algorithm of a value that became DER."""
    if algorithm.padding != "plain":
        return algorithm
    return SignatureAlgorithm(algorithm.family, "", algorithm.hash_name, algorithm.name)


def _read_pss(parameters: Element | None) -> SignatureAlgorithm:
    """RSASSA-PSS-params (RFC 4055 §3.1); what is left out is SHA-1 and a salt of 20.

    Another mask or another trailer than those that there are is an algorithm that nobody knows.
    """
    hashed = mgf_hash = "sha1"
    salt = 20
    if parameters is not None and parameters.tag == SEQUENCE:
        for one in parameters.children(most=4):
            inner = read_one(one.content)
            if one.tag == 0xA0:
                hashed = HASH_NAMES.get(_named(inner)[0], "")
            elif one.tag == 0xA1:
                mask, of = _named(inner)
                mgf_hash = "" if of is None else HASH_NAMES.get(_named(of)[0], "")
                if mask != _MGF1 or not mgf_hash:
                    return SignatureAlgorithm("", "", "", _PSS)
            elif one.tag == 0xA2 and inner.tag == INTEGER and len(inner.content) <= 4:
                salt = int.from_bytes(inner.content, "big", signed=True)
            elif one.tag != 0xA3 or bytes(inner.content) != b"\x01":
                return SignatureAlgorithm("", "", "", _PSS)
    return SignatureAlgorithm("rsa", "pss", hashed, _PSS, salt_bytes=salt, mgf_hash_name=mgf_hash)


def _named(element: Element) -> tuple[str, Element | None]:
    """Identifier and parameters.  Raises DerMalformed."""
    if element.tag != SEQUENCE:
        raise DerMalformed
    parts = element.children(most=2)
    if not parts:
        raise DerMalformed
    return read_oid(parts[0]), parts[1] if len(parts) == 2 else None
